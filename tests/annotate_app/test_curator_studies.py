"""The study wizard and the board: every step kept, nothing typed lost, freezing as a job, scores hidden until closing."""

from __future__ import annotations

import html
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from annotate_app import studies, wizard
from annotate_app.protocol import complete_draft
from annotate_app.routes import wizard as wizard_routes
from annotate_app.tally import Tally
from annotate_app.wizard_forms import WrongField
from annotate_app.work import KINDS
from annotate_app.worker import run_one
from db.engine import reading, writing
from db.models import Audit, Study
from db.queries import board
from tests.annotate_app.desk import Desk, Office
from workspace.errors import StudyFault


def draft_of(office: Office, name: str = "skin") -> dict[str, Any]:
    """A study's draft as stored."""
    with reading(office.house.engine) as session:
        return complete_draft(session.exec(select(Study.draft).where(Study.name == name)).one())


def set_up(desk: Desk) -> None:
    """Walk the wizard with small numbers."""
    assert desk.post("/c/new-study", name="skin").headers["location"] == "/c/studies/skin/setup/images"
    images = {"title": "Skin", "recipe": "paper", "authentic": "no", "reserve": "1", "training": "2", "gold": "1",
              "gold_values": "KADID-10k's mean opinion"}  # fmt: skip
    steps: list[tuple[str, dict[str, Any]]] = [
        ("images", images),
        ("method", {"method": "ACR-HR", "levels": "10", "labels": "pairs", "repeats": "1", "usefulness": "no"}),
        ("panels", {"name1": "lay", "target1": "4"}),
        ("design", {"distance": "8", "seconds": "6", "together": "no", "references_everywhere": "no"}),
        ("viewing", {"controlled": "measured", "room_lx": "15", "display": "none", "vision": "not_assessable", "on_failure": "flag",
                     "per_window": "2", "window_hours": "20"}),
        ("texts", {"en_contacts": "Ask Ana."}),
        ("screening", {"reject_by": ["bt500"], "two_persons": "yes", "stated": "BT.500 once."}),
        ("pilot", {"pilot": "2", "dry_run": "1"}),
    ]  # fmt: skip
    for step, cells in steps:
        answer = desk.post(f"/c/studies/skin/setup/{step}", **cells)
        assert answer.status_code == 303, (step, answer.text)
        assert answer.headers["location"].endswith(f"/setup/{wizard.following(step)}")


def test_the_wizard_keeps_every_step_and_freezes_as_a_job(office: Office) -> None:
    """Each step changes its part of the draft alone; freezing asks for the name and is done by the worker."""
    desk = office.desk("curator")
    set_up(desk)
    draft = draft_of(office)
    assert (draft["title"], draft["reserve"], draft["repeats"], draft["distance"]) == ("Skin", 1, 1, 8)
    assert [(p["name"], p["phase"], p["target"]) for p in draft["panels"]] == [
        ("lay", "main", 4),
        ("pilot", "pilot", 2),
        ("dry run", "dry_run", 1),
    ]
    assert draft["viewing"] == {"room_lx": "15"}
    assert draft["screening"] == {"reject_by": ["bt500"], "two_persons": True, "stated": "BT.500 once."}
    assert draft["texts"] == {"en": {"contacts": "Ask Ana."}}
    looked = studies.preview(office.house.workspace, draft)
    assert looked.violations == 0, [proof["violations"] for proof in looked.proofs]
    assert "rules hold" in desk.get("/c/studies/skin/setup/freeze").text
    wrong = desk.post("/c/studies/skin/setup/freeze", confirm="skn")
    assert wrong.status_code == 409
    assert desk.post("/c/studies/skin/setup/freeze", confirm="skin").headers["location"] == "/c/jobs"
    assert run_one(office.house.workspace, office.house.engine, KINDS, "w") is not None
    with reading(office.house.engine) as session:
        assert session.exec(select(Study.state)).one() == "frozen"
        actions = set(session.exec(select(Audit.action)).all())
    assert {"study made", "study changed", "freezing asked for", "study frozen"} <= actions


