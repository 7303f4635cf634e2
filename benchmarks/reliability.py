"""Coverage of the intervals of reliability, components, conditions, panels and correlations; and their speed.

Run: python benchmarks/reliability.py [--quick | --studies N]. Votes come from the crossed normal model with known variances, rounded to
1..10 where the table says so.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mos import components, conditions, panels, reliability, significance, stability
from mos.estimate import Estimate
from mos.evaluation import fisher_interval, group_interval, plcc
from mos.votes import Votes, from_matrix

SD = {"stimulus": 1.6, "observer": 0.7, "noise": 1.3}
CROSSED = {"variant": 1.5, "content": 0.5, "mixed": 0.4, "observer": 0.7, "pair": 0.3, "noise": 1.2}


def two_way(rng: np.random.Generator, stimuli: int, observers: int, missing: float, whole: bool) -> np.ndarray:
    """Stimuli x observers with known variances."""
    table = rng.normal(0, SD["stimulus"], (stimuli, 1)) + rng.normal(0, SD["observer"], observers)
    table = 5.5 + table + rng.normal(0, SD["noise"], (stimuli, observers))
    table = np.clip(np.round(table), 1, 10) if whole else table
    table[rng.random(table.shape) < missing] = np.nan
    return table


def crossed(rng: np.random.Generator, contents: int, variants: int, observers: int, missing: float = 0.0) -> Votes:
    """Votes of the full crossed model, one content per row of images."""
    s = CROSSED
    y = 20 + rng.normal(0, s["variant"], (1, variants, 1)) + rng.normal(0, s["content"], (contents, 1, 1))
    y = y + rng.normal(0, s["mixed"], (contents, variants, 1)) + rng.normal(0, s["observer"], (1, 1, observers))
    y = y + rng.normal(0, s["pair"], (contents, 1, observers)) + rng.normal(0, s["noise"], (contents, variants, observers))
    matrix = y.reshape(contents * variants, observers)
    matrix[rng.random(matrix.shape) < missing] = np.nan
    votes = from_matrix(matrix, 0, 40, content=tuple(np.repeat([f"c{c}" for c in range(contents)], variants)))
    votes.info["variant"] = np.tile([f"v{v:02d}" for v in range(variants)], contents)
    return votes


def covers(found: Estimate, truth: float) -> bool | None:
    """Whether an interval holds the truth; None without one."""
    return None if found.low is None or found.high is None else found.low <= truth <= found.high


def share(what: str, runs: int, once: Callable[[np.random.Generator], bool | None]) -> None:
    """Print the coverage of `runs` simulated studies."""
    hits = [h for h in (once(np.random.default_rng(seed)) for seed in range(runs)) if h is not None]
    got = float(np.mean(hits)) if hits else float("nan")
    print(f"| {what} | {len(hits)} | {got:.3f} | {1.96 * (got * (1 - got) / max(len(hits), 1)) ** 0.5:.3f} |", flush=True)


def icc_coverage(runs: int) -> None:
    """ICC(A,1) with and without missing votes, normal votes."""
    variances = {k: v**2 for k, v in SD.items()}
    truth = variances["stimulus"] / sum(variances.values())
    for observers in (5, 10, 24, 40):
        for missing in (0.0, 0.3):
            what = f"ICC(A,1), 60 images x {observers}, {missing:.0%} missing"
            share(
                what,
                runs,
                lambda r, o=observers, m=missing: covers(reliability.icc(two_way(r, 60, o, m, False))["ICC(A,1)"], truth),
            )


def component_coverage(runs: int) -> None:
    """All six components, 30 contents x 7 variants x 15 observers."""
    truth = dict(zip(components.TERMS, [v**2 for v in CROSSED.values()], strict=True))
    for missing in (0.0, 0.3):
        found = [
            components.variance_components(crossed(np.random.default_rng(s), 30, 7, 15, missing)).values for s in range(runs)
        ]
        for term in components.TERMS:
            values = iter(found)
            share(f"component {term}, {missing:.0%} missing", runs, lambda r, v=values, t=term: covers(next(v)[t], truth[t]))


def mean_coverage(runs: int) -> None:
    """The crossed interval of a mean, beside three that are too narrow."""
    from scipy import stats

    for contents, observers in ((100, 40), (30, 20), (10, 24)):

        def table(rng: np.random.Generator, c: int = contents, i: int = observers) -> np.ndarray:
            return rng.normal(0, 0.6, (c, 1)) + rng.normal(0, 0.7, i) + rng.normal(0, 1.3, (c, i))

        def crossed_one(rng: np.random.Generator) -> bool:
            found = conditions.crossed_mean(table(rng))
            return bool(found.low is not None and found.high is not None and found.low <= 0 <= found.high)

        def simple(values: np.ndarray) -> bool:
            half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
            return bool(abs(values.mean()) <= half)

        name = f"{contents} contents x {observers} observers"
        share(f"mean, crossed, {name}", runs, crossed_one)
        share(f"mean, s / sqrt(all votes), {name}", runs, lambda r: simple(table(r).ravel()))
        share(f"mean, contents alone, {name}", runs, lambda r: simple(table(r).mean(1)))
        share(f"mean, observers alone, {name}", runs, lambda r: simple(table(r).mean(0)))


def correlation_coverage(runs: int) -> None:
    """PLCC over 20 subjects x 19 images: whole subjects resampled, beside Fisher's interval."""

    def data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        groups = np.repeat(np.arange(20), 19)
        a = np.repeat(rng.normal(0, 1, 20), 19) + rng.normal(0, 0.5, 380)
        b = 0.8 * a + np.repeat(rng.normal(0, 0.6, 20), 19) + rng.normal(0, 0.3, 380)
        return a, b, groups

    a, b, _ = (np.concatenate(x) for x in zip(*(data(np.random.default_rng(10**6 + s)) for s in range(3000)), strict=True))
    truth = plcc(a, b)

    def fisher(rng: np.random.Generator) -> bool:
        x, y, _ = data(rng)
        low, high = fisher_interval(plcc(x, y), len(x))
        return low <= truth <= high

    def grouped(rng: np.random.Generator) -> bool | None:
        x, y, groups = data(rng)
        return covers(group_interval(plcc, x, y, groups, draws=300), truth)

    share("PLCC, 20 subjects x 19, subjects resampled", runs, grouped)
    share("PLCC, 20 subjects x 19, Fisher", runs, fisher)


