"""Large studies for measuring: a workspace of tiny images, frozen by the product itself, then half of its rows rated by SQL.

python -m benchmarks.scale_study FOLDER IMAGES      (freezes; prints seconds and memory of the freezing alone)
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, insert, select, text

from annotate_app import studies
from annotate_app.tables import ASSIGNMENTS, DEVICES, OBSERVERS, PRESENTATIONS, SESSIONS, SLOTS
from db.engine import open_engine, writing
from db.migrate import upgrade
from db.models import new_token
from db.types import now
from distort.png import encode
from workspace.files import sha256_bytes, write_rows
from workspace.settings import TEMPLATE, Workspace, open_workspace
from workspace.tables import MANIFEST_COLUMNS, SOURCES_COLUMNS

NAME, SHOWN, VERSIONS, BLOCK, SITTINGS = "large", 40, 19, 190, 5
RATED = """
INSERT INTO ratings (presentation_id, question_id, slot_id, assignment_id, observer_id, session_id, low, high, value, key, response_ms,
received)
SELECT p.id, q.id, p.slot_id, a.id, a.observer_id, s.id, q.low, q.high, 1 + (p.id * 7 + a.observer_id) % 10, 'key-' || p.id,
900 + p.id % 700, s.started FROM assignments a JOIN presentations p ON p.slot_id = a.slot_id
JOIN sessions s ON s.assignment_id = a.id AND s.number = p.session JOIN questions q ON q.version_id = p.version_id
WHERE s.ended IS NOT NULL
"""


def make_workspace(root: Path, images: int) -> Workspace:
    """A workspace with so many images (a photo and 18 variants each) of 8 x 6 pixels, every file with bytes of its own."""
    rng, sources, rows = np.random.default_rng(1), [], []
    for k in range(images + 6 * VERSIONS):
        name, version = f"P{k // VERSIONS:05d}", k % VERSIONS
        file = f"distorted/paper/{name}/v{version}.png" if version else f"pristine/{name}.png"
        data = encode(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(data)
        rows.append({
            "file": file, "kind": "variant" if version else "pristine", "pristine": name, "subject": name, "psnr": f"{20 + version}",
            "recipe": "paper" if version else "", "variant": f"v{version}" if version else "", "axis": "", "width": 8, "height": 6,
            "bytes": len(data), "sha256": sha256_bytes(data),
        })  # fmt: skip
        if not version:
            sources.append(
                {"pristine": name, "subject": name, "source": "made for measuring", "licence": "CC0-1.0", "file": name}
            )
    write_rows(root / "sources.csv", [{key: row.get(key, "") for key in SOURCES_COLUMNS} for row in sources], SOURCES_COLUMNS)
    write_rows(root / "manifest.csv", [{key: row.get(key, "") for key in MANIFEST_COLUMNS} for row in rows], MANIFEST_COLUMNS)
    (root / "dermiqa.toml").write_text(TEMPLATE.format(name='"large"'))
    return open_workspace(root)


def freeze(root: Path, images: int) -> None:
    """Draft and freeze the study; prints how long the freezing took, what it holds, and this process's largest memory."""
    workspace = open_workspace(root)
    engine = open_engine(workspace.database_url)
    upgrade(engine)
    blocks = max(1, images // BLOCK)
    take = min(SITTINGS, blocks)
    target = round(images * SHOWN / (BLOCK * take))
    with writing(engine) as session:
        studies.create(session, NAME, blocks=blocks, take=take, per_sitting=1, together=True, reserve=6, training=0, gold=6,
                       panels=[{"target": target}])  # fmt: skip
    began, worked = time.perf_counter(), time.process_time()
    version = studies.freeze(workspace, engine, NAME)
    spent, worked = time.perf_counter() - began, time.process_time() - worked
    proof = version.proof["panels"][0]
    with writing(engine) as session:
        studies.open_study(session, NAME)
    print(f"{spent:.0f} s ({worked:.0f} s of a core), {proof['presentations']:,} presentations, {proof['observers']:,} observers, "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")  # fmt: skip


def fill(engine: Engine) -> tuple[int, int]:
    """Seat an observer in each row; the first half has rated everything, the second sits before its first picture. Gives
    the first and last number of those who sit."""
    with engine.execution_options(dermiqa_write=True).begin() as connection:
        slots = connection.execute(select(SLOTS.c.id, SLOTS.c.length, SLOTS.c.sessions).order_by(SLOTS.c.id)).all()
        people(connection, [tuple(slot) for slot in slots])
        connection.execute(text(RATED))
        connection.execute(text("ANALYZE"))
    with engine.connect() as connection:
        connection.execute(text("COMMIT"))
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return len(slots) // 2 + 1, len(slots)


def people(connection: Connection, slots: list[tuple[Any, ...]]) -> None:
    """An observer, a device, an assignment and sittings for each row (id, length, sittings)."""
    moment, half = now(), len(slots) // 2
    numbers = range(1, len(slots) + 1)
    persons = [
        {"id": k, "token": new_token(), "study_id": 1, "panel_id": 1, "pseudonym": f"P{k}", "simulated": True,
         "state": "active" if k > half else "finished"}
        for k in numbers
    ]  # fmt: skip
    seats = [
        {"id": k, "slot_id": slot, "observer_id": k, "from_position": 0, "to_position": length, "created": moment}
        for k, (slot, length, _) in zip(numbers, slots, strict=True)
    ]
    connection.execute(insert(OBSERVERS), persons)
    connection.execute(insert(DEVICES), [{"id": k, "observer_id": k, "token_hash": f"d{k}", "created": moment} for k in numbers])
    connection.execute(insert(ASSIGNMENTS), seats)
    connection.execute(insert(SESSIONS), [
        {"token": new_token(), "assignment_id": k, "slot_id": slot, "observer_id": k, "number": number, "started": moment,
         "ended": moment if k <= half else None, "display": {}}
        for k, (slot, _, sittings) in zip(numbers, slots, strict=True) for number in range(1, sittings + 1 if k <= half else 2)
    ])  # fmt: skip


def counts(engine: Engine) -> tuple[int, int]:
    """Presentations and votes that the database holds."""
    with engine.connect() as connection:
        shown = connection.execute(select(text("count(*)")).select_from(PRESENTATIONS)).scalar_one()
        return shown, connection.execute(text("SELECT count(*) FROM ratings")).scalar_one()


if __name__ == "__main__":
    freeze(Path(sys.argv[1]), int(sys.argv[2]))
