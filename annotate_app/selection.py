"""Which images a study shows, and in which roles: read from the manifest, contents reserved for training and gold."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate_app.design import Image
from annotate_app.design_squares import generator
from annotate_app.kadid import dmos_of, on_scale
from workspace.errors import StudyFault, nearest
from workspace.files import read_rows
from workspace.manifest import read_manifest
from workspace.settings import Workspace
from workspace.tables import SOURCES_COLUMNS

Row = dict[str, str]
RESERVED = 6
FROM_SOURCES = ("source_url", "credit", "body_site", "skin_tone", "may_redistribute")


@dataclass(frozen=True)
class Chosen:
    """An image with its role, the manifest's row and, for gold, the value to expect, the tolerance and who said so."""

    image: Image
    row: Row
    expected: float | None = None
    tolerance: float | None = None
    said_by: str = ""


def name_of(row: Row) -> str:
    """An image's name in a study: the photo's, with `_VARIANT` for a variant."""
    return f"{row['pristine']}_{row['variant']}" if row["variant"] else row["pristine"]


def left_out(row: Row, draft: Mapping[str, Any]) -> str:
    """Why a study leaves a variant out, everywhere or of this photo alone; an empty text when it doesn't."""
    said = draft["leave_out"]
    return str(said.get(row["variant"]) or said.get(name_of(row)) or "") if row["variant"] else ""


def choose(workspace: Workspace, draft: Mapping[str, Any], seed: int) -> list[Chosen]:
    """The images of a study, sorted by name. Raises StudyFault when there are none or two have one name."""
    rows = _rows(workspace, draft)
    reserved = _reserved(rows, draft, seed)
    test = [row for row in rows if _content(row, draft) not in reserved]
    if draft["method"] == "ACR" and not draft["authentic"]:
        test = [row for row in test if row["variant"]]
    chosen = [Chosen(_image(row, draft, _rated_role(row, draft)), row) for row in test]
    chosen += _reserved_roles([row for row in rows if _content(row, draft) in reserved], draft, seed)
    doubled = [name for name, n in Counter(c.image.name for c in chosen).items() if n > 1]
    if doubled:
        raise StudyFault(f"two images would both be called {doubled[0]}: rename the photo or the variant")
    return sorted(chosen, key=lambda c: c.image.name)


def _rows(workspace: Workspace, draft: Mapping[str, Any]) -> list[Row]:
    """The manifest's rows of the recipe, each with what sources.csv says, without what the study leaves out."""
    sources = {r["pristine"]: r for r in read_rows(workspace.sources, SOURCES_COLUMNS)} if workspace.sources.exists() else {}
    rows = list(read_manifest(workspace, draft["recipe"]))
    if draft["authentic"]:
        rows = [row for row in rows if not row["variant"]]
    elif not any(row["variant"] for row in rows):
        known = sorted({row["recipe"] for row in read_manifest(workspace)} - {""})
        raise StudyFault(f"no variants of the recipe {draft['recipe']!r}{nearest(draft['recipe'], known)}: make them with "
                         f"`dermiqa distort --recipe {draft['recipe']}`")  # fmt: skip
    there = {row["variant"] for row in rows} | {name_of(row) for row in rows if row["variant"]}
    for name in draft["leave_out"]:
        if name not in there:
            raise StudyFault(
                f"leave_out names {name!r}, which is no variant of the recipe or of a photo here{nearest(name, sorted(there))}"
            )
    contents = draft["contents"]
    for name in contents or ():
        if name not in {row["pristine"] for row in rows}:
            raise StudyFault(f"contents names {name!r}, which no variant comes from: see `dermiqa sources`")
    kept = [
        {**{k: sources.get(row["pristine"], {}).get(k, "") for k in FROM_SOURCES}, **row}
        for row in rows
        if not left_out(row, draft) and (contents is None or row["pristine"] in contents)
    ]
    return kept


def _content(row: Row, draft: Mapping[str, Any]) -> str:
    return (row["subject"] or row["pristine"]) if draft["authentic"] else row["pristine"]


def _rated_role(row: Row, draft: Mapping[str, Any]) -> str:
    return "test" if row["variant"] or draft["authentic"] or draft["method"] == "ACR" else "reference"


def _image(row: Row, draft: Mapping[str, Any], role: str) -> Image:
    return Image(name_of(row), _content(row, draft), row["variant"], role)


def default_reserve(contents: int) -> int:
    """How many contents are left out of the test: 6, at most a quarter (rounded up), none of a single one."""
    return 0 if contents < 2 else min(RESERVED, math.ceil(contents / 4))


