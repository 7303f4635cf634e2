from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mos.exports import long
from mos.exports.dermiqa import SCORE_COLUMNS
from mos.exports.formats import export
from mos.exports.study import votes_hash
from mos.exports.tables import Options, harmed_back, harmless
from tests.mos.studies import small_study
from workspace.errors import StudyFault, UsageFault
from workspace.files import sha256_file


def test_a_long_csv_read_back_has_the_same_hash(tmp_path: Path) -> None:
    """Export and import of the long CSV lose nothing of any vote."""
    study = small_study(tmp_path)
    export(study, "long", tmp_path / "out")
    assert votes_hash(long.read(tmp_path / "out" / "votes.csv")) == study.votes_hash


def test_no_export_holds_a_path_of_this_machine(tmp_path: Path) -> None:
    """The folder of the frozen files stands in no exported table."""
    study = small_study(tmp_path)
    for name in ("long", "matrix", "pyiqa", "dermiqa"):
        export(study, name, tmp_path / name)
        for table in (tmp_path / name).rglob("*.csv"):
            assert str(tmp_path) not in table.read_text()


def test_formulas_in_texts_are_disarmed(tmp_path: Path) -> None:
    """A credit that a spreadsheet would run gets an apostrophe, and loses it when read back."""
    study = small_study(tmp_path)
    export(study, "long", tmp_path / "out")
    with (tmp_path / "out" / "stimuli.csv").open() as stream:
        assert {row["credit"] for row in csv.DictReader(stream)} == {"'=1+1"}
    for text in ("=cmd", "@x", "-a", "+1", "plain", "'quoted", ""):
        assert harmed_back(harmless(text)) == text


def test_the_matrix_holds_first_votes_by_panel(tmp_path: Path) -> None:
    """Each panel gets its own matrix of first presentations, in the study's order of images."""
    study = small_study(tmp_path)
    export(study, "matrix", tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "matrix_lay_quality.csv", index_col="stimulus")
    assert table.shape == (20, 6)
    assert list(table.index) == list(study.stimuli["stimulus"])
    first = study.votes.loc[study.votes["rep"] == 0].set_index(["stimulus", "observer"])["score"]
    assert table.loc["P0001_blur_1", "O002"] == first["P0001_blur_1", "O002"]


def test_the_dataset_folder_has_the_agreed_columns_and_files(tmp_path: Path) -> None:
    """scores.csv holds the agreed columns, one row per image and panel, and every file has its hash."""
    study = small_study(tmp_path)
    out = tmp_path / "out"
    export(study, "dermiqa", out)
    scores = pd.read_csv(out / "scores.csv")
    assert tuple(scores.columns) == SCORE_COLUMNS
    assert len(scores) == 40
    for file, digest in zip(scores["file"], scores["sha256"], strict=True):
        assert sha256_file(out / "images" / file) == digest
    assert "SIMULATED" in (out / "README.md").read_text()
    lay = scores.loc[scores["panel"] == "lay"].set_index("file")["mos"]
    assert lay["P0000_pristine.png"] > lay["P0000_jpeg_2.png"]


def test_closed_images_stay_behind_unless_asked_for(tmp_path: Path) -> None:
    """Images that may not be passed on, and their votes, go out with --include-closed alone."""
    study = small_study(tmp_path, closed=1)
    export(study, "dermiqa", tmp_path / "open")
    export(study, "dermiqa", tmp_path / "all", Options(include_closed=True))
    assert len(list((tmp_path / "open" / "images").iterdir())) == 15
    assert len(list((tmp_path / "all" / "images").iterdir())) == 20
    assert "P0000" not in (tmp_path / "open" / "votes.csv").read_text()
    assert "5 images that may not be passed on" in (tmp_path / "open" / "README.md").read_text()
    with pytest.raises(StudyFault, match="--include-closed"):
        export(small_study(tmp_path, closed=4), "dermiqa", tmp_path / "none")


def test_a_changed_frozen_file_stops_the_export(tmp_path: Path) -> None:
    """A file that is not the frozen one is refused by its hash."""
    study = small_study(tmp_path)
    (tmp_path / "P0001_blur_1.png").write_bytes(b"other")
    with pytest.raises(StudyFault, match=r"P0001_blur_1.*not the file that was frozen"):
        export(study, "dermiqa", tmp_path / "out")


def test_pyiqa_reads_both_forms_by_position(tmp_path: Path) -> None:
    """meta_info: name, score, std first; full reference: reference, image, score, std; splits never part a subject."""
    study = small_study(tmp_path)
    out = tmp_path / "out"
    export(study, "pyiqa", out)
    single = pd.read_csv(out / "meta_info_small.csv")
    pairs = pd.read_csv(out / "meta_info_small_fr.csv")
    for name, score, *_ in single.to_numpy().tolist():
        assert (out / "images" / name).is_file()
        assert 1 <= score <= 10
    for reference, image, score, *_ in pairs.to_numpy().tolist():
        assert (out / "images" / reference).is_file()
        assert image.split("_")[0] == reference.split("_")[0]
        assert np.isfinite(score)
    assert len(pairs) == 16
    splits = [c for c in single.columns if "split" in c]
    assert len(splits) == 5
    subject = dict(zip((f"{s}.png" for s in study.stimuli["stimulus"]), study.stimuli["subject"], strict=True))
    for column in splits:
        parts = single.groupby(single["img_name"].map(subject))[column].nunique()
        assert (parts == 1).all()


def test_splits_hold_all_three_parts(tmp_path: Path) -> None:
    """With ten subjects, a split is 7 : 1 : 2 subjects and two splits differ."""
    study = small_study(tmp_path, contents=20)
    export(study, "pyiqa", tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "meta_info_small.csv")
    counts = table["ratio712_seed123_split_01"].value_counts()
    assert (counts["train"], counts["val"], counts["test"]) == (70, 10, 20)
    assert (table["ratio712_seed123_split_01"] != table["ratio712_seed123_split_02"]).any()


def test_an_unknown_format_names_the_nearest(tmp_path: Path) -> None:
    """A misspelt format is a UsageFault with a suggestion."""
    with pytest.raises(UsageFault, match="did you mean 'pyiqa'"):
        export(small_study(tmp_path), "pyqia", tmp_path / "out")


def test_the_same_export_gives_the_same_bytes(tmp_path: Path) -> None:
    """Run twice, also over an older run, an export writes equal files."""
    study = small_study(tmp_path)
    for name in ("long", "pyiqa", "dermiqa"):
        export(study, name, tmp_path / "a")
        before = {p.name: p.read_bytes() for p in (tmp_path / "a").rglob("*") if p.is_file()}
        export(study, name, tmp_path / "a")
        assert before == {p.name: p.read_bytes() for p in (tmp_path / "a").rglob("*") if p.is_file()}
