"""How long a study's board takes at the paper's size, while votes come in: counted anew, and within the seconds it is kept.

    python -m benchmarks.board [--quick]

1,900 images, 40 observers, 76,000 votes on SQLite; --quick takes a tenth of the images.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from annotate_app.routes import curator_board
from db.engine import open_engine, writing
from tests.annotate_app.desk import Desk, Office
from tests.annotate_app.house import House, make_house

SEAT = """INSERT INTO assignments (slot_id, observer_id, from_position, to_position, created)
SELECT s.id, o.id, 0, s.length, o.created FROM slots s JOIN observers o ON o.panel_id = s.panel_id AND o.id = s.number + :shift"""
SIT = """INSERT INTO sessions (token, assignment_id, slot_id, observer_id, number, started, display)
SELECT 'sitting-' || a.id, a.id, a.slot_id, a.observer_id, 1, a.created, '{}' FROM assignments a"""
VOTE = """INSERT INTO ratings (presentation_id, question_id, slot_id, assignment_id, observer_id, session_id, low, high, value, key,
response_ms, received)
SELECT p.id, q.id, p.slot_id, a.id, a.observer_id, s.id, q.low, q.high, 1 + (p.id * 7 + a.observer_id) % 10, 'key-' || p.id,
900 + p.id % 700, a.created FROM presentations p JOIN assignments a ON a.slot_id = p.slot_id JOIN sessions s ON s.assignment_id = a.id
JOIN questions q ON q.version_id = p.version_id WHERE p.role <> 'training' AND p.id % 500 <> 0"""
ONE = VOTE.replace("p.id % 500 <> 0", "p.id % 500 = 0 AND p.id NOT IN (SELECT presentation_id FROM ratings) LIMIT 1")


def fill(house: House, observers: int) -> None:
    """Seat everybody and store nearly all votes."""
    house.invite(observers)
    with writing(house.engine) as session:
        first = session.execute(text("SELECT min(id) FROM observers")).scalar_one()
        number = session.execute(text("SELECT min(number) FROM slots")).scalar_one()
        session.execute(text("UPDATE observers SET state = 'active'"))
        session.execute(text(SEAT), {"shift": first - number})
        session.execute(text(SIT))
        session.execute(text(VOTE))


def wait(desk: Desk, house: House, path: str) -> float:
    """One vote comes in, then the page is asked for; gives ms."""
    with writing(house.engine) as session:
        session.execute(text(ONE))
    began = time.perf_counter()
    answer = desk.get(path)
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        raise RuntimeError(answer.text)
    return took


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    contents = 39 if parser.parse_args().quick else 381
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/board.db"
        house = make_house(Path(folder) / "ws", open_engine(url), url, contents)
        house.open(reserve=1, training=2, gold=1, panels=[{"target": 40}])
        fill(house, 40)
        office = Office(house)
        with office.first:
            desk = office.desk("viewer")
            wait(desk, house, "/c/studies/skin")
            print(f"{len(house.votes())} votes\n{'page':<34}{'median ms':>10}{'most ms':>10}")
            for path, kept in (("/c/studies/skin", 0.0), ("/c/studies/skin/live", 0.0), ("/c/studies/skin/live", 1e9)):
                curator_board.KEPT_S = kept
                waits = [wait(desk, house, path) for _ in range(15)]
                name = f"{path.rsplit('/', 1)[1]}, {'kept' if kept else 'counted anew'}"
                print(f"{name:<34}{statistics.median(waits):>10.0f}{max(waits):>10.0f}")


if __name__ == "__main__":
    main()