def _reserved(rows: Sequence[Row], draft: Mapping[str, Any], seed: int) -> set[str]:
    """Contents left out of the test: the named ones, or whole subjects drawn by the seed."""
    subjects: dict[str, set[str]] = {}
    for row in rows:
        subjects.setdefault(row["subject"] or row["pristine"], set()).add(_content(row, draft))
    contents = set().union(*subjects.values()) if subjects else set()
    wanted = draft["reserve"]
    if isinstance(wanted, list):
        unknown = [name for name in wanted if name not in contents]
        if unknown:
            raise StudyFault(f"reserve names {unknown[0]!r}, which is no content here{nearest(unknown[0], sorted(contents))}")
        return set(wanted)
    if wanted is None:
        wanted = default_reserve(len(contents)) if draft["training"] or draft["gold"] else 0
    if wanted >= len(contents) > 0:
        raise StudyFault(f"reserve is {wanted} of {len(contents)} contents: at least one must be left for the test")
    reserved: set[str] = set()
    names = sorted(subjects)
    for k in generator(seed, "reserve").permutation(len(names)):
        if len(reserved) + len(subjects[names[int(k)]]) <= wanted:
            reserved |= subjects[names[int(k)]]
    return reserved


def _quality(row: Row) -> float:
    """An image's supposed quality 1..5: KADID-10k's mean opinion, else from its PSNR (20 dB: 2, 40 dB: 4)."""
    known = dmos_of(row["kadid_type"], row["kadid_level"]) if row["kadid_type"] or not row["variant"] else None
    if known is not None:
        return known
    try:
        return max(1.0, min(4.6, float(row["psnr"]) / 10))
    except ValueError:
        return 3.0


def _reserved_roles(rows: Sequence[Row], draft: Mapping[str, Any], seed: int) -> list[Chosen]:
    """Training over the whole range of quality, gold from its two ends, the rest for stabilising items; no image in two roles."""
    rng = generator(seed, "roles")
    queue = sorted((rows[int(k)] for k in rng.permutation(len(rows))), key=_quality)
    gold_count = min(draft["gold"], max(0, len(queue) - min(draft["training"], len(queue) // 2)))
    low, high = gold_count // 2, gold_count - gold_count // 2
    gold = [*queue[:low], *queue[len(queue) - high :]] if gold_count else []
    middle = queue[low : len(queue) - high]
    count = min(draft["training"], len(middle))
    picked = {round(k * (len(middle) - 1) / max(1, count - 1)) for k in range(count)}
    training = [row for k, row in enumerate(middle) if k in picked]
    rest = [row for k, row in enumerate(middle) if k not in picked]
    return [
        *(_gold(row, draft) for row in gold),
        *(Chosen(_image(row, draft, "training"), row) for row in training),
        *(Chosen(_image(row, draft, "stabilising"), row) for row in rest),
    ]


def _gold(row: Row, draft: Mapping[str, Any]) -> Chosen:
    """A gold image; its value from the draft's table, from KADID-10k where the draft says so, else not judged."""
    image, values = _image(row, draft, "gold"), draft["gold_values"]
    low, high = draft["questions"][0]["low"], draft["questions"][0]["high"]
    if isinstance(values, dict) and image.name in values:
        said = values[image.name]
        return Chosen(
            image, row, float(said["expected"]), float(said.get("tolerance", (high - low) / 4)), str(said.get("by", ""))
        )
    if values == "kadid":
        return Chosen(image, row, round(on_scale(_quality(row), low, high), 2), (high - low) / 4, "KADID-10k's mean opinion")
    return Chosen(image, row)


def panel_images(chosen: Sequence[Chosen], panel: Mapping[str, Any], seed: int) -> list[Image]:
    """The images that a panel rates: all, or whole contents drawn by the seed or named; left-out contents always."""
    wanted = panel["contents"]
    rated = sorted({c.image.content for c in chosen if c.image.role in ("test", "reference", "anchor")})
    if wanted is None:
        keep = set(rated)
    elif isinstance(wanted, int):
        if not 1 <= wanted <= len(rated):
            raise StudyFault(f"the panel {panel['name']!r} rates {wanted} contents: 1 to {len(rated)} was expected")
        keep = {rated[int(k)] for k in generator(seed, panel["name"], "contents").permutation(len(rated))[:wanted]}
    else:
        unknown = [name for name in wanted if name not in rated]
        if unknown:
            raise StudyFault(
                f"the panel {panel['name']!r} names {unknown[0]!r}, no content of the test{nearest(unknown[0], rated)}"
            )
        keep = set(wanted)
    return [c.image for c in chosen if c.image.role in ("gold", "training", "stabilising") or c.image.content in keep]
