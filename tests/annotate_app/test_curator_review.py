"""The review is blind, decisions need reasons and perhaps two persons; results hide until closing and follow the decisions."""

from __future__ import annotations

import csv
import io
import re

import pytest
from sqlmodel import select

from annotate_app.results import study_data
from annotate_app.review import standing
from annotate_app.review_table import COLUMNS
from annotate_app.work import KINDS
from annotate_app.worker import run_one
from db.engine import reading
from db.erasure import REASON_GONE
from db.models import Audit, Decision, Job, Observer, Rating
from tests.annotate_app.desk import Desk, Office

LABEL = re.compile(r"R-[0-9a-f]{6}")
REASON = "pressed one key all the time"


def vote(office: Office, values: tuple[int, ...] = (2, 5, 9), **draft: object) -> None:
    """An open study in which each observer gives one value all the time."""
    office.house.open(**draft)
    for value in values:
        office.house.sit_down().finish(value)


def labels(desk: Desk) -> list[str]:
    """The labels of the review."""
    return sorted(set(LABEL.findall(desk.get("/c/studies/skin/review").text)))


def people(office: Office) -> set[str]:
    """Whose votes count."""
    with reading(office.house.engine) as session:
        return set(study_data(session, office.house.workspace, "skin").votes["observer"])


def test_the_review_says_nothing_of_who_it_is(office: Office) -> None:
    """A reviewer sees labels that match no code, statistics and verdicts, and no opinion score."""
    vote(office)
    desk = office.desk("reviewer")
    page = desk.get("/c/studies/skin/review").text
    assert len(labels(desk)) == 3
    assert not re.search(r"\bS00\d\b", page)
    assert all(rule in page for rule in ("bt500", "straight", "gold", "speed"))
    assert desk.get("/c/studies/skin/results").status_code == 403
    assert office.desk("viewer").get("/c/studies/skin/review").status_code == 403


def test_an_exclusion_has_a_reason_takes_votes_out_of_scores_and_can_be_reversed(office: Office) -> None:
    """Raw rows stay as they are; the results name the rule and the reason; keeping brings the votes back."""
    vote(office)
    desk = office.desk("reviewer")
    label = labels(desk)[0]
    with reading(office.house.engine) as session:
        before = [(r.id, r.value) for r in session.exec(select(Rating).order_by(Rating.id))]  # type: ignore[arg-type]
    short = desk.post(f"/c/studies/skin/review/{label}", verdict="exclude", reason="bad")
    assert short.status_code == 409
    assert "10 characters" in short.text
    assert (
        desk.post(f"/c/studies/skin/review/{label}", verdict="exclude", reason=REASON, proposed="straight,nothing").status_code
        == 303
    )
    assert len(people(office)) == 2
    with reading(office.house.engine) as session:
        data = study_data(session, office.house.workspace, "skin")
        assert [(one["rule"], one["reason"]) for one in data.meta["removed"]] == [("straight", REASON)]
        assert [(r.id, r.value) for r in session.exec(select(Rating).order_by(Rating.id))] == before  # type: ignore[arg-type]
        assert REASON not in str([row.detail for row in session.exec(select(Audit))])
    assert "excluded by decision: straight" not in desk.get("/c/studies/skin").text
    desk.post(f"/c/studies/skin/review/{label}", verdict="keep", reason="the key was meant so, as asked")
    assert len(people(office)) == 3
    for wrong in ("R-zzzzzz", "S001"):
        assert desk.post(f"/c/studies/skin/review/{wrong}", verdict="keep", reason=REASON).status_code == 409


def test_two_persons_are_needed_where_the_study_says_so(office: Office) -> None:
    """The same person twice is one person; a second one makes the exclusion count."""
    vote(office, screening={"two_persons": True})
    first, second = office.desk("reviewer"), office.desk("curator")
    label = labels(first)[0]
    for _ in range(2):
        first.post(f"/c/studies/skin/review/{label}", verdict="exclude", reason=REASON)
    assert len(people(office)) == 3
    assert "1 of 2 persons exclude" in first.get("/c/studies/skin/review").text
    second.post(f"/c/studies/skin/review/{label}", verdict="exclude", reason=REASON)
    assert len(people(office)) == 2


@pytest.mark.parametrize(("words", "two", "excluded"), [
    ("", False, False), ("e1", False, True), ("e1 k1", False, False), ("e1 k2 e1", False, True), ("e1 e1", True, False),
    ("e1 e2", True, True),
    ("e1 e2 k1", True, False), ("e1 e2 k1 e2", True, False),
])  # fmt: skip
def test_standings(words: str, two: bool, excluded: bool) -> None:
    """`e` excludes, `k` keeps, the number is the person: who is out after these decisions."""
    made = [
        Decision(observer_id=1, curator_id=int(w[1]), verdict={"e": "exclude", "k": "keep"}[w[0]], reason=REASON) for w in words.split()
    ]  # fmt: skip
    assert standing(made, two).excluded is excluded


def test_scores_are_hidden_until_closing_unless_opened_with_a_reason(office: Office) -> None:
    """Opening is this curator's alone and stands in the trail; after closing everybody but the blinded sees the scores."""
    vote(office)
    desk, other, viewer = office.desk("curator"), office.desk("curator", "bo"), office.desk("viewer")
    for one in (desk, other, viewer):
        assert "hidden until" in one.get("/c/studies/skin/results").text
        assert one.get("/c/studies/skin/results.csv").status_code == 403
        assert one.get("/c/studies/skin/results/P0001_jpeg_1").status_code == 403
    assert desk.post("/c/studies/skin/results", kind="report").status_code == 409
    assert desk.post("/c/studies/skin/scores", reason="why").status_code == 409
    assert desk.post("/c/studies/skin/scores", reason="the server was moved, checking the scores").status_code == 303
    assert "MOS" in desk.get("/c/studies/skin/results").text
    assert "hidden until" in other.get("/c/studies/skin/results").text
    assert "the server was moved" in office.desk().get("/c/audit").text
    desk.post("/c/studies/skin/state", action="close", confirm="skin")
    assert "MOS" in viewer.get("/c/studies/skin/results").text


