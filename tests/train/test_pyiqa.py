"""pyiqa's meta_info and split files."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pandas as pd
import pytest

from tests.train.fakes import custom_set
from train import pyiqa, splits
from train.datasets import load
from workspace.errors import DatasetFault


def test_koniq_official_pickle_is_the_authors_split(shared: Path) -> None:
    """The pickle's rows, turned into names, are KonIQ's own official split."""
    labels = shared / "labels"
    meta = pyiqa.read_meta(labels / "pyiqa" / "meta_info_KonIQ10kDataset.csv")
    frame = pyiqa.read_pickle(labels / "pyiqa" / "koniq10k_official.pkl", meta["file"].tolist())
    koniq = load("koniq10k", labels / "koniq10k", images="none")
    for part in ("train", "val", "test"):
        rows = splits.part_rows(koniq, frame, "split_1", part)
        assert (koniq.table["official"].iloc[rows] == part).all()
        assert len(rows) == koniq.facts.official[part]


def test_numbered_split_column(shared: Path) -> None:
    """The meta_info's column split holds 0, 1, 2 for train, val, test; its score there is the z-score."""
    labels = shared / "labels"
    meta = pyiqa.read_meta(labels / "pyiqa" / "meta_info_KonIQ10kDataset.csv")
    koniq = load("koniq10k", labels / "koniq10k", images="none", score="zscore").table.set_index("file")
    assert (meta["split"].to_numpy() == koniq["official"].reindex(meta["file"]).to_numpy()).all()
    assert (meta["score"].to_numpy() - koniq["score"].reindex(meta["file"]).to_numpy()).max() == pytest.approx(0, abs=1e-6)


def test_full_reference_form(shared: Path) -> None:
    """KADID's meta_info has reference and image first and equals the authors' table."""
    labels = shared / "labels"
    meta = pyiqa.read_meta(labels / "pyiqa" / "meta_info_KADID10kDataset.csv").set_index("file")
    kadid = load("kadid10k", labels / "kadid10k", images="none").table.set_index("file")
    assert meta["reference"].equals(kadid["reference"].reindex(meta.index))
    assert meta["score"].equals(kadid["score"].reindex(meta.index))
    assert meta["sd"].equals(kadid["sd"].reindex(meta.index))


def test_live_pickle_counts_without_the_training_images(shared: Path) -> None:
    """LIVE's splits count 1,162 rows though its meta_info lists 1,169: names come from the set without t1 to t7."""
    labels = shared / "labels"
    path = labels / "pyiqa" / "livechallenge_seed123.pkl"
    meta = pyiqa.read_meta(labels / "pyiqa" / "meta_info_LIVEChallengeDataset.csv")
    live = load("live_itw", labels / "live_itw", images="none")
    names = pyiqa.names_for(path, meta, live)
    assert (len(meta), len(names), names[0]) == (1169, 1162, "100.bmp")
    frame = pyiqa.read_pickle(path, names)
    assert len(splits.split_columns(frame)) == 10
    assert frame["split_1"].value_counts().to_dict() == {"train": 930, "val": 232}
    with pytest.raises(DatasetFault, match="is outside"):
        pyiqa.read_pickle(path, names[:1000])


def test_written_files_read_back(tmp_path: Path) -> None:
    """What is written for pyiqa, meta_info and pickle, gives the split back, unused images included."""
    one = custom_set(tmp_path, 30)
    frame = splits.make([one], "random", 3, 4)["mine"]
    frame.loc[2, "split_3"] = "unused"
    pyiqa.write_meta(one, frame, tmp_path / "meta_info_mine.csv")
    pyiqa.write_pickle(one, frame, tmp_path / "mine.pkl")
    header = (tmp_path / "meta_info_mine.csv").read_text().splitlines()[0]
    assert header == "img_name,mos,std,split_1,split_2,split_3,split_4"
    meta = pyiqa.read_meta(tmp_path / "meta_info_mine.csv")
    back = pyiqa.read_pickle(tmp_path / "mine.pkl", pyiqa.names_for(tmp_path / "mine.pkl", meta))
    for column in splits.split_columns(frame):
        assert meta[column].tolist() == back[column].tolist() == frame[column].tolist()


def test_plain_pickles_of_others_are_what_pickle_writes(tmp_path: Path) -> None:
    """The pickle written is plain: Python's own unpickler gives pyiqa's structure."""
    one = custom_set(tmp_path, 10)
    frame = splits.make([one], "random", 3, 2)["mine"]
    pyiqa.write_pickle(one, frame, tmp_path / "mine.pkl")
    content = pickle.loads((tmp_path / "mine.pkl").read_bytes())
    assert list(content) == [1, 2]
    assert sorted(row for rows in content[1].values() for row in rows) == list(range(10))


class Bomb:
    """Asks the unpickler to call os.mkdir."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.place),)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    """A pickle that asks for a function is refused by name, and the function is not called."""
    path = tmp_path / "bomb.pkl"
    path.write_bytes(pickle.dumps({1: Bomb(tmp_path / "made")}))
    with pytest.raises(DatasetFault, match=r"was not loaded, it is no plain split file: it asks for posix\.mkdir"):
        pyiqa.read_pickle(path, ["a.png"])
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (pickle.dumps([1, 2]), "expected"),
        (pickle.dumps({1: {"train": [0], "val": [0]}}), "row 0 is in train and in val"),
        (pickle.dumps({1: {"train": [9]}}), "row 9 is outside the 2 images"),
        (pickle.dumps({1: {"trian": [0]}}), "expected the parts train, val, test"),
        (b"\x80\x04K", "was not loaded"),
        (b"not a pickle", "was not loaded"),
    ],
)
def test_bad_pickles_are_named(tmp_path: Path, content: bytes, says: str) -> None:
    """Damaged or contradictory split pickles give one line."""
    path = tmp_path / "s.pkl"
    path.write_bytes(content)
    with pytest.raises(DatasetFault, match=says):
        pyiqa.read_pickle(path, ["a.png", "b.png"])


@pytest.mark.parametrize(
    ("text", "says"),
    [("img_name\na.png\n", "has 1 columns"), ("img_name,mos\na.png,good\n", "'good' in row 2 is no score"),
     ("img_name,mos,std,split\na.png,1,0,7\n", "split holds '7'")],
)  # fmt: skip
def test_bad_meta_files_are_named(tmp_path: Path, text: str, says: str) -> None:
    """A meta_info file with a missing column, a word for a score or an unknown part is named."""
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(DatasetFault, match=says):
        pyiqa.read_meta(tmp_path / "m.csv")


def test_meta_without_deviation(tmp_path: Path) -> None:
    """A third column that is a split is not taken for the deviation."""
    (tmp_path / "m.csv").write_text("img_name,mos,split_1\na.png,1,train\n")
    pd.testing.assert_frame_equal(
        pyiqa.read_meta(tmp_path / "m.csv"), pd.DataFrame({"file": ["a.png"], "score": [1], "split_1": ["train"]})
    )
