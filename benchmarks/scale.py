"""Large studies: time of a picture and of a vote, the board's queries, and planning, at two sizes.

    python -m benchmarks.scale [--images 1900 100000] [--part votes] [--part board] [--part plan] [--quick]

Each image is shown 40 times, in rows of 200; half of all rows are rated before measuring (SQLite, WAL, synchronous=FULL). The plan part
runs in a process of its own, whose largest memory is printed. `--quick` takes 1,900 and 10,000 images.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, event, insert, text
from sqlmodel import Session

from annotate_app import design
from annotate_app.protocol import complete_draft
from annotate_app.sequence import Sequences
from annotate_app.tables import (
    ASSIGNMENTS,
    DEVICES,
    OBSERVERS,
    SESSIONS,
    SLOTS,
    STIMULI,
    STUDY_STIMULI,
)
from annotate_app.votes import Vote, position, read_places, sequence_of, store
from db.engine import open_engine, writing
from db.migrate import upgrade
from db.models import Panel, Question, Study, StudyVersion, new_token
from db.queries import board
from db.types import now

SHOWN, ROW, CONTENT = 40, 200, 19
SITTERS, VOTES = 60, 4
PRESENTATIONS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
INSERT INTO presentations (token, slot_id, version_id, session, position, stimulus_id, role)
SELECT lower(hex(randomblob(12))), 1 + i / :row, 1, 1, i % :row, 1 + i % :images, 'test' FROM n
"""
RATINGS = """
INSERT INTO ratings (presentation_id, question_id, slot_id, assignment_id, observer_id, session_id, low, high, value, key, received)
SELECT p.id, 1, p.slot_id, p.slot_id, p.slot_id, p.slot_id, 1, 10, 1 + abs(random()) % 10, 'key-' || p.id, s.started
FROM presentations p JOIN sessions s ON s.id = p.slot_id WHERE p.slot_id <= :rows
"""


