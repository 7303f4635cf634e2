"""The proof of a plan: what it gives each image and asks of each observer, its balance, and its violations (which must be none)."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate_app.design import DESIGN_VERSION, RATED, Image, Plan, Rules, Shown, rows_in_whole_squares
from annotate_app.design_squares import row_order, square_rows

Ints = NDArray[np.int64]


def proof(plan: Plan, low: float = 1, high: float = 10) -> dict[str, Any]:
    """Votes per image (also after losses), hours, intervals to expect, pairs, balance, and violations; JSON values alone."""
    seen = seen_by_row(plan)
    rated = rated_images(plan)
    votes = votes_per_image(seen, len(plan.images))[rated] if rated else np.zeros(1, np.int64)
    whole, rest = rows_in_whole_squares(plan.rules, len(plan.rows))
    longest = max((len(row) for row in plan.rows), default=0)
    return {
        "design_version": DESIGN_VERSION,
        "panel": plan.panel,
        "images": len(rated),
        "observers": len(plan.rows),
        "presentations": sum(map(len, plan.rows)),
        "votes_per_image": {"least": int(votes.min()), "median": float(np.median(votes)), "most": int(votes.max())},
        "after_losing": {str(k): max(0, int(votes.min()) - k) for k in losses(len(plan.rows))},
        "sittings": plan.rules.sittings,
        "minutes_per_sitting": round(_longest_sitting(plan) * plan.rules.seconds / 60, 1),
        "hours_per_observer": round(longest * plan.rules.seconds / 3600, 2),
        "ci95_half_width": {f"{s:.2f}": expected_half_width(int(votes.min()), s) for s in spreads(low, high)},
        "paired": paired(plan, seen),
        "squares": {
            "blocks": plan.rules.blocks,
            "rows": square_rows(plan.rules.blocks),
            "rows_in_whole_squares": whole,
            "rest": rest,
        },
        "balance": balance(plan),
        "distance": {"wanted": plan.rules.distance, "reached": min((min(d) for d in plan.distances if d), default=0)},
        "shares": role_shares(plan),
        "violations": violations(plan, votes),
        "gives_up": given_up(plan),
    }


def rated_images(plan: Plan) -> list[int]:
    """Numbers of the images that count."""
    return [k for k, image in enumerate(plan.images) if image.role in RATED]


def seen_by_row(plan: Plan) -> list[Ints]:
    """The numbers of the images that each row counts (first presentations; one that stands there twice is a violation)."""
    counted = set(RATED)
    return [np.array([shown.image for shown in row if shown.role in counted], np.int64) for row in plan.rows]


def votes_per_image(seen: list[Ints], images: int) -> Ints:
    """How often each of `images` images counts in all rows."""
    votes = np.zeros(images, np.int64)
    for row in seen:
        np.add.at(votes, row, 1)
    return votes


def losses(rows: int) -> list[int]:
    """Numbers of observers whose loss is looked at: 1, 2, a tenth and a quarter of them."""
    return sorted({k for k in (1, 2, math.ceil(rows / 10), math.ceil(rows / 4)) if k < rows})


def spreads(low: float, high: float) -> tuple[float, float]:
    """Spreads of votes that studies show: 1.5 and 2 on 1..10, in the same share of other scales."""
    return (high - low) / 6, (high - low) / 4.5


def expected_half_width(n: int, spread: float) -> float | None:
    """Half width of Student's 95 % interval of a mean of n votes with this spread; None for fewer than two."""
    from scipy.stats import t

    return None if n < 2 else round(float(t.ppf(0.975, n - 1)) * spread / math.sqrt(n), 3)


def paired(plan: Plan, seen: list[Ints]) -> dict[str, float] | None:
    """Observers who see both an image and its hidden reference: least and mean over images; None without references."""
    rated = rated_images(plan)
    reference = {plan.images[k].content: k for k in rated if plan.images[k].role == "reference"}
    pairs = {k: reference[plan.images[k].content] for k in rated
             if plan.images[k].role != "reference" and plan.images[k].content in reference}  # fmt: skip
    if not pairs:
        return None
    partner = np.array([pairs.get(k, -1) for k in range(len(plan.images))], np.int64)
    shared, here = np.zeros(len(plan.images), np.int64), np.zeros(len(plan.images), np.int64)
    for row in seen:
        np.add.at(here, row, 1)
        images = np.unique(row[partner[row] >= 0])
        shared[images] += np.minimum(here[images], here[partner[images]])
        here[row] = 0
    counts = shared[list(pairs)]
    return {"least": int(counts.min()), "mean": round(float(counts.mean()), 2)}


