"""How `evaluate` prints: agreement with intervals, the same per kind of image, paired tests between models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dermiqa.commands.common import say, say_table


def _interval(part: Mapping[str, Any], key: str) -> str:
    from train.card import number

    low, high = part.get(f"{key}_low"), part.get(f"{key}_high")
    return number(part[key]) + (f" [{low:.3f}, {high:.3f}]" if low is not None else "")


def say_results(found: Sequence[Mapping[str, Any]], by: bool) -> None:
    """Agreement of every run on every part of every set; with `by` also per variant, axis and so on."""
    from train.card import number

    rows = []
    for run in found:
        for name, results in run["sets"].items():
            for part in ("train", "val", "test"):
                if part in results:
                    m = results[part]
                    rows.append(
                        (run["row"]["model"], run["row"]["training"], run["split"], run["titles"][name], part, m["n"], _interval(m, "plcc"),
                         number(m["plcc_mapped"]), _interval(m, "srocc"), number(m["krcc"]), number(m["rmse"], 3))
                    )  # fmt: skip
    say_table(rows, ("model", "trained on", "split", "set", "part", "n", "PLCC", "mapped", "SROCC", "KRCC", "RMSE"))
    if by:
        for run in found:
            _say_kinds(run)
    if any(run["simulated"] for run in found):
        say("SIMULATED VOTES are among these: such figures say nothing about what people see")


def _say_kinds(run: Mapping[str, Any]) -> None:
    from train.card import number

    for name, results in run["sets"].items():
        rows = [
            (
                m["kind"],
                m["value"],
                m["n"],
                _interval(m, "plcc"),
                _interval(m, "srocc"),
                number(m["rmse"], 3),
                f"{m['bias']:+.2f}",
            )
            for m in results.get("by", [])
        ]
        if rows:
            say(f"\n{run['row']['model']} on {run['row']['training']}, split {run['split']}, test part of {run['titles'][name]}")
            say_table(rows, ("kind", "value", "n", "PLCC", "SROCC", "RMSE", "bias"))


def say_comparison(rows: Sequence[Mapping[str, Any]]) -> None:
    """The table of paired tests, one line a pair, set and measure."""
    if not rows:
        say("nothing to compare: two models or more that were tested on one set were expected")
        return
    shown = [
        (
            r["test"], r["first"], r["second"], r["measure"], r["splits"], _signed(r["difference"]), _between(r, ""), _p(r["p_holm"]),
            _signed(r["within_difference"]), _between(r, "within_"), r["reason"],
        )
        for r in rows
    ]  # fmt: skip
    heads = ("set", "first", "second", "measure", "splits", "difference", "95 %", "p (Holm)", "one split", "95 %", "remark")
    say_table(shown, heads)
    say("difference: first minus second over common splits, Nadeau-Bengio t; one split: the same images, groups resampled")


def _between(row: Mapping[str, Any], what: str) -> str:
    low, high = row[f"{what}low"], row[f"{what}high"]
    return "" if low is None else f"{_signed(low)} to {_signed(high)}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