@pytest.mark.parametrize(("votes", "removed"), [("keep", 1), ("remove", 0)])
def test_an_observer_who_is_excluded_and_then_erased_counts_once(office: Office, votes: str, removed: int) -> None:
    """Kept votes stay out of the scores by the verdict, whose reason goes; removed ones are gone; nobody stands in two counts."""
    vote(office)
    desk = office.desk("administrator")
    desk.post(f"/c/studies/skin/review/{labels(desk)[0]}", verdict="exclude", reason=REASON)
    with reading(office.house.engine) as session:
        gone = session.exec(select(Observer).join(Decision, Decision.observer_id == Observer.id)).one()  # type: ignore[arg-type]
        code, token = gone.pseudonym, gone.token
    desk.post(f"/c/studies/skin/observers/{token}", action="erase", confirm=code, votes=votes)
    assert len(people(office)) == 2
    with reading(office.house.engine) as session:
        data = study_data(session, office.house.workspace, "skin")
        assert [one["reason"] for one in data.meta.get("removed", [])] == [REASON_GONE] * removed
        assert REASON not in str([row.reason for row in session.exec(select(Decision))])
    page = desk.get("/c/studies/skin/review").text
    assert f"{2 + removed} observers have voted" in page
    assert f"{removed} excluded so far" in page
    assert "1 erased" in desk.get("/c/studies/skin/observers").text


def table(desk: Desk, query: str) -> list[dict[str, str]]:
    """The review's CSV."""
    return list(csv.DictReader(io.StringIO(desk.get(f"/c/studies/skin/review.csv?{query}").text.lstrip("\ufeff"))))


def test_the_review_sorts_and_filters_by_its_address_and_its_csv_is_what_is_seen(office: Office) -> None:
    """Every column sorts both ways; a filter leaves the rest out; after a decision the same view comes back."""
    vote(office, repeats=1)
    desk = office.desk("reviewer")
    everybody = table(desk, "")
    assert [row["Observer"] for row in everybody] == labels(desk)
    for column in COLUMNS:
        up, down = table(desk, f"sort={column.key}"), table(desk, f"sort={column.key}&down=yes")
        assert [row[column.word] for row in up] == [row[column.word] for row in down][::-1], column.key
        page = desk.get(f"/c/studies/skin/review?sort={column.key}").text
        assert LABEL.findall(page)[:1] == [up[0]["Observer"]]
        assert page.count('aria-sort="ascending"') == 1
    label = everybody[1]["Observer"]
    answer = desk.post(f"/c/studies/skin/review/{label}?show=undecided&sort=time&down=yes", verdict="exclude", reason=REASON)
    assert answer.headers["location"].endswith("/review?show=undecided&sort=time&down=yes")
    assert label not in desk.get("/c/studies/skin/review?show=undecided").text
    assert [row["Observer"] for row in table(desk, "show=excluded")] == [label]
    assert table(desk, "show=excluded")[0]["decisions"].endswith(REASON)
    assert office.desk("viewer").get("/c/studies/skin/review.csv").status_code == 403


def test_results_show_the_scores_that_were_given(office: Office) -> None:
    """Votes of 2, 5 and 9 give 5.33 everywhere; the address sorts the table, its CSV is what is seen, an image shows its votes."""
    vote(office)
    desk = office.desk("curator")
    desk.post("/c/studies/skin/state", action="close", confirm="skin")
    page = desk.get("/c/studies/skin/results?sort=mos&down=yes").text
    assert "SIMULATED" in page
    assert "data:image/svg+xml;base64," in page
    assert 'aria-sort="descending"' in page
    rows = list(csv.DictReader(io.StringIO(desk.get("/c/studies/skin/results.csv?sort=stimulus").text.lstrip("\ufeff"))))
    assert {round(float(row["mos"]), 2) for row in rows} == {5.33}
    assert [row["stimulus"] for row in rows] == sorted(row["stimulus"] for row in rows)
    image = desk.get(f"/c/studies/skin/results/{rows[0]['stimulus']}").text
    assert "3 votes, MOS 5.33" in image
    png = desk.get(f"/c/studies/skin/images/{rows[0]['stimulus']}")
    assert png.content.startswith(b"\x89PNG")
    for path in ("results/none", "images/none", "images/..%2f..%2fdermiqa.toml"):
        assert desk.get(f"/c/studies/skin/{path}").status_code == 404


def test_exports_are_jobs_by_one_click(office: Office) -> None:
    """An export is enqueued once, written by the worker, and an unknown format is refused."""
    vote(office)
    desk = office.desk("curator")
    desk.post("/c/studies/skin/state", action="close", confirm="skin")
    assert desk.post("/c/studies/skin/results", kind="export", format="../x").status_code == 409
    assert desk.post("/c/studies/skin/results", kind="export", format="long").headers["location"] == "/c/jobs"
    assert run_one(office.house.workspace, office.house.engine, KINDS, "w") is not None
    with reading(office.house.engine) as session:
        job = session.exec(select(Job)).one()
    assert job.state == "done", job.message
    assert (office.house.workspace.root / job.result["files"][0]).is_file()
