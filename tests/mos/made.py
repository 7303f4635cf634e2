"""Votes with known variances for tests of statistics."""

from __future__ import annotations

import numpy as np

from mos.votes import Votes, from_matrix

SD = {"variant": 1.5, "content": 0.5, "mixed": 0.4, "observer": 0.7, "pair": 0.3, "noise": 1.2}


def known_votes(
    rng: np.random.Generator, *, contents: int = 12, variants: int = 7, observers: int = 10, missing: float = 0.0, whole: bool = False,
    sd: dict[str, float] | None = None,
) -> Votes:  # fmt: skip
    """Votes from the crossed normal model with standard deviations `sd` (default SD); variant 0 is the reference."""
    s = SD | (sd or {})
    y = (
        20.0
        + rng.normal(0, s["variant"], variants)[None, :, None]
        + rng.normal(0, s["content"], contents)[:, None, None]
        + rng.normal(0, s["mixed"], (contents, variants))[:, :, None]
        + rng.normal(0, s["observer"], observers)[None, None, :]
        + rng.normal(0, s["pair"], (contents, observers))[:, None, :]
        + rng.normal(0, s["noise"], (contents, variants, observers))
    )
    matrix = y.reshape(contents * variants, observers)
    if whole:
        matrix = np.clip(np.round(matrix - 14.5), 1, 10)
    if missing:
        matrix[rng.random(matrix.shape) < missing] = np.nan
    votes = from_matrix(
        matrix, 1 if whole else 0, 10 if whole else 40,
        content=tuple(np.repeat([f"c{c:02d}" for c in range(contents)], variants)),
        is_ref=np.tile(np.arange(variants) == 0, contents),
    )  # fmt: skip
    votes.info["variant"] = np.tile([f"v{v:02d}" for v in range(variants)], contents)
    votes.info["axis"] = np.tile([f"a{v % 3}" for v in range(variants)], contents)
    return votes
