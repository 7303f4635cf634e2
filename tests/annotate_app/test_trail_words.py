"""The audit trail in words."""

from __future__ import annotations

import ast
import csv
import io
import json
from pathlib import Path

import pytest
from sqlmodel import Session, select

import annotate_app
from annotate_app.trail_words import SENTENCES, sentence
from db.models import Audit
from db.queries import audit
from tests.annotate_app.desk import Office

STUDIES = {7: "skin"}


@pytest.mark.parametrize(
    ("action", "detail", "said"),
    [
        ("observers invited", {"people": 1, "open_link": False}, "1 person, a link for each"),
        ("observers invited", {"people": 40, "open_link": True}, "one open link for up to 40 people"),
        ("reminders listed", {"observers": 3, "new_links": True}, "3 observers, with new links; the old ones ended"),
        ("study changed", {"step": "viewing"}, "set-up, step Viewing"),
        (
            "study changed",
            {"step": "images", "variant": "jpeg_1"},
            "set-up, step Images, variant jpeg_1 left out or put back",
        ),
        (
            "observer judged: exclude",
            {"study": 7, "proposed": ["bt500", "vqeg_mm"]},
            "in the study skin; exclusion was proposed by bt500, vqeg mm",
        ),
        ("observer judged: keep", {"study": 8, "proposed": []}, "in the study number 8; no rule had proposed exclusion"),
        (
            "rows added",
            {"panel": "lay", "first": 4, "rows": 8, "sha256": "ab" * 32},
            "panel lay, rows 5 to 12, under the hash abababababab",
        ),
        ("photos edited", {"column": "body_site", "photos": 2}, "2 photos, body site set"),
        ("observer paid", {"study": 7}, "in the study skin"),
        ("signed in", {}, ""),
        (
            "something of a later version",
            {"study": 7, "new_thing": True, "list": ["a", "b"]},
            "in the study skin; new thing: yes; list: a, b",
        ),
        ("observers invited", {"crowd": 4}, "crowd: 4"),
    ],
)  # fmt: skip
def test_details_are_said_in_words(action: str, detail: dict[str, object], said: str) -> None:
    """Each action's details are a sentence; what is not known is said cell by cell, so that nothing is left out."""
    assert sentence(action, detail, STUDIES) == said


def test_every_sentence_is_of_an_action_that_is_written() -> None:
    """No sentence is kept for an action that the sources no longer write."""
    root = Path(annotate_app.__file__).parents[1]
    files = [path for folder in ("annotate_app", "db") for path in (root / folder).rglob("*.py") if path.name != "trail_words.py"]
    texts = {
        node.value
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    made = {f"observer judged: {verdict}" for verdict in ("keep", "exclude")} | {
        f"{kind} asked for" for kind in ("export", "report")
    }
    assert set(SENTENCES) - made <= texts


def test_the_page_reads_and_the_csv_holds_what_is_stored(office: Office) -> None:
    """The page says an invitation in words, without a raw cell; the CSV has the stored JSON, and its hashes can be made again."""
    office.house.open()
    boss = office.desk()
    boss.post("/c/studies/skin/observers", panel="lay", count="2", kind="sheet")
    page = boss.get("/c/audit").text
    assert "2 people, a link for each" in page
    assert "open_link" not in page
    assert "/c/audit.csv?action=&amp;study=" in page
    rows = list(csv.DictReader(io.StringIO(boss.get("/c/audit.csv").text.removeprefix("\ufeff"))))
    assert json.loads(rows[-1]["detail"]) == {"people": 2, "open_link": False}
    assert [row["previous"] for row in rows[1:]] == [row["sha256"] for row in rows[:-1]]
    with Session(office.house.engine) as session:
        stored = session.exec(select(Audit).order_by(Audit.id)).all()  # type: ignore[arg-type]
        assert [row["sha256"] for row in rows] == [audit.digest(row) for row in stored]
    fitting = boss.get("/c/audit.csv?action=observers+invited&study=skin").text
    assert fitting.count("\r\n") == 2
    assert office.desk("curator").get("/c/audit.csv").status_code == 403
