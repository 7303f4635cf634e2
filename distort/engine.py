"""The run: one plan over `sources.csv`, pure work for each photo on any number of workers, then the manifest.

Every image and every record is written under a temporary name and renamed, the record last. A run that was killed is
finished by the same command: what is there and right is kept, what is missing, changed or planned otherwise is made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from distort import png
from distort.pool import on_dask, on_processes
from distort.recipes import Recipe
from distort.work import Made, Row, pixels_sha256, planned, pristine_row, render
from workspace.errors import PhotoFault, WorkspaceFault
from workspace.files import lock, need_space, sha256_bytes, sha256_file, sweep, write_bytes
from workspace.manifest import RECORD, is_refused, read_record, rebuild, record_path, source_rows, write_record
from workspace.settings import Workspace


@dataclass(frozen=True)
class Task:
    """One pristine photo, the recipe, and the workspace that it lies in."""

    workspace: Workspace
    name: str
    recipe: Recipe


@dataclass(frozen=True)
class Done:
    """What became of one photo: images made and kept, files of former variants removed; `fault` says why there are none."""

    name: str
    made: int = 0
    kept: int = 0
    removed: int = 0
    fault: str = ""


@dataclass
class Totals:
    """Sums over a run; `rows` is the length of the manifest that it wrote."""

    photos: int = 0
    made: int = 0
    kept: int = 0
    removed: int = 0
    rows: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, done: Done) -> None:
        """Count one photo."""
        self.photos += 1
        self.made += done.made
        self.kept += done.kept
        self.removed += done.removed
        if done.fault:
            self.faults.append(f"{done.name}: {done.fault}")


def plan(workspace: Workspace, recipe: Recipe) -> Iterator[Task]:
    """One task for each photo of `sources.csv` that is accepted and may be altered, in the table's order."""
    for row in source_rows(workspace):
        if not (is_refused(row, "accepted") or is_refused(row, "may_alter")):
            yield Task(workspace, row["pristine"], recipe)


def count(workspace: Workspace, recipe: Recipe) -> tuple[int, int]:
    """How many photos the plan holds and how many it leaves out. Raises WorkspaceFault when the disk is too small."""
    total = sum(1 for _ in source_rows(workspace))
    planned_photos = needed = 0
    for task in plan(workspace, recipe):
        planned_photos += 1
        path = workspace.pristine / f"{task.name}.png"
        if not record_path(workspace, recipe.name, task.name).exists() and path.exists():
            needed += int(path.stat().st_size * 1.1 * len(recipe.variants))
    need_space(workspace.distorted, needed, f"the recipe {recipe.name}")
    return planned_photos, total - planned_photos


def run(
    workspace: Workspace, recipe: Recipe, *, jobs: int = 1, dask: str | None = None, totals: Totals | None = None
) -> Iterator[Done]:
    """Make every variant of every photo; yields one `Done` per photo, in the plan's order, and ends with the manifest.

    `jobs` worker processes (1: none), or the workers of the Dask scheduler at the address `dask`; `totals`, if given, is
    filled as the run goes. Raises WorkspaceFault when another run is at work here, the disk is full or no photo may be used;
    one photo's fault is yielded and doesn't stop the rest.
    """
    totals = totals if totals is not None else Totals()
    with lock(workspace.root, "distort", doing="distorting"):
        sweep(workspace.distorted)
        tasks = plan(workspace, recipe)
        for done in on_cluster(tasks, dask) if dask else on_processes(photo, tasks, jobs):
            totals.add(done)
            yield done
        if not totals.photos:
            raise WorkspaceFault(f"no photo in {workspace.sources} may be used: see its columns accepted and may_alter")
        totals.rows = rebuild(workspace)


def photo(task: Task) -> Done:
    """Bring one photo's folder to what the recipe says: read, keep what is right, make the rest, write the record last."""
    try:
        data = read(task)
        before = keep(task, data)
        return store(task, before, make(task, data, before))
    except PhotoFault as fault:
        return Done(task.name, fault=str(fault))


