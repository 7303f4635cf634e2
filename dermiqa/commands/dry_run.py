"""What `experiment --dry-run` prints: the sets as they are found, what each model takes, disk, and what to do first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermiqa.commands.common import hint, say, say_json, say_table

if TYPE_CHECKING:
    from train.dry_run import Cost
    from train.experiment import Experiment
    from train.present import Sight
    from train.roots import Root

Parts = Mapping[str, tuple[int, int, int]]


def dry_run(made: Experiment, roots: Mapping[str, Root], device: str, timed: int, cache_dir: Path | None, as_json: bool) -> int:
    """Look, time, count and print. Sets that are missing are taken at their published size."""
    from train.cache import default_cache_dir, free_bytes
    from train.dry_run import costs, counts, disk, summary
    from train.experiment import without_test_only
    from train.parallel import join
    from train.present import look

    seen = look(made, roots)
    kinds, images = {one.name: one.kind for one in seen}, {one.name: one.images for one in seen}
    made = without_test_only(made, kinds)
    parts = counts(made, kinds, images)
    world = join(device)
    hint(f"timing {timed} steps of each model on {world.device} (at most a minute each) ...")
    found = costs(made, parts, world, timed=timed)
    totals = summary(made, found, disk(made, images, found))
    place = cache_dir or default_cache_dir()
    free = round(free_bytes(place) / 1e9, 2)
    if as_json:
        rows = [{**vars(replace(one)), "parts": parts[one.name]} for one in seen]
        models = [{**vars(cost), "timing": vars(cost.timing)} for cost in found]
        say_json({**totals, "device": str(world.device), "free_gigabytes": free, "sets": rows, "models": models})
        return 0
    _say_sets(seen, parts)
    _say_models(found, totals, str(world.device))
    _say_disk(totals["gigabytes"], place, free)
    _say_next(made, seen)
    return 0


def _say_sets(seen: Sequence[Sight], parts: Parts) -> None:
    rows = [(one.name, f"{one.images:,}", *(f"{count:,}" for count in parts[one.name]), one.state) for one in seen]
    say_table(rows, ("set", "images", "train", "val", "test", "found"))
    unused = [one for one in seen if sum(parts[one.name]) < one.images]
    for one in unused:
        left = one.images - sum(parts[one.name])
        say(f"{one.name}: {left:,} images of the authors' test table are left out (docs/paper_choices.md says why)")
    say("")


def _say_models(found: Sequence[Cost], totals: Mapping[str, Any], device: str) -> None:
    rows = [
        (c.model, c.size, c.runs, f"{c.steps:,}", f"{1000 * c.timing.step:,.0f}", c.timing.steps, f"{c.longest:,.1f}", f"{c.hours:,.1f}")
        for c in found
    ]  # fmt: skip
    say_table(rows, ("model", "input px", "runs", "steps", "ms a step", "steps timed", "longest run, h", "all, h"))
    say(
        f"{totals['runs']} runs, {totals['hours']:,.1f} hours on one {device}; machines that share --out deal the runs among them"
    )
    if totals["hours"] > 24 * 30 and device == "cpu":
        say("on a CPU that is out of reach: use GPUs, or a copy of the experiment with fewer models, sets or splits")
    say("")


def _say_disk(sizes: Mapping[str, float], place: Path, free: float) -> None:
    need = sizes["cache"] + sizes["runs"] + sizes["checkpoint"]
    say(f"disk: cache {sizes['cache']} GB in {place} ({free} GB free{': NOT ENOUGH' if sizes['cache'] > free else ''}), ")
    say(f"      finished runs {sizes['runs']} GB, checkpoint of a run in work {sizes['checkpoint']} GB, together {need:.1f} GB")


def _say_next(made: Experiment, seen: Sequence[Sight]) -> None:
    """What stands between the user and the start, one line a set; or that nothing does."""
    open_ = [one for one in seen if one.todo]
    say("")
    if not open_:
        say(f"every set is here: dermiqa experiment {made.name} starts the runs")
        return
    say("before it can start (counted above as published where no labels are here):")
    for one in open_:
        say(f"  {one.name}: {one.todo}")
    say("or take these sets out of `sets` and `training` in a copy of the experiment's file")
