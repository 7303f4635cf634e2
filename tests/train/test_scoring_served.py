"""Scoring by the server: a real child process, clear answers to bad bodies, limits, and nothing there without a model."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import Engine
from starlette.types import Message

from annotate_app.app import create_app
from annotate_app.routes.scoring import IN_ALL, PER_MINUTE
from annotate_app.scoring_process import MOST_AT_ONCE, ScoringProcess
from db.engine import open_engine
from db.migrate import upgrade
from workspace.errors import ModelFault
from workspace.settings import Workspace, create


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Workspace, Engine]]:
    """An empty workspace with its database."""
    made = create(tmp_path / "place", name="scoring")
    engine = open_engine(made.database_url)
    upgrade(engine)
    yield made, engine
    engine.dispose()


@pytest.fixture
def client(place: tuple[Workspace, Engine], whole_model: Path) -> Iterator[TestClient]:
    """A client of a server that scores."""
    app = create_app(*place, log=False, model=whole_model)
    with TestClient(app, headers={"X-Dermiqa": "1"}) as made:
        yield made


@pytest.mark.slow
def test_a_photo_is_scored_and_explained_and_bad_ones_get_a_clear_line(client: TestClient, demo_photos: Path) -> None:
    """A photo gets score, faults, advice in two languages and the research sentence; empty, broken, huge ones a 4xx; then the rate."""
    photo = (demo_photos / "tinea_forearm.jpg").read_bytes()
    found = client.post("/api/score", content=photo).json()
    assert 1 <= found["score"] <= 10
    assert len(found["faults"]) == 8
    assert found["attributes"] == {}
    assert set(found["sentences"]) == {"en", "es"}
    assert found["notice"].startswith("Research use only; not a medical device")
    assert list(Path("/tmp").glob("dermiqa-*/tinea*")) == []
    page = client.get("/score").text
    assert "Research use only; not a medical device" in page
    assert "Solo para investigación" in client.get("/score", headers={"Accept-Language": "es"}).text
    empty, text = client.post("/api/score", content=b""), client.post("/api/score", content=b"no photo")
    assert (empty.status_code, empty.json()["message"]) == (422, "the body is empty: a photo file was expected")
    assert text.status_code == 422
    assert text.json()["message"].startswith("the photo can't be scored: not a photo, or damaged at its beginning")
    bomb = client.post("/api/score", content=png_bomb())
    assert bomb.status_code == 422
    assert "at most 100 million are read" in bomb.json()["message"]
    form = client.post("/api/score", files={"file": ("photo.jpg", photo, "image/jpeg")})
    assert (form.status_code, form.json()["error"]) == (422, "photo")
    assert form.json()["message"].startswith("send the photo's bytes as the body itself (curl --data-binary @photo.jpg)")
    assert client.post("/api/score", content=b"x" * 25_000_001).status_code == 413
    assert client.post("/api/score", content=photo, headers={"X-Dermiqa": ""}).status_code == 403


@pytest.mark.slow
def test_who_posts_without_end_uses_up_its_own_part_alone(client: TestClient) -> None:
    """Thirty a minute are taken from one address, then it is told to wait a minute; refused ones count against nobody; 120 in all."""
    answers = [client.post("/api/score", content=b"x") for _ in range(IN_ALL + PER_MINUTE)]
    assert [answer.status_code for answer in answers] == PER_MINUTE * [422] + IN_ALL * [429]
    assert answers[-1].json()["message"].endswith("wait a little")
    assert answers[-1].json()["error"] == "rate"
    assert answers[-1].headers["retry-after"] == "60"
    others = [TestClient(client.app, headers={"X-Dermiqa": "1"}, client=(f"10.0.0.{number}", 5)) for number in range(2, 6)]
    assert [other.post("/api/score", content=b"x").status_code for other in others[:3] for _ in range(PER_MINUTE)] == 90 * [422]
    assert others[3].post("/api/score", content=b"x").status_code == 429


def png_bomb() -> bytes:
    """A PNG whose head claims 60,000 x 60,000 pixels."""
    import zlib

    stream = BytesIO()
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(stream, "PNG")
    data = bytearray(stream.getvalue())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


@pytest.mark.slow
def test_a_photo_without_a_place_is_refused_before_its_bytes_are_read(place: tuple[Workspace, Engine], whole_model: Path) -> None:
    """While six are on their way, the seventh gets 503 and when to come again, though its sender has not sent a byte of the photo."""
    app = create_app(*place, log=False, model=whole_model)
    heard: list[Message] = []

    async def nothing_comes() -> Message:
        pytest.fail("the body was read")

    async def hear(message: Message) -> None:
        heard.append(message)

    names = {"x-dermiqa": "1", "content-type": "image/jpeg", "content-length": "4000000", "host": "localhost"}
    headers = [(name.encode(), value.encode()) for name, value in names.items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/score",
        "raw_path": b"/api/score",
        "query_string": b"",
        "scheme": "http",
    }
    with TestClient(app):
        for number in range(MOST_AT_ONCE):
            assert app.state.scoring.places.enter(f"10.0.1.{number}")
        asyncio.run(app({**scope, "http_version": "1.1", "headers": headers, "client": ("10.0.0.1", 1)}, nothing_comes, hear))
    assert heard[0]["status"] == 503
    assert (b"retry-after", b"1") in heard[0]["headers"]
    assert json.loads(heard[1]["body"])["error"] == "busy"


@pytest.mark.slow
def test_a_child_that_died_is_started_again(whole_model: Path, demo_photos: Path) -> None:
    """After a kill of the scoring process the next photo is scored by a new one."""
    process = ScoringProcess(whole_model)
    photo = (demo_photos / "tinea_forearm.jpg").read_bytes()
    try:
        first = process.score(photo)
        assert process.process is not None
        os.kill(process.process.pid, 9)
        process.process.wait()
        assert process.score(photo)["score"] == first["score"]
    finally:
        process.stop()


def test_without_a_model_nothing_is_there(place: tuple[Workspace, Engine], tmp_path: Path) -> None:
    """Scoring is off by default, and a folder that is no model keeps the server from starting, with the reason."""
    app = create_app(*place, log=False)
    with TestClient(app, headers={"X-Dermiqa": "1"}) as client:
        assert client.get("/score").status_code == 404
        assert client.post("/api/score", content=b"x").status_code == 404
    with pytest.raises(ModelFault, match=r"is not a model folder: it has no model.json"):
        ScoringProcess(tmp_path).start()


def test_the_server_itself_never_loads_torch() -> None:
    """The application with its scoring routes imports neither torch nor onnxruntime."""
    code = "import sys, annotate_app.app; print(sorted({'torch', 'onnxruntime', 'train.scoring'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]"
