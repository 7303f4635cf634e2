"""Loading in general: the registry, custom sets, our own export, and what bad folders get."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mos.exports.formats import export as write_export
from mos.exports.tables import Options
from tests.mos.studies import small_study
from tests.train.fakes import custom_set, picture, save_pictures
from train.check import check
from train.datasets import all_facts, load, names
from workspace.errors import DatasetFault, UsageFault


def test_registry_lists_the_paper_order() -> None:
    """Sets are found by their modules and come in the order of the paper's table 1."""
    assert names() == ["koniq10k", "gfiqa20k", "spaq", "biq2021", "live_itw", "kadid10k", "dermiqa", "custom"]
    assert [f.paper_count for f in all_facts()][:6] == [10_073, 20_000, 11_125, 8_000, 1_169, 10_125]


def test_every_set_states_its_facts() -> None:
    """Every set says direction, range, group, licence, citation and where it comes from."""
    for fact in all_facts():
        assert fact.better == "higher"
        assert fact.low < fact.high
        for text in (fact.score, fact.sd, fact.group, fact.licence, fact.citation):
            assert text
        if fact.count:
            assert fact.address.startswith("https://")


def test_unknown_set_names_the_nearest() -> None:
    """A misspelled set is named with its neighbour."""
    with pytest.raises(UsageFault, match=r"no data set 'kadid' \(did you mean 'kadid10k'\?\)"):
        load("kadid", Path("."))


def test_custom_two_columns(tmp_path: Path) -> None:
    """Two columns and a range make a set: on [1, 10], each image its own group."""
    found = custom_set(tmp_path, 11)
    assert found.name == found.title == "mine"
    table = found.table.set_index("file")
    assert table.loc["p001.png", "score10"] == pytest.approx(1 + 9 * 0.37)
    assert table["group"].tolist() == table.index.tolist()
    assert Path(table.loc["p001.png", "path"]).is_file()


def test_custom_lower_is_better(tmp_path: Path) -> None:
    """better = lower turns the scale round."""
    custom_set(tmp_path, 3)
    table = load("custom", tmp_path, low=0, high=100, better="lower").table
    assert table["score10"].tolist() == pytest.approx((10 - 9 * table["score"] / 100).tolist())


def test_custom_groups_and_split_are_taken_over(tmp_path: Path) -> None:
    """A column group groups, a column split is the official split."""
    custom_set(tmp_path, 4, extra="group", cells="aabb")
    assert load("custom", tmp_path, low=0, high=100).table["group"].tolist() == list("aabb")
    custom_set(tmp_path, 4, extra="split", cells=["train", "train", "val", "test"])
    assert load("custom", tmp_path, low=0, high=100).table["official"].tolist() == ["train", "train", "val", "test"]


def test_custom_needs_a_range(tmp_path: Path) -> None:
    """A range is never guessed."""
    custom_set(tmp_path, 3)
    with pytest.raises(UsageFault, match="say low and high of its scale"):
        load("custom", tmp_path)


def test_custom_without_its_column(tmp_path: Path) -> None:
    """A CSV without the column score is named with the columns it has."""
    (tmp_path / "a.csv").write_text("file,mos\nx.png,3\n")
    with pytest.raises(DatasetFault, match=r"has no column 'score' \(it has: file, mos\)"):
        load("custom", tmp_path, low=1, high=5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,score\na.png,3\nb.png,7\n", r"b\.png has the score 7.*outside.*\[1, 5\]"),
        ("file,score\na.png,3\nb.png,\n", r"b\.png has the score nan"),
        ("file,score\na.png,3\na.png,4\n", "more than once"),
        ("file,score\n", "has no rows"),
        ("", "No columns"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, says: str) -> None:
    """Scores out of range, without a value or given twice, and empty tables are named."""
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DatasetFault, match=says):
        load("custom", tmp_path, images="none", low=1, high=5)


def test_missing_images_are_counted(tmp_path: Path) -> None:
    """Half a download is one line with the number and the first missing name; asked for, the rest is read."""
    custom_set(tmp_path, 6)
    for n in (2, 4):
        (tmp_path / "images" / f"p00{n}.png").unlink()
    with pytest.raises(DatasetFault, match=r"2 of 6 images of custom set are missing, first 'p002\.png'"):
        load("custom", tmp_path, low=0, high=100)
    assert len(load("custom", tmp_path, images="present", low=0, high=100)) == 4


