"""`prepare`: any folders of photos to `pristine/NAME.png`, with a row each in `sources.csv` and `keys.csv`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from distort.intake.alike import Alike
from distort.intake.found import Found, find_photos
from distort.intake.identify import yunet_fault
from distort.intake.index import Index, Known
from distort.intake.metadata import Sidecar
from distort.intake.names import Names
from distort.intake.notes import Journal, Note, stream_measures
from distort.intake.one import Outcome, Task, prepare_one
from distort.intake.workers import Limits, Lost, Workers
from distort.withdraw import withdrawn_hashes
from workspace.errors import UsageFault
from workspace.files import lock, need_space, sha256_file, sweep, write_bytes
from workspace.settings import Workspace
from workspace.sources import stream_keys, stream_sources, write_keys

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
        self.index = Index()
        for item in find_photos(photos, [workspace.root / name for name in LEFT_ALONE]):
            self.index.add_file(item)
        if not len(self):
            where = ", ".join(str(p) for p in photos)
            raise UsageFault(f"no photos in {where}: a folder with JPEG, PNG, TIFF, WebP, HEIC, AVIF or DICOM files was expected")
        self.sidecar = Sidecar(metadata) if metadata else None
        self.yunet_sha256 = _tried(yunet) if yunet else ""

    def __len__(self) -> int:
        return self.index.count

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
        self.index.know(stream_sources(self.workspace), stream_measures(self.workspace))
        self._name_all()
        side = self.workspace.settings.largest_side
        need_space(
            self.workspace.pristine, int(self.index.fresh() * side * side * 0.75 * BYTES_PER_PIXEL), "preparing these photos"
        )
        alike = Alike.of(stream_measures(self.workspace))
        self.withdrawn = withdrawn_hashes(self.workspace)
        answers = Workers(prepare_one, self.jobs, self.limits).map(self._tasks())
        for item, name in self.index.files():
            if not name:
                yield Result(item.label, "refused", reason=item.fault)
                continue
            task, answer = next(answers)
            result = self._settle(item, task, answer, journal, alike)
            if result.name != name and not self.index.known(name):
                self.index.drop_key(name)
            yield result
        answers.close()
        journal.merge()
        write_keys(self.workspace, self.index.keys())

    def _name_all(self) -> None:
        """Give every file that isn't refused unopened its name. All names are written down before any work."""
        for name, original in stream_keys(self.workspace):
            self.index.add_key(name, original)
        names = Names(self.index, keep=self.keep_names)
        for item, _ in self.index.files():
            if not item.fault:
                names.of(item)
        write_keys(self.workspace, self.index.keys())

    def _tasks(self) -> Iterator[Task]:
        return (self._task(item, name) for item, name in self.index.files() if name)

    def _task(self, item: Found, name: str) -> Task:
        known = self.index.known(name) or Known()
        said = self.sidecar.of(item.label) if self.sidecar else {}
        edits = [getattr(known, column) or said.get(column, "") for column in ("crop", "rotation", "masks")]
        return Task(
            name=name, label=item.label, path=item.path, target=self.workspace.pristine / f"{name}.png",
            side=self.workspace.settings.largest_side, crop=edits[0], rotation=edits[1], masks=edits[2],
            made=known.made, png_sha256=known.png_sha256, yunet=str(self.yunet or ""), yunet_sha256=self.yunet_sha256,
        )  # fmt: skip

    def _settle(self, item: Found, task: Task, answer: Outcome | Lost, journal: Journal, alike: Alike) -> Result:
        """Write one photo and note it, or say why not."""
        if isinstance(answer, Lost) or answer.fault:
            reason = answer.reason if isinstance(answer, Lost) else answer.fault
            return Result(item.label, "refused", reason=reason)
        if answer.sha256 in self.withdrawn:
            return Result(item.label, "refused", reason=f"this photo was withdrawn on {self.withdrawn[answer.sha256]}")
        twin = self.index.twin(answer.sha256, task.name)
        if twin != task.name:
            return self._twin(item, twin)
        given = self.sidecar.of(item.label) if self.sidecar else {}
        if not answer.data:
            if given or not (self.index.known(task.name) or Known()).complete:
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

    def _twin(self, item: Found, twin: str) -> Result:
        """The same bytes under another path: the known photo has moved when its old path is gone, else it stands there twice."""
        if Path(self.index.original(twin)).is_file():
            return Result(item.label, "same", twin)
        self.index.move(twin, str(item.path))
        return Result(item.label, "kept", twin)


def _tried(yunet: Path) -> str:
    """The hash of a face model that works. A worker tries it, so that no file can end the run. Raises UsageFault."""
    if not yunet.is_file():
        raise UsageFault(f"{yunet} is not there: the file of the YuNet face model was expected")
    answers = Workers(yunet_fault, 1).map(iter([str(yunet)]))
    _, fault = next(answers)
    answers.close()
    if fault:
        said = f"the face model {yunet} can't be used ({fault.reason})" if isinstance(fault, Lost) else fault
        raise UsageFault(said)
    return sha256_file(yunet)


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
