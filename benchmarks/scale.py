"""Large studies: freezing, a picture, a vote, the board's summary, the lists; the paper's size beside 4,000,000 presentations.

    python -m benchmarks.scale [--images 1900 100000] [--folder FOLDER] [--quick]

Each image is shown 40 times; half of all rows are rated before measuring (SQLite, WAL, synchronous=FULL). Freezing and the summary run
in processes of their own, whose largest memory is printed. Pictures and votes are measured turn by turn in both studies, so that
whatever else the machine does weighs on both alike. `--quick` takes 1,900 and 10,000 images; `--folder` keeps the studies made there.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, event

from annotate_app.sequence import Sequences
from annotate_app.summary import Summaries
from annotate_app.votes import Vote, position, read_places, sequence_of, store
from benchmarks.scale_study import NAME, counts, fill, make_workspace
from db.engine import open_engine, writing
from db.models import Summary, new_token
from workspace.settings import Workspace, open_workspace

SITTERS, VOTES, READS = 80, 6, 15
BOARD = f"/c/studies/{NAME}"
PAGES = (BOARD, f"{BOARD}/live", f"{BOARD}/observers", f"{BOARD}/observers?show=at+work&page=9", "/c/collection", "/c/jobs")


@dataclass
class Large:
    """A study at one size: its workspace and database, those who sit before their first picture, and times by what was timed."""

    images: int
    workspace: Workspace
    engine: Engine
    sitting: tuple[int, int]
    times: dict[str, list[float]] = field(default_factory=dict)
    statements: list[tuple[str, Any]] = field(default_factory=list)

    def timed(self, what: str, work: Callable[[], Any]) -> Any:
        """Note how many milliseconds a call took."""
        began = time.perf_counter()
        result = work()
        self.times.setdefault(what, []).append((time.perf_counter() - began) * 1000)
        return result


def build(folder: Path, images: int) -> Large:
    """The study in its folder: made anew, or as an earlier run left it."""
    root, made = folder / f"{images}", folder / f"{images}" / "measured.db"
    if not (root / "dermiqa.toml").exists():
        root.mkdir(parents=True)
        make_workspace(root, images)
        done = subprocess.run([sys.executable, "-m", "benchmarks.scale_study", str(root), str(images)], check=True, capture_output=True,
                              text=True)  # fmt: skip
        say(images, "freezing", done.stdout.strip())
    workspace = open_workspace(root)
    engine = open_engine(workspace.database_url)
    if not made.exists():
        began = time.perf_counter()
        first, last = fill(engine)
        made.write_text(f"{first} {last}")
        say(images, "rating half of it", f"{time.perf_counter() - began:.0f} s")
    first, last = map(int, made.read_text().split())
    shown, votes = counts(engine)
    size = Path(str(engine.url.database)).stat().st_size / 1e6
    say(images, "holds", f"{shown:,} presentations, {votes:,} votes, {size:,.0f} MB")
    return Large(images, workspace, engine, (first, last))


def say(images: int, what: str, found: str) -> None:
    """A line of the table."""
    print(f"{images:>9,}  {what:<34}{found}", flush=True)


def sit(large: Large, number: int) -> None:
    """One observer's first picture, and some votes with the next picture after each."""
    sequences, device = Sequences(), f"d{number}"

    def look() -> Any:
        with large.engine.connect() as connection:
            row = read_places(connection, {device})[0]
            sequence = sequence_of(connection, row, sequences)
            return sequence.due(position(connection, row, sequence))

    def write(vote: Vote) -> Any:
        with writing(large.engine) as session:
            return store(session.connection(), [vote], sequences)[0]

    due = large.timed("first picture of a sitting", look)
    for _ in range(VOTES):
        vote = Vote(device, due[0].token, key=f"scale-{due[0].token}", value=5, view_ms=1500.0)
        answer = large.timed("vote with its commit", partial(write, vote))
        if not isinstance(answer, str):
            raise SystemExit(f"a vote was refused: {answer}")
        due = large.timed("next picture", look)


