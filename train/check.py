"""Is a folder the set that it is said to be? Counts, missing, broken and foreign files, swapped images, duplicates, scores."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from train.datasets import load
from train.datasets.base import LoadedSet, index_images
from train.duplicates import Described, Pair, centred, describe, pairs, thumbnail
from train.pixels import open_rgb
from workspace.errors import PhotoFault
from workspace.files import read_rows, sha256_file, write_rows

SHOWN = 5
UNLIKE = 0.5
Progress = Callable[[int, int], None]


@dataclass
class Report:
    """What was found. `faults` make the check fail, `notes` do not; each is one line."""

    loaded: LoadedSet
    images: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    duplicates: list[Pair] = field(default_factory=list)

    def histogram(self, bins: int = 20) -> tuple[np.ndarray, np.ndarray]:
        """Counts (bins,) and edges (bins + 1,) of the scores over the set's nominal range: the paper's figure 3."""
        scores = self.loaded.table["score"].to_numpy(np.float64)
        counts, edges = np.histogram(scores, bins=bins, range=(self.loaded.low, self.loaded.high))
        return counts, edges

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        counts, edges = self.histogram()
        across = [p for p in self.duplicates if p.one[0] != p.other[0]]
        return {
            "set": self.loaded.name,
            "title": self.loaded.title,
            "folder": str(self.loaded.folder),
            "rows": len(self.loaded),
            "images": self.images,
            "groups": int(self.loaded.table["group"].nunique()),
            "labels": self.loaded.digest(),
            "faults": self.faults,
            "notes": self.notes,
            "duplicates_within": len(self.duplicates) - len(across),
            "duplicates_across": [[*p.one, *p.other, round(p.correlation, 4)] for p in across],
            "histogram": {"edges": [round(float(e), 6) for e in edges], "counts": [int(c) for c in counts]},
        }


def check(
    name: str,
    root: Path,
    *,
    title: str | None = None,
    others: Sequence[LoadedSet] = (),
    decode: bool = True,
    cache_dir: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Report:
    """Compare a folder with what is published of the set `name`; `others` are searched for the same pictures.

    Raises DatasetFault when the folder is another set or its table can't be used at all. `decode=False` leaves pixels unread.
    """
    loaded = load(name, root, images="none", title=title, **options)
    report = Report(loaded)
    _labels(report, published=not options)
    _names(report)
    if decode and report.images:
        present = load(name, root, images="present", title=title, **options)
        _pixels(report, present, jobs or os.cpu_count() or 1, progress)
        described = describe(present, cache_dir, jobs=jobs)
        _unlike_reference(report, present, described)
        _duplicates(report, [described, *(describe(other, cache_dir, jobs=jobs) for other in others)])
    return report


def _labels(report: Report, *, published: bool) -> None:
    """Rows, range and checksum of the scores against the published table."""
    loaded, facts = report.loaded, report.loaded.facts
    if facts.count is not None and published and len(loaded) != facts.count:
        less = "a part of it, or half a download" if len(loaded) < facts.count else "another release"
        report.faults.append(f"{len(loaded):,} scores instead of {facts.count:,}: {less}")
    elif facts.digests and published and not loaded.digest().startswith(facts.digests):
        report.faults.append(
            f"the scores are not those of the published table (checksum {loaded.digest()[:16]}): edited or swapped?"
        )
    scores = loaded.table["score"]
    if (
        facts.extremes
        and published
        and not (scores.min() >= facts.extremes[0] - 0.01 and scores.max() <= facts.extremes[1] + 0.01)
    ):
        low, high = facts.extremes
        report.faults.append(
            f"scores reach from {scores.min():g} to {scores.max():g}, published are {low:g} to {high:g}: another scale?"
        )
    report.notes += list(loaded.notes)


def _names(report: Report) -> None:
    """Missing and foreign image files, by name."""
    loaded = report.loaded
    there = index_images(loaded.folder)
    named = {file.lower(): file for file in loaded.table["file"]}
    report.images = sum(name in there for name in named)
    missing = [file for key, file in named.items() if key not in there]
    if missing:
        share = "no image is here" if not report.images else f"{len(missing):,} of {len(named):,} images are missing"
        report.faults.append(f"{loaded.folder}: {share} ({_some(missing)}): is the download complete?")
    pattern = loaded.facts.unscored or "$^"
    foreign = [name for key, name in there.items() if key not in named and not re.fullmatch(pattern, key)]
    if foreign:
        report.notes.append(f"{len(foreign):,} images without a score ({_some(foreign)}): left out")


def _pixels(report: Report, present: LoadedSet, jobs: int, progress: Progress | None) -> None:
    """Decode every file: broken ones, unexpected sizes, bytes that occur twice, hashes that the table itself states."""
    files, paths = present.table["file"].tolist(), [Path(p) for p in present.table["path"]]
    stated = present.table["sha256"].tolist() if "sha256" in present.table else [None] * len(files)
    broken, sizes, changed = [], [], []
    same: dict[str, list[str]] = defaultdict(list)
    with ThreadPoolExecutor(jobs) as pool:
        for done, (file, hashed, found) in enumerate(zip(files, stated, pool.map(_decoded, paths), strict=True), start=1):
            digest, size = found
            if size is None:
                broken.append(file)
            elif present.facts.sizes and size not in present.facts.sizes:
                sizes.append(f"{file} {size[0]}x{size[1]}")
            if hashed and digest != hashed:
                changed.append(file)
            same[digest].append(file)
            if progress:
                progress(done, len(files))
    expected = " or ".join(f"{w}x{h}" for w, h in present.facts.sizes)
    twice = [" = ".join(names) for names in same.values() if len(names) > 1]
    for found_files, line in (
        (broken, "can't be decoded: download them again"),
        (sizes, f"have another size than {expected}: resized or swapped"),
        (changed, "are not the files that the table was made with: changed or swapped"),
    ):
        if found_files:
            report.faults.append(f"{len(found_files):,} images {line} ({_some(found_files)})")
    if twice:
        report.notes.append(f"{len(twice):,} files have a copy with the same bytes under another name ({_some(twice)})")


def _decoded(path: Path) -> tuple[str, tuple[int, int] | None]:
    try:
        return sha256_file(path), open_rgb(path).size
    except (PhotoFault, OSError):
        return f"unreadable {path}", None


def _unlike_reference(report: Report, present: LoadedSet, described: Described) -> None:
    """Images of a ladder that do not show what their reference shows but what another one does: swapped files."""
    if "reference" not in present.table:
        return
    own, looks = _references(present)
    if len(looks) < 2:
        return
    correlation = centred(described.thumbs) @ looks.T
    best = correlation.argmax(1)
    mine = np.array([own.get(name, -1) for name in present.table["reference"]])
    rows = np.flatnonzero((mine >= 0) & (best != mine) & ~described.broken)
    wrong = [r for r in rows if correlation[r, best[r]] > 0.8 and correlation[r, mine[r]] < UNLIKE]
    if wrong:
        names = list(own)
        shown = [f"{present.table['file'].iloc[r]} shows {names[best[r]]}" for r in wrong]
        report.faults.append(f"{len(wrong):,} images show another picture than their reference ({_some(shown)}): swapped files")


def _references(present: LoadedSet) -> tuple[dict[str, int], np.ndarray]:
    own: dict[str, int] = {}
    thumbs = []
    for name in sorted(set(present.table["reference"])):
        try:
            thumbs.append(thumbnail(present.folder / name)[0])
            own[name] = len(own)
        except PhotoFault:
            continue
    return own, centred(np.stack(thumbs)) if thumbs else np.zeros((0, 64 * 64), np.float32)


def _duplicates(report: Report, described: Sequence[Described]) -> None:
    """Near-duplicates within the set (other groups) and in other sets."""
    name = report.loaded.name
    report.duplicates = [p for p in pairs(described) if name in (p.one[0], p.other[0])]
    within = [p for p in report.duplicates if p.one[0] == p.other[0]]
    identical = sum(p.correlation > 0.995 for p in within)
    _official_leaks(report, within)
    if within:
        shown = [f"{p.one[1]} ~ {p.other[1]}" for p in within]
        report.notes.append(
            f"{len(within):,} pairs of images in different groups show one scene, {identical:,} of them near-identical "
            f"({_some(shown)}): `splits make` keeps them together"
        )
    across: dict[str, list[str]] = defaultdict(list)
    for pair in report.duplicates:
        if pair.one[0] != pair.other[0]:
            mine, theirs = (pair.one, pair.other) if pair.one[0] == name else (pair.other, pair.one)
            across[theirs[0]].append(f"{mine[1]} ~ {theirs[1]}")
    for other, shown in across.items():
        report.notes.append(f"{len(shown):,} images show a scene of {other} too ({_some(shown)})")


def _official_leaks(report: Report, within: Sequence[Pair]) -> None:
    """How many images of the authors' test part show a scene of their training part."""
    part = dict(zip(report.loaded.table["file"], report.loaded.table["official"], strict=True))
    tested: dict[str, bool] = {}
    for pair in within:
        for one, other in ((pair.one[1], pair.other[1]), (pair.other[1], pair.one[1])):
            if part[one] == "test" and part[other] == "train":
                tested[one] = tested.get(one, False) or pair.correlation > 0.995
    if tested:
        total = sum(value == "test" for value in part.values())
        report.notes.append(
            f"{len(tested):,} of the authors' {total:,} test images show a scene that they train on, "
            f"{sum(tested.values()):,} of them near-identical"
        )


def record_hashes(loaded: LoadedSet, path: Path) -> int:
    """Write `file,bytes,sha256` of every image, to compare another copy or a later day with. Returns how many."""
    rows = []
    for file, place in zip(loaded.table["file"], loaded.table["path"], strict=True):
        rows.append({"file": file, "bytes": os.path.getsize(place), "sha256": sha256_file(Path(place))})
    write_rows(path, rows, ["file", "bytes", "sha256"])
    return len(rows)


def compare_hashes(loaded: LoadedSet, path: Path) -> list[str]:
    """Files whose bytes differ from a record of `record_hashes`, and files that only one of them has; one line each kind."""
    known: Mapping[str, str] = {row["file"]: row["sha256"] for row in read_rows(path, ("file", "sha256"))}
    files = dict(zip(loaded.table["file"], loaded.table["path"], strict=True))
    changed = [f for f, place in files.items() if f in known and sha256_file(Path(place)) != known[f]]
    groups = (
        (changed, "images differ from those recorded"),
        (sorted(set(known) - set(files)), "recorded images are not here"),
        (sorted(set(files) - set(known)), "images are not in the record"),
    )
    return [f"{len(found):,} {what} ({_some(found)})" for found, what in groups if found]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
