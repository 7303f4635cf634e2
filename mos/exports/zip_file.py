"""One ZIP for an archive such as Zenodo: tables, images, protocol, plan, codebook, licences, checksums."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from mos.exports.codebook import codebook
from mos.exports.json_file import plain_value
from mos.exports.long import labels
from mos.exports.matrix import matrix
from mos.exports.study import StudyData, safe_name
from mos.exports.tables import Options, csv_bytes, note, open_images
from workspace.errors import StudyFault
from workspace.files import replacing, sha256_file

EPOCH = (1980, 1, 1, 0, 0, 0)
STORED = frozenset({".png", ".jpg", ".jpeg", ".webp"})


def write(study: StudyData, out: Path, options: Options) -> list[Path]:
    """Write `NAME.zip` into `out`; the same study gives the same bytes. `checksums.sha256` is read by `sha256sum -c`."""
    path = out / f"{safe_name(study.name)}.zip"
    sums: list[str] = []
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in tables(study, options):
            sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}")
            archive.writestr(_entry(name), data, compresslevel=9)
        for name, file in _images(study, options):
            sums.append(f"{sha256_file(file)}  {name}")
            archive.writestr(_entry(name), file.read_bytes())
        archive.writestr(_entry("checksums.sha256"), "\n".join(sorted(sums, key=lambda s: s[66:])) + "\n")
    return [path]


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_STORED if Path(name).suffix in STORED else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _images(study: StudyData, options: Options) -> Iterator[tuple[str, Path]]:
    if not options.include_closed and not study.redistributable().any():
        return
    stimuli, _ = open_images(study, options)
    for stimulus, name, file, digest in stimuli[["stimulus", "name", "file", "sha256"]].itertuples(index=False):
        source = Path(str(file))
        if not source.is_file() or (digest and sha256_file(source) != digest):
            raise StudyFault(f"image {stimulus}: {file} is missing or not the file that was frozen: run `dermiqa verify`")
        yield f"images/{name}", source


def tables(study: StudyData, options: Options) -> Iterator[tuple[str, bytes]]:
    """Every file of the archive but the images: (name, bytes)."""
    closed = 0 if options.include_closed else int((~study.redistributable()).sum())
    votes = study.select(options.panel, options.question)
    yield "votes.csv", csv_bytes(votes)
    for panel, question in study.groups():
        name = f"matrix_{safe_name(panel or 'all')}_{safe_name(question or 'score')}.csv"
        yield name, csv_bytes(matrix(study, panel, question).reset_index())
    yield "stimuli.csv", csv_bytes(labels(study))
    yield "scores.csv", csv_bytes(study.scores())
    yield "observers.csv", csv_bytes(study.observers)
    yield "questions.csv", csv_bytes(study.questions)
    yield "codebook.csv", csv_bytes(codebook(study, whole=True))
    yield "licences.csv", csv_bytes(licences(study))
    plan = study.meta.get("plan_rows")
    if isinstance(plan, pd.DataFrame):
        yield "plan.csv", csv_bytes(plan)
    protocol = {key: value for key, value in study.meta.items() if key != "plan_rows"}
    yield "protocol.json", _json({"study": study.name, "votes_sha256": study.votes_hash, **plain_value(protocol)})
    yield ".zenodo.json", _json(zenodo(study))
    yield "README.md", readme(study, closed).encode()


def licences(study: StudyData) -> pd.DataFrame:
    """One row per source, licence and credit, with how many images come from it and whether they may be passed on."""
    keys = ["source", "licence", "credit", "may_redistribute"]
    texts = study.stimuli[keys].fillna("").astype(str)
    return texts.groupby(keys, sort=True).size().rename("images").reset_index()


def zenodo(study: StudyData) -> dict[str, Any]:
    """Metadata that Zenodo reads; creators are for the uploader to fill in."""
    return {
        "title": f"Image quality opinion scores: {study.name}",
        "upload_type": "dataset",
        "description": f"{len(study.votes)} votes on {len(study.stimuli)} images. {note(study)}".strip(),
        "version": str(study.meta.get("version", 1)),
        "keywords": ["image quality assessment", "dermatology", "mean opinion score"],
        "access_right": "open" if study.redistributable().all() else "restricted",
    }


def readme(study: StudyData, closed: int) -> str:
    """README.md of the archive."""
    lines = [f"# {study.name}", "", *([f"**{note(study)}**", ""] if note(study) else [])]
    lines += [
        f"{len(study.votes)} votes of {study.votes['observer'].nunique()} observers on {study.votes['stimulus'].nunique()} images.",
        f"{closed} images may not be passed on and are not in images/; their votes are." if closed else "",
        "",
        "votes.csv: one row per vote; matrix_*.csv: first votes, images by observers; stimuli.csv: labels of the images;",
        "scores.csv: MOS, standard deviation and number of observers; codebook.csv: what each column means;",
        "protocol.json: the frozen protocol; licences.csv: whom to name;",
        *(["plan.csv: the frozen plan, one row per showing, and to whom it was given;"] if "plan_rows" in study.meta else []),
        "checksums.sha256: check with `sha256sum -c checksums.sha256`.",
        "",
    ]
    return "\n".join(lines)


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, sort_keys=True) + "\n").encode()
