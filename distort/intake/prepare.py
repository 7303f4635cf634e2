"""`prepare`: any folders of photos to `pristine/NAME.png`, with a row each in `sources.csv` and `keys.csv`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from distort.intake.alike import Alike
from distort.intake.found import Found, Names, find_photos
from distort.intake.metadata import Sidecar
from distort.intake.notes import Journal, Note, read_measures
from distort.intake.one import Outcome, Task, prepare_one
from distort.intake.workers import Limits, Lost, Workers
from distort.withdraw import withdrawn_hashes
from workspace.errors import UsageFault
from workspace.files import lock, need_space, sweep, write_bytes
from workspace.settings import Workspace
from workspace.sources import Row, read_keys, read_sources, write_keys

LEFT_ALONE = ("pristine", "distorted", "studies", "exports", "models", "reports", "logs")
BYTES_PER_PIXEL = 2.0
"""Of a photographic PNG, for the estimate of the space that a run needs."""


@dataclass(frozen=True)
class Result:
    """What became of one file: `state` is prepared, kept, same (as `name`, which is there already) or refused (`reason`)."""

    label: str
    state: str
    name: str = ""
    reason: str = ""
    flags: tuple[str, ...] = ()


@dataclass
class _Books:
    """What the run knows: rows and measures by name, keys, and the name that each original's hash has."""

    rows: dict[str, Row]
    measures: dict[str, Row]
    keys: dict[str, str]
    by_hash: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_hash = {row["sha256"]: name for name, row in self.rows.items() if row["sha256"]}


