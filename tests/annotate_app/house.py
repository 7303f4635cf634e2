"""A workspace with tiny images made by hand, a frozen study in it, and observers who sign on: what the tests here share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session, select

from annotate_app import observers, seats, studies
from annotate_app.security import token_hash
from annotate_app.sequence import Sequence, Sequences
from annotate_app.votes import Vote, position, read_places, sequence_of, store
from db.engine import writing
from db.migrate import upgrade
from db.models import Observer, Rating
from db.queries import studies as queries
from distort.png import encode
from workspace.files import sha256_bytes, write_bytes, write_rows
from workspace.settings import TEMPLATE, Settings, Workspace
from workspace.tables import MANIFEST_COLUMNS, SOURCES_COLUMNS

VARIANTS = {"jpeg_1": (10, 3), "jpeg_3": (10, 5), "blur_1": (1, 4), "darken_1": (17, 4)}


def make_workspace(root: Path, url: str, contents: int = 5) -> Workspace:
    """A workspace with `contents` photos of 8 x 6 pixels and four variants each, every file with bytes of its own."""
    rng = np.random.default_rng(3)
    sources, rows = [], []
    for c in range(contents):
        name = f"P{c:04d}"
        sources.append(
            {"pristine": name, "subject": f"S{c}", "source": "made up", "licence": "CC0-1.0", "may_redistribute": "yes"}
        )
        for variant, (kind, level) in {"": ("", ""), **VARIANTS}.items():
            file = f"distorted/paper/{name}/{variant}.png" if variant else f"pristine/{name}.png"
            data = encode(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
            write_bytes(root / file, data)
            row = {
                "file": file, "kind": "variant" if variant else "pristine", "pristine": name, "subject": f"S{c}",
                "recipe": "paper" if variant else "", "variant": variant, "axis": variant[:-2], "kadid_type": kind, "kadid_level": level,
                "width": 8, "height": 6, "bytes": len(data), "sha256": sha256_bytes(data),
            }  # fmt: skip
            rows.append(row)
    write_rows(root / "sources.csv", [{key: row.get(key, "") for key in SOURCES_COLUMNS} for row in sources], SOURCES_COLUMNS)
    write_rows(root / "manifest.csv", [{key: row.get(key, "") for key in MANIFEST_COLUMNS} for row in rows], MANIFEST_COLUMNS)
    text = TEMPLATE.format(name='"house"').replace("sqlite:///dermiqa.db", url)
    write_bytes(root / "dermiqa.toml", text.encode())
    return Workspace(root, Settings(name="house", database_url=url))


@dataclass
class House:
    """A workspace, its database, and the name of an open study."""

    workspace: Workspace
    engine: Engine
    study: str = "skin"

    def open(self, **draft: Any) -> House:
        """Make, freeze and open the study; by default one reserved content, two training, one gold, four observers."""
        said = {"reserve": 1, "training": 2, "gold": 1, "gold_values": "kadid", "panels": [{"target": 4}], **draft}
        with writing(self.engine) as session:
            studies.create(session, self.study, **said)
        studies.freeze(self.workspace, self.engine, self.study)
        with writing(self.engine) as session:
            studies.open_study(session, self.study)
        return self

    def invite(self, count: int = 1, *, simulated: bool = True) -> list[observers.Invited]:
        """Invitations of the first panel."""
        with writing(self.engine) as session:
            version = queries.frozen_version(session, queries.named(session, self.study))
            return observers.invite(session, queries.panel_named(session, version, None), count, simulated=simulated)

    def sit_down(self, code: str | None = None) -> Sitter:
        """An observer who has signed on and begun a sitting."""
        made = Sitter(self, code or self.invite()[0].code)
        made.start()
        return made

    def votes(self) -> list[Rating]:
        """All stored votes."""
        with Session(self.engine) as session:
            return list(session.exec(select(Rating)).all())


class Sitter:
    """An observer at a device."""

    def __init__(self, house: House, code: str) -> None:
        self.house, self.sequences = house, Sequences()
        with writing(house.engine) as session:
            signed = observers.sign_on(session, code)
            self.cookie, self.pseudonym, self.id = signed.cookie, signed.observer.pseudonym, signed.observer.id or 0
            self.took_over = signed.took_over
        self.device = token_hash(self.cookie)

    def start(self) -> None:
        """Begin the next sitting."""
        with writing(self.house.engine) as session:
            seats.start_sitting(session, session.get_one(Observer, self.id))

    def sequence(self) -> tuple[Sequence, int]:
        """The sitting's steps and how many are done."""
        with Session(self.house.engine) as session:
            connection = session.connection()
            row = read_places(connection, {self.device})[0]
            found = sequence_of(connection, row, self.sequences)
            return found, position(connection, row, found)

    def vote(self, index: int | None = None, **said: Any) -> Any:
        """Vote on the step that is due (or another one); gives the answer or the refusal."""
        sequence, due = self.sequence()
        step = sequence.steps[due if index is None else index]
        values = {
            "value": 5,
            "view_ms": 900.0,
            "key": f"vote-key-{step.presentation}-{step.question.id}",
            "question": step.question.name,
            **said,
        }
        return self.send(values.pop("presentation", step.token), **values)

    def send(self, presentation: str, **values: Any) -> Any:
        """Send a vote for any presentation; gives the answer or the refusal."""
        vote = Vote(self.device, presentation, **values)
        with writing(self.house.engine) as session:
            return store(session.connection(), [vote], self.sequences)[0]

    def finish(self, value: int = 5) -> int:
        """Vote to the end of the sitting; gives the votes."""
        sequence, due = self.sequence()
        for _ in range(due, len(sequence.steps)):
            answer = self.vote(value=value)
            assert isinstance(answer, str), answer
        return len(sequence.steps) - due


def make_house(root: Path, engine: Engine, url: str, contents: int = 5) -> House:
    """A house with empty tables."""
    upgrade(engine)
    return House(make_workspace(root, url, contents), engine)
