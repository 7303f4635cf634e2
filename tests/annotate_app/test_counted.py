"""Large studies: results and review counted by the worker, shown with their age; votes read as arrays."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sqlmodel import Session, select

from annotate_app import studies, summary
from annotate_app.results import study_data
from annotate_app.vote_table import moment_texts, read_votes
from annotate_app.work import KINDS
from annotate_app.worker import run_one
from db.backup import workspace_files
from db.engine import reading, writing
from db.erasure import erase_observer, record_erasure
from db.models import Job, Observer, Presentation, Question, Rating, Stimulus
from db.queries import studies as queries
from tests.annotate_app.desk import Office
from tests.annotate_app.house import House

BASE = "/c/studies/skin"
PAGES = (
    f"{BASE}/results?sort=mos",
    f"{BASE}/results.csv?sort=mos&down=yes",
    f"{BASE}/review",
    f"{BASE}/review.csv",
    f"{BASE}/results/P0001_jpeg_1",
)


def seen(text: str) -> str:
    """A page without what changes from one to the next: tokens, drawn names, and the notice of the count."""
    plain = re.sub(r'<div class="notice">.*?</div>', "", text, flags=re.S)
    plain = re.sub(r'name="form_token" value="[^"]*"|data:image/svg[^"]*|<time.*?</time>', "", plain)
    return re.sub(r"\s+", " ", plain)


@pytest.fixture
def rated(office: Office) -> Office:
    """An open study with the votes of three observers, each differing."""
    office.house.open(repeats=2, gold_values=None)
    for value in (3, 6, 8):
        sitter = office.house.sit_down()
        sequence, due = sitter.sequence()
        for place in range(due, len(sequence.steps)):
            assert isinstance(sitter.vote(value=min(10, value + place % 3)), str)
    return office


def work(office: Office) -> Job:
    """Do the job that waits."""
    done = run_one(office.house.workspace, office.house.engine, KINDS, "w")
    assert done is not None
    with reading(office.house.engine) as session:
        return session.get_one(Job, done.id)


def test_a_large_study_shows_what_the_worker_counted(rated: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the count the pages offer it; afterwards they are those of a study of common size, read without any vote."""
    desk = rated.desk("administrator")
    desk.post("/c/studies/skin/scores", reason="comparing the pages")
    common = {path: seen(desk.get(path).text) for path in PAGES}
    assert "3 observers have voted" in common["/c/studies/skin/review"]
    monkeypatch.setattr(summary, "COMMON", 0)
    for path in ("/c/studies/skin/results", "/c/studies/skin/review"):
        assert "counted as work beside the pages" in desk.get(path).text
    assert "once the" in desk.get("/c/studies/skin/results/P0001_jpeg_1").text
    assert desk.post("/c/studies/skin/count").headers["location"] == "/c/jobs"
    job = work(rated)
    assert job.state == "done", job.message
    assert job.message.endswith("votes are counted")
    monkeypatch.setattr("annotate_app.counted.study_data", None)
    for path, page in common.items():
        assert seen(desk.get(path).text) == page, path


