"""Gold values from a pilot's votes."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from annotate_app import studies
from annotate_app.gold import take_from_pilot, value_of
from db.engine import writing
from db.models import StudyStimulus
from db.queries import studies as queries
from tests.annotate_app.house import House
from workspace.errors import StudyFault

PILOT = {"panels": [{"name": "first", "phase": "pilot", "target": 6}], "simulated": True}


def test_a_tolerance_is_where_95_of_100_further_votes_fall() -> None:
    """By hand: 4, 5, 6, 5, 4, 6 has mean 5, SD 0.894 and a half width of 2.48; equal votes have a quarter of the scale."""
    one = value_of("a", [4, 5, 6, 5, 4, 6], 1, 10)
    assert (one.expected, one.sd, one.tolerance) == (5.0, 0.89, 2.48)
    assert value_of("a", [9, 9, 9, 9, 9], 1, 10).tolerance == 2.25
    assert value_of("a", [1, 10, 1, 10, 5], 1, 10).fault == "people disagree (SD 4.51)"
    assert value_of("a", [5, 5, 5], 1, 10).fault == "3 votes, 5 were expected"


def test_a_pilot_says_what_gold_images_get(both: House) -> None:
    """The pilot's votes on the gold images become expected values of the next version, frozen with their source."""
    both.open(gold=2, gold_values=None, **PILOT)
    for score in (7, 8, 8, 9, 8, 8):
        both.sit_down().finish(score)
    with writing(both.engine) as session:
        studies.close_study(session, both.study)
        found = take_from_pilot(session, both.workspace, both.study, both.study)
        studies.change(session, both.study, panels=[{"target": 4}])
    assert [(one.expected, one.votes) for one in found] == [(8.0, 6), (8.0, 6)]
    version = studies.freeze(both.workspace, both.engine, both.study)
    said = version.protocol["gold_said"]
    assert set(said) == {one.image for one in found}
    assert all(
        one["by"].startswith("pilot skin, version 1 (") and one["by"].endswith("6 votes, SD 0.63") for one in said.values()
    )
    with Session(both.engine) as session:
        held = [s for s in queries.study_stimuli(session, version.id) if s.role == "gold"]
        assert {(s.expected, s.tolerance) for s in held} == {(8.0, 2.25)}
        assert isinstance(held[0], StudyStimulus)


def test_votes_that_do_not_count_give_no_gold(house: House) -> None:
    """Simulated votes judge no people; another scale, too few votes and a study without gold are refused in one line."""
    house.open(gold=2, gold_values=None, **PILOT)
    for _ in range(5):
        house.sit_down().finish(8)
    with writing(house.engine) as session:
        studies.copy(session, house.study, "people")
        studies.change(session, "people", simulated=False)
        with pytest.raises(StudyFault, match=r"no gold image of 'people' has 5 votes in 'skin' that agree.*most votes on one: 0"):
            take_from_pilot(session, house.workspace, "people", house.study)
        studies.change(session, "people", simulated=True, questions=[{"low": 1, "high": 5}])
        with pytest.raises(StudyFault, match="was rated from 1 to 10, this study is from 1 to 5"):
            take_from_pilot(session, house.workspace, "people", house.study)
        studies.change(session, "people", questions=[{}], gold=0)
        with pytest.raises(StudyFault, match="'people' has no gold images"):
            take_from_pilot(session, house.workspace, "people", house.study)
