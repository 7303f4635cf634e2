"""Hugging Face image folder: `train/` with the images and metadata.jsonl, and a card with YAML head; opens without network."""

from __future__ import annotations

import json
from pathlib import Path

from mos.exports.dermiqa import MEANINGS, SCORE_COLUMNS
from mos.exports.json_file import plain_value
from mos.exports.study import StudyData
from mos.exports.tables import Options, copy_images, note, one_group, open_images, score_rows
from workspace.files import write_text


def write(study: StudyData, out: Path, options: Options) -> list[Path]:
    """Write `train/IMAGES`, `train/metadata.jsonl` (one object per image with `file_name`) and `README.md`; one panel."""
    panel, question = one_group(study, options)
    stimuli, left_out = open_images(study, options)
    copy_images(stimuli, out / "train")
    rows = score_rows(study, stimuli, panel, question).rename(columns={"name": "file_name"})
    columns = ["file_name", *(c for c in SCORE_COLUMNS if c != "file")]
    lines = [
        json.dumps({c: plain_value(v) for c, v in zip(columns, row, strict=True)}, ensure_ascii=False)
        for row in rows[columns].itertuples(index=False, name=None)
    ]
    write_text(out / "train" / "metadata.jsonl", "\n".join(lines) + "\n")
    write_text(out / "README.md", card(study, len(rows), left_out, question))
    return [out / "train", out / "README.md"]


def card(study: StudyData, images: int, left_out: int, question: str) -> str:
    """The data set's card: YAML head, what it is, columns."""
    low, high = study.scale(question)
    licences = sorted({str(v) for v in study.stimuli["licence"] if str(v)})
    head = ["---", f"pretty_name: {json.dumps(study.name)}", "task_categories:", "- image-classification"]
    head += ["tags:", "- image-quality-assessment", "- dermatology", *(["- simulated"] if study.simulated else [])]
    head += ["license: other", f"size_categories:\n- {_size(images)}", "---", "", f"# {study.name}", ""]
    said = [f"**{note(study)}**", ""] if note(study) else []
    body = [
        f"{images} images with opinion scores (MOS on {low:g} to {high:g}, higher is better)."
        + (f" {left_out} images that may not be passed on are not here." if left_out else ""),
        "",
        f"Licences of the photos: {', '.join(licences) or 'not recorded'}.",
        "",
        "| column | meaning |",
        "|---|---|",
        *(f"| {'file_name' if k == 'file' else k} | {v} |" for k, v in MEANINGS.items()),
        "",
    ]
    return "\n".join(head + said + body)


def _size(images: int) -> str:
    return "n<1K" if images < 1000 else "1K<n<10K" if images < 10_000 else "10K<n<100K" if images < 100_000 else "100K<n<1M"
