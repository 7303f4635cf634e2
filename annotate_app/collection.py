"""The collection as the curator's page shows it: filters, counts against a target, balance, edits that can be undone.

`sources.csv` stays the only home of what is known; the target is `targets.csv` (source, wanted), the way back `.undo.jsonl`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from annotate_app.identity import unconfirmed
from annotate_app.originals import waiting
from distort.intake.notes import read_measures
from workspace.errors import TableFault, WorkspaceFault
from workspace.files import lock, read_rows, write_rows, write_text
from workspace.settings import Workspace
from workspace.sources import blocked, editing, flags_of, missing, read_sources, row_faults, row_hash

Row = dict[str, str]
PAGE = 60
RESERVED = 6
UNDO_DEPTH = 100
SHOWN = ("all", "open", "accepted", "refused", "flagged", "blocked", "incomplete", "waiting", "unconfirmed")
EDITED = (
    "subject", "source", "source_url", "licence", "credit", "may_show", "may_alter", "may_redistribute", "consent_ref",
    "consent_expires", "body_site", "skin_tone", "diagnosis", "notes", "crop", "rotation", "masks", "accepted",
)  # fmt: skip
TARGET_COLUMNS = ["source", "wanted"]


@dataclass(frozen=True)
class Filter:
    """What of the collection is shown; it stands whole in the address."""

    show: str = "all"
    flag: str = ""
    source: str = ""
    subject: str = ""
    text: str = ""
    page: int = 1

    def query(self, **other: Any) -> str:
        """The address's query for this filter with some parts changed."""
        values = {**vars(self), **other}
        return urlencode({key: value for key, value in values.items() if value not in ("", "all", 1)})


def matches(row: Row, wanted: Filter, late: Container[str] = (), unsure: Container[str] = ()) -> bool:
    """Whether a row belongs to what a filter shows; `late`: edits not applied yet, `unsure`: nobody has said that nothing identifies."""
    flags = [flag.split(":")[0] for flag in flags_of(row)]
    state = {
        "open": not row["accepted"],
        "accepted": row["accepted"] == "yes",
        "refused": row["accepted"] == "no",
        "flagged": bool(flags),
        "blocked": bool(blocked(row)),
        "incomplete": bool(missing(row)),
        "waiting": row["pristine"] in late,
        "unconfirmed": row["pristine"] in unsure,
    }.get(wanted.show, True)
    words = " ".join(row.values()).lower()
    return (
        state
        and (not wanted.flag or wanted.flag in flags)
        and (not wanted.source or row["source"] == wanted.source)
        and (not wanted.subject or row["subject"] == wanted.subject)
        and wanted.text.lower() in words
    )


def view(workspace: Workspace, wanted: Filter) -> dict[str, Any]:
    """All that the page shows: one page of photos, the filters' words, counts, the target and the balance."""
    rows = read_sources(workspace)
    late = set(waiting(workspace, rows, read_measures(workspace)))
    unsure = set(unconfirmed(workspace, rows))
    found = [row for row in rows if matches(row, wanted, late, unsure)]
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(1, wanted.page), pages)
    return {
        "photos": [photo(row) for row in found[(page - 1) * PAGE : page * PAGE]],
        "found": len(found),
        "page": page,
        "pages": pages,
        "counts": Counter(row["accepted"] or "open" for row in rows),
        "all": len(rows),
        "flags": sorted({flag.split(":")[0] for row in rows for flag in flags_of(row)}),
        "sources": sorted({row["source"] for row in rows if row["source"]}),
        "target": target(workspace, rows),
        "balance": {name: balance(rows, name) for name in ("skin_tone", "body_site")},
        "subjects": Counter(row["subject"] for row in rows if row["subject"]),
        "late": late,
        "unsure": unsure,
        "folders": folders(workspace),
        "can_undo": bool(_undo_lines(workspace)),
    }


def folders(workspace: Workspace) -> list[str]:
    """Folders right inside the workspace that photos may be brought in from: all that are not its own."""
    from distort.intake.prepare import LEFT_ALONE

    own = {*LEFT_ALONE, "uploads"}
    found = [path.name for path in workspace.root.iterdir() if path.is_dir() and not path.is_symlink()]
    return sorted(name for name in found if name not in own and not name.startswith("."))


def photo(row: Row) -> dict[str, Any]:
    """A photo as the grid shows it; near-duplicates are named so that they can be put side by side."""
    flags = flags_of(row)
    twins = [flag.split(":", 1)[1] for flag in flags if flag.startswith("near_duplicate:")]
    return {
        "name": row["pristine"],
        "row": row,
        "hash": row_hash(row),
        "flags": [flag.split(":")[0] for flag in flags],
        "twins": twins,
        "blocked": blocked(row),
        "missing": missing(row),
    }