def balance(plan: Plan) -> dict[str, Any]:
    """How evenly blocks stand in places and follow each other, images in sittings, and contents and variants in blocks."""
    rules, rows = plan.rules, len(plan.rows)
    places = np.zeros((rules.blocks, rules.take), np.int64)
    follows: Counter[tuple[int, int]] = Counter()
    for number in range(rows):
        _, order = row_order(plan.seed, plan.panel, rules.blocks, number, rules.take)
        for place, block in enumerate(order):
            places[block, place] += 1
        follows.update(itertools.pairwise(order))
    pairs = [follows[a, b] for a in range(rules.blocks) for b in range(rules.blocks) if a != b]
    sittings = image_by_sitting(plan)
    return {
        "block_by_place": places.tolist(),
        "block_after_block": {"least": min(pairs, default=0), "most": max(pairs, default=0)},
        "image_by_sitting": {"least": int(sittings.min()), "most": int(sittings.max())},
        "content_in_sitting": _content_in_sitting(plan),
    }


def image_by_sitting(plan: Plan) -> Ints:
    """How often each rated image counts in each sitting (images, sittings), over all rows."""
    place = {k: i for i, k in enumerate(rated_images(plan))}
    counts = np.zeros((len(place), max(1, plan.rules.sittings)), np.int64)
    for row in plan.rows:
        for shown in row:
            if shown.role in RATED:
                counts[place[shown.image], shown.sitting - 1] += 1
    return counts


def _content_in_sitting(plan: Plan) -> dict[str, int]:
    """Least and most versions of a content in one sitting (of those that it stands in)."""
    counts = [
        n
        for row in plan.rows
        for n in Counter((shown.sitting, plan.images[shown.image].content) for shown in row if shown.role in RATED).values()
    ]
    return {"least": min(counts, default=0), "most": max(counts, default=0)}


def _longest_sitting(plan: Plan) -> int:
    """Presentations of the longest sitting, training counted to the first."""
    return max((max(Counter(max(1, shown.sitting) for shown in row).values()) for row in plan.rows if row), default=0)


def role_shares(plan: Plan) -> dict[str, float]:
    """Presentations of each role in one row, on average."""
    counts = Counter(shown.role for row in plan.rows for shown in row)
    return {role: round(counts[role] / max(1, len(plan.rows)), 2) for role in sorted(counts)}


def violations(plan: Plan, votes: Ints) -> dict[str, int]:
    """Counted faults: all must be 0."""
    _, rest = rows_in_whole_squares(plan.rules, len(plan.rows))
    exact = plan.rules.take == plan.rules.blocks or not rest
    doubled = adjacent = near = early = 0
    for row, distances in zip(plan.rows, plan.distances, strict=True):
        first = Counter(shown.image for shown in row if shown.role in RATED)
        doubled += sum(n - 1 for n in first.values())
        adjacent += count_near(plan.images, row, 2)
        near += count_near(plan.images, row, None, distances)
        early += _early_repeats(row)
    contents = len({plan.images[k].content for k in rated_images(plan)})
    return {
        "unequal_votes": int(votes.max() - votes.min()) if exact else 0,
        "image_counted_twice": doubled,
        "same_content_in_a_row": adjacent if contents > 1 else 0,
        "nearer_than_the_distance": near,
        "repeat_before_its_image": early,
        "mixed_roles": len(
            {i.content for i in plan.images if i.role in RATED} & {i.content for i in plan.images if i.role not in RATED}
        ),
    }


def count_near(images: tuple[Image, ...], row: tuple[Shown, ...], distance: int | None, distances: tuple[int, ...] = ()) -> int:
    """Presentations of a row that follow one of the same content within a sitting at less than `distance` places.

    With None, a sitting's own distance counts, among all but training and stabilising items following each other.
    """
    last: dict[tuple[int, str], int] = {}
    found = 0
    for position, shown in enumerate(row):
        if shown.role == "training":
            continue
        key = (shown.sitting, images[shown.image].content)
        limit = distance if distance is not None else distances[shown.sitting - 1]
        warm = distance is None and shown.role == "stabilising"
        if key in last and position - last[key] < limit and not warm:
            found += 1
        last[key] = position
    return found


def _early_repeats(row: tuple[Shown, ...]) -> int:
    known: set[int] = set()
    early = 0
    for shown in row:
        if shown.role in RATED:
            known.add(shown.image)
        elif shown.role == "repeat" and shown.image not in known:
            early += 1
    return early


def given_up(plan: Plan) -> list[str]:
    """What this plan can't hold, in words."""
    _, rest = rows_in_whole_squares(plan.rules, len(plan.rows))
    lost = list(plan.notes)
    if rest:
        lost.append(
            f"{rest} of {len(plan.rows)} rows stand in an unfinished square (a square has {square_rows(plan.rules.blocks)} rows)"
        )
    reached = min((min(d) for d in plan.distances if d), default=0)
    if reached < plan.rules.distance:
        wanted = plan.rules.distance
        lost.append(f"versions of one content stand at least {reached} places apart, not {wanted}: the blocks hold few contents")
    return lost


def rules_values(rules: Rules) -> dict[str, Any]:
    """The rules as JSON values, from which the same rules are read again."""
    return {**rules.__dict__, "stabilising": list(rules.stabilising)}


def rules_from(values: dict[str, Any]) -> Rules:
    """The rules that `rules_values` wrote."""
    return Rules(**{**values, "stabilising": tuple(values["stabilising"])})
