"""Each set's reader on its real label file, with every trap of the file."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.train.fakes import save_pictures
from train.datasets import load
from workspace.errors import DatasetFault, UsageFault


@pytest.fixture
def labels(shared: Path) -> Path:
    """The folder of real label files."""
    return shared / "labels"


@pytest.mark.parametrize(
    ("name", "count", "low", "high"),
    [
        ("kadid10k", 10_125, 1.00, 4.93),
        ("koniq10k", 10_073, 1.096, 4.310),
        ("spaq", 11_125, 2.0, 96.0),
        ("gfiqa20k", 19_998, 0.0047, 0.9413),
        ("biq2021", 12_000, 0.0, 1.0),
        ("live_itw", 1_162, 3.42, 92.43),
    ],
)
def test_reads_the_published_counts_and_ranges(labels: Path, name: str, count: int, low: float, high: float) -> None:
    """Every set gives the published number of images, the published extremes, and its facts say the same."""
    found = load(name, labels / name, images="none")
    assert len(found) == count == found.facts.count
    assert found.table["score"].min() == pytest.approx(low, abs=0.005)
    assert found.table["score"].max() == pytest.approx(high, abs=0.005)
    assert found.facts.extremes == pytest.approx((low, high), abs=0.005)
    assert found.digest().startswith(found.facts.digests)
    assert found.table["score10"].between(1, 10).all()
    assert np.corrcoef(found.table["score"], found.table["score10"])[0, 1] == pytest.approx(1.0)
    assert found.table["file"].is_monotonic_increasing


def test_kadid_groups_by_reference_and_takes_var_as_a_deviation(labels: Path) -> None:
    """KADID: 81 groups of 125, `var` is the standard deviation itself, a higher `dmos` is better."""
    table = load("kadid10k", labels / "kadid10k", images="none").table.set_index("file")
    assert table.groupby("group").size().tolist() == [125] * 81
    first = table.loc["I01_01_01.png"]
    assert (first["score"], first["sd"], first["reference"]) == (4.57, 0.496, "I01.png")
    assert (first["kadid_type"], first["kadid_level"], first["variant"], first["axis"]) == (1, 1, "01_01", "01")
    by_level = table.groupby("kadid_level")["score10"].mean()
    assert by_level[1] > by_level[3] > by_level[5]


def test_kadid_deviation_is_that_of_thirty_votes(labels: Path) -> None:
    """The squared `var` times 30 squared is near a whole number for 9 rows in 10: it is a population deviation of 30 votes."""
    table = load("kadid10k", labels / "kadid10k", images="none").table
    mean30 = (table["score"] * 30).round()
    squares = 30 * table["sd"] ** 2 + mean30**2 / 30
    slack = 30 * 2 * table["sd"] * 0.0005 + 1e-6
    assert (abs(squares - squares.round()) <= slack).mean() > 0.9


def test_koniq_tells_its_two_scores_apart(labels: Path, tmp_path: Path) -> None:
    """Either KonIQ file alone gives the same scores on 1 to 5, though one calls the z-score MOS and holds fractions."""
    both = load("koniq10k", labels / "koniq10k", images="none")
    alone = []
    for file in ("koniq10k_distributions_sets.csv", "koniq10k_scores_and_distributions.csv"):
        place = tmp_path / file[:-4]
        place.mkdir()
        shutil.copy(labels / "koniq10k" / file, place)
        alone.append(load("koniq10k", place, images="none"))
    for one in alone:
        np.testing.assert_allclose(one.table["score"], both.table["score"], atol=1e-12)
        assert one.digest() == both.digest()
    assert both.table[["c1", "c2", "c3", "c4", "c5"]].sum(axis=1).tolist() == both.table["votes"].tolist()
    assert both.table["sd"].max() < 2


def test_koniq_zscore_is_another_scale(labels: Path) -> None:
    """score = zscore reads the authors' other score, on 0 to 100 and not affine to the first."""
    mos = load("koniq10k", labels / "koniq10k", images="none").table["score"]
    z = load("koniq10k", labels / "koniq10k", images="none", score="zscore")
    assert (z.low, z.high) == (0, 100)
    assert z.table["score"].min() == pytest.approx(3.9, abs=0.05)
    assert z.table["score"].max() == pytest.approx(88.4, abs=0.05)
    assert np.corrcoef(mos, z.table["score"])[0, 1] == pytest.approx(0.995, abs=0.001)


def test_koniq_official_split(labels: Path) -> None:
    """The official split is 7058 / 1000 / 2015."""
    official = load("koniq10k", labels / "koniq10k", images="none").table["official"].value_counts()
    assert official.to_dict() == {"train": 7058, "val": 1000, "test": 2015}


