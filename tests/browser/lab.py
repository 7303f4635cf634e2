"""A laboratory for tests: a workspace of real photographs, a real server process, studies with links."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sqlmodel import Session, col, select

from annotate_app import observers, studies
from db.engine import open_engine, reading, writing
from db.migrate import upgrade
from db.models import Event, Observer, Panel, Presentation, Rating, Stimulus, Study, StudyVersion
from distort import engine
from distort.png import read_rgb, write_png
from distort.recipes import load_recipe
from workspace.files import write_rows
from workspace.settings import Workspace, create
from workspace.tables import SOURCES_COLUMNS

PHOTOS = ("erythema_migrans_dark.jpg", "poison_oak_arm.jpg", "tinea_forearm.jpg", "nummular_eczema.jpg", "impetigo_forearm.jpg")
KEPT = ("jpeg_1", "jpeg_3", "blur_1", "pixelate_2", "sharpen_3", "brighten_2", "darken_2", "color_1", "contrast_1")
QUICK_WAY = {
    "display": "none",
    "vision": "not_assessable",
    "questions": False,
    "instructions": False,
    "quiz": False,
    "examples": False,
}
QUICK = {"gap_ms": 80, "min_view_ms": 60}


def build(root: Path, photos: Path) -> Workspace:
    """A workspace with five photographs at most 512 pixels wide, one of them upright, and the paper's variants of each."""
    place = create(root)
    open_cells = dict.fromkeys(("may_show", "may_alter", "may_redistribute", "accepted"), "yes")
    rows = []
    for k, file in enumerate(PHOTOS):
        picture = cv2.imread(str(photos / file))[:, :, ::-1]
        scale = 512 / max(picture.shape[:2])
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        name = Path(file).stem
        write_png(place.pristine / f"{name}.png", np.ascontiguousarray(np.rot90(small) if k == 0 else small))
        rows.append(
            dict.fromkeys(SOURCES_COLUMNS, "")
            | open_cells
            | {"file": file, "pristine": name, "subject": name, "source": "demo", "licence": "CC0"}
        )
    write_rows(place.sources, rows, SOURCES_COLUMNS)
    paper = load_recipe("paper")
    list(engine.run(place, replace(paper, variants=tuple(variant for variant in paper.variants if variant.name in KEPT))))
    upgrade(open_engine(place.database_url))
    return place


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Lab:
    """The workspace and its server."""

    def __init__(self, place: Workspace) -> None:
        self.place = place
        self.engine = open_engine(place.database_url)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [sys.executable, "-m", "dermiqa", "serve", "--workspace", str(self.place.root), "--port", str(self.port)]
        with (self.place.root / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "NO_COLOR": "1"})
        until = time.monotonic() + 180
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(self.address + "/healthz", timeout=2).close()
                return
            except (urllib.error.URLError, OSError):
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        self.stop(kill=True)
        raise RuntimeError((self.place.root / "server.log").read_text())

    def stop(self, *, kill: bool = False) -> None:
        """Stop the server; `kill` by SIGKILL."""
        assert self.process is not None
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait(30)

    @contextmanager
    def down(self) -> Iterator[None]:
        """The server is not there for a while."""
        self.stop(kill=True)
        yield
        self.start()

    def study(
        self, name: str, *, way: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None, **said: Any
    ) -> None:
        """A frozen and open study of 30 pictures (3 photographs, 9 variants and the reference each) unless said otherwise."""
        base: dict[str, Any] = {
            "reserve": [Path(file).stem for file in PHOTOS[3:]], "training": 2, "gold": 0, "stabilising": [0, 0], "repeats": 0, "seed": 5,
            "panels": [{"name": "lay", "target": 8}],
        }  # fmt: skip
        whole = {**base, "way": QUICK_WAY if way is None else dict(way), "settings": {**QUICK, **(settings or {})}, **said}
        with writing(self.engine) as session:
            studies.create(session, name, **whole)
        studies.freeze(self.place, self.engine, name)
        with writing(self.engine) as session:
            studies.open_study(session, name)

    def panel(self, session: Session, study: str) -> Panel:
        """A study's panel."""
        query = (
            select(Panel)
            .join(StudyVersion, col(StudyVersion.id) == Panel.version_id)
            .join(Study, col(Study.id) == StudyVersion.study_id)
        )
        return session.exec(query.where(Study.name == study).order_by(col(Panel.id).desc())).first()  # type: ignore[return-value]

    def invite(self, study: str) -> str:
        """An observer's link."""
        with writing(self.engine) as session:
            return f"{self.address}/i/{observers.invite(session, self.panel(session, study), 1)[0].code}"

    def open_link(self, study: str, quota: int) -> str:
        """A link for several people."""
        with writing(self.engine) as session:
            return f"{self.address}/i/{observers.open_link(session, self.panel(session, study), quota)}"

    def reissue(self, study: str, pseudonym: str) -> str:
        """A new link of an observer."""
        with writing(self.engine) as session:
            return f"{self.address}/i/{observers.reissue(session, self.find(session, study, pseudonym))}"

    def find(self, session: Session, study: str, pseudonym: str) -> Observer:
        """An observer of a study."""
        query = select(Observer).join(Study, col(Study.id) == Observer.study_id)
        return session.exec(query.where(Study.name == study, Observer.pseudonym == pseudonym)).one()

    def observer(self, study: str, pseudonym: str = "P001") -> Observer:
        """An observer's row, detached."""
        with reading(self.engine) as session:
            found = self.find(session, study, pseudonym)
            session.expunge(found)
            return found

    def votes(self, study: str) -> list[Rating]:
        """A study's votes, in the order of the plan."""
        query = (
            select(Rating).join(Observer, col(Observer.id) == Rating.observer_id).join(Study, col(Study.id) == Observer.study_id)
        )
        query = query.join(Presentation, col(Presentation.id) == Rating.presentation_id).where(Study.name == study)
        with reading(self.engine) as session:
            return list(session.exec(query.order_by(col(Presentation.slot_id), col(Presentation.position))))

    def events(self, study: str) -> list[Event]:
        """A study's events."""
        query = select(Event).join(Study, col(Study.id) == Event.study_id).where(Study.name == study)
        with reading(self.engine) as session:
            return list(session.exec(query.order_by(col(Event.id))))

    def picture(self, study: str, token: str) -> np.ndarray:
        """The pixels of a presentation's frozen file, (H, W, 3) uint8."""
        with reading(self.engine) as session:
            query = select(Stimulus.name, Stimulus.sha256).join(Presentation, col(Presentation.stimulus_id) == Stimulus.id)
            name, sha256 = session.exec(query.where(Presentation.token == token)).one()
        return read_rgb(self.place.study(study) / "stimuli" / f"{name}-{sha256[:8]}.png")
