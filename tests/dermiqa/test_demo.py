"""The whole chain as a user runs it: one command, real processes, and the same command again."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from dermiqa.demo import free_port

pytestmark = pytest.mark.slow


def demo(place: Path, *words: str, timeout: int = 900) -> subprocess.CompletedProcess[str]:
    """Run `dermiqa demo --small` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "dermiqa", "demo", "--small", "--port", str(free_port(18000)), "--workspace", str(place), *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=place.parent,
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which the small demonstration ran to its end."""
    place = tmp_path_factory.mktemp("demo") / "ws"
    ran = demo(place, "--no-serve")
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "SIMULATED" in ran.stdout
    return place


def test_every_stage_left_its_result(done: Path) -> None:
    """4 x 19 images, votes of five simulated observers, scores, exports, a model with its card, the tables."""
    with (done / "manifest.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 4 * 19
    with closing(sqlite3.connect(done / "dermiqa.db")) as connection:
        assert connection.execute("SELECT count(*), min(simulated) FROM observers").fetchone() == (5, 1)
        missing = connection.execute(
            "SELECT count(*) FROM presentations p JOIN assignments a ON a.slot_id = p.slot_id WHERE p.role <> 'training'"
            " AND NOT EXISTS (SELECT 1 FROM ratings r WHERE r.presentation_id = p.id)"
        ).fetchone()
        assert missing == (0,)
    with (done / "reports" / "demo" / "scores" / "scores.csv").open() as stream:
        scores = list(csv.DictReader(stream))
    assert {row["n"] for row in scores} == {"5"} == {row["n_simulated"] for row in scores}
    for path in ("exports/demo/dermiqa/scores.csv", "exports/demo/matrix/matrix.csv", "exports/demo/pyiqa/meta_info_demo.csv"):
        assert (done / path).stat().st_size > 200, path
    assert "simulated" in (done / "models" / "demo" / "README.md").read_text().lower()
    assert list((done / "reports" / "tables").glob("*.tex"))
    assert list((done / "reports" / "demo").glob("*.pdf"))


def test_the_workspace_verifies(done: Path) -> None:
    """Every file and table agrees afterwards."""
    ran = subprocess.run(
        [sys.executable, "-m", "dermiqa", "-w", str(done), "verify"], capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stdout


def test_no_vote_counts_twice_in_a_second_run(done: Path) -> None:
    """The same command goes on where it stopped: the same votes, the same model, and it serves until it is interrupted."""
    with closing(sqlite3.connect(done / "dermiqa.db")) as connection:
        before = connection.execute("SELECT count(*), sum(value) FROM ratings").fetchone()
    model = {path: path.stat().st_mtime_ns for path in (done / "models" / "demo").glob("*.safetensors")}
    words = ["demo", "--small", "--port", str(free_port(18100)), "--workspace", str(done)]
    command = [sys.executable, "-m", "dermiqa", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=_hear_interrupts
    ) as running:
        try:
            link = _line_with("an observer's link", running)
            with urllib.request.urlopen(link.split()[-1], timeout=30) as page:
                assert page.status == 200
                assert '<form method="post"' in page.read().decode()
            assert "/c/" in _line_with("the curator's page", running)
        finally:
            running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0
    with closing(sqlite3.connect(done / "dermiqa.db")) as connection:
        assert connection.execute("SELECT count(*), sum(value) FROM ratings").fetchone() == before
    assert model == {path: path.stat().st_mtime_ns for path in (done / "models" / "demo").glob("*.safetensors")}


def _hear_interrupts() -> None:
    """A process that a shell put into the background ignores Ctrl-C, and so do its children: not here."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _line_with(words: str, running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    for line in running.stdout:
        if words in line:
            return line.strip()
    raise AssertionError(f"the demo ended without saying {words!r}")


def test_ten_kills_of_the_voting_lose_and_double_nothing(done: Path, tmp_path: Path) -> None:
    """`simulate` killed at ten moments and started again ends with one vote per presentation and a clean `verify`."""
    import random
    import shutil

    place = tmp_path / "ws"
    shutil.copytree(done, place, ignore=shutil.ignore_patterns("models", "exports", "reports", "logs"))
    _make_study(place)
    words = [sys.executable, "-m", "dermiqa", "-w", str(place), "simulate", "kills", "--observers", "5"]
    moments = random.Random(7)
    for _ in range(10):
        voting = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(moments.uniform(0.3, 2.5))
        os.killpg(voting.pid, signal.SIGKILL)
        voting.wait()
    ended = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    query = """SELECT count(*), count(DISTINCT r.presentation_id) FROM ratings r JOIN observers o ON o.id = r.observer_id
               JOIN studies s ON s.id = o.study_id WHERE s.name = 'kills'"""
    planned = """SELECT count(*) FROM presentations p JOIN slots l ON l.id = p.slot_id JOIN panels n ON n.id = l.panel_id
                 JOIN study_versions v ON v.id = n.version_id JOIN studies s ON s.id = v.study_id
                 WHERE s.name = 'kills' AND p.role <> 'training'"""
    with closing(sqlite3.connect(place / "dermiqa.db")) as connection:
        rows, different = connection.execute(query).fetchone()
        assert rows == different == connection.execute(planned).fetchone()[0]
    checked = subprocess.run(
        [sys.executable, "-m", "dermiqa", "-w", str(place), "verify", "--json"], capture_output=True, text=True
    )
    assert json.loads(checked.stdout)["faults"] == []


def _make_study(place: Path) -> None:
    for words in (
        ("create", "kills", "--target", "5", "--reserve", "1", "--training", "10"),
        ("freeze", "kills"),
        ("open", "kills"),
    ):
        made = subprocess.run(
            [sys.executable, "-m", "dermiqa", "-w", str(place), "study", *words], capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