def balance(rows: Iterable[Row], column: str) -> list[tuple[str, int, int]]:
    """(value, accepted, not refused) for each value of a column, the most frequent first."""
    rows = list(rows)
    accepted = Counter(row[column] or "not stated" for row in rows if row["accepted"] == "yes")
    usable = Counter(row[column] or "not stated" for row in rows if row["accepted"] != "no")
    return [(value, accepted[value], count) for value, count in usable.most_common()]


def target(workspace: Workspace, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Wanted and accepted photos per source and in all; what training and gold take is asked for on top."""
    path = workspace.root / "targets.csv"
    said = read_rows(path, TARGET_COLUMNS) if path.exists() else []
    accepted = Counter(row["source"] for row in rows if row["accepted"] == "yes")
    lines = [{"source": line["source"], "wanted": int(line["wanted"]), "have": accepted[line["source"]]} for line in said]
    if lines:
        total = sum(int(line["wanted"]) for line in said)
        lines.append(
            {
                "source": f"in all, with {RESERVED} for training and gold",
                "wanted": total + RESERVED,
                "have": sum(accepted.values()),
            }
        )
    return lines


def set_target(workspace: Workspace, text: str) -> None:
    """Write the target from lines such as `Atlas A: 40`. Raises TableFault naming the line."""
    rows = []
    for number, line in enumerate(filter(None, (part.strip() for part in text.splitlines())), start=1):
        source, _, wanted = line.rpartition(":")
        if not source.strip() or not wanted.strip().isdigit():
            raise TableFault(f"line {number} of the target is {line!r}: SOURCE: NUMBER was expected, such as Atlas A: 40")
        rows.append({"source": source.strip(), "wanted": int(wanted)})
    write_rows(workspace.root / "targets.csv", rows, TARGET_COLUMNS)


def edit(workspace: Workspace, names: Sequence[str], values: Mapping[str, str], *, seen: Mapping[str, str] | None = None) -> int:
    """Set cells of several photos at once, all or none; gives how many rows changed.

    `seen` holds each row's hash as the editor saw it. Raises Changed when one was changed meanwhile, TableFault for a bad cell.
    """
    bad = [column for column in values if column not in EDITED]
    if bad:
        raise TableFault(f"{bad[0]} can't be set by hand")
    undo = []
    with editing(workspace) as rows:
        by_name = {row["pristine"]: row for row in rows}
        for name in names:
            row = by_name.get(name)
            if row is None:
                raise WorkspaceFault(f"{name} is no longer in sources.csv: load the page again")
            if seen is not None and seen.get(name) != row_hash(row):
                raise Changed(name, dict(row))
            before = {column: row[column] for column in values}
            if before == dict(values):
                continue
            for fault in row_faults({**row, **values}):
                raise TableFault(fault)
            undo.append({"name": name, "before": before, "after": dict(values)})
        for one in undo:
            by_name[str(one["name"])].update(values)
    if undo:
        _push(workspace, undo)
    return len(undo)


def group(workspace: Workspace, names: Sequence[str], onto: str, *, seen: Mapping[str, str] | None = None) -> int:
    """Say that photos show the same person as the photo `onto`: they get its subject. Gives how many rows changed."""
    subject = next((row["subject"] or onto for row in read_sources(workspace) if row["pristine"] == onto), "")
    if not subject:
        raise WorkspaceFault(f"{onto!r} is no longer in sources.csv: load the page again")
    return edit(workspace, list(dict.fromkeys([*names, onto])), {"subject": subject}, seen=seen)


class Changed(WorkspaceFault):
    """A row was changed by somebody else since it was shown; `now` is the row as it stands."""

    def __init__(self, name: str, now: Row) -> None:
        super().__init__(f"{name} was changed meanwhile by somebody else: compare and save again")
        self.name, self.now = name, now


def undo(workspace: Workspace) -> int:
    """Take the last edit back where its cells still stand as it left them; gives how many rows went back."""
    with lock(workspace.root, "undo", wait=10):
        lines = _undo_lines(workspace)
        if not lines:
            return 0
        back = 0
        with editing(workspace) as rows:
            by_name = {row["pristine"]: row for row in rows}
            for one in json.loads(lines[-1]):
                row = by_name.get(one["name"])
                if row is not None and all(row[column] == value for column, value in one["after"].items()):
                    row.update(one["before"])
                    back += 1
        _write_undo(workspace, lines[:-1])
        return back


def _push(workspace: Workspace, undo: list[dict[str, Any]]) -> None:
    with lock(workspace.root, "undo", wait=10):
        _write_undo(workspace, [*_undo_lines(workspace), json.dumps(undo)][-UNDO_DEPTH:])


def _undo_lines(workspace: Workspace) -> list[str]:
    path = workspace.root / ".undo.jsonl"
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _write_undo(workspace: Workspace, lines: Sequence[str]) -> None:
    write_text(workspace.root / ".undo.jsonl", "".join(f"{line}\n" for line in lines), mode=0o600)