def test_a_count_says_how_old_it_is(rated: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Votes and decisions that came since are said; counted again they are in it, and the old files are gone."""
    desk = rated.desk("administrator")
    desk.post("/c/studies/skin/scores", reason="comparing the pages")
    monkeypatch.setattr(summary, "COMMON", 0)
    desk.post("/c/studies/skin/count")
    work(rated)
    label = re.findall(r"R-[0-9a-f]{6}", desk.get("/c/studies/skin/review").text)[0]
    before = len(rated.house.votes())
    rated.house.sit_down().finish()
    later = len(rated.house.votes()) - before
    desk.post(f"/c/studies/skin/review/{label}", verdict="exclude", reason="always the same vote", proposed="")
    for path in ("/c/studies/skin/results", "/c/studies/skin/review"):
        page = desk.get(path).text
        assert f"{later} votes have come since" in page
        assert "Observers were judged since" in page
    assert "✕ excluded" in desk.get("/c/studies/skin/review").text
    assert "All votes count" in desk.get("/c/studies/skin/results").text
    desk.post("/c/studies/skin/count")
    work(rated)
    page = desk.get("/c/studies/skin/results").text
    assert "1 observer is excluded by decision: by hand" in page
    assert "come since" not in page
    assert len(list((rated.house.workspace.counted / "skin" / "1").iterdir())) == 3


def test_what_was_counted_is_not_shown_after_an_erasure(rated: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where votes are gone the count is not shown; the erasure's record removes its files."""
    desk = rated.desk("administrator")
    desk.post("/c/studies/skin/scores", reason="comparing the pages")
    monkeypatch.setattr(summary, "COMMON", 0)
    desk.post("/c/studies/skin/count")
    work(rated)
    with writing(rated.house.engine) as session:
        observer = session.exec(select(Observer).where(Observer.state == "active")).first()
        observer = observer or session.exec(select(Observer)).first()
        assert observer is not None
        entry = erase_observer(session, observer, keep_votes=False)
    assert "counted as work beside the pages" in desk.get("/c/studies/skin/results").text
    kept = {path.relative_to(rated.house.workspace.root).parts[0] for path in workspace_files(rated.house.workspace)}
    assert "counted" not in kept, "a backup has the votes, not what is counted from them"
    record_erasure(rated.house.workspace, entry)
    assert not rated.house.workspace.counted.exists()


def test_closing_a_large_study_counts_it(rated: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker gets the count when the study is closed; a reviewer may ask for one, a viewer not."""
    monkeypatch.setattr(summary, "COMMON", 0)
    assert rated.desk("viewer").post("/c/studies/skin/count").status_code == 403
    assert rated.desk("administrator").post("/c/studies/skin/state", action="close", confirm="skin").status_code == 303
    assert work(rated).kind == "count"
    assert "MOS" in rated.desk("viewer", name="one who looks").get("/c/studies/skin/results").text
    assert rated.desk("reviewer").post("/c/studies/skin/count").status_code == 303


def test_votes_as_arrays_are_the_stored_rows(both: House) -> None:
    """Each stored vote stands once, in its observer's order, with its names, numbers and moment, on both databases."""
    both.open(repeats=2, gold_values=None)
    for value in (4, 7):
        both.sit_down().finish(value)
    with writing(both.engine) as session:
        studies.close_study(session, both.study)
    with Session(both.engine) as session:
        version = queries.frozen_version(session, queries.named(session, both.study))
        table = read_votes(session, version).frame()
        wanted = [
            (image, name, question, float(rating.value or 0), shown.role, shown.session, shown.position,
             rating.received.astimezone(UTC).isoformat(), rating.response_ms)
            for rating, shown, name, question, image in session.exec(
                select(Rating, Presentation, Observer.pseudonym, Question.name, Stimulus.name)
                .join(Presentation, Presentation.id == Rating.presentation_id)  # type: ignore[arg-type]
                .join(Observer, Observer.id == Rating.observer_id)  # type: ignore[arg-type]
                .join(Question, Question.id == Rating.question_id)  # type: ignore[arg-type]
                .join(Stimulus, Stimulus.id == Presentation.stimulus_id)  # type: ignore[arg-type]
                .order_by(Observer.id, Question.position, Presentation.position)  # type: ignore[arg-type]
            ).all()
        ]  # fmt: skip
        data = study_data(session, both.workspace, both.study)
    columns = ["stimulus", "observer", "question", "score", "role", "session", "position", "time", "response_ms"]
    found = [
        tuple(None if value != value else value for value in row) for row in table[columns].itertuples(index=False, name=None)
    ]
    assert found == wanted
    again = data.votes[data.votes["rep"] == 1]
    assert len(again) == 4
    assert data.votes.groupby(["observer", "stimulus"])["rep"].apply(sorted).map(tuple).isin([(0,), (0, 1)]).all()


@pytest.mark.parametrize("moment", [datetime(2026, 3, 1, 9, 5, 7, 123456, UTC), datetime(2026, 3, 1, 9, 5, 7, 0, UTC)])
def test_moments_are_written_as_python_writes_them(moment: datetime) -> None:
    """With six digits of a second, or none where it is whole."""
    stored: Any = np.array([moment.replace(tzinfo=None)], dtype="datetime64[us]")
    assert moment_texts(stored).tolist() == [moment.isoformat()]
