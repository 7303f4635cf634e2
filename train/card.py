"""The model card: what a model is, what it learned from, how well it does, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from train.chain import describe
from train.model import short_name


def number(value: float | None, digits: int = 4) -> str:
    """A value for a table; a dash where it is not defined."""
    return "–" if value is None else f"{value:.{digits}f}"


def card_text(facts: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    """The card in Markdown."""
    titles = ", ".join(f"{s['title']} ({s['images']['train']:,} training images)" for s in facts["sets"])
    lines = [f"# {facts['name']}: image quality, {short_name(facts['shape']['backbone'])} at {facts['input']['size']} px", ""]
    lines += [f"> **{notice}**" for notice in facts["notices"]]
    lines += [
        "",
        f"Gives a photo a score from 1 (poor) to 10 (excellent) perceived quality. Trained on {titles}.",
        "",
        f"- Chain: {describe(facts)}",
        f"- Backbone weights: {facts['backbone_weights']['from']}",
        f"- Reported epoch: {results['reported_epoch']} of {results['epochs']}; split {facts['split']}",
        f"- Resize, weighting, mixing, selection: {facts['config']['resize']}, {facts['config']['weighting']}, "
        f"{facts['config']['mixing']}, {facts['config']['select']} by {facts['config']['select_by']}",
        "",
    ]
    lines += _table(results)
    lines += ["", "## Data", "", "| set | train | val | test | votes | licence |", "|---|---|---|---|---|---|"]
    for row in facts["sets"]:
        votes = "**simulated**" if row["simulated"] else "people's"
        counts = " | ".join(f"{row['images'][part]:,}" for part in ("train", "val", "test"))
        lines.append(f"| {row['title']} | {counts} | {votes} | {row['licence']} |")
    return "\n".join(lines) + "\n"


def _table(results: Mapping[str, Any]) -> list[str]:
    lines = [
        "| set | part | images | PLCC (95 % by groups) | SROCC | KRCC | RMSE | outside 1–10 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, found in results["sets"].items():
        for part in ("train", "val", "test"):
            if part not in found:
                continue
            m = found[part]
            ci = f" ({number(m['plcc_low'], 3)} to {number(m['plcc_high'], 3)})" if m.get("plcc_low") is not None else ""
            lines.append(
                f"| {results['titles'][name]} | {part} | {m['n']:,} | {number(m['plcc'])}{ci} | {number(m['srocc'])} | "
                f"{number(m['krcc'])} | {number(m['rmse'], 3)} | {100 * m['outside']:.1f} % |"
            )
    if results["collapsed"]:
        lines += ["", "**This run collapsed: its outputs carry no information on its own validation part.**"]
    return lines
