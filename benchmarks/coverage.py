"""Coverage of every interval on simulated votes whose truth is known: `python benchmarks/coverage.py [--quick]`.

Votes are whole numbers on 1..10 whose variance is a parabola of their mean (SOS a = .2), with observers of unequal care
and bias. An interval "for these observers" must hold their mean opinion, one "for the population" that of the
population they were drawn from. Every figure is printed as it comes out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from mos.conditions import condition_table
from mos.gsd import gsd
from mos.models import fit
from mos.models_p910 import mle_co_ap, p910
from mos.scores import score_table
from mos.screening import rejected_by
from mos.votes import Floats, Votes, from_matrix

OBSERVERS = (5, 10, 15, 24, 40)
LOW, HIGH, SOS = 1.0, 10.0, 0.2
BIAS = 0.4


@dataclass(frozen=True)
class Truth:
    """What an interval should hold: mean opinion of these observers and of the population `(J,)`, and the grand mean."""

    these: Floats
    population: Floats
    grand: float


def opinions(quality: Floats, bias: Floats) -> Floats:
    """Expected votes `(J, I)` of observers with a bias, kept off the ends."""
    return LOW + (HIGH - LOW) * np.clip((quality[:, None] + bias - LOW) / (HIGH - LOW), 0.02, 0.98)


def simulated(rng: np.random.Generator, people: int, images: int, kind: str) -> tuple[Votes, Truth]:
    """One study: `kind` clean, missing (30 %), careless (one observer in ten votes at random) or drift."""
    contents = images // 5
    effect = rng.normal(0, 0.5, contents)
    quality = np.tile([8.5, 7, 5.5, 4, 2.5], contents) + effect.repeat(5)
    bias = rng.normal(0, BIAS, people)
    mean = opinions(quality, bias)
    shown = mean
    if kind == "drift":
        place = np.argsort(rng.random(mean.shape), axis=0) / images - 0.5
        shown = np.clip(mean + rng.normal(0, 0.8, people) * place, LOW + 0.1, HIGH - 0.1)
    care = rng.uniform(0.6, 1.6, people)
    a = np.clip(SOS * care**2 / np.mean(care**2), 0.02, 0.9)
    share, strength = (shown - LOW) / (HIGH - LOW), 1 / a - 1
    value = rng.beta(share * strength, (1 - share) * strength) * (HIGH - LOW)
    whole = np.floor(value)
    grid = LOW + whole + (rng.random(value.shape) < value - whole)
    honest = np.ones(people, bool)
    if kind == "careless":
        honest[: max(1, people // 10)] = False
        grid[:, ~honest] = rng.integers(1, 11, (images, int((~honest).sum())))
    if kind == "missing":
        grid[rng.random(grid.shape) < 0.3] = np.nan
    votes = from_matrix(grid, LOW, HIGH, content=tuple(f"c{j // 5}" for j in range(images)), is_ref=np.arange(images) % 5 == 0)
    everyone = opinions(quality, np.random.default_rng(1).normal(0, BIAS, 2000)).mean(1)
    return votes, Truth(mean[:, honest].mean(1), everyone, float(opinions(np.array([8.5, 7, 5.5, 4, 2.5]), bias).mean()))


def intervals(votes: Votes, truth: Truth, *, slow: bool) -> Iterator[tuple[str, Floats, Floats, Floats]]:
    """(name, low, high, what it should hold) of every interval of one study."""
    table = score_table(votes)
    mos, se = table["mos"].to_numpy(float), table["se"].to_numpy(float)
    yield "MOS, 1.96 SE (for comparison)", mos - 1.96 * se, mos + 1.96 * se, truth.population
    yield "MOS, Student", table["ci95_low"].to_numpy(), table["ci95_high"].to_numpy(), truth.population
    yield "MOS, bounded", table["ci95_bounded_low"].to_numpy(), table["ci95_bounded_high"].to_numpy(), truth.population
    reference = np.repeat(truth.population[::5], 5)
    yield (
        "DMOS, paired",
        table["dmos_ci95_low"].to_numpy(),
        table["dmos_ci95_high"].to_numpy(),
        truth.population - reference + HIGH,
    )
    for name in ("BR_MOS_P913", "P910"):
        made = fit(name, votes)
        yield f"{name}, these observers", made.ci95_low, made.ci95_high, truth.these
        yield f"{name}, population", made.extra["population_ci95_low"], made.extra["population_ci95_high"], truth.population
    for name in ("P910_AP2", "MLE_CO_AP", "ZREC"):
        made = fit(name, votes)
        yield f"{name} (as published)", made.ci95_low, made.ci95_high, truth.these
    if slow:
        made = gsd(votes, draws=100)
        yield "GSD, bootstrap", made.ci95_low, made.ci95_high, truth.population
    every = condition_table(votes).query("grouping == 'all'").iloc[0]
    ends = (np.array([every["ci95_low"]], float), np.array([every["ci95_high"]], float))
    yield "mean of all images, crossed", *ends, np.array([opinions_mean()])


def opinions_mean() -> float:
    """The grand mean over contents and observers like these."""
    rng = np.random.default_rng(2)
    quality = (np.array([8.5, 7, 5.5, 4, 2.5]) + rng.normal(0, 0.5, 4000)[:, None]).ravel()
    return float(opinions(quality, rng.normal(0, BIAS, 200)).mean())


def screened(votes: Votes) -> Votes:
    """The votes without observers whom the rule `inconsistency` rejects."""
    return votes.without(set(rejected_by(votes, ["inconsistency"])))


def coverage(studies: int, images: int) -> pd.DataFrame:
    """Rows: interval and kind of study; columns: observers; cells: the share of intervals that hold their truth."""
    found: dict[tuple[str, str, int], list[float]] = {}
    for people in OBSERVERS:
        for kind in ("clean", "missing", "careless", "careless, screened", "drift"):
            for seed in range(studies):
                votes, truth = simulated(np.random.default_rng([seed, people]), people, images, kind.split(",")[0])
                if kind.endswith("screened"):
                    votes = screened(votes)
                for name, low, high, held in intervals(votes, truth, slow=seed < max(1, studies // 8)):
                    known = np.isfinite(low) & np.isfinite(high)
                    found.setdefault((name, kind, people), []).extend(((low <= held) & (held <= high))[known].astype(float))
    table = pd.Series({key: np.mean(values) for key, values in found.items()}).unstack().round(3)
    return table.rename_axis(["interval", "study"]).rename_axis(columns="observers")


def corrected(studies: int, sizes: tuple[int, ...]) -> pd.DataFrame:
    """The corrected fit against plain MOS and the published fit: unclipped votes, care .6 to 1.6, 30 % missing."""
    rows = []
    for images in sizes:
        for people in (5, 8, *OBSERVERS[1:]):
            errors: list[list[float]] = []
            inside: list[Floats] = []
            for seed in range(studies if images < 1000 else max(1, studies // 15)):
                rng = np.random.default_rng([seed, people, images])
                truth, v = rng.uniform(2, 9, images), rng.uniform(0.6, 1.6, people)
                bias = rng.normal(0, 0.5, people)
                grid = truth[:, None] + bias - bias.mean() + v * rng.normal(size=(images, people))
                grid[rng.random(grid.shape) < 0.3] = np.nan
                votes = from_matrix(grid, -20, 30)
                made = p910(votes)
                scores = (fit("MOS", votes).score, mle_co_ap(votes).score, made.score)
                errors.append([float(np.sqrt(np.nanmean((s - truth) ** 2))) for s in scores])
                known = np.isfinite(made.se)
                inside.append(((made.ci95_low <= truth) & (truth <= made.ci95_high))[known])
            mos, published, ours = np.mean(errors, axis=0)
            covered = float(np.concatenate(inside).mean())
            rows.append((images, people, round(mos, 3), round(published, 3), round(ours, 3), round(covered, 3)))
    return pd.DataFrame(
        rows, columns=["images", "observers", "RMSE MOS", "RMSE published", "RMSE corrected", "coverage corrected"]
    )


def main() -> None:
    """Simulate and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few studies: figures to about .02")
    options = parser.parse_args()
    studies = 6 if options.quick else 30
    print(coverage(studies, 100).to_string())
    print()
    print(corrected(studies, (100,) if options.quick else (100, 1900)).to_string(index=False))


if __name__ == "__main__":
    main()
