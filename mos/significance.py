"""Tests between images and between variants: paired by observer, corrected for their number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from mos.conditions import content_codes, crossed_mean
from mos.votes import Votes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """Paired t tests between all rows of a matrix, each array `(J, J)`: difference row - column, n, t and p (nan: undefined)."""

    difference: Floats
    n: Floats
    t: Floats
    p: Floats


def paired_t(matrix: Floats) -> Pairs:
    """Paired t tests of all pairs of stimuli, stimuli x observers `(J, I)`, nan = missing; only common observers count.

    All pairs come from three matrix products. n < 2 or a constant difference of 0 gives nan; a constant other difference p = 0.
    """
    present = (~np.isnan(matrix)).astype(float)
    x = np.where(present > 0, matrix - np.nanmean(matrix), 0.0)
    n = present @ present.T
    sums, squares, products = x @ present.T, x**2 @ present.T, x @ x.T
    safe = np.maximum(n, 1)
    difference = np.where(n > 0, (sums - sums.T) / safe, np.nan)
    spread = squares + squares.T - 2 * products - n * np.nan_to_num(difference) ** 2
    variance = np.where(n > 1, np.maximum(spread, 0) / np.maximum(n - 1, 1), np.nan)
    variance = np.where(variance < 1e-12, 0.0, variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = difference / np.sqrt(variance / safe)
    p = 2 * stats.t.sf(np.abs(t), np.maximum(n - 1, 1))
    return Pairs(difference, n, t, np.where(np.isnan(t), np.nan, p))


def holm(p: Floats) -> Floats:
    """Holm's adjusted p values `(m,)`, nan left out of the count (Holm 1979)."""
    return _step(p, lambda sorted_p, m: np.maximum.accumulate(sorted_p * (m - np.arange(m))))


def benjamini_hochberg(p: Floats) -> Floats:
    """Benjamini and Hochberg's adjusted p values `(m,)` for the false discovery rate (1995), nan left out of the count."""
    return _step(p, lambda sorted_p, m: np.minimum.accumulate((sorted_p * m / np.arange(1, m + 1))[::-1])[::-1])


def _step(p: Floats, adjust: object) -> Floats:
    out = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    if len(order) and callable(adjust):
        out[order] = np.minimum(adjust(p[order], len(order)), 1.0)
    return out


def image_pairs(votes: Votes) -> pd.DataFrame:
    """Paired t tests between the images of each content, Holm-corrected inside the content: columns content, a, b, n,
    difference (a - b), t, p, p_holm, wilcoxon_p."""
    matrix = votes.matrix()
    content = votes.info["content"].to_numpy(dtype=object)
    frames = []
    for name in sorted({c for c in content if c}):
        rows = np.flatnonzero(content == name)
        rows = rows[(~np.isnan(matrix[rows])).any(1)]
        if len(rows) < 2:
            continue
        tests = paired_t(matrix[rows])
        a, b = np.triu_indices(len(rows), 1)
        names = np.array(votes.stimuli, dtype=object)[rows]
        rank = wilcoxon(matrix[rows[a]] - matrix[rows[b]])
        frames.append(
            pd.DataFrame(
                {"content": name, "a": names[a], "b": names[b], "n": tests.n[a, b].astype(int),
                 "difference": tests.difference[a, b], "t": tests.t[a, b], "p": tests.p[a, b], "p_holm": holm(tests.p[a, b]),
                 "wilcoxon_p": rank}
            )
        )  # fmt: skip
    columns = ["content", "a", "b", "n", "difference", "t", "p", "p_holm", "wilcoxon_p"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def wilcoxon(differences: Floats) -> Floats:
    """Two-sided p of Wilcoxon's signed-rank test for each row of differences `(m, I)`, nan = missing.

    Zeros dropped, average ranks, normal approximation without continuity correction; nan with fewer than 6 other values.
    """
    used = ~np.isnan(differences) & (differences != 0)
    size = np.where(used, np.abs(np.nan_to_num(differences)), np.inf)
    rank = np.where(used, stats.rankdata(np.round(size, 9), axis=1), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (np.sum(rank * (differences > 0), axis=1) - rank.sum(1) / 2) / np.sqrt(np.sum(rank**2, axis=1) / 4)
    return np.where(used.sum(1) >= 6, 2 * stats.norm.sf(np.abs(z)), np.nan)


def variant_pairs(votes: Votes) -> pd.DataFrame:
    """Differences between variants, paired by content and observer, with the crossed interval and Holm-corrected p.

    Columns a, b, contents, observers, difference (a - b), ci95_low, ci95_high, p, p_holm. References are the variant
    `reference`. Speaks for observers and contents like these.
    """
    info = votes.info
    if "variant" not in info:
        return pd.DataFrame(columns=["a", "b", "contents", "observers", "difference", "ci95_low", "ci95_high", "p", "p_holm"])
    names = np.where(info["is_ref"].to_numpy(bool), "reference", info["variant"].astype(str).to_numpy()).astype(object)
    first = votes.first()
    tables = _aligned(first, names)
    variants = sorted(tables)
    rows = []
    for place, a in enumerate(variants):
        for b in variants[place + 1 :]:
            found = crossed_mean(tables[a] - tables[b])
            d = tables[a] - tables[b]
            p = np.nan
            if found.se and found.df and found.mean is not None:
                p = 2 * float(stats.t.sf(abs(found.mean) / found.se, found.df))
            rows.append(
                {"a": a, "b": b, "contents": int((~np.isnan(d)).any(1).sum()), "observers": int((~np.isnan(d)).any(0).sum()),
                 "difference": found.mean, "ci95_low": found.low, "ci95_high": found.high, "p": p}
            )  # fmt: skip
    table = pd.DataFrame(rows, columns=["a", "b", "contents", "observers", "difference", "ci95_low", "ci95_high", "p"])
    return table.assign(p_holm=holm(table["p"].to_numpy(float)))


def _aligned(first: Votes, variant: NDArray[np.object_]) -> dict[str, Floats]:
    """Contents x observers of each variant, all with the same rows and columns, nan = no vote."""
    names, code = np.unique(variant.astype(str), return_inverse=True)
    content = content_codes(first)
    size = (len(names), int(content.max()) + 1 if len(content) else 0, len(first.observers))
    cell = (code[first.stimulus] * size[1] + content[first.stimulus]) * size[2] + first.observer
    total = size[0] * size[1] * size[2]
    counts = np.bincount(cell, minlength=total)
    means = np.full(total, np.nan)
    np.divide(np.bincount(cell, first.score, minlength=total), counts, out=means, where=counts > 0)
    tables = dict(zip(names.tolist(), means.reshape(size), strict=True))
    return {name: table for name, table in tables.items() if name and not np.isnan(table).all()}
