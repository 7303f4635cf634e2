"""The paper's figures 2, 3 and 4 from finished runs, as SVG: score distributions, and correlation against input size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from train.run_folder import PREDICTIONS
from train.table_bounds import left_out
from workspace.files import replacing

BINS = np.linspace(1, 10, 37)


def draw_all(runs: Sequence[dict[str, Any]], folder: Path) -> list[Path]:
    """Write figure2.svg (each dermatology set), figure3.svg (all sets) and figure4.svg; those without data are left out."""
    scores = set_scores(runs)
    own = {title: (values, simulated) for title, (values, simulated, kind) in scores.items() if kind == "dermiqa"}
    others = {title: (values, simulated) for title, (values, simulated, kind) in scores.items() if kind != "dermiqa"}
    made = []
    for name, part in (("figure2", own), ("figure3", others)):
        if part:
            made.append(_histograms(part, folder / f"{name}.svg"))
    sizes = size_points(runs)
    if sizes["size"].nunique() > 1:
        made.append(_against_size(sizes, folder / "figure4.svg"))
    return made


def set_scores(runs: Sequence[dict[str, Any]]) -> dict[str, tuple[Any, bool, str]]:
    """Scores on [1, 10] of each set that was trained on: title -> (values, simulated, kind of set)."""
    found: dict[str, tuple[Any, bool, str]] = {}
    for run in runs:
        path = Path(run["folder"]) / PREDICTIONS
        wanted = {
            name: title for name, title in run["titles"].items() if title not in found and "train" in run["sets"].get(name, {})
        }
        if not wanted or not path.is_file():
            continue
        frame = pd.read_csv(path, usecols=["set", "score10"], dtype={"set": str})
        for name, title in wanted.items():
            values = frame.loc[frame["set"] == name, "score10"].to_numpy(float)
            found[title] = (values, bool(run.get("simulated")), run["kinds"][name])
    return found


def _histograms(sets: dict[str, tuple[Any, bool]], path: Path) -> Path:
    from matplotlib.figure import Figure

    columns = min(3, len(sets))
    lines = -(-len(sets) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.8 * lines), layout="constrained")
    axes = np.atleast_1d(figure.subplots(lines, columns)).ravel()
    for axis, (title, (values, simulated)) in zip(axes, sets.items(), strict=False):
        axis.hist(values, bins=BINS, color="#4c72b0")
        axis.set(
            title=title + (" (simulated votes)" if simulated else ""), xlabel="MOS on [1, 10]", ylabel="images", xlim=(1, 10)
        )
    for axis in axes[len(sets) :]:
        axis.remove()
    return _save(figure, path)


def size_points(runs: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """One row per run and test set: size (input side, px), model, training, test, plcc, srocc; collapsed runs left out."""
    rows = []
    for run in runs:
        if run["row"]["kind"] != "model" or run.get("collapsed") or left_out(run):
            continue
        for name, found in run["sets"].items():
            if "test" in found:
                rows.append(
                    {
                        "size": run["input_size"], "model": run["row"]["model"].split(" at ")[0], "training": run["row"]["training"],
                        "test": run["titles"][name], "plcc": found["test"]["plcc"], "srocc": found["test"]["srocc"],
                    }
                )  # fmt: skip
    return pd.DataFrame(rows, columns=["size", "model", "training", "test", "plcc", "srocc"])


def _against_size(points: pd.DataFrame, path: Path) -> Path:
    """One column of panels per test set; PLCC above, SROCC below; a line per training set, a marker per model."""
    from matplotlib.figure import Figure

    tests = list(dict.fromkeys(points["test"]))
    figure = Figure(figsize=(3.4 * len(tests) + 1.5, 5.6), layout="constrained")
    axes = np.asarray(figure.subplots(2, len(tests), squeeze=False, sharex=True))
    for column, test in enumerate(tests):
        for line, measure in enumerate(("plcc", "srocc")):
            axis = axes[line, column]
            for training, part in points[points["test"] == test].groupby("training", sort=False):
                means = part.groupby("size")[measure].agg(["mean", "std"]).reset_index()
                axis.errorbar(
                    means["size"], means["mean"], yerr=means["std"].fillna(0), marker="o", capsize=3, label=str(training)
                )
            axis.set(ylabel=measure.upper(), title=test if line == 0 else "", xlabel="input side, px" if line else "")
    axes[0, -1].legend(fontsize=7, loc="best", title="trained on", title_fontsize=7)
    return _save(figure, path)


def _save(figure: Any, path: Path) -> Path:
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "dermiqa"}), replacing(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    return path
