"""KADID-10k: 81 references, 25 distortions at 5 levels; its column `dmos` rises with quality, `var` is a standard deviation."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from train.datasets.base import Facts, Labels, find_folder, need_file, need_pattern, read_csv

FACTS = Facts(
    name="kadid10k",
    title="KADID-10k",
    distortion="Artificial",
    low=1.0,
    high=5.0,
    extremes=(1.0, 4.93),
    count=10_125,
    paper_count=10_125,
    files=("dmos.csv",),
    folders=("images",),
    sizes=((512, 384),),
    digests=("7701a8e0bf9afc7f",),
    score="column dmos: mean of 30 votes, 1 to 5, higher is better in spite of its name",
    sd="column var: the population standard deviation of the votes (ddof 0), not a variance",
    group="reference image (first three characters of the name)",
    licence="Pixabay licence (images); free for research with citation",
    citation="Lin, Hosu and Saupe: KADID-10k: a large-scale artificially distorted IQA database. QoMEX 2019",
    address="https://database.mmsp-kn.de/kadid-10k-database.html",
    notes=("the folder also holds the 81 references, which have no score",),
    unscored=r"i\d\d\.png",
    rank=6,
)


def read(root: Path) -> Labels:
    """The rows of `dmos.csv` (`dist_img,ref_img,dmos,var`); a random split of its images is a leak: group by reference."""
    path = need_file(root, FACTS.files, FACTS.title)
    raw = read_csv(path, ("dist_img", "ref_img", "dmos", "var"), FACTS.title)
    need_pattern(raw["dist_img"], r"(?i)I\d\d_\d\d_\d\d\.png", path, FACTS.title)
    name = raw["dist_img"].astype(str)
    kind, level = name.str[4:6].astype(int), name.str[7:9].astype(int)
    frame = pd.DataFrame(
        {
            "file": name,
            "score": raw["dmos"],
            "group": name.str[:3],
            "sd": raw["var"].astype(float),
            "reference": raw["ref_img"].astype(str),
            "kadid_type": kind,
            "kadid_level": level,
            "variant": name.str[4:9],
            "axis": name.str[4:6],
        }
    )
    folder = find_folder(path.parent, FACTS.folders, frame["file"].iloc[:50].tolist())
    return Labels(frame, folder, FACTS.low, FACTS.high)
