"""BIQ2021: 12,000 images in two tables whose scores were stretched separately; the paper uses it for training and validation."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from train.datasets.base import Facts, Labels, find_file, find_folder, need_file, need_pattern, read_csv

_FILES = {
    "train": ("Train (Images and MOS).csv", "Train.csv"),
    "test": ("Test (Images and MOS).csv", "Test.csv"),
}
STRETCH = {"train": (1.017707, -0.000503), "test": (1.036811, 0.0)}
FACTS = Facts(
    name="biq2021",
    title="BIQ2021",
    distortion="Authentic",
    low=0.0,
    high=1.0,
    extremes=(0.0, 1.0),
    count=12_000,
    paper_count=8_000,
    role="train_val",
    files=(_FILES["train"][0],),
    folders=("Images",),
    sizes=((512, 512),),
    digests=("a001acfc4acb69de", "ac3af1e05cf88a96"),
    score="column MOS: mean of 30 laboratory votes, each table stretched to 0 to 1 by itself; scores = one_scale undoes that",
    sd="none published",
    group="the image itself, joined with its near-duplicates (438 near-identical pairs, 117 test images have one in Train)",
    licence="none stated; the paper says free for use and benchmarking",
    citation="Ahmed and Asif: BIQ2021: a large-scale blind image quality assessment database. J. Electronic Imaging 31(5) (2022)",
    address="https://github.com/nisarahmedrana/BIQ2021",
    official={"train": 10_000, "test": 2_000},
    options={"scores": ("published", "one_scale"), "subset": ("all", "ss01", "ss02", "ss03")},
    notes=("the paper's 8,000 images are probably subset ss03",),
    rank=4,
)


def read(root: Path, scores: str = "published", subset: str = "all") -> Labels:
    """The rows of both tables; `official` says which; the release of April 2023 (`Train.csv`, `Test.csv`) is read too.

    `scores = one_scale` undoes the stretch of each table (slope and offset fitted against the older release, residual < 1e-4).
    The older release holds eight negative scores; the newer one turned their sign, and so does this.
    """
    parts = [_part(root, part, scores) for part in ("train", "test")]
    frame = pd.concat([p for p in parts if p is not None], ignore_index=True)
    if subset != "all":
        frame = frame[frame["subset"] == subset]
    folder = find_folder(root, FACTS.folders, frame["file"].iloc[:200].tolist())
    return Labels(frame, folder, FACTS.low, FACTS.high)


def _part(root: Path, part: str, scores: str) -> pd.DataFrame | None:
    path = need_file(root, _FILES[part], FACTS.title) if part == "train" else find_file(root, _FILES[part])
    if path is None:
        return None
    raw = read_csv(path, ("Image Name", "MOS"), FACTS.title).dropna(subset=["Image Name"])
    need_pattern(raw["Image Name"], r"(?i)ss0[123] \(\d+\)\.jpg", path, FACTS.title)
    name, score = raw["Image Name"].astype(str), pd.to_numeric(raw["MOS"], errors="coerce").abs()
    stretched = path.name.lower() == _FILES[part][0].lower()
    if scores == "one_scale" and stretched:
        slope, offset = STRETCH[part]
        score = ((score - offset) / slope).clip(FACTS.low, FACTS.high)
    return pd.DataFrame({"file": name, "score": score, "official": part, "subset": name.str[:4].str.lower()})
