"""The export formats by name; each one's module is loaded when it is used."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from mos.exports.study import StudyData
from mos.exports.tables import Options
from workspace.errors import UsageFault, nearest


@dataclass(frozen=True)
class Format:
    """One way to write a study: its module (with `write(study, out, options)`), what it is for, whether it holds images."""

    name: str
    module: str
    what: str
    images: bool = False


FORMATS = {
    f.name: f
    for f in (
        Format("long", "mos.exports.long", "one row per vote, CSV"),
        Format("matrix", "mos.exports.matrix", "images by observers, CSV"),
        Format("parquet", "mos.exports.parquet", "votes, images and scores as Parquet"),
        Format("json", "mos.exports.json_file", "the whole study in one JSON"),
        Format("spss", "mos.exports.spss", "CSV, codebook and scripts for SPSS and R"),
        Format("sureal", "mos.exports.sureal", "sureal's JSON data set"),
        Format("pyiqa", "mos.exports.pyiqa", "meta_info files and images for pyiqa", images=True),
        Format("dermiqa", "mos.exports.dermiqa", "the folder that `dermiqa train` reads", images=True),
        Format("huggingface", "mos.exports.huggingface", "image folder with metadata.jsonl", images=True),
        Format("croissant", "mos.exports.croissant", "the dermiqa folder with croissant.json", images=True),
        Format("kadid", "mos.exports.kadid", "KADID-10k's layout", images=True),
        Format("zip", "mos.exports.zip_file", "one archive with protocol, plan, codebook, licences, checksums", images=True),
    )
}


def export(study: StudyData, name: str, out: Path, options: Options | None = None) -> list[Path]:
    """Write a study into the folder `out` in one format. Returns what was written. Raises UsageFault for an unknown format."""
    if name not in FORMATS:
        raise UsageFault(f"no export format {name!r}{nearest(name, list(FORMATS))}; there are: {', '.join(FORMATS)}")
    written: list[Path] = import_module(FORMATS[name].module).write(study, out, options or Options())
    return written
