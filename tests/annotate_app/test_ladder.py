"""A variant left out of a study from a photo's ladder: it reaches the plan, the papers, the frozen protocol and the report."""

from __future__ import annotations

from typing import Any

from annotate_app import studies
from annotate_app.protocol import complete_draft
from annotate_app.results import study_data
from db.engine import reading, writing
from db.models import Study
from db.queries import studies as queries
from mos.report_method import method
from tests.annotate_app.desk import Desk, Office

REASON = "can't be told from pristine"


def leave(desk: Desk, variant: str, scope: str, **other: str) -> Any:
    """Leave a variant out from the ladder of P0000."""
    said = {"study": "skin", "variant": variant, "scope": scope, "reason": REASON, **other}
    return desk.post("/c/collection/P0000/variants", **said)


def left_out(office: Office) -> dict[str, str]:
    """What the draft leaves out."""
    with reading(office.house.engine) as session:
        return dict(complete_draft(queries.named(session, "skin").draft)["leave_out"])


def test_a_variant_is_left_out_everywhere_or_of_one_photo_and_the_reason_reaches_papers_and_report(office: Office) -> None:
    """Neither is in the frozen plan; protocol, preregistration, results and report name both with the reason; it can be put back before."""
    desk, house = office.desk("curator"), office.house
    with writing(house.engine) as session:
        studies.create(session, "skin", reserve=1, training=2, gold=0, gold_values="kadid", panels=[{"target": 3}], title="Skin")
    assert leave(desk, "jpeg_1", "all").headers["location"] == "/c/collection/P0000#ladder-head"
    leave(desk, "blur_1", "photo")
    leave(desk, "darken_1", "all")
    assert leave(desk, "darken_1", "all", action="back").status_code == 303
    assert left_out(office) == {"jpeg_1": REASON, "P0000_blur_1": REASON}
    page = desk.get("/c/collection/P0000").text
    assert page.count(f"skin: {REASON.replace(chr(39), '&#39;')}") == 1
    assert "skin (this photo)" in page
    version = studies.freeze(house.workspace, house.engine, "skin")
    with writing(house.engine) as session:
        studies.open_study(session, "skin")
    assert version.protocol["leave_out"] == left_out(office)
    sitter = house.sit_down()
    sitter.finish()
    with reading(house.engine) as session:
        data = study_data(session, house.workspace, "skin")
    shown = set(data.stimuli["stimulus"])
    assert not [name for name in shown if name.endswith("_jpeg_1")]
    assert "P0000_blur_1" not in shown
    assert len([name for name in shown if name.endswith("_blur_1")]) >= 3
    for paper in ("ethics", "preregistration"):
        text = desk.get(f"/c/studies/skin/papers/{paper}").text
        assert "jpeg_1" in text
        assert "P0000_blur_1" in text
    tables = [block for block in method(data, "quality").blocks if getattr(block, "heads", [])[:1] == ["left out"]]
    rows = [row for table in tables for row in table.rows]  # type: ignore[union-attr]
    assert sorted(rows) == [["P0000_blur_1", REASON], ["jpeg_1", REASON]]


def test_leaving_out_asks_for_a_reason_and_a_study_that_may_change(office: Office) -> None:
    """No reason, no variant, an open study, a stranger: nothing changes and the line says why."""
    desk = office.desk("curator")
    office.house.open()
    assert leave(desk, "jpeg_1", "all", reason=" ").status_code == 409
    assert leave(desk, "", "all").status_code == 409
    late = leave(desk, "jpeg_1", "all")
    assert late.status_code == 409
    assert "close it first" in late.text
    assert office.desk("viewer").post("/c/collection/P0000/variants", study="skin").status_code == 403
    assert leave(desk, "jpeg_1", "all", study="none").status_code == 409
    assert left_out(office) == {}


def test_a_name_that_is_no_variant_keeps_the_study_from_freezing(office: Office) -> None:
    """The preview names it and the nearest one."""
    with writing(office.house.engine) as session:
        studies.create(session, "skin", leave_out={"jpeg_2": REASON}, panels=[{"target": 3}])
        assert session.get_one(Study, 1).name == "skin"
    page = office.desk("viewer").get("/c/studies/skin/setup/images").text
    assert "jpeg_2" in page
    assert "did you mean" in page