def test_koniq_damaged_votes_are_named(labels: Path, tmp_path: Path) -> None:
    """A KonIQ table whose votes do not add up is refused."""
    raw = pd.read_csv(labels / "koniq10k" / "koniq10k_scores_and_distributions.csv")
    raw.loc[3, "c1"] += 7
    raw.to_csv(tmp_path / "koniq10k_scores_and_distributions.csv", index=False)
    with pytest.raises(DatasetFault, match="do not add up to c_total"):
        load("koniq10k", tmp_path, images="none")


def test_spaq_reads_attributes_from_the_spreadsheet(labels: Path) -> None:
    """SPAQ: five attributes beside the score, no deviation, every image its own group, no official split."""
    table = load("spaq", labels / "spaq", images="none").table.set_index("file")
    first = table.loc["00001.jpg"]
    assert (first["score"], first["brightness"], first["sharpness"]) == (48.86, 47.43, 42.57)
    assert table["sd"].isna().all()
    assert table["group"].nunique() == 11_125
    assert set(table["official"]) == {""}


def test_spaq_broken_spreadsheet_is_named(tmp_path: Path) -> None:
    """Half a spreadsheet gives one line that says so."""
    (tmp_path / "MOS and Image attribute scores.xlsx").write_bytes(b"PK\x03\x04 half")
    with pytest.raises(DatasetFault, match="can't be read as a spreadsheet"):
        load("spaq", tmp_path, images="none")


def test_gfiqa_groups_by_photo(labels: Path) -> None:
    """GFIQA: 1,366 photos hold 2 to 8 faces, 2,908 images in all, and a photo is one group."""
    sizes = load("gfiqa20k", labels / "gfiqa20k", images="none").table.groupby("group").size()
    several = sizes[sizes > 1]
    assert (len(several), several.sum(), several.max()) == (1_366, 2_908, 8)


def test_gfiqa_third_column_may_have_any_name(labels: Path, tmp_path: Path) -> None:
    """The variance is the third column by whatever name; sd is its root."""
    raw = pd.read_csv(labels / "gfiqa20k" / "GFIQA-20k" / "mos_val_rating.csv")
    (tmp_path / "images").mkdir()
    raw.rename(columns={"variance": "val rating var"}).to_csv(tmp_path / "mos_val_rating.csv", index=False)
    found = load("gfiqa20k", tmp_path, images="none")
    row = found.table.set_index("file").loc["831481558_0.png"]
    assert row["sd"] == pytest.approx(0.067906645**0.5)
    assert found.folder == tmp_path / "images"


def test_biq_reads_both_releases(labels: Path) -> None:
    """BIQ2021: both releases give 10,000 + 2,000 rows; three subsets; no deviation."""
    for place in (labels / "biq2021", labels / "biq2021" / "release_2023-04"):
        table = load("biq2021", place, images="none").table
        assert table["official"].value_counts().to_dict() == {"train": 10_000, "test": 2_000}
        assert table["subset"].value_counts().to_dict() == {"ss03": 8_000, "ss01": 2_000, "ss02": 2_000}
        assert table["sd"].isna().all()


def test_biq_one_scale_undoes_the_separate_stretch(labels: Path) -> None:
    """scores = one_scale brings either table back to the older release's scale; as published they are 1.7 and 3.7 % apart."""
    old = load("biq2021", labels / "biq2021" / "release_2023-04", images="none").table.set_index("file")
    one = load("biq2021", labels / "biq2021", images="none", scores="one_scale").table.set_index("file")
    head = load("biq2021", labels / "biq2021", images="none").table.set_index("file")
    usable = old["score"] > 0.02
    gap = (one["score"] - old["score"]).abs()[usable]
    assert (gap > 1e-3).sum() <= 3
    assert gap.median() < 5e-5
    ratio = (head["score"] / old["score"])[usable].groupby(old["official"]).median()
    assert ratio["train"] == pytest.approx(1.017, abs=0.001)
    assert ratio["test"] == pytest.approx(1.0368, abs=0.001)


def test_biq_finds_an_image_spelled_in_capitals(labels: Path, tmp_path: Path) -> None:
    """`ss02 (1014).JPG` on the disk is the table's `ss02 (1014).jpg`."""
    for file in ("Train (Images and MOS).csv", "Test (Images and MOS).csv"):
        shutil.copy(labels / "biq2021" / file, tmp_path)
    save_pictures(tmp_path / "Images", ["ss02 (1014).JPG", "ss03 (3753).jpg"])
    table = load("biq2021", tmp_path, images="present").table.set_index("file")
    assert sorted(table.index) == ["ss02 (1014).jpg", "ss03 (3753).jpg"]
    assert table.loc["ss02 (1014).jpg", "path"].endswith("ss02 (1014).JPG")


def test_biq_subset_of_the_paper(labels: Path) -> None:
    """subset = ss03 gives the 8,000 images that the paper counts."""
    assert len(load("biq2021", labels / "biq2021", images="none", subset="ss03")) == 8_000