def sittings(studies: list[Large]) -> None:
    """Observers of all studies by turns, the first ones uncounted; then what each took, and by how much the largest is slower."""
    for large in studies:
        settle(large.engine)
        note = large.statements
        event.listen(
            large.engine, "before_cursor_execute", lambda c, cur, sql, values, ctx, many, note=note: note.append((sql, values))
        )
    turns = min(SITTERS, *(last - first for first, last in (large.sitting for large in studies)))
    chosen = [np.linspace(*large.sitting, turns).astype(int).tolist() for large in studies]
    for turn in range(turns):
        for large, numbers in zip(studies, chosen, strict=True):
            sit(large, numbers[turn])
        if turn == 2:
            for large in studies:
                large.times.clear()
    for what in studies[0].times:
        for large in studies:
            times = large.times[what]
            say(large.images, what, f"{np.median(times):.2f} ms (95 %: {np.quantile(times, 0.95):.2f}; n {len(times)})")
        say(
            studies[-1].images,
            "  times the first size",
            f"{np.median(studies[-1].times[what]) / np.median(studies[0].times[what]):.2f}",
        )
    for large in studies:
        say(large.images, "tables read from end to end", "; ".join(scans(large)) or "none")


def settle(engine: Engine) -> None:
    """Let the write-ahead log have the length that it has in use, since commits that lengthen the file are slower."""
    with engine.execution_options(dermiqa_write=True).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE spare (bytes BLOB)")
        connection.exec_driver_sql("INSERT INTO spare VALUES (zeroblob(8000000))")
    with engine.execution_options(dermiqa_write=True).begin() as connection:
        connection.exec_driver_sql("DROP TABLE spare")
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(RESTART)")


def scans(large: Large) -> list[str]:
    """Tables that a statement of a vote reads from end to end, by EXPLAIN QUERY PLAN."""
    unique = {sql: values for sql, values in list(large.statements) if sql.startswith(("SELECT", "UPDATE"))}
    with large.engine.connect() as connection:
        steps = [
            row[3] for sql, values in unique.items() for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
    return sorted({step for step in steps if step.startswith("SCAN ") and "CONSTANT" not in step})


def summary_alone(root: Path) -> None:
    """Make a study's summary as the worker does, for the first time and after more votes; print both times and the memory."""
    engine = open_engine(open_workspace(root).database_url)
    maker, found = Summaries(engine), []
    for _ in range(2):
        with writing(engine) as session:
            row = session.get(Summary, 1)
            if row is not None:
                session.delete(row)
        began, worked = time.perf_counter(), time.process_time()
        maker.renew()
        found.append(f"{time.perf_counter() - began:.1f} s ({time.process_time() - worked:.1f} s of a core)")
    print(f"{found[0]}; renewed: {found[1]}; {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def pages(large: Large) -> None:
    """The board and the lists as a curator's browser gets them."""
    from tests.annotate_app.desk import Office
    from tests.annotate_app.house import House

    office = Office(House(large.workspace, large.engine))
    with office.first:
        desk = office.desk("administrator", name=f"measuring {new_token()}")
        for path in PAGES:
            for turn in range(READS + 1):
                answer = large.timed(path if turn else "", partial(desk.get, path))
                if answer.status_code != 200:
                    raise SystemExit(f"{path}: {answer.status_code}")
            times = large.times[path]
            say(large.images, f"GET {path}", f"{np.median(times):.0f} ms (most: {max(times):.0f})")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[1_900, 100_000])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--summary-alone", type=Path, help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.summary_alone:
        summary_alone(said.summary_alone)
        return
    with tempfile.TemporaryDirectory() as spare:
        studies = [build(said.folder or Path(spare), images) for images in ([1_900, 10_000] if said.quick else said.images)]
        sittings(studies)
        for large in studies:
            command = [sys.executable, "-m", "benchmarks.scale", "--summary-alone", str(large.workspace.root)]
            say(
                large.images,
                "summary, counted anew",
                subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip(),
            )
            pages(large)
            large.engine.dispose()


if __name__ == "__main__":
    main()
