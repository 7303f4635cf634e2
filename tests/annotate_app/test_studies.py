"""Studies: drafts, freezing, opening, results, verification."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session

from annotate_app import studies
from annotate_app.results import study_data
from annotate_app.simulate import directly, prepare, table
from annotate_app.verify import database_faults, study_faults
from db.engine import writing
from db.queries import studies as queries
from mos.scores import score_table
from tests.annotate_app.house import House
from workspace.errors import StudyFault


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"trainings": 3}, "unknown key 'trainings' (did you mean 'training'?)"),
        ({"settings": {"min_view_ms": 0}}, "min_view_ms is 0: that is for simulated studies alone"),
        ({"method": "DSIS"}, "ACR-HR or ACR was expected"),
        ({"panels": [{"target": 0}]}, "1 to 10000 observers were expected"),
        ({"questions": [{"low": 5, "high": 5}]}, "whole numbers, the lower one first"),
    ],
)
def test_a_wrong_setting_is_named(house: House, said: dict[str, Any], line: str) -> None:
    """A draft with an unknown key or a bad value is refused in one line."""
    with pytest.raises(StudyFault) as fault, writing(house.engine) as session:
        studies.create(session, "skin", **said)
    assert line in str(fault.value)


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a b", "x" * 61, "-a"])
def test_a_study_name_is_a_folder_name(house: House, name: str) -> None:
    """Names that lead elsewhere or are too long are refused."""
    with pytest.raises(StudyFault, match="it becomes a folder"), writing(house.engine) as session:
        studies.create(session, name)


def test_freezing_is_for_good(both: House) -> None:
    """Two equal drafts freeze to equal plans; nothing changed is not frozen again; a change makes version 2; open ones stay."""
    both.open()
    with writing(both.engine) as session:
        first = queries.frozen_version(session, queries.named(session, both.study))
        studies.copy(session, both.study, "twin")
        session.expunge(first)
    twin = studies.freeze(both.workspace, both.engine, "twin")
    assert (twin.plan_sha256, twin.sha256) == (first.plan_sha256, first.sha256)
    with pytest.raises(StudyFault, match="nothing has changed"):
        studies.freeze(both.workspace, both.engine, "twin")
    with writing(both.engine) as session:
        studies.change(session, "twin", distance=3)
    assert studies.freeze(both.workspace, both.engine, "twin").version == 2
    with pytest.raises(StudyFault, match="is open: close it"), writing(both.engine) as session:
        studies.change(session, both.study, distance=3)
    with Session(both.engine) as session:
        assert list(study_faults(session, both.workspace, "twin")) == []


def test_frozen_files_outlive_their_sources(house: House) -> None:
    """Images made anew or removed later leave the frozen ones as they were."""
    house.open()
    for path in (house.workspace.root / "distorted").rglob("*.png"):
        path.unlink()
    with Session(house.engine) as session:
        assert list(study_faults(session, house.workspace, house.study)) == []


def test_a_missing_or_changed_image_is_not_frozen(house: House) -> None:
    """Freezing names an image whose bytes differ from the manifest, and one that is gone."""
    path = house.workspace.root / "distorted/paper/P0001/jpeg_1.png"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(StudyFault, match=r"its bytes differ from manifest\.csv"):
        house.open()
    path.unlink()
    (house.workspace.study("skin") / "stimuli").rename(house.workspace.root / "aside")
    with pytest.raises(StudyFault, match=r"listed in manifest\.csv but missing"):
        studies.freeze(house.workspace, house.engine, "skin")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            "UPDATE presentations SET stimulus_id = (SELECT min(stimulus_id) FROM presentations WHERE role = 'test') WHERE id = 9",
            "rows",
        ),
        ("UPDATE presentations SET role = 'repeat' WHERE id = 12", "the rows of the plan differ"),
        ("UPDATE study_versions SET seed = 1", "derived again from seed 1 differs"),
        (
            "UPDATE study_versions SET protocol = replace(protocol, '\"distance\": 8', '\"distance\": 7')",
            "protocol, seed or hashes differ",
        ),
        ("UPDATE study_stimuli SET content = 'P9999' WHERE role = 'gold'", "the list of images differs"),
    ],
)
def test_tampering_is_found(house: House, change: str, line: str) -> None:
    """A plan, seed, protocol or role that was changed in the database is named by the verification."""
    house.open()
    with house.engine.begin() as connection:
        connection.execute(text(change))
    with Session(house.engine) as session:
        assert line in "\n".join(study_faults(session, house.workspace, house.study))


def test_a_changed_frozen_file_is_found(house: House) -> None:
    """A frozen image whose bytes were changed, or that is gone, is named; so is a vote that was skipped."""
    house.open()
    sitter = house.sit_down()
    sitter.finish()
    assert list(database_faults(house.workspace)) == []
    one, two = sorted((house.workspace.study(house.study) / "stimuli").iterdir())[:2]
    data = one.read_bytes()
    one.unlink()
    one.write_bytes(data[:-1])
    two.unlink()
    with house.engine.begin() as connection:
        connection.execute(text("DELETE FROM ratings WHERE id = 5"))
    found = "\n".join(database_faults(house.workspace))
    assert f"{one.name}: its bytes differ" in found
    assert f"{two.name} is missing" in found
    assert "some were skipped" in found


def test_simulated_observers_leave_a_known_truth(both: House) -> None:
    """Model observers rate to the end; scores follow the true quality, every vote says that it is simulated, all verifies."""
    both.open(panels=[{"target": 12}], repeats=2)
    run = prepare(both.workspace, both.engine, both.study, 12)
    votes = sum(directly(both.engine, run))
    assert votes == 12 * run.places
    assert list(directly(both.engine, run)) == []
    with Session(both.engine) as session:
        data = study_data(session, both.workspace, both.study)
        assert list(study_faults(session, both.workspace, both.study)) == []
    assert data.simulated
    assert data.votes["simulated"].all()
    assert (data.scores()["n"] == 12).all()
    assert (data.scores()["n_simulated"] == 12).all()
    assert len(data.votes[data.votes["rep"] == 1]) == 24
    assert len(data.meta["gold"]) == 12
    assert set(data.stimuli["is_ref"].groupby(data.stimuli["content"]).sum()) == {1}
    scores = score_table(data.as_votes()).set_index("stimulus")["mos"]
    truth = scores.index.map(run.truth.quality)
    assert abs(scores.to_numpy() - truth.to_numpy(float)).mean() < 1.2
    assert scores.corr(type(scores)(truth, index=scores.index)) > 0.8
    assert table(run) == table(prepare(both.workspace, both.engine, both.study, 12))


def test_more_simulated_observers_than_rows_are_refused(house: House) -> None:
    """Asking for more observers than the plan has rows is refused in one line."""
    house.open()
    with pytest.raises(StudyFault, match="5 simulated observers and a plan with 4 free rows"):
        prepare(house.workspace, house.engine, house.study, 5)
