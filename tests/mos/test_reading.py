from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mos.reading import BadCell, read_votes
from mos.spellings import VOTE_SPELLINGS, match, said_back
from workspace.errors import TableFault


def _file(folder: Path, text: str, name: str = "votes.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_common_spellings_are_understood_and_said_back(tmp_path: Path) -> None:
    """Image, Rater ID and Rating are taken for stimulus, observer and score, and the note says so."""
    reading = read_votes(_file(tmp_path, "Image,Rater ID,Rating,age\na,1,5\nb,1,4,30\n".replace("5\n", "5,3\n")), (1, 5))
    assert reading.layout == "long"
    assert len(reading.votes) == 2
    assert "read Image -> stimulus, Rater ID -> observer, Rating -> score" in reading.notes
    assert "columns not used: age" in reading.notes


def test_an_exact_name_wins_over_a_spelling() -> None:
    """With both `score` and `rating` there, `score` is the score."""
    found = match(["rating", "score", "image", "user"], VOTE_SPELLINGS)
    assert found == {"score": "score", "image": "stimulus", "user": "observer"}
    assert said_back(found) == "image -> stimulus, user -> observer"


def test_bad_cells_are_listed_with_their_lines(tmp_path: Path) -> None:
    """Text, out of scale, doubled and unknown are each named with line, cell and reason; the rest is read."""
    text = "stimulus,observer,score\na,1,5\na,2,six\n\nb,1,11\nb,2,\nb,2,3\na,1,4\nz,1,2\n,1,2\n"
    stimuli = _file(tmp_path, "stimulus,content\na,c\nb,c\n", "stimuli.csv")
    reading = read_votes(_file(tmp_path, text), (1, 10), stimuli)
    assert reading.bad == [
        BadCell(3, "score", "six", "not a number"),
        BadCell(5, "score", "11", "out of the scale 1 to 10"),
        BadCell(8, "score", "4", "a second vote of the same observer on the same stimulus"),
        BadCell(9, "stimulus", "z", "not in the table of stimuli"),
        BadCell(10, "stimulus", "", "no stimulus named"),
    ]
    assert len(reading.votes) == 2
    assert "1 blank or nan scores taken as missing votes" in reading.notes


def test_each_question_may_have_its_own_scale(tmp_path: Path) -> None:
    """Cells are checked against their question's scale; each scale's votes are a part of their own."""
    text = "stimulus,observer,question,score\na,1,quality,7\na,1,fit,1\nb,1,fit,2\nb,1,quality,11\nb,1,look,80\n"
    reading = read_votes(_file(tmp_path, text), None, None, {"fit": (0, 1), "look": (0, 100)})
    assert [(part.low, part.high, len(part)) for part in reading.parts] == [(1, 10, 1), (0, 1, 1), (0, 100, 1)]
    assert reading.bad == [
        BadCell(4, "score", "2", "out of the scale 0 to 1"),
        BadCell(5, "score", "11", "out of the scale 1 to 10"),
    ]
    assert "scale taken as 1 to 10: say --scale LOW HIGH for another" in reading.notes
    with pytest.raises(TableFault, match=r"has no question 'fti' \(did you mean 'fit'\?\); it has: fit, look, quality"):
        read_votes(_file(tmp_path, text), None, None, {"fti": (0, 1)})
    with pytest.raises(TableFault, match=r"scale of fit 1 0: the lower end must come first"):
        read_votes(_file(tmp_path, text), None, None, {"fit": (1, 0)})


def test_lines_are_right_when_a_cell_spans_two(tmp_path: Path) -> None:
    """A quoted cell with a line break does not shift the line numbers after it."""
    reading = read_votes(_file(tmp_path, 'stimulus,observer,score\n"a\nb",1,5\nc,1,x\n'), (1, 5))
    assert [cell.line for cell in reading.bad] == [4]


def test_a_matrix_is_read_with_blanks_as_missing(tmp_path: Path) -> None:
    """Stimuli x observers, blank or nan missing, bad cells by line."""
    reading = read_votes(_file(tmp_path, "pvs,s1,s2,s3\na,5,,3\nb,nan,4,9\n"), (1, 5))
    assert reading.layout == "matrix"
    np.testing.assert_array_equal(reading.votes.matrix(), [[5, np.nan, 3], [np.nan, 4, np.nan]])
    assert reading.bad == [BadCell(3, "score", "9", "out of the scale 1 to 5")]


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    """A spreadsheet's semicolons and decimal commas are understood."""
    votes = read_votes(_file(tmp_path, "\ufeffstimulus;observer;score\na;1;3,5\nb;1;4\n"), (1, 5)).votes
    assert sorted(votes.score) == [3.5, 4]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """Votes without a score column are refused with the columns there are."""
    with pytest.raises(TableFault, match=r"votes.csv has no column 'score'; it has: image, user"):
        read_votes(_file(tmp_path, "image,user\na,1\n"), (1, 5))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("stimulus,observer,score\n", "no cell is a vote"),
        ("a,b\nc,d\n", "no cell is a vote from 1 to 10; the first: line 2, score 'd' (not a number)"),
        ("stimulus,observer,score\na,1,5,7\n", "is no table"),
        ("alone\n1\n", "has the one column 'alone'"),
        ("x,p,q\na,1,2\na,2,3\n", "names stimulus 'a' twice"),
    ],
)
def test_what_is_no_table_of_votes_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Each wrong file gets one line that says what is wrong."""
    with pytest.raises(TableFault) as fault:
        read_votes(_file(tmp_path, text), (1, 10))
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)


def test_other_wrong_files(tmp_path: Path) -> None:
    """A missing file, a folder, other encodings and a broken Parquet file are each named."""
    for path, said in ((tmp_path / "no.csv", "is not there"), (tmp_path, "is a folder")):
        with pytest.raises(TableFault, match=said):
            read_votes(path)
    (tmp_path / "latin.csv").write_bytes(b"stimulus,observer,score\n\xe4,1,2\n")
    with pytest.raises(TableFault, match="not UTF-8"):
        read_votes(tmp_path / "latin.csv")
    (tmp_path / "broken.parquet").write_bytes(b"no")
    with pytest.raises(TableFault, match="can't be read as Parquet"):
        read_votes(tmp_path / "broken.parquet")
    with pytest.raises(TableFault, match="scale 5 1"):
        read_votes(_file(tmp_path, "a,b\nc,1\n"), (5, 1))


def test_a_scale_not_said_is_said_back(tmp_path: Path) -> None:
    """Without --scale, 1 to 10 is taken and said."""
    reading = read_votes(_file(tmp_path, "stimulus,observer,score\na,1,5\n"))
    assert (reading.votes.low, reading.votes.high) == (1, 10)
    assert "scale taken as 1 to 10: say --scale LOW HIGH for another" in reading.notes


def test_repetitions_without_a_rep_column_are_told_apart_by_time(tmp_path: Path) -> None:
    """Two votes at different positions are a repetition, not a doubled vote; the note says how that was decided."""
    reading = read_votes(_file(tmp_path, "stimulus,observer,score,position\na,1,5,1\na,1,3,2\na,1,3,2\n"), (1, 5))
    assert len(reading.votes) == 2
    assert [cell.line for cell in reading.bad] == [4]
    assert reading.votes.first().score[0] == 5


def test_parquet_gives_the_same_votes(tmp_path: Path) -> None:
    """A Parquet file is read as its CSV is."""
    frame = pd.DataFrame({"stimulus": ["a", "b"], "observer": [1, 1], "score": [5.0, np.nan], "rep": [0, 0]})
    frame.to_parquet(tmp_path / "votes.parquet")
    frame.to_csv(tmp_path / "votes.csv", index=False)
    one, other = read_votes(tmp_path / "votes.parquet", (1, 5)), read_votes(tmp_path / "votes.csv", (1, 5))
    pd.testing.assert_frame_equal(one.votes.frame(), other.votes.frame())


SUREAL = {
    "ref_score": 5.0,
    "ref_videos": [{"content_id": 0, "path": "ref/a.yuv"}],
    "dis_videos": [
        {"content_id": 0, "asset_id": 0, "path": "ref/a.yuv", "os": {"x": 5, "y": [4, 5]}},
        {"content_id": 0, "asset_id": 1, "path": "dis/a_1.yuv", "os": {"x": 2, "y": None}},
    ],
}


def test_sureals_json_is_read(tmp_path: Path) -> None:
    """References by path, repetitions as rep, None as missing, the scale from ref_score."""
    reading = read_votes(_file(tmp_path, json.dumps(SUREAL), "set.json"))
    votes = reading.votes
    assert (votes.low, votes.high, reading.layout) == (1, 5, "sureal JSON")
    assert list(votes.info["is_ref"]) == [True, False]
    assert len(votes) == 4
    assert len(votes.first()) == 3


def test_sureals_python_is_read_without_running_it(tmp_path: Path) -> None:
    """Names, sums of texts, f-strings and nan are understood; calls and imports beside them do nothing."""
    text = (
        "import os\nos.mkdir('ran')\nroot = '/x'\nref_score = 5.0\nref_videos = [{'content_id': 0, 'path': root + '/r.yuv'}]\n"
        "dis_videos = [{'content_id': 0, 'asset_id': 0, 'path': root + '/r.yuv', 'os': [5, 4, float('nan')]},\n"
        " {'content_id': 0, 'asset_id': 1, 'path': f'{root}/d.yuv', 'os': (1, 2, 3)}]\n"
    )
    votes = read_votes(_file(tmp_path, text, "set.py")).votes
    assert len(votes) == 5
    assert votes.stimuli == ("r", "d")
    assert not Path("ran").exists()


def test_a_python_data_set_that_would_have_to_run_is_refused(tmp_path: Path) -> None:
    """A comprehension in dis_videos is named with its line."""
    with pytest.raises(TableFault, match="line 2: dis_videos holds a ListComp"):
        read_votes(_file(tmp_path, "ref_videos = []\ndis_videos = [x for x in y]\n", "set.py"))
    with pytest.raises(TableFault, match="has no list 'ref_videos'"):
        read_votes(_file(tmp_path, "{}", "set.json"))


def test_labels_named_like_columns_of_the_scores_are_left_out_and_said(tmp_path: Path) -> None:
    """A label `mos` or `panel` in the table of stimuli can't stand beside the column of that name."""
    stimuli = _file(tmp_path, "image,content,mos,panel,axis\na,c,3,x,blur\n", "stimuli.csv")
    reading = read_votes(_file(tmp_path, "stimulus,observer,score\na,1,5\n"), (1, 5), stimuli)
    assert list(reading.votes.info.columns) == ["content", "is_ref", "axis"]
    assert "stimuli.csv: labels left out since scores.csv has columns of that name: mos, panel" in reading.notes