def export(root: Path, **columns: object) -> pd.DataFrame:
    """A small export of a study with two subjects, three photos and two variants."""
    rows = []
    for photo, subject in (("P1", "A"), ("P2", "A"), ("P3", "")):
        for variant in ("pristine", "blur_1"):
            rows.append(
                {"file": f"{photo}_{variant}.png", "sha256": "", "subject": subject, "content": photo, "pristine": photo, "kind": "x",
                 "variant": variant, "axis": "blur", "kadid_type": "", "kadid_level": "", "source": "s", "skin_tone": "",
                 "body_site": "", "panel": "lay", "question": "quality", "mos": 5.0, "sd": 1.5, "n": 20, "n_simulated": 0, **columns}
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    frame["mos"] = np.linspace(1.5, 9.5, len(frame))
    save_pictures(root / "images", frame["file"].tolist())
    frame.to_csv(root / "scores.csv", index=False)
    return frame


def test_our_export_groups_by_subject_and_photo(tmp_path: Path) -> None:
    """An export's groups join whatever shares subject, photo or content; an empty subject joins nothing."""
    export(tmp_path)
    found = load("dermiqa", tmp_path, title="skin study")
    groups = found.table.set_index("file")["group"]
    assert groups["P1_pristine.png"] == groups["P2_blur_1.png"] != groups["P3_pristine.png"]
    assert groups["P3_blur_1.png"] == groups["P3_pristine.png"]
    assert found.title == "skin study"
    assert not found.simulated
    assert found.table["score10"].tolist() == pytest.approx(found.table["score"].tolist())
    assert set(found.table["variant"]) == {"pristine", "blur_1"}


def test_simulated_votes_are_remembered(tmp_path: Path) -> None:
    """One simulated vote marks the whole set, with a note."""
    export(tmp_path, n_simulated=1)
    found = load("dermiqa", tmp_path)
    assert found.simulated
    assert found.notes == ("scores hold votes of simulated observers",)


def test_export_of_several_questions_asks_which(tmp_path: Path) -> None:
    """Two questions are never mixed: one has to be chosen."""
    frame = export(tmp_path)
    other = frame.assign(question="usable", mos=2.0)
    pd.concat([frame, other]).to_csv(tmp_path / "scores.csv", index=False)
    with pytest.raises(UsageFault, match="choose a question: quality, usable"):
        load("dermiqa", tmp_path)
    assert set(load("dermiqa", tmp_path, question="usable").table["score"]) == {2.0}
    with pytest.raises(UsageFault, match="no question 'beauty'"):
        load("dermiqa", tmp_path, question="beauty")


def test_images_without_votes_are_left_out(tmp_path: Path) -> None:
    """A row without a mean score is no label."""
    frame = export(tmp_path)
    frame.loc[0, "mos"] = np.nan
    frame.to_csv(tmp_path / "scores.csv", index=False)
    assert len(load("dermiqa", tmp_path)) == 5


def test_what_a_study_exports_is_what_is_read(tmp_path: Path) -> None:
    """The export of a study on another scale than 1 to 10 loads as it is: scale, scores, groups and hashes."""
    (tmp_path / "study").mkdir()
    study = small_study(tmp_path / "study")
    study.questions.loc[:, ["low", "high"]] = [0, 20]
    write_export(study, "dermiqa", tmp_path / "out", Options(include_closed=True))
    panel, question = study.groups()[0]
    found = load("dermiqa", tmp_path / "out", title="small", panel=panel, question=question)
    assert (found.low, found.high) == (0, 20)
    votes = study.select(panel, question)
    assert len(found) == votes["stimulus"].nunique()
    assert found.table["score10"].tolist() == pytest.approx((1 + 9 * found.table["score"] / 20).tolist())
    assert found.simulated == bool(votes["simulated"].any())
    assert check("dermiqa", tmp_path / "out", title="small", panel=panel, question=question).faults == []
    (tmp_path / "out" / "scale.json").write_text("{}")
    with pytest.raises(DatasetFault, match="states no scale"):
        load("dermiqa", tmp_path / "out", panel=panel, question=question)


def test_digest_follows_scores_not_order(tmp_path: Path) -> None:
    """The labels' digest does not depend on row order and changes with a score."""
    one = custom_set(tmp_path, 5)
    lines = (tmp_path / "scores.csv").read_text().splitlines()
    (tmp_path / "scores.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    assert load("custom", tmp_path, low=0, high=100).digest() == one.digest()
    (tmp_path / "scores.csv").write_text("\n".join([lines[0], "p000.png,1", *lines[2:]]) + "\n")
    assert load("custom", tmp_path, low=0, high=100).digest() != one.digest()


def test_pictures_of_the_fakes_differ() -> None:
    """The generated pictures are what the other tests take them for: repeatable and unlike each other."""
    assert picture(1).tobytes() == picture(1).tobytes() != picture(2).tobytes()