def test_a_plan_too_large_to_look_at_is_measured_and_freezes(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size stands on the page instead of its proof; what no plan can keep is still said; the worker freezes it."""
    desk = office.desk("curator")
    set_up(desk)
    made = studies.preview(office.house.workspace, draft_of(office))
    shown = sum(1 for plan in made.plans for row in plan.rows for one in row if one.role in ("test", "reference"))
    monkeypatch.setattr(wizard_routes, "LOOKED_AT", shown - 1)
    page = desk.get("/c/studies/skin/setup/freeze").text
    assert f"about {shown} presentations" in page
    assert "rules hold" not in page
    assert desk.post("/c/studies/skin/setup/freeze", confirm="skin").headers["location"] == "/c/jobs"
    assert run_one(office.house.workspace, office.house.engine, KINDS, "w") is not None
    assert draft_of(office) == made.draft
    with pytest.raises(StudyFault, match="4 of 999 blocks"):
        studies.preview(office.house.workspace, {**made.draft, "blocks": 999, "take": 4}, 1)


def test_every_step_shows_what_it_stores(office: Office) -> None:
    """A step's form filled from a draft and read back changes nothing."""
    set_up(office.desk("curator"))
    draft = draft_of(office)
    for step in wizard.STEPS:
        cells = {key: value if isinstance(value, list) else [value] for key, value in step.show(draft).items()}
        said = step.read(draft, cells)
        assert complete_draft({**draft, **said}) == draft, step.name


@pytest.mark.parametrize(("step", "cells", "field"), [
    ("images", {"training": "-1"}, "training"), ("images", {"leave_out": "jpeg_1"}, "leave_out"), ("design", {"seconds": "nan"}, "seconds"),
    ("panels", {"name1": ""}, "name1"), ("viewing", {"controlled": "measured", "display": "none", "vision": "home", "on_failure": "flag",
                                                     "window_hours": "20"}, "peak_cd_m2"),
])  # fmt: skip
def test_a_wrong_cell_is_named_beside_its_field_and_nothing_typed_is_lost(
    office: Office, step: str, cells: dict[str, str], field: str
) -> None:
    """The page comes back with what was typed, the fault at its field, and the draft unchanged."""
    desk = office.desk("curator")
    desk.post("/c/new-study", name="skin")
    before = draft_of(office)
    with pytest.raises(WrongField) as fault:
        wizard.step_named(step).read(complete_draft({}), {key: [value] for key, value in cells.items()})
    assert fault.value.field == field
    answer = desk.post(f"/c/studies/skin/setup/{step}", **cells, stated="kept <b>")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert all(html.escape(value) in answer.text for value in cells.values())
    assert draft_of(office) == before


def test_texts_of_a_study_are_shown_as_text(office: Office) -> None:
    """Markup in any text field of the wizard comes back escaped, on every page of the study."""
    desk = office.desk("curator")
    set_up(desk)
    bad = "<img src=x onerror=alert(1)>\"'"
    desk.post("/c/studies/skin/setup/texts", en_sheet=bad)
    desk.post("/c/studies/skin/setup/screening", stated=bad)
    desk.post("/c/studies/skin/setup/panels", name1=bad, target1="4")
    desk.post("/c/studies/skin/setup/viewing", controlled="measured", display_model=bad, display="none", vision="home", on_failure="flag",
              window_hours="20")  # fmt: skip
    for page in ("", "/setup/texts", "/setup/screening", "/setup/panels", "/setup/viewing", "/setup/design", "/setup/freeze"):
        answer = desk.get(f"/c/studies/skin{page}")
        assert answer.status_code == 200, page
        assert "<img src=x" not in answer.text, page


def test_viewers_and_reviewers_look_but_change_nothing(office: Office) -> None:
    """Set-up is shown to all roles; saving, opening, closing, freezing and opening scores are the curators'."""
    office.house.open()
    for role in ("viewer", "reviewer"):
        desk = office.desk(role)
        assert desk.get("/c/studies/skin/setup/images").status_code == 200
        for path, cells in (
            ("setup/images", {}),
            ("state", {"action": "close", "confirm": "skin"}),
            ("scores", {"reason": "x" * 20}),
        ):
            assert desk.post(f"/c/studies/skin/{path}", **cells).status_code == 403, (role, path)
        assert desk.get("/c/new-study").status_code == 403
    for page in ("/c/studies/none", "/c/studies/none/live", "/c/studies/none/setup/images", "/c/studies/skin/setup/none"):
        assert desk.get(page).status_code == 404, page


def test_the_board_counts_and_closing_asks_for_the_name(office: Office) -> None:
    """Votes, repeats, gold and who is at work are counted; an open study can be closed by its name alone and opened again."""
    sitter = office.house.open(repeats=1).sit_down()
    given = sitter.finish()
    desk = office.desk("curator")
    page = desk.get("/c/studies/skin/live").text
    assert given > 10
    assert "1 active now" in page
    assert "SIMULATED" in page
    assert ">0.00 (1)<" in page
    assert desk.post("/c/studies/skin/state", action="close", confirm="other").status_code == 409
    assert desk.post("/c/studies/skin/state", action="close", confirm="skin").status_code == 303
    assert "See the results" in desk.get("/c/studies/skin").text
    assert desk.post("/c/studies/skin/state", action="open").status_code == 303
    assert desk.post("/c/studies/skin/state", action="copy", new_name="../x").status_code == 409
    assert (
        desk.post("/c/studies/skin/state", action="copy", new_name="second").headers["location"].startswith("/c/studies/second/")
    )


def test_the_tally_counts_new_votes_alone_and_again_after_an_erasure(office: Office) -> None:
    """Counted bit by bit or anew the numbers agree: votes per image, repeats, gold; a removed vote is noticed."""
    house = office.house.open(repeats=1, gold=1)
    version, tally = 1, Tally(1)
    for value in (2, 9):
        house.sit_down().finish(value)
        with reading(house.engine) as session:
            assert tally.read(session) == Tally(version).read(session)
    with reading(house.engine) as session:
        found = tally.read(session)
        assert found["per_image"] == board.votes_per_image(session, version)
    assert found["repeats"] == {"pairs": 2, "distance": 0.0}
    assert found["gold"]["judged"] == 2
    assert found["gold"]["missed"] >= 1
    assert found["drift"] == pytest.approx(0, abs=0.5)
    with writing(house.engine) as session:
        session.execute(text("DELETE FROM ratings WHERE id = 3"))
    with reading(house.engine) as session:
        assert tally.read(session) == Tally(version).read(session)
        assert sum(tally.read(session)["observers"].values()) == len(house.votes())