def panel_coverage(runs: int) -> None:
    """Bias of two panels, 40 against 10 observers."""
    for missing in (0.0, 0.3):

        def once(rng: np.random.Generator, m: float = missing) -> bool:
            both = two_way(rng, 76, 50, m, False)
            found = panels.shift(both[:, :40], both[:, 40:], np.arange(76) // 19)
            return found.low <= 0 <= found.high

        share(f"bias of two panels, 40 and 10 on 76 images, {missing:.0%} missing", runs, once)


def speed() -> None:
    """Seconds at 1,900 x 40, best of three."""
    votes = crossed(np.random.default_rng(1), 100, 19, 40)
    for missing in (0.0, 0.05):
        if missing:
            votes = crossed(np.random.default_rng(1), 100, 19, 40, missing)
        matrix = votes.matrix()
        rows: list[tuple[str, Callable[[], object]]] = [
            ("ICC, all forms", lambda m=matrix: reliability.icc(m)),
            ("alpha, interval, 1,000 bootstraps", lambda m=matrix: reliability.alpha(m)),
            ("split half, 1,000 draws", lambda m=matrix: stability.split_half(m)),
            ("rank stability", lambda m=matrix: stability.rank_stability(m)),
            ("variance components", lambda v=votes: components.variance_components(v)),
            ("conditions.csv", lambda v=votes: conditions.condition_table(v)),
            ("tests inside contents (17,100 pairs)", lambda v=votes: significance.image_pairs(v)),
            ("all of reliability.json", lambda v=votes: reliability.reliability(v)),
        ]
        for name, run in rows:
            print(f"| {name}, {missing:.0%} missing | {min(_timed(run) for _ in range(3)):.3f} |", flush=True)


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="40 studies per line")
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies per line (default 1,000)")
    said = parser.parse_args()
    runs = 40 if said.quick else said.studies
    print("| interval | studies | coverage | +- |\n|---|---|---|---|")
    for table in (mean_coverage, icc_coverage, component_coverage, panel_coverage, correlation_coverage):
        table(runs)
    print("\n| 1,900 images x 40 observers | seconds |\n|---|---|")
    speed()


if __name__ == "__main__":
    main()
