"""Rows added to a frozen study: balanced, verified, given out after the frozen ones."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from annotate_app import observers, studies
from annotate_app.design_squares import square_rows
from annotate_app.results import study_data
from annotate_app.stored_plan import stored_plans
from annotate_app.top_up import top_up
from annotate_app.verify import study_faults
from db.engine import writing
from db.models import Observer, StudyVersion
from db.queries import studies as queries
from tests.annotate_app.house import House, Sitter
from workspace.errors import StudyFault


def faults(house: House) -> str:
    """What the verification says."""
    with Session(house.engine) as session:
        return "\n".join(study_faults(session, house.workspace, house.study))


def version_of(house: House) -> StudyVersion:
    """The study's frozen version."""
    with Session(house.engine) as session:
        found = queries.frozen_version(session, queries.named(session, house.study))
        session.expunge(found)
        return found


def test_a_running_study_gets_more_balanced_rows(both: House) -> None:
    """Whoever waited gets an added row; votes stay equal, the frozen hash stays, and the whole plan verifies and derives again."""
    both.open(panels=[{"target": 4}], blocks=4)
    before = version_of(both)
    seated = [both.sit_down() for _ in range(4)]
    late = Sitter(both, both.invite()[0].code)
    with Session(both.engine) as session:
        assert session.get_one(Observer, late.id).state == "waiting"
    record = top_up(both.workspace, both.engine, both.study)
    assert (record["first"], record["rows"], record["observers"]) == (4, square_rows(4), 8)
    assert record["votes_per_image"] == {"least": 8, "median": 8.0, "most": 8}
    assert record["squares"]["rest"] == 0
    assert json.loads((both.workspace.study(both.study) / "protocol-1-top-up-1.json").read_text()) == record
    with writing(both.engine) as session:
        code = observers.reissue(session, session.get_one(Observer, late.id))
    again = Sitter(both, code)
    again.start()
    assert again.finish() > 0
    assert faults(both) == ""
    after = version_of(both)
    assert (after.sha256, after.plan_sha256, after.protocol) == (before.sha256, before.plan_sha256, before.protocol)
    assert seated[0].finish() > 0
    with Session(both.engine) as session:
        data = study_data(session, both.workspace, both.study)
        assert set(data.votes["observer"]) == {again.pseudonym, seated[0].pseudonym}


def test_added_rows_are_those_of_a_longer_plan(house: House) -> None:
    """Added in two parts, the rows are the very ones that the study would have had with more observers from the start."""
    house.open(panels=[{"target": 3}], blocks=4)
    assert top_up(house.workspace, house.engine, house.study)["rows"] == 1
    assert top_up(house.workspace, house.engine, house.study, rows=2)["first"] == 4
    with writing(house.engine) as session:
        studies.copy(session, house.study, "long")
        studies.change(session, "long", panels=[{"target": 6}])
    studies.freeze(house.workspace, house.engine, "long")
    with Session(house.engine) as session:
        plans = [
            stored_plans(session, queries.frozen_version(session, queries.named(session, name)))[0].rows
            for name in (house.study, "long")
        ]
    assert plans[0] == plans[1]
    assert faults(house) == ""


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("UPDATE presentations SET role = 'repeat' WHERE id = (SELECT max(id) FROM presentations)", "differ from their record"),
        (
            "UPDATE study_versions SET proof = replace(proof, '\"first\": 4', '\"first\": 5')",
            "the record of addition 1 was changed",
        ),
        ("UPDATE study_versions SET proof = replace(proof, 'top_ups', 'gone')", "panel lay: 5 rows, 4 were frozen and added"),
    ],
)
def test_tampering_with_added_rows_is_found(house: House, change: str, line: str) -> None:
    """A changed row, a changed record and rows without a record are named."""
    house.open(panels=[{"target": 4}])
    top_up(house.workspace, house.engine, house.study, rows=1)
    assert faults(house) == ""
    with house.engine.begin() as connection:
        connection.execute(text(change))
    assert line in faults(house)


def test_rows_are_not_added_where_they_would_not_fit(house: House) -> None:
    """A draft, too many rows and a plan of another design version are refused in one line, and nothing is added."""
    with writing(house.engine) as session:
        studies.create(session, "early")
    with pytest.raises(StudyFault, match="is not frozen yet"):
        top_up(house.workspace, house.engine, "early")
    house.open()
    with pytest.raises(StudyFault, match="20000 more rows for the panel 'lay', which has 4: 1 to 9996 were expected"):
        top_up(house.workspace, house.engine, house.study, rows=20_000)
    with house.engine.begin() as connection:
        connection.execute(text("UPDATE study_versions SET design_version = '0'"))
    with pytest.raises(StudyFault, match=r"was made by design 0.*start from `dermiqa study copy skin NEW`"):
        top_up(house.workspace, house.engine, house.study)
    with Session(house.engine) as session:
        assert session.exec(select(StudyVersion)).one().proof.get("top_ups") is None