def test_live_drops_the_seven_training_images(labels: Path) -> None:
    """LIVE In the Wild: 1,162 images without t1 to t7, or all 1,169; only a test set."""
    found = load("live_itw", labels / "live_itw", images="none")
    assert not found.table["file"].str.startswith("t").any()
    assert found.facts.role == "test"
    row = found.table.set_index("file").loc["100.bmp"]
    assert (row["score"], row["sd"]) == (pytest.approx(32.56107532), pytest.approx(19.12472638))
    suffixes = found.table["file"].str.rsplit(".", n=1).str[1].value_counts()
    assert suffixes.to_dict() == {"JPG": 627, "bmp": 535}
    assert len(load("live_itw", labels / "live_itw", images="none", keep="1169")) == 1_169


@pytest.mark.parametrize("header", [0, 512])
def test_live_reads_the_newer_matlab_format(labels: Path, tmp_path: Path, header: int) -> None:
    """Files saved as MATLAB 7.3 (HDF5) with other variable names give the same table."""
    h5py = pytest.importorskip("h5py")
    old = load("live_itw", labels / "live_itw", images="none", keep="1169")
    data = tmp_path / "ChallengeDB_release" / "ChallengeDB_release" / "Data"
    data.mkdir(parents=True)
    with h5py.File(data / "AllImages_release.mat", "w", userblock_size=header) as out:
        cells = out.create_dataset("names", (len(old), 1), h5py.ref_dtype)
        for row, name in enumerate(old.table["file"]):
            codes = np.array([[ord(c)] for c in name], np.uint16)
            cells[row, 0] = out.create_dataset(f"#refs#/{row}", data=codes).ref
    for file, column in (("AllMOS_release.mat", "score"), ("AllStdDev_release.mat", "sd")):
        with h5py.File(data / file, "w", userblock_size=header) as out:
            out.create_dataset("whatever", data=old.table[[column]].to_numpy())
    new = load("live_itw", tmp_path, images="none", keep="1169")
    pd.testing.assert_frame_equal(new.table.drop(columns="path"), old.table.drop(columns="path"))


def test_live_files_of_two_releases_are_refused(labels: Path, tmp_path: Path) -> None:
    """Names and scores of different lengths are named, never paired."""
    from scipy.io import savemat

    shutil.copytree(labels / "live_itw" / "ChallengeDB_release", tmp_path / "r")
    savemat(tmp_path / "r" / "Data" / "AllMOS_release.mat", {"AllMOS_release": np.ones((1, 1162))})
    with pytest.raises(DatasetFault, match=r"holds 1,162 values.*names 1,169 images"):
        load("live_itw", tmp_path, images="none")


def test_live_broken_matlab_file_is_named(labels: Path, tmp_path: Path) -> None:
    """A file that is no MATLAB file gives one line."""
    (tmp_path / "AllImages_release.mat").write_bytes(b"<html>not found</html>" * 20)
    with pytest.raises(DatasetFault, match="can't be read as a MATLAB file"):
        load("live_itw", tmp_path, images="none")


@pytest.mark.parametrize(
    ("name", "other", "says"),
    [("kadid10k", "koniq10k", "it looks like KonIQ-10k"), ("spaq", "kadid10k", "it looks like KADID-10k"),
     ("live_itw", "gfiqa20k", "it looks like GFIQA-20k"), ("gfiqa20k", "live_itw", "it looks like LIVE In the Wild")],
)  # fmt: skip
def test_another_set_is_recognised(labels: Path, name: str, other: str, says: str) -> None:
    """A folder that holds another set is named as that set."""
    with pytest.raises(DatasetFault, match=says):
        load(name, labels / other, images="none")


def test_nested_and_hidden_folders(labels: Path, tmp_path: Path) -> None:
    """A set unpacked twice is found; Apple's resource files and hidden folders are not taken for it."""
    place = tmp_path / "KADID-10k" / "kadid10k" / "kadid10k"
    place.mkdir(parents=True)
    shutil.copy(labels / "kadid10k" / "dmos.csv", place / "DMOS.csv")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "dmos.csv").write_text("rubbish")
    (tmp_path / "._dmos.csv").write_text("rubbish")
    assert len(load("kadid10k", tmp_path, images="none")) == 10_125


def test_unknown_option_and_value_name_the_nearest(labels: Path) -> None:
    """A misspelled option or value of a set is an error that lists what there is."""
    with pytest.raises(UsageFault, match=r"no option 'subsets' \(did you mean 'subset'\?\)"):
        load("biq2021", labels / "biq2021", images="none", subsets="ss03")
    with pytest.raises(UsageFault, match="expected mos or zscore"):
        load("koniq10k", labels / "koniq10k", images="none", score="z")
