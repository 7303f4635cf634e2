"""The report's sections on how a study was made: method, plan, viewing conditions, deviations, limits."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mos.document import Block, Bullets, Section, Table, Text
from mos.exports.study import StudyData

FIRST = ("violations", "gives_up", "balance", "votes_per_image")
"""What a reader of a plan's proof looks for first."""
P910_LEVELS = (5, 9, 11)
CONDITIONS = {
    "display": ("display", "screen", "ppi", "pixel", "monitor"),
    "viewing distance": ("distance",),
    "room light": ("light", "lux", "luminance", "illumin"),
}


def method(study: StudyData, question: str) -> Section:
    """Question, scale with its labels, method, texts, times."""
    low, high = study.scale(question)
    references = int(study.stimuli["is_ref"].sum())
    kind = "ACR with hidden reference (ACR-HR)" if references else "ACR"
    contents = study.stimuli["content"].replace("", pd.NA).nunique()
    blocks: list[Block] = [
        Text(
            f"Absolute category rating, {kind}: each image was seen alone and rated once on {_levels(low, high)}. "
            f"{len(study.stimuli)} images of {contents} contents, {references} of them hidden references."
        )
    ]
    rows = [[str(r["question"]), str(r["text"] or ""), f"{r['low']:g} to {r['high']:g}", _labels(r["labels"])]
            for _, r in study.questions.iterrows()]  # fmt: skip
    blocks.append(Table(["question", "text", "range", "labels"], rows, "Questions"))
    said = pairs(study.meta.get("method"), "method") + pairs(study.meta.get("timing"), "timing")
    if said:
        blocks.append(Table(["setting", "value"], said, "Settings"))
    gone = [[str(name), str(reason)] for name, reason in (study.meta.get("left_out") or {}).items()]
    if gone:
        blocks.append(Table(["left out", "reason"], gone, "Variants that the study leaves out"))
    texts = pairs(study.meta.get("texts"))
    if texts:
        blocks.append(Table(["text", "as the observers read it"], texts, "Instructions and other texts", long=True))
    else:
        blocks.append(Text("Instructions: not recorded with these votes."))
    return Section("Method", blocks)


def _levels(low: float, high: float) -> str:
    return f"a continuous scale {low:g} to {high:g}" if high - low > 20 else f"{high - low + 1:g} levels, {low:g} to {high:g}"


def _labels(labels: Any) -> str:
    if isinstance(labels, dict):
        return ", ".join(f"{k} {v}" for k, v in labels.items())
    return ", ".join(map(str, labels)) if isinstance(labels, list | tuple) else str(labels or "")


def pairs(value: Any, prefix: str = "") -> list[list[str]]:
    """Nested settings as rows of name and value; empty for None."""
    if value is None or value == "":
        return []
    if isinstance(value, dict):
        return [row for k, v in value.items() for row in pairs(v, f"{prefix} {str(k).replace('_', ' ')}".strip())]
    if isinstance(value, list | tuple) and any(isinstance(item, dict) for item in value):
        named = [
            (str(item.get("panel", place)) if isinstance(item, dict) else str(place), item) for place, item in enumerate(value, 1)
        ]
        return [row for name, item in named for row in pairs(item, f"{prefix} {name}".strip() if len(value) > 1 else prefix)]
    if isinstance(value, list | tuple):
        return [[prefix, ", ".join(map(str, value))]] if value else []
    return [[prefix, {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)]]


def _proofs(plan: Any) -> list[tuple[str, list[list[str]]]]:
    """Caption and rows of each panel's proof; of the whole where the proof is not by panel."""
    panels = plan.get("panels") if isinstance(plan, dict) else None
    if not isinstance(panels, list) or not all(isinstance(panel, dict) for panel in panels):
        return [("Proof of balance", pairs(plan))]
    return [
        (
            f"Proof of balance, panel {panel.get('panel', place)}",
            pairs({key: panel[key] for key in _ordered(panel) if key != "panel"}),
        )
        for place, panel in enumerate(panels, start=1)
    ]


