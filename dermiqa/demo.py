"""The whole chain on the photographs that ship with the package: one verb after another, each going on where it stopped."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from workspace.errors import DermiqaError, UsageFault, WorkspaceFault
from workspace.settings import FILE, Workspace, create, open_workspace

PHOTOS = Path(__file__).parent / "demo_photos"
STUDY = "demo"
SETTINGS = Path(__file__).parent / "demo_study.json"
VISITORS = 4
"""Rows of the plan beside the simulated observers', so that people find a free place."""
SMALL = ("erythema_migrans_dark", "impetigo_forearm", "nummular_eczema", "poison_oak_arm")
TRAINING = ["--model", "lite0", "--input", "128", "--batch", "16", "--weights", "packaged"]
WAIT = 60.0


@dataclass(frozen=True)
class Size:
    """How much a demonstration does; `reserved` contents are left out of the test for training and gold."""

    photos: tuple[str, ...]
    observers: int
    reserved: int
    epochs: int


def size_of(small: bool) -> Size:
    """4 photos and 5 observers, or all photos and 40 observers."""
    names = tuple(sorted(path.stem for path in PHOTOS.iterdir() if path.suffix in {".jpg", ".png"}))
    return Size(SMALL, 5, 1, 2) if small else Size(names, 40, 3, 20)


def open_place(root: Path) -> Workspace:
    """The demonstration's workspace, made when it is not there. Raises WorkspaceFault when `root` holds something else."""
    if (root / FILE).is_file():
        return open_workspace(root)
    if root.exists() and any(root.iterdir()):
        raise WorkspaceFault(f"{root} holds other files: name an empty or new folder with --workspace")
    return create(root, name="demo")


class Chain:
    """Runs the verbs of the command line in this process, numbered, as a person would type them."""

    def __init__(self, workspace: Workspace, size: Size, say: Callable[[str], None]) -> None:
        self.workspace, self.size, self.say = workspace, size, say
        self.number = 0
        self.times: list[tuple[str, float]] = []

    def verb(self, *words: str, shown: str | None = None) -> None:
        """Run one verb. Raises DermiqaError when it ends with faults."""
        from dermiqa.cli import cli

        self.number += 1
        self.say(f"\n[{self.number}] dermiqa {shown or shlex.join(words)}")
        began = time.monotonic()
        code = cli.main(["--workspace", str(self.workspace.root), *words], standalone_mode=False)
        self.times.append((words[0] if words[0] != "study" else " ".join(words[:2]), time.monotonic() - began))
        if isinstance(code, int) and code:
            raise WorkspaceFault(f"`dermiqa {words[0]}` ended with faults (see above): mend them and run the demo again")

    def photos(self) -> None:
        """From photographs to the graded set."""
        files = [str(path) for path in sorted(PHOTOS.iterdir()) if path.stem in self.size.photos]
        metadata = str(PHOTOS / "credits.csv")
        self.verb(
            "prepare",
            *files,
            "--keep-names",
            "--metadata",
            metadata,
            "--jobs",
            "2",
            shown=f"prepare {len(files)} photos --jobs 2",
        )
        self.verb("distort", "--jobs", "2")
        self.verb("sheet", "--size", "170")

    def study(self) -> None:
        """From the graded set to a study that is open."""
        state = study_state(self.workspace)
        self.verb("db", "upgrade")
        if state is None:
            self.verb(
                "study", "create", STUDY, "--target", str(self.size.observers + VISITORS), "--training", "10", "--gold", "6",
                "--gold-from", "kadid", "--reserve", str(self.size.reserved), "--settings", str(SETTINGS),
                shown=f"study create {STUDY} --target {self.size.observers + VISITORS} --settings {SETTINGS.name} ...",
            )  # fmt: skip
        if state in (None, "draft"):
            self.verb("study", "plan", STUDY)
            self.verb("study", "freeze", STUDY)
        if state in (None, "draft", "frozen"):
            self.verb("study", "open", STUDY)

    def votes(self, url: str) -> None:
        """Simulated observers sign on and vote over HTTP."""
        self.verb("simulate", STUDY, "--observers", str(self.size.observers), "--through-http", url)

    def results(self) -> None:
        """Scores, report and exports."""
        self.verb("mos", "--study", STUDY, "--out", str(self.workspace.reports / STUDY / "scores"))
        self.verb("report", STUDY)
        formats = [word for name in ("dermiqa", "long", "matrix", "pyiqa") for word in ("--format", name)]
        self.verb("export", STUDY, *formats)

    def model(self) -> Path | None:
        """Train a small model, print the tables, score a photo; gives the model's folder, None without torch."""
        if importlib.util.find_spec("torch") is None:
            self.say("\ntraining and scoring are left out: torch is not installed: pip install 'dermiqa[train]'")
            return None
        folder = self.workspace.models / STUDY
        data = str(self.workspace.exports / STUDY / "dermiqa")
        options = [*TRAINING, "--epochs", str(self.size.epochs)]
        self.verb("train", data, *options, "--out", str(folder))
        self.verb("tables", str(self.workspace.models))
        self.verb("score", str(PHOTOS / "nummular_eczema.jpg"), "--model", str(folder))
        return folder


