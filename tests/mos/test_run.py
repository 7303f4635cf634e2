from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from dermiqa.commands.scores import mos as verb
from mos.models import MODELS, SLOW
from mos.run import Options, run
from mos.votes import Votes, from_matrix
from tests.mos.golden import golden_votes
from workspace.errors import UsageFault

FAST = Options(models=tuple(m for m in MODELS if m not in SLOW), draws=50)


def _study(careless: int = 0, images: int = 60, people: int = 12, seed: int = 0) -> tuple[Votes, np.ndarray]:
    """A simulated study of contents of six images each, the first the reference, and its true quality."""
    rng = np.random.default_rng(seed)
    truth = np.tile(np.array([8.5, 7, 6, 5, 4, 2.5]), images // 6) + rng.normal(0, 0.3, images // 6).repeat(6)
    grid = np.clip(np.round(truth[:, None] + rng.normal(0, 0.3, people) + rng.normal(0, 1, (images, people))), 1, 10)
    grid[:, :careless] = rng.integers(1, 11, (images, careless))
    content = tuple(f"c{j // 6}" for j in range(images))
    votes = from_matrix(grid, 1, 10, content=content, is_ref=np.arange(images) % 6 == 0)
    votes.info["variant"] = [f"v{j % 6}" for j in range(images)]
    return votes, truth


def test_one_call_writes_every_table(shared: Path, tmp_path: Path) -> None:
    """All tables stand under their final names, and the model tables hold their final columns."""
    made = run(golden_votes(shared, "nflx_public"), tmp_path, Options(draws=50))
    for name in ("scores.csv", "conditions.csv", "observers.csv", "reliability.json", "undefined.csv", "summary.json"):
        assert (tmp_path / name).is_file()
    for model in MODELS:
        head = list(pd.read_csv(tmp_path / "models" / f"{model}.csv").columns)
        assert head[:8] == ["stimulus", "content", "is_ref", "votes", "score", "se", "ci95_low", "ci95_high"]
    people = pd.read_csv(tmp_path / "models" / "P910.observers.csv")
    assert list(people.columns)[:5] == ["observer", "bias", "bias_se", "inconsistency", "inconsistency_se"]
    assert sorted(made.files) == sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())


def test_every_empty_cell_has_a_reason(tmp_path: Path) -> None:
    """One vote, no vote, unanimous votes and missing references: each empty cell of the scores stands in undefined.csv."""
    grid = np.array([[5.0, 5, 5], [4, np.nan, np.nan], [np.nan] * 3, [2, 4, 3]])
    votes = from_matrix(grid, 1, 5, content=("a", "a", "a", ""), is_ref=np.array([True, False, False, False]))
    run(votes, tmp_path, FAST)
    scores = pd.read_csv(tmp_path / "scores.csv").set_index("stimulus")
    reasons = pd.read_csv(tmp_path / "undefined.csv")
    for column in ("mos", "sd", "ci95_low", "dmos", "dmos_ci95_low"):
        family = column.removesuffix("_low")
        for name in scores.index[scores[column].isna()]:
            said = reasons[(reasons["table"] == "scores.csv") & (reasons["row"] == name)]
            assert said["columns"].str.split().map(lambda words, f=family: f in words).any(), (column, name)
    assert reasons["reason"].notna().all()


def test_screening_proposes_and_removes_only_when_told(tmp_path: Path) -> None:
    """Careless observers stay unless a rule set is named; then scores with and without them stand side by side."""
    votes, _ = _study(careless=2)
    run(votes, tmp_path / "all", FAST)
    assert pd.read_csv(tmp_path / "all" / "scores.csv")["n"].eq(12).all()
    assert not (tmp_path / "all" / "scores_all_observers.csv").exists()
    made = run(votes, tmp_path / "less", Options(reject_by=("inconsistency", "samviq"), models=("MOS",), draws=50))
    assert pd.read_csv(tmp_path / "less" / "scores.csv")["n"].eq(10).all()
    assert pd.read_csv(tmp_path / "less" / "scores_all_observers.csv")["n"].eq(12).all()
    assert made.summary["screening"]["rule_set"] == ["inconsistency", "samviq"]
    assert {entry["observer"] for entry in made.summary["screening"]["removed"]} == {"o0000", "o0001"}


@pytest.mark.slow
def test_the_truth_lies_in_the_intervals_after_screening(tmp_path: Path) -> None:
    """A simulated study with careless observers, screened: the known truth is inside Student's interval about 95 times of 100."""
    inside = []
    for seed in range(8):
        votes, truth = _study(careless=2, images=120, people=26, seed=seed)
        run(votes, tmp_path, Options(reject_by=("inconsistency",), models=("P910",), draws=20))
        table = pd.read_csv(tmp_path / "models" / "P910.csv")
        shift = float((table["score"] - truth).mean())
        inside += list(table["ci95_low"].sub(shift).le(truth) & table["ci95_high"].sub(shift).ge(truth))
    assert 0.92 < np.mean(inside) < 0.98