def _ordered(proof: dict[str, Any]) -> list[str]:
    """The keys of a proof, what was broken or given up first."""
    return sorted(proof, key=lambda key: (key not in FIRST, FIRST.index(key) if key in FIRST else 0))


def plan(study: StudyData) -> Section:
    """The plan: seed, hash, design version, and the proof of its balance."""
    head = [[name, str(study.meta[key])] for name, key in (("seed", "seed"), ("version of the design", "design_version"),
            ("hash of the frozen protocol", "hash"), ("frozen", "created")) if study.meta.get(key) not in (None, "")]  # fmt: skip
    proofs = _proofs(study.meta.get("plan"))
    blocks: list[Block] = []
    if head:
        blocks.append(Text("The plan was drawn before the first vote and frozen with the protocol."))
        blocks.append(Table(["what", "value"], head, "Frozen plan"))
    blocks += [Table(["what was checked", "found"], rows, caption) for caption, rows in proofs if rows]
    if not blocks:
        blocks.append(Text("No plan came with these votes."))
    first = study.votes.loc[study.votes["rep"] == 0]
    counts = first.groupby(["question", "stimulus"]).size()
    blocks.append(
        Text(f"Votes per image: least {counts.min()}, median {counts.median():g}, most {counts.max()}; "
             f"{int((study.votes['rep'] > 0).sum())} repeated votes, which judge observers only.")
    )  # fmt: skip
    return Section("Plan", blocks)


def viewing(study: StudyData) -> Section:
    """Display, distance, light: what was measured, or that it was not."""
    rows = pairs(study.meta.get("display"))
    stated = study.meta.get("display")
    viewing_rows = pairs(stated["viewing"], "viewing") if isinstance(stated, dict) and "viewing" in stated else rows
    known = " ".join(name for name, value in viewing_rows if value != "not controlled").lower()
    missing = [what for what, words in CONDITIONS.items() if not any(word in known for word in words)]
    blocks: list[Block] = [Table(["condition", "value"], rows, "Viewing conditions")] if rows else []
    if missing:
        blocks.append(Text(f"Not recorded or not controlled: {', '.join(missing)}."))
    return Section("Viewing conditions", blocks)


def deviations(study: StudyData, question: str) -> Section:
    """Every deviation from P.910 that the study states or that its numbers show."""
    low, high = study.scale(question)
    stated = [str(d) for d in study.meta.get("deviations") or []]
    found = list(stated)
    text = " ".join(stated).lower()
    levels = high - low + 1
    if levels not in P910_LEVELS and high - low <= 20 and "level" not in text:
        found.append(f"{levels:g} levels instead of 5, 9 or 11")
    if "browser" not in text:
        found.append("shown in a web browser on the observers' displays")
    if "light" not in text and not any("light" in n.lower() or "lux" in n.lower() for n, _ in pairs(study.meta.get("display"))):
        found.append("room light not controlled")
    people = study.select(question=question).groupby("panel")["observer"].nunique()
    for panel, count in people.items():
        if count < 24:
            found.append(f"{count} observers in panel {panel or '(one)'}: fewer than 24")
    if study.simulated:
        found.append("votes of model observers, not of people")
    return Section("Deviations from ITU-T P.910", [Bullets(found)])


def limits(study: StudyData) -> Section:
    """What the numbers can't say."""
    lines = [
        "Scores hold for observers like these, on these images, under these conditions.",
        "Intervals of single images speak for the observers; those of variants and axes for observers and contents alike.",
        "A browser sees neither the display's brightness nor night mode, true colour or resampling by the system.",
        "Differences between images are judged by paired tests, never by looking at overlapping intervals.",
    ]
    if study.simulated:
        lines.insert(0, "Model observers rehearse a study. Nothing here says how people see these images.")
    return Section("Limits", [Bullets(lines)])
