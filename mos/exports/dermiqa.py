"""The `dermiqa` dataset folder: images, scores.csv and votes.csv, which `dermiqa train` reads."""

from __future__ import annotations

from pathlib import Path

from mos.exports.study import StudyData
from mos.exports.tables import Options, copy_images, open_images, score_rows, write_csv, write_readme
from workspace.files import write_json

SCORE_COLUMNS = (
    "file", "sha256", "subject", "content", "pristine", "kind", "variant", "axis", "kadid_type", "kadid_level", "source",
    "skin_tone", "body_site", "panel", "question", "mos", "sd", "n", "n_simulated",
)  # fmt: skip

MEANINGS = {
    "file": "image, relative to images/",
    "sha256": "of the file's bytes",
    "subject": "person or lesion the photo shows; images of one subject belong into one part of a split",
    "content": "the photo that the image was made from",
    "pristine": "the pristine image's file",
    "kind": "pristine, distorted or authentic",
    "variant": "distortion and level",
    "axis": "kind of distortion",
    "kadid_type": "number of the distortion in KADID-10k",
    "kadid_level": "level of the distortion in KADID-10k",
    "source": "collection that the photo comes from",
    "skin_tone": "as recorded by the curator",
    "body_site": "as recorded by the curator",
    "panel": "group of observers",
    "question": "what was asked",
    "mos": "mean of the observers' first votes",
    "sd": "standard deviation between observers (n - 1)",
    "n": "observers that rated the image",
    "n_simulated": "how many of them were models",
}


def write(study: StudyData, out: Path, options: Options) -> list[Path]:
    """Write the folder: `images/`, `scores.csv` (a row per image, panel and question), `scale.json`, `votes.csv`, `README.md`."""
    stimuli, left_out = open_images(study, options)
    copy_images(stimuli, out / "images")
    rows = score_rows(study, stimuli, options.panel, options.question).rename(columns={"file": "frozen", "name": "file"})
    votes = study.select(options.panel, options.question)
    votes = votes.loc[votes["stimulus"].isin(stimuli["stimulus"])]
    ranges = "; ".join(f"{q or 'score'} {study.scale(q)[0]:g} to {study.scale(q)[1]:g}" for _, q in study.groups())
    lines = [
        f"{len(stimuli)} images with opinion scores (higher is better): {ranges}.",
        f"{left_out} images that may not be passed on were left out." if left_out else "All images of the study are here.",
    ]
    return [
        write_csv(out / "scores.csv", rows[list(SCORE_COLUMNS)]),
        write_csv(out / "votes.csv", votes),
        _write_scales(study, out / "scale.json"),
        write_readme(out / "README.md", study, lines, MEANINGS),
        out / "images",
    ]


def _write_scales(study: StudyData, path: Path) -> Path:
    """`{question: [low, high]}`, so that a reader need not guess the scale from the scores."""
    write_json(path, {question: list(study.scale(question)) for _, question in study.groups()})
    return path
