"""KonIQ-10k: authentic distortions. Two of its files call two different scores `MOS`; they are told apart by their range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from train.datasets.base import Facts, Labels, find_file, find_folder, need_file, read_csv
from workspace.errors import DatasetFault

OFFICIAL = "koniq10k_distributions_sets.csv"
FACTS = Facts(
    name="koniq10k",
    title="KonIQ-10k",
    distortion="Authentic",
    low=1.0,
    high=5.0,
    extremes=(1.096, 4.310),
    count=10_073,
    paper_count=10_073,
    files=("koniq10k_scores_and_distributions.csv", OFFICIAL),
    folders=("1024x768", "512x384"),
    sizes=((1024, 768), (512, 384)),
    digests=("94619d8806961f67",),
    score="mean of about 120 votes, 1 to 5, from the distribution of votes; score = zscore: the authors' rescaled one, 0 to 100",
    sd="column SD: standard deviation of the votes on 1 to 5 (ddof 1)",
    group="the image itself",
    licence="images CC BY 2.0 and similar (YFCC100M); scores free with citation",
    citation="Hosu, Lin, Sziranyi and Saupe: KonIQ-10k: an ecologically valid database for deep learning. IEEE TIP 29 (2020)",
    address="https://database.mmsp-kn.de/koniq-10k-database.html",
    official={"train": 7_058, "val": 1_000, "test": 2_015},
    options={"score": ("mos", "zscore")},
    notes=("results on random splits do not compare with those on the official split",),
    rank=1,
)
_VOTES = ["c1", "c2", "c3", "c4", "c5"]
_PARTS = {"training": "train", "validation": "val", "test": "test"}


def read(root: Path, score: str = "mos") -> Labels:
    """The rows of either file of scores; the official split too where `koniq10k_distributions_sets.csv` lies beside it."""
    path = need_file(root, FACTS.files, FACTS.title)
    raw = read_csv(path, ("image_name", *_VOTES, "c_total", "MOS", "SD"), FACTS.title)
    counts = _counts(raw, path)
    scales = _scores(raw, counts, path)
    if score not in scales:
        raise DatasetFault(f"{path} holds no z-scores: put {OFFICIAL} beside it or use score = mos")
    frame = pd.DataFrame({"file": raw["image_name"].astype(str), "score": scales[score], "sd": raw["SD"].astype(float)})
    frame["votes"] = raw["c_total"].astype(int)
    for column in _VOTES:
        frame[column] = counts[column]
    frame["official"] = _official(root, frame["file"])
    folder = find_folder(root, FACTS.folders, frame["file"].iloc[:50].tolist())
    low, high = (FACTS.low, FACTS.high) if score == "mos" else (0.0, 100.0)
    return Labels(frame, folder, low, high)


def _counts(raw: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Votes per category as counts; one file holds counts, the other fractions of c_total."""
    votes = raw[_VOTES].astype(float)
    if votes.to_numpy().max() <= 1.0:
        votes = votes.mul(raw["c_total"], axis=0)
    counts = votes.round()
    if not np.array_equal(counts.sum(axis=1).to_numpy(), raw["c_total"].to_numpy()):
        raise DatasetFault(f"{path}: the votes c1 to c5 do not add up to c_total, as they do in {FACTS.title}: damaged table?")
    return counts.astype(int)


def _scores(raw: pd.DataFrame, counts: pd.DataFrame, path: Path) -> dict[str, pd.Series]:
    """Both scores where they are there: `mos` on 1 to 5 is the mean of the distribution, `zscore` is the other one."""
    mean = sum((k * counts[f"c{k}"] for k in range(1, 6)), start=pd.Series(0, index=counts.index)) / counts.sum(axis=1)
    scores: dict[str, pd.Series] = {"mos": mean.astype(float)}
    if raw["MOS"].max() > FACTS.high:
        scores["zscore"] = raw["MOS"].astype(float)
    elif (raw["MOS"] - mean).abs().max() > 0.01:
        raise DatasetFault(f"{path}: MOS is not the mean of the votes c1 to c5, as it is in {FACTS.title}: damaged table?")
    if "MOS_zscore" in raw:
        scores["zscore"] = raw["MOS_zscore"].astype(float)
    return scores


def _official(root: Path, files: pd.Series) -> pd.Series:
    path = find_file(root, (OFFICIAL,))
    if path is None:
        return pd.Series("", index=files.index)
    sets = read_csv(path, ("image_name", "set"), FACTS.title)
    parts = dict(zip(sets["image_name"].astype(str), sets["set"].astype(str).str.strip(), strict=True))
    named = files.map(parts)
    if named.isna().any() or not set(named) <= set(_PARTS):
        raise DatasetFault(f"{path} does not give each image training, validation or test: damaged table?")
    return named.map(_PARTS)