class Preparation:
    """One run of `prepare`: `len()` is the number of files it will try, iterating does the work and yields a Result each."""

    def __init__(
        self,
        workspace: Workspace,
        photos: Sequence[Path],
        *,
        keep_names: bool = False,
        metadata: Path | None = None,
        jobs: int = 1,
        yunet: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Find the files. Raises UsageFault for a path that isn't there or without any photo, TableFault for a bad sidecar."""
        self.workspace = workspace
        self.keep_names = keep_names
        self.jobs = jobs
        self.yunet = yunet
        self.withdrawn: dict[str, str] = {}
        self.limits = limits
        self.found = find_photos(photos, [workspace.root / name for name in LEFT_ALONE])
        if not self.found:
            where = ", ".join(str(p) for p in photos)
            raise UsageFault(f"no photos in {where}: a folder with JPEG, PNG, TIFF, WebP, HEIC, AVIF or DICOM files was expected")
        self.sidecar = Sidecar(metadata) if metadata else None
        if yunet and not yunet.is_file():
            raise UsageFault(f"{yunet} is not there: the file of the YuNet face model was expected")

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Result]:
        """Do the work. Raises WorkspaceFault when another run is at work here or the disk is full."""
        with lock(self.workspace.root, "prepare", doing="preparing photos"):
            sweep(self.workspace.pristine)
            journal = Journal(self.workspace)
            journal.merge()
            try:
                yield from self._work(journal)
            finally:
                journal.merge()

    def _work(self, journal: Journal) -> Iterator[Result]:
        rows = {row["pristine"]: row for row in read_sources(self.workspace)}
        books = _Books(rows, read_measures(self.workspace), read_keys(self.workspace))
        tasks = self._plan(books)
        fresh = sum(1 for _, task in tasks if task and task.name not in rows)
        side = self.workspace.settings.largest_side
        need_space(self.workspace.pristine, int(fresh * side * side * 0.75 * BYTES_PER_PIXEL), "preparing these photos")
        alike = Alike.of(books.measures)
        self.withdrawn = withdrawn_hashes(self.workspace)
        answers = Workers(prepare_one, self.jobs, self.limits).map(task for _, task in tasks if task)
        spare: list[str] = []
        for item, planned in tasks:
            if planned is None:
                yield Result(item.label, "refused", reason=item.fault)
                continue
            task, answer = next(answers)
            result = self._settle(item, task, answer, books, journal, alike)
            if result.name != task.name and task.name not in books.rows:
                spare.append(task.name)
            yield result
        answers.close()
        journal.merge()
        self._forget(books, spare)

    def _plan(self, books: _Books) -> list[tuple[Found, Task | None]]:
        """Every file with its task (None: refused unopened). All names are written down before any work."""
        names = Names(books.keys, keep=self.keep_names)
        plan: list[tuple[Found, Task | None]] = []
        for item in self.found:
            if item.fault:
                plan.append((item, None))
                continue
            name = names.of(item)
            books.keys[name] = str(item.path)
            plan.append((item, self._task(item, name, books)))
        write_keys(self.workspace, books.keys)
        return plan

    def _task(self, item: Found, name: str, books: _Books) -> Task:
        row = books.rows.get(name, {})
        noted = books.measures.get(name, {}) if row else {}
        said = self.sidecar.of(item.label) if self.sidecar else {}
        edits = [row.get(column, "").strip() or said.get(column, "") for column in ("crop", "rotation", "masks")]
        return Task(
            name=name, label=item.label, path=item.path, target=self.workspace.pristine / f"{name}.png",
            side=self.workspace.settings.largest_side, crop=edits[0], rotation=edits[1], masks=edits[2],
            made=noted.get("made", ""), png_sha256=noted.get("png_sha256", ""), yunet=str(self.yunet or ""),
        )  # fmt: skip

    def _settle(self, item: Found, task: Task, answer: Outcome | Lost, books: _Books, journal: Journal, alike: Alike) -> Result:
        """Write one photo and note it, or say why not."""
        if isinstance(answer, Lost) or answer.fault:
            reason = answer.reason if isinstance(answer, Lost) else answer.fault
            return Result(item.label, "refused", reason=reason)
        if answer.sha256 in self.withdrawn:
            return Result(item.label, "refused", reason=f"this photo was withdrawn on {self.withdrawn[answer.sha256]}")
        twin = books.by_hash.setdefault(answer.sha256, task.name)
        if twin != task.name:
            return self._twin(item, twin, books)
        given = self.sidecar.of(item.label) if self.sidecar else {}
        if not answer.data:
            journal.add(Note(task.name, given=given))
            return Result(item.label, "kept", task.name)
        near = alike.add(task.name, answer.measures.get("phash", ""))
        flags = (*answer.flags, *([f"near_duplicate:{near}"] if near else []))
        write_bytes(task.target, answer.data)
        measured = {
            "file": f"pristine/{task.name}.png", "pristine": task.name, "sha256": answer.sha256, "width": str(answer.width),
            "height": str(answer.height), "flags": " ".join(flags),
        }  # fmt: skip
        measures = {"pristine": task.name, "made": answer.made, "png_sha256": answer.png_sha256, **answer.measures}
        journal.add(Note(task.name, measured, given, measures))
        return Result(item.label, "prepared", task.name, flags=flags)

    def _twin(self, item: Found, twin: str, books: _Books) -> Result:
        """The same bytes under another path: the known photo has moved when its old path is gone, else it stands there twice."""
        if Path(books.keys.get(twin, "")).is_file():
            return Result(item.label, "same", twin)
        books.keys[twin] = str(item.path)
        return Result(item.label, "kept", twin)

    def _forget(self, books: _Books, spare: list[str]) -> None:
        """Give the names of files that became no photo free again."""
        for name in spare:
            books.keys.pop(name, None)
        write_keys(self.workspace, books.keys)


def prepare(
    workspace: Workspace,
    photos: Sequence[Path],
    *,
    keep_names: bool = False,
    metadata: Path | None = None,
    jobs: int = 1,
    yunet: Path | None = None,
) -> Preparation:
    """Prepare photos: iterate over what this returns. Photos that are there and right are kept, the rest is made.

    `keep_names` calls photos as their files; `metadata` is a sidecar CSV for the empty cells of `sources.csv`; `jobs` worker
    processes read (0: this process, unprotected); `yunet` is the file of OpenCV's face model, used beside the packaged one.
    """
    return Preparation(workspace, photos, keep_names=keep_names, metadata=metadata, jobs=jobs, yunet=yunet)