def study_state(workspace: Workspace) -> str | None:
    """The state of the demonstration's study; None when there is none yet."""
    from sqlmodel import select

    from db.engine import open_engine, reading
    from db.migrate import current
    from db.models import Study

    engine = open_engine(workspace.database_url)
    try:
        if current(engine) is None:
            return None
        with reading(engine) as session:
            return session.exec(select(Study.state).where(Study.name == STUDY)).first()
    finally:
        engine.dispose()


def free_port(wanted: int) -> int:
    """`wanted`, or the next free port after it. Raises UsageFault when twenty are taken."""
    for port in range(wanted, wanted + 20):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise UsageFault(f"the ports {wanted} to {wanted + 19} are in use: say another with --port")


@contextmanager
def serving(workspace: Workspace, port: int) -> Iterator[str]:
    """The real server in a process of its own, ready; stopped at the end. Gives its address. Raises DermiqaError."""
    log = workspace.logs / "serve.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "dermiqa", "--workspace", str(workspace.root), "serve", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with log.open("ab") as stream:
        server = subprocess.Popen(words, stdout=stream, stderr=stream, start_new_session=True, env={**os.environ})
    try:
        _wait_until_ready(url, server, log)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(WAIT)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urlopen(f"{url}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.1)
    last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
    raise DermiqaError(f"the server did not start: {last} (see {log})")


def invitation(workspace: Workspace, url: str) -> str:
    """A new observer's link to the demonstration's study."""
    from annotate_app.observers import invite
    from db.queries.studies import frozen_version, named, panel_named

    with _writing(workspace) as session:
        panel = panel_named(session, frozen_version(session, named(session, STUDY)), None)
        return f"{url}/i/{invite(session, panel, 1)[0].code}"


def curator_password(workspace: Workspace) -> str:
    """A new random password of the curator `demo`, who is added when missing."""
    from sqlmodel import select

    from annotate_app.curators import add
    from annotate_app.security import hash_password, new_secret
    from db.models import Curator

    password = new_secret()[:16]
    with _writing(workspace) as session:
        found = session.exec(select(Curator).where(Curator.name == STUDY)).first()
        if found is None:
            add(session, STUDY, password)
        else:
            found.password_hash = hash_password(password)
            session.add(found)
    return password


@contextmanager
def _writing(workspace: Workspace) -> Iterator[Any]:
    from db.engine import open_engine, writing

    engine = open_engine(workspace.database_url)
    try:
        with writing(engine) as session:
            yield session
    finally:
        engine.dispose()


def record(workspace: Workspace, times: list[tuple[str, float]]) -> None:
    """Write how long each verb took beside the logs, for the curious."""
    from workspace.files import write_text

    rows: list[dict[str, Any]] = [{"verb": verb, "seconds": round(seconds, 2)} for verb, seconds in times]
    write_text(workspace.logs / "demo-times.json", json.dumps(rows, indent=1) + "\n")
