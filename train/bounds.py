"""Floors and ceilings that belong beside every model: the mean, the variant's label alone, and the noise of the votes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mos.estimate import finite
from mos.evaluation import plcc, rmse, srocc
from mos.stability import split_half

Floats = NDArray[np.float64]
DRAWS = 100


def mean_predictor(train: Floats, test: Floats) -> dict[str, Any]:
    """The training part's mean as every answer: no correlation is defined, the error is the floor of all errors."""
    return {"plcc": None, "srocc": None, "rmse": finite(rmse(np.full(len(test), np.mean(train)), test))}


def variant_means(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, Any] | None:
    """An oracle that is told each test image's variant and answers with that variant's mean in the training part.

    On sets made of ladders this is hard to beat: a model that only reads the kind and strength of the distortion, never
    the picture, does as well. Both frames have `variant` and `score10`. None for a set without variants.
    """
    if "variant" not in test.columns or train.empty or test["variant"].fillna("").nunique() < 2:
        return None
    means = train.groupby("variant")["score10"].mean()
    answers = test["variant"].map(means).fillna(train["score10"].mean()).to_numpy(float)
    labels = test["score10"].to_numpy(float)
    return {"plcc": finite(plcc(answers, labels)), "srocc": finite(srocc(answers, labels)), "rmse": finite(rmse(answers, labels))}


def noise_ceiling(table: pd.DataFrame, rows: NDArray[np.int64], votes: Path | None, seed: int = 0) -> dict[str, Any] | None:
    """The agreement that perfect knowledge of the true quality would reach with these noisy scores.

    `reliability` is the split-half correlation of the votes lengthened to all observers (where `votes` holds them), else
    1 - mean(sd^2 / n) / variance from the table's `sd` and `votes`; PLCC's ceiling is its root, SROCC's is simulated.
    None where neither votes nor SDs are known.
    """
    part = table.iloc[rows]
    labels = part["score"].to_numpy(float)
    found = _from_votes(part, votes, seed) if votes is not None and votes.is_file() else None
    how = "split-half"
    if found is None:
        found, how = _from_sds(part, labels), "from SD and number of votes"
    if found is None or not 0 < found <= 1:
        return None
    true = labels.mean() + (labels - labels.mean()) * np.sqrt(found)
    noise = np.random.default_rng(seed).normal(0.0, np.sqrt(1 - found) * labels.std(), (DRAWS, len(labels)))
    ranks = float(np.mean([srocc(true, true + one) for one in noise]))
    return {"plcc": float(np.sqrt(found)), "srocc": finite(ranks), "reliability": found, "how": how}


def _from_votes(part: pd.DataFrame, path: Path, seed: int) -> float | None:
    votes = pd.read_csv(path, dtype={"stimulus": str, "observer": str})
    if not {"stimulus", "observer", "score"} <= set(votes.columns):
        return None
    if "rep" in votes.columns:
        votes = votes[votes["rep"] == 0]
    for column in ("panel", "question"):
        if column in votes.columns and column in part.columns:
            votes = votes[votes[column].fillna("").astype(str) == str(part[column].fillna("").iloc[0])]
    wanted = set(part["file"].astype(str)) | {Path(str(file)).stem for file in part["file"]}
    votes = votes[votes["stimulus"].isin(wanted)]
    if votes.empty:
        return None
    matrix = votes.pivot_table(index="stimulus", columns="observer", values="score", aggfunc="first").to_numpy(float)
    return split_half(matrix, draws=DRAWS, seed=seed).value


def _from_sds(part: pd.DataFrame, labels: Floats) -> float | None:
    if "sd" not in part.columns or "votes" not in part.columns:
        return None
    sd, count = part["sd"].to_numpy(float), part["votes"].to_numpy(float)
    known = np.isfinite(sd) & (count > 0)
    if known.sum() < 10 or np.var(labels) == 0:
        return None
    return float(1 - np.mean(sd[known] ** 2 / count[known]) / np.var(labels[known], ddof=1))


def bounds(table: pd.DataFrame, part: NDArray[np.str_], votes: Path | None, seed: int = 0) -> dict[str, Any]:
    """All floors and ceilings of one set's test part; those that can't be known are left out."""
    test, train = np.flatnonzero(part == "test"), np.flatnonzero(part == "train")
    if len(test) < 3:
        return {}
    labels = table["score10"].to_numpy(float)
    found: dict[str, Any] = {"mean predictor": mean_predictor(labels[train] if len(train) else labels[test], labels[test])}
    oracle = variant_means(table.iloc[train], table.iloc[test])
    if oracle is not None:
        found["variant's mean (oracle)"] = oracle
    ceiling = noise_ceiling(table, test, votes, seed)
    if ceiling is not None:
        found["noise of the votes (ceiling)"] = ceiling
    return found
