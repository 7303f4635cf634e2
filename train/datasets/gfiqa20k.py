"""GFIQA-20k: 19,998 faces of 512 x 512; up to eight of them come from one photo, which is the group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from train.datasets.base import Facts, Labels, find_folder, need_file, need_pattern, read_csv

FACTS = Facts(
    name="gfiqa20k",
    title="GFIQA-20k",
    distortion="Authentic",
    low=0.0,
    high=1.0,
    extremes=(0.0047, 0.9413),
    count=19_998,
    paper_count=20_000,
    files=("mos_val_rating.csv",),
    folders=("image", "images"),
    sizes=((512, 512),),
    digests=("93be5c9f2694fae4",),
    score="column mos: 0 to 1",
    sd="square root of the third column, the variance (its name differs between copies)",
    group="photo (the name before the last underscore); 1,366 photos hold 2 to 8 faces",
    licence="on request, for research",
    citation="Su, Lin, Hosu et al.: Going the extra mile in face image quality assessment. IEEE TMM 2023",
    address="https://database.mmsp-kn.de/gfiqa-20k-database.html",
    notes=("19,998 images, not 20,000",),
    rank=2,
)


def read(root: Path) -> Labels:
    """The rows of `mos_val_rating.csv` (`img_name,mos,` and the variance by whatever name)."""
    path = need_file(root, FACTS.files, FACTS.title)
    raw = read_csv(path, ("img_name", "mos"), FACTS.title)
    need_pattern(raw["img_name"], r"(?i)[^/]+_\d+\.png", path, FACTS.title)
    name = raw["img_name"].astype(str)
    frame = pd.DataFrame({"file": name, "score": raw["mos"], "group": name.str.rsplit("_", n=1).str[0]})
    third = [c for c in raw.columns if c not in ("img_name", "mos")]
    if third:
        frame["sd"] = np.sqrt(pd.to_numeric(raw[third[0]], errors="coerce"))
    return Labels(frame, find_folder(path.parent, FACTS.folders, name.iloc[:50].tolist()), FACTS.low, FACTS.high)
