"""The frozen plan as a table, and in the archive that a study is handed on with."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pandas as pd
from sqlmodel import Session

from annotate_app.plan_table import COLUMNS
from annotate_app.results import study_data
from annotate_app.simulate import directly, prepare
from mos.exports.formats import export
from tests.annotate_app.house import House


def test_the_archive_holds_the_plan_that_the_votes_followed(house: House, tmp_path: Path) -> None:
    """plan.csv has a row per showing; each vote is one of them, given to its observer; an untaken row has no observer."""
    house.open(panels=[{"target": 4}], repeats=2)
    run = prepare(house.workspace, house.engine, house.study, 3)
    sum(directly(house.engine, run))
    with Session(house.engine) as session:
        assert "plan_rows" not in study_data(session, house.workspace, house.study).meta
        data = study_data(session, house.workspace, house.study, plan=True)
    path = export(data, "zip", tmp_path)[0]
    with zipfile.ZipFile(path) as archive:
        raw = archive.read("plan.csv")
        sums = dict(reversed(line.split("  ")) for line in archive.read("checksums.sha256").decode().splitlines())
        readme = archive.read("README.md").decode()
        protocol = archive.read("protocol.json").decode()
        book = pd.read_csv(io.BytesIO(archive.read("codebook.csv")), keep_default_na=False)
        heads = {name: archive.read(name).decode().splitlines()[0].split(",") for name in sorted(set(book["table"]))}
    plan = pd.read_csv(io.BytesIO(raw), keep_default_na=False)
    assert sums["plan.csv"] == hashlib.sha256(raw).hexdigest()
    assert "plan.csv: the frozen plan" in readme
    assert "plan_rows" not in protocol
    assert list(plan.columns) == list(COLUMNS)
    assert {name: book.loc[book["table"] == name, "column"].tolist() for name in heads} == heads
    assert (book["meaning"] != "").all()
    assert sorted(set(plan["row"])) == [0, 1, 2, 3]
    assert plan.groupby("row")["position"].apply(lambda p: p.tolist() == list(range(len(p)))).all()
    assert set(plan.loc[(plan["observer"] == "") & (plan["session"] > 0), "row"]) == {3}
    assert set(plan.loc[plan["session"] == 0, "role"]) == {"training"}
    keys = ["observer", "stimulus", "session", "position"]
    votes = data.votes.assign(session=data.votes["session"].astype(int), position=data.votes["position"].astype(int))
    met = votes.merge(plan[plan["observer"] != ""], on=keys, how="left", indicator=True, validate="one_to_one")
    assert (met["_merge"] == "both").all()
    assert set(met["role"]) == {"test", "reference", "repeat"}
    assert (
        dict(zip(plan["stimulus"], plan["sha256"], strict=True)).items()
        >= dict(zip(data.stimuli["stimulus"], data.stimuli["sha256"], strict=True)).items()
    )
