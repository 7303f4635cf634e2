"""Who sees what when: a plan made from images, rules and a seed, the same on any machine; pure.

A row is what one observer will see: training, then sittings of blocks in the order of a Williams square, each block in a random
order of its own with a least distance between versions of one content, gold and repeats spread through it, stabilising items
first. Sources: ITU-T P.910 (sessions, replications, order), Williams 1949 (squares).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from annotate_app.design_rows import Maker
from annotate_app.design_squares import square_rows
from annotate_app.design_types import DESIGN_VERSION, RATED, Image, Plan, Rules, Shown, plan_sha256
from workspace.errors import StudyFault

__all__ = ["DESIGN_VERSION", "RATED", "Image", "Plan", "Rules", "Shown", "check_rules", "derived_rows", "fitting_rules", "make_plan",
           "plan_sha256", "rows_in_whole_squares"]  # fmt: skip
SITTING = 200


def fitting_rules(images: int, **said: object) -> Rules:
    """Rules for so many rated images: sittings of at most 200, or four blocks within one sitting; what is `said` goes first."""
    sittings = max(1, math.ceil(images / SITTING))
    short = 4 if images >= 40 else 2 if images >= 10 else 1
    blocks = int(str(said.get("blocks") or (sittings if sittings > 1 else short)))
    take = int(str(said.get("take") or blocks))
    per_sitting = int(str(said.get("per_sitting") or max(1, round(take / sittings))))
    per_block = images / blocks * per_sitting
    base: dict[str, object] = {"repeats": round(per_block * 0.05)}
    known = {k: v for k, v in said.items() if v is not None}
    return Rules(**{**base, **known, "blocks": blocks, "take": take, "per_sitting": per_sitting})  # type: ignore[arg-type]


def check_rules(images: Sequence[Image], rules: Rules) -> None:
    """Raise StudyFault where no plan can keep the rules."""
    rated = [image for image in images if image.role in RATED]
    if not rated:
        raise StudyFault("no image is left to rate: reserve fewer contents or bring in more photos")
    if not 1 <= rules.take <= rules.blocks or rules.blocks > len(rated):
        raise StudyFault(
            f"{rules.take} of {rules.blocks} blocks with {len(rated)} images: 1 to as many blocks as there are images was expected"
        )
    hidden = any(image.role == "reference" for image in rated)
    if rules.take < rules.blocks and hidden and not (rules.together or rules.references_everywhere):
        raise StudyFault(
            f"{rules.take} of {rules.blocks} blocks parts images from their reference, so DMOS would lose its pairs: "
            "keep whole contents together, show the references in every block, or leave the hidden reference out (method ACR)"
        )


def make_plan(images: Sequence[Image], rules: Rules, rows: int, seed: int, panel: str = "lay", first: int = 0) -> Plan:
    """The rows `first` .. `first + rows - 1` of a panel; a row depends on the seed and its own number alone."""
    check_rules(images, rules)
    maker = Maker(tuple(images), rules, seed, panel)
    made = [maker.row(number) for number in range(first, first + rows)]
    return Plan(tuple(images), rules, seed, panel, tuple(r for r, _ in made), tuple(d for _, d in made), tuple(maker.notes()))


def derived_rows(plan: Plan) -> Iterator[tuple[Shown, ...]]:
    """A plan's rows made once more from its images, rules and seed, one after another."""
    maker = Maker(plan.images, plan.rules, plan.seed, plan.panel)
    return (maker.row(number)[0] for number in range(len(plan.rows)))


def rows_in_whole_squares(rules: Rules, rows: int) -> tuple[int, int]:
    """How many rows stand in whole squares, and how many are left over."""
    whole = rows - rows % square_rows(rules.blocks)
    return whole, rows - whole