def read(task: Task) -> bytes:
    """The bytes of the pristine photo. Raises PhotoFault."""
    try:
        return (task.workspace.pristine / f"{task.name}.png").read_bytes()
    except OSError as fault:
        raise PhotoFault(f"pristine/{task.name}.png can't be read ({fault.strerror}): prepare the photo again") from None


def keep(task: Task, data: bytes) -> dict[str, Row]:
    """Rows of the record whose images are there with their very bytes, come from this pristine file and are planned alike."""
    record = read_record(record_path(task.workspace, task.recipe.name, task.name))
    if not record or record[0]["sha256"] != sha256_bytes(data):
        return {}
    rows = {row["variant"]: row for row in record[1:]}
    good = {"": record[0]}
    for variant in task.recipe.variants:
        row = rows.get(variant.name)
        if row and planned(variant, task.recipe, task.workspace.settings.seed).items() <= row.items():
            path = task.workspace.root / row["file"]
            if path.is_file() and path.stat().st_size == int(row["bytes"]) and sha256_file(path) == row["sha256"]:
                good[variant.name] = row
    return good


def make(task: Task, data: bytes, before: dict[str, Row]) -> Iterator[Made]:
    """What is missing for a photo, the pristine row first (with no image); touches no file, so it may run anywhere."""
    wanted = {v.name for v in task.recipe.variants} - set(before)
    if not wanted and "" in before:
        return
    rgb = png.decode(data, f"pristine/{task.name}.png")
    pixels = pixels_sha256(rgb)
    yield Made("", b"", pristine_row(task.name, data, rgb, pixels))
    yield from render(task.name, rgb, pixels, task.recipe, task.workspace.settings.seed, wanted)


def store(task: Task, before: dict[str, Row], made: Iterable[Made]) -> Done:
    """Write the images as they come, remove former variants, then write the record. Raises WorkspaceFault on a full disk."""
    folder = record_path(task.workspace, task.recipe.name, task.name).parent
    rows, fresh = dict(before), 0
    for image in made:
        rows[image.variant] = image.row
        if image.variant:
            write_bytes(folder / f"{image.variant}.png", image.data)
            fresh += 1
    removed = _remove_former(folder, {v.name for v in task.recipe.variants})
    if fresh or removed:
        ordered = [rows[""], *(rows[v.name] for v in task.recipe.variants)]
        write_record(folder / RECORD, ordered)
    return Done(task.name, made=fresh, kept=len(task.recipe.variants) - fresh, removed=removed)


def _remove_former(folder: Path, names: set[str]) -> int:
    former = [p for p in folder.glob("*.png") if p.stem not in names] if folder.is_dir() else []
    for path in former:
        path.unlink()
    return len(former)


Packed = tuple[Task, bytes, dict[str, Row]]


def on_cluster(tasks: Iterator[Task], address: str) -> Iterator[Done]:
    """The tasks by a Dask cluster: pixels travel there as PNG and come back so, only this process touches the workspace."""

    def pack(task: Task) -> Packed | PhotoFault:
        try:
            data = read(task)
        except PhotoFault as fault:
            return fault
        return task, data, keep(task, data)

    def unpack(task: Task, packed: Packed | PhotoFault, made: list[Made] | PhotoFault | None) -> Done:
        if isinstance(packed, PhotoFault):
            return Done(task.name, fault=str(packed))
        if isinstance(made, PhotoFault):
            return Done(task.name, fault=str(made))
        return store(task, packed[2], made or [])

    return on_dask(address, tasks, pack=pack, work=_compute, unpack=unpack, needed=_is_needed)


def _is_needed(packed: Packed | PhotoFault) -> bool:
    return isinstance(packed, tuple) and len(packed[2]) <= len(packed[0].recipe.variants)


def _compute(packed: Packed) -> list[Made] | PhotoFault:
    try:
        return list(make(*packed))
    except PhotoFault as fault:
        return fault