def test_panels_get_folders_of_their_own(tmp_path: Path) -> None:
    """Two panels have their models in models/PANEL.QUESTION."""
    votes, _ = _study(images=12)
    frame = votes.frame().assign(panel=lambda f: np.where(f["observer"] < "o0006", "lay", "expert"))
    run(Votes.from_frame(frame, 1, 10, votes.info.reset_index()), tmp_path, Options(models=("MOS",), draws=20))
    assert (tmp_path / "models" / "lay.quality" / "MOS.csv").is_file()
    assert (tmp_path / "models" / "expert.quality" / "MOS.csv").is_file()
    assert set(pd.read_csv(tmp_path / "scores.csv")["panel"]) == {"lay", "expert"}


def test_questions_with_scales_of_their_own_are_scored_together(tmp_path: Path) -> None:
    """A 1..10 and a 0..1 question stand in one scores.csv, each on its own scale."""
    one, _ = _study(images=12)
    frame = one.frame().assign(question="fit", score=lambda f: (f["score"] > 5).astype(float))
    run([one, Votes.from_frame(frame, 0, 1)], tmp_path, Options(models=("MOS",), draws=20))
    table = pd.read_csv(tmp_path / "scores.csv")
    assert table.groupby("question")["mos"].max()["fit"] <= 1
    assert table.groupby("question")["mos"].max()["quality"] > 5


def test_a_second_run_gives_the_same_bytes(tmp_path: Path) -> None:
    """Seeds are fixed: every file is equal after a second run."""
    votes, _ = _study(images=12)
    run(votes, tmp_path, Options(draws=50))
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    run(votes, tmp_path, Options(draws=50))
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_wrong_switches_are_refused(tmp_path: Path) -> None:
    """Unknown rules, models and compatibility are wrong calls, before anything is written."""
    votes, _ = _study(images=6)
    for options, said in (
        (Options(reject_by=("bt50",)), "screening rule 'bt50'"),
        (Options(compat="vmaf"), "choose sureal"),
        (Options(models=("MLE",)), "score model 'MLE'"),
    ):
        with pytest.raises(UsageFault, match=said):
            run(votes, tmp_path / "new", options)
    assert not (tmp_path / "new").exists()


def test_the_verb_scores_a_file(tmp_path: Path) -> None:
    """`dermiqa mos` reads a CSV, says what it read, lists bad cells, writes the tables and ends with 1 for the bad cell."""
    votes, _ = _study(images=12)
    frame = votes.frame().astype({"score": object}).rename(columns={"observer": "rater"})
    frame.loc[3, "score"] = "good"
    frame.to_csv(tmp_path / "votes.csv", index=False)
    votes.info.reset_index().to_csv(tmp_path / "stimuli.csv", index=False)
    out = str(tmp_path / "out")
    call = [str(tmp_path / "votes.csv"), "--stimuli", str(tmp_path / "stimuli.csv"), "--scale", "1", "10", "--out", out]
    result = CliRunner().invoke(verb, [*call, "--model", "P910", "--reject-by", "samviq"], standalone_mode=False)
    assert result.return_value == 1, result.output
    assert "read 143 votes on 12 images by 12 observers, long" in result.output
    assert "note: read rater -> observer" in result.output
    assert "line 5, score: 'good' is not a number" in result.output
    assert "rule set samviq removed: nobody" in result.output
    assert pd.read_csv(tmp_path / "out" / "bad_cells.csv")["line"].tolist() == [5]
    again = CliRunner().invoke(verb, [*call, "--model", "MOS", "--json"], standalone_mode=False)
    assert json.loads(again.stdout)["bad_cells"][0]["reason"] == "not a number"


def test_the_verb_takes_a_scale_for_each_question(tmp_path: Path) -> None:
    """`--scale-of fit 0 1` beside the default: both questions are scored on their own scale in one table."""
    votes, _ = _study(images=6)
    frame = votes.frame().assign(question="quality")
    fit = frame.assign(question="fit", score=(frame["score"] > 5).astype(int))
    pd.concat([frame, fit]).to_csv(tmp_path / "votes.csv", index=False)
    call = [str(tmp_path / "votes.csv"), "--scale-of", "fit", "0", "1", "--out", str(tmp_path / "out"), "--model", "MOS"]
    result = CliRunner().invoke(verb, call, standalone_mode=False)
    assert result.return_value == 0, result.output
    assert "read 144 votes on 6 images by 12 observers" in result.output
    scores = pd.read_csv(tmp_path / "out" / "scores.csv")
    assert scores.groupby("question")["mos"].max()["fit"] <= 1
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["scales"] == [[0, 1], [1, 10]]


def test_simulated_votes_are_named_on_the_screen(tmp_path: Path) -> None:
    """A run with votes of model observers says SIMULATED."""
    votes, _ = _study(images=6)
    votes.frame().assign(simulated=1).to_csv(tmp_path / "votes.csv", index=False)
    call = [str(tmp_path / "votes.csv"), "--out", str(tmp_path / "out"), "--model", "MOS"]
    result = CliRunner().invoke(verb, call, standalone_mode=False)
    assert "SIMULATED: 72 of 72 votes come from model observers" in result.output
