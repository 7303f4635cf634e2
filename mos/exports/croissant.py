"""Croissant 1.0: `croissant.json` beside images, scores and votes, so that mlcroissant and data search can read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from mos.exports import dermiqa
from mos.exports.dermiqa import MEANINGS
from mos.exports.study import StudyData
from mos.exports.tables import Options, note
from workspace.files import sha256_file, write_json

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
FLOATS = frozenset({"mos", "sd", "score", "response_ms", "position"})
WHOLE = frozenset({"n", "n_simulated", "rep", "simulated"})


def write(study: StudyData, out: Path, options: Options) -> list[Path]:
    """Write the `dermiqa` folder and `croissant.json` that describes it (files with hashes, records of scores and votes)."""
    made = dermiqa.write(study, out, options)
    write_json(out / "croissant.json", description(study, out))
    return [out / "croissant.json", *made]


def description(study: StudyData, out: Path) -> dict[str, Any]:
    """The JSON-LD of the folder `out` that `dermiqa.write` made."""
    from mos.exports.study import VOTE_COLUMNS

    licences = sorted({str(v) for v in study.stimuli["licence"] if str(v)})
    images = sorted(p.suffix for p in (out / "images").iterdir())
    days = [str(study.meta.get("created") or ""), *study.votes["time"]]
    published = {"datePublished": max(days)[:10]} if any(days) else {}
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": study.name,
        "description": f"Image quality opinion scores of the study {study.name}. {note(study)}".strip(),
        "license": licences or ["not recorded"],
        "url": str(study.meta.get("url") or f"urn:sha256:{study.votes_hash}"),
        "version": f"{study.meta.get('version', 1)}.0.0",
        **published,
        "citeAs": str(study.meta.get("citation") or f"{study.name}, version {study.meta.get('version', 1)}"),
        "distribution": [
            _file(out / "scores.csv"),
            _file(out / "votes.csv"),
            _images(out / "images", sorted(set(images))),
        ],
        "recordSet": [
            _records("scores", tuple(pd.read_csv(out / "scores.csv", nrows=0).columns), "one row per image, panel and question"),
            _records("votes", VOTE_COLUMNS, "one row per vote"),
        ],
    }


def _file(path: Path) -> dict[str, Any]:
    facts = {"@type": "cr:FileObject", "@id": path.name, "name": path.name, "contentUrl": path.name}
    return facts | {"encodingFormat": "text/csv", "sha256": sha256_file(path)}


def _images(folder: Path, suffixes: list[str]) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": "images",
        "name": "images",
        "description": "the rated images",
        "encodingFormat": "image/png" if suffixes in ([], [".png"]) else "image/*",
        "includes": f"{folder.name}/*",
    }


def _records(name: str, columns: tuple[str, ...], what: str) -> dict[str, Any]:
    from mos.exports.codebook import meaning

    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{name}/{column}",
            "name": column,
            "description": meaning(column) or MEANINGS.get(column, column),
            "dataType": "sc:Float" if column in FLOATS else "sc:Integer" if column in WHOLE else "sc:Text",
            "source": {"fileObject": {"@id": f"{name}.csv"}, "extract": {"column": column}},
        }
        for column in columns
    ]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "description": what, "field": fields}