def build(engine: Engine, images: int) -> int:
    """Write a study of `images` images, 40 presentations each, half of them rated; gives the number of rows."""
    rows = images * SHOWN // ROW
    upgrade(engine)
    with writing(engine) as session:
        session.add(Study(id=1, name="large", state="open"))
        session.flush()
        session.add(StudyVersion(id=1, study_id=1, version=1, protocol=complete_draft({}), seed=1, design_version="1",
                                 plan_sha256="", files_sha256="", sha256=""))  # fmt: skip
        session.flush()
        session.add_all([Panel(id=1, version_id=1), Question(id=1, version_id=1)])
    with engine.execution_options(dermiqa_write=True).begin() as connection:
        images_and_people(connection, images, rows)
        connection.execute(text(PRESENTATIONS), {"count": images * SHOWN, "row": ROW, "images": images})
        connection.execute(text(RATINGS), {"rows": rows // 2})
        connection.execute(text("ANALYZE"))
    with engine.connect() as connection:
        connection.execute(text("COMMIT"))
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return rows


def images_and_people(connection: Connection, images: int, rows: int) -> None:
    """Stimuli, and an observer with a device, a row and an open sitting for each row."""
    numbers, moment = range(1, images + 1), now()
    connection.execute(insert(STIMULI), [{"id": k, "name": f"P{k // CONTENT}/{k}", "sha256": f"{k:064x}", "kind": "variant", "width": 512,
                                          "height": 384, "pristine": f"P{k // CONTENT}", "subject": ""} for k in numbers])  # fmt: skip
    connection.execute(insert(STUDY_STIMULI), [{"version_id": 1, "stimulus_id": k, "role": "test", "content": f"P{k // CONTENT}",
                                                "file": f"{k}.png"} for k in numbers])  # fmt: skip
    people = range(1, rows + 1)
    connection.execute(insert(SLOTS), [{"id": k, "panel_id": 1, "number": k, "sessions": 1, "length": ROW} for k in people])
    connection.execute(insert(OBSERVERS), [{"id": k, "token": new_token(), "study_id": 1, "panel_id": 1, "pseudonym": f"P{k}",
                                            "simulated": True, "state": "active"} for k in people])  # fmt: skip
    connection.execute(insert(DEVICES), [{"id": k, "observer_id": k, "token_hash": f"d{k}", "created": moment} for k in people])
    connection.execute(insert(ASSIGNMENTS), [{"id": k, "slot_id": k, "observer_id": k, "from_position": 0, "to_position": ROW,
                                              "created": moment} for k in people])  # fmt: skip
    connection.execute(insert(SESSIONS), [{"id": k, "token": new_token(), "assignment_id": k, "slot_id": k, "observer_id": k, "number": 1,
                                           "started": moment, "display": {}} for k in people])  # fmt: skip


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds that a call took, and what it gave."""
    began = time.perf_counter()
    result = work()
    return (time.perf_counter() - began) * 1000, result


def votes_part(engine: Engine, rows: int) -> Iterator[tuple[str, str]]:
    """First picture of a sitting, a next picture, a vote with its commit; and the plans of all statements of a vote."""
    first, again, voted = [], [], []
    statements: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda c, cur, sql, values, ctx, many: statements.append((sql, values)))
    for number in np.linspace(rows // 2 + 1, rows, SITTERS).astype(int):
        sequences, device = Sequences(), f"d{number}"

        def look(sequences: Sequences = sequences, device: str = device) -> Any:
            with engine.connect() as connection:
                row = read_places(connection, {device})[0]
                sequence = sequence_of(connection, row, sequences)
                return sequence.due(position(connection, row, sequence))

        spent, due = timed(look)
        first.append(spent)
        for place in range(VOTES):
            vote = Vote(device, due[0].token, key=f"scale-key-{place}", value=5, view_ms=1500.0)

            def write(vote: Vote = vote, sequences: Sequences = sequences) -> Any:
                with writing(engine) as session:
                    return store(session.connection(), [vote], sequences)[0]

            spent, answer = timed(write)
            if not isinstance(answer, str):
                raise SystemExit(f"a vote was refused: {answer}")
            voted.append(spent)
            spent, due = timed(look)
            again.append(spent)
    for what, times in (("first picture", first), ("next picture", again), ("vote with commit", voted)):
        yield what, f"{np.median(times):.2f} ms (95 %: {np.quantile(times, 0.95):.2f})"
    yield "statements that scan", "; ".join(scans(engine, statements)) or "none"


def scans(engine: Engine, statements: list[tuple[str, Any]]) -> list[str]:
    """Tables that a statement reads from end to end, by EXPLAIN QUERY PLAN."""
    unique = {sql: values for sql, values in list(statements) if sql.startswith(("SELECT", "UPDATE"))}
    with engine.connect() as connection:
        steps = [
            row[3] for sql, values in unique.items() for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
    return sorted({step for step in steps if step.startswith("SCAN ") and "CONSTANT" not in step})


def board_part(engine: Engine) -> Iterator[tuple[str, str]]:
    """The board's two countings."""
    with Session(engine) as session:
        spent, counts = timed(lambda: board.votes_per_image(session, 1))
        yield "votes per image", f"{spent / 1000:.2f} s ({len(counts):,} images)"
        spent, people = timed(lambda: board.progress(session, 1))
        yield "observers' progress", f"{spent / 1000:.2f} s ({len(people):,} observers)"


def plan_alone(images: int) -> None:
    """Make a plan in this process and print seconds, presentations and the largest memory."""
    made = [design.Image(f"P{k // CONTENT}/{k}", f"P{k // CONTENT}", str(k % CONTENT), "test") for k in range(images)]
    rules = design.fitting_rules(images, blocks=images // 190, take=1, repeats=0, gold=0)
    spent, plan = timed(lambda: design.make_plan(made, rules, images * SHOWN // 190, 1))
    shown = sum(len(row) for row in plan.rows)
    print(f"{spent / 1000:.1f} s, {shown:,} presentations, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def measure(images: int, parts: list[str]) -> Iterator[tuple[str, str]]:
    """All chosen parts at one size."""
    if "plan" in parts:
        done = subprocess.run([sys.executable, "-m", "benchmarks.scale", "--plan-alone", str(images)], capture_output=True, text=True,
                              check=True)  # fmt: skip
        yield "planning", done.stdout.strip()
    if not {"votes", "board"} & set(parts):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scale.db"
        engine = open_engine(f"sqlite:///{path}")
        spent, rows = timed(lambda: build(engine, images))
        held = f"{images * SHOWN:,} presentations, {rows // 2 * ROW:,} votes, {path.stat().st_size / 1e6:,.0f} MB"
        yield "built", f"{held}, {spent / 1000:.0f} s"
        if "votes" in parts:
            yield from votes_part(engine, rows)
        if "board" in parts:
            yield from board_part(engine)
        engine.dispose()


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[1_900, 100_000])
    parser.add_argument("--part", action="append", choices=["votes", "board", "plan"])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--plan-alone", type=int, help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.plan_alone:
        plan_alone(said.plan_alone)
        return
    for images in [1_900, 10_000] if said.quick else said.images:
        print(f"\n{images:,} images x {SHOWN}")
        for what, found in measure(images, said.part or ["votes", "board", "plan"]):
            print(f"  {what:<22}{found}", flush=True)


if __name__ == "__main__":
    main()
