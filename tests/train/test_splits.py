"""Splits: grouped, seeded, by the paper's rules, and the proof that nothing leaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.train.fakes import custom_set
from train import leaks, splits
from train.datasets import LoadedSet, load
from workspace.errors import DatasetFault, UsageFault


@pytest.fixture
def kadid(shared: Path) -> LoadedSet:
    """KADID's labels."""
    return load("kadid10k", shared / "labels" / "kadid10k", images="none")


@pytest.fixture
def biq(shared: Path) -> LoadedSet:
    """BIQ2021's labels."""
    return load("biq2021", shared / "labels" / "biq2021", images="none")


def test_kadid_is_split_by_reference(kadid: LoadedSet) -> None:
    """KADID at .7/.1/.2 gives 57 / 8 / 16 references, no reference on two sides, another choice in each split."""
    frame = splits.make([kadid], "random", seed=1)["kadid10k"]
    assert list(frame.columns) == ["file", "group", *(f"split_{n}" for n in range(1, 6))]
    for column in splits.split_columns(frame):
        parts = frame.groupby("group")[column].agg(["nunique", "first"])
        assert (parts["nunique"] == 1).all()
        assert parts["first"].value_counts().to_dict() == {"train": 57, "test": 16, "val": 8}
    assert len({tuple(frame[c]) for c in splits.split_columns(frame)}) == 5
    assert leaks.check({"kadid10k": frame}, {"kadid10k": kadid}).faults == []


def test_a_split_follows_from_its_seed_alone(kadid: LoadedSet, biq: LoadedSet) -> None:
    """The same seed gives the same split with other sets beside it and rows in another order; another seed another one."""
    alone = splits.make([kadid], "random", seed=5)["kadid10k"]
    beside = splits.make([biq, kadid], "random", seed=5)["kadid10k"]
    pd.testing.assert_frame_equal(alone, beside)
    mixed = kadid.table.sample(frac=1, random_state=3).reset_index(drop=True)
    turned = splits.make([LoadedSet(**{**vars(kadid), "table": mixed})], "random", seed=5)["kadid10k"]
    assert splits.frame_hash(turned) == splits.frame_hash(alone)
    assert splits.frame_hash(splits.make([kadid], "random", seed=6)["kadid10k"]) != splits.frame_hash(alone)


def test_folds_test_every_image_once(kadid: LoadedSet) -> None:
    """Five folds: every image is tested once and validated once, groups stay whole."""
    frame = splits.make([kadid], "folds", seed=0)["kadid10k"]
    values = frame[splits.split_columns(frame)]
    assert (values.eq("test").sum(axis=1) == 1).all()
    assert (values.eq("val").sum(axis=1) == 1).all()
    assert leaks.check({"kadid10k": frame}, {"kadid10k": kadid}).faults == []


def test_live_is_always_and_only_test(shared: Path) -> None:
    """LIVE In the Wild is in the test part of every split, whatever the rule."""
    live = load("live_itw", shared / "labels" / "live_itw", images="none")
    for rule in splits.RULES:
        frame = splits.make([live], rule, seed=1)["live_itw"]
        assert set(frame[splits.split_columns(frame)].to_numpy().ravel()) == {"test"}


def test_biq_is_trained_and_validated_inside_the_authors_training_part(biq: LoadedSet) -> None:
    """BIQ2021: 8,750 + 1,250 out of the authors' Train in each split; their Test is used by neither."""
    frame = splits.make([biq], "random", seed=1)["biq2021"]
    official = dict(zip(biq.table["file"], biq.table["official"], strict=True))
    for column in splits.split_columns(frame):
        counts = frame.groupby(frame["file"].map(official))[column].value_counts().to_dict()
        assert counts == {("test", "unused"): 2000, ("train", "train"): 8750, ("train", "val"): 1250}
    assert frame["split_1"].tolist() != frame["split_2"].tolist()


def test_biq_the_papers_own_way_is_a_setting(biq: LoadedSet) -> None:
    """role authors: their Train trains, their Test validates."""
    frame = splits.make([biq], splits.Rule(roles={"biq2021": "authors"}), seed=1, n=1)["biq2021"]
    assert frame["split_1"].value_counts().to_dict() == {"train": 10_000, "val": 2_000}


def test_official_splits(shared: Path, biq: LoadedSet) -> None:
    """KonIQ's official split is taken as it is; BIQ2021's test table tests, with a validation part out of Train."""
    koniq = load("koniq10k", shared / "labels" / "koniq10k", images="none")
    made = splits.make([koniq, biq], "official", seed=1)
    assert made["koniq10k"]["split_1"].tolist() == koniq.table["official"].tolist()
    assert made["biq2021"]["split_3"].value_counts().to_dict() == {"train": 8750, "val": 1250, "test": 2000}


def test_official_split_gives_up_training_images_that_leak(biq: LoadedSet) -> None:
    """A near-duplicate of a test image is taken out of training, unless the split is to be kept as published."""
    train = biq.table.loc[biq.table["official"] == "train", "file"].iloc[0]
    test = biq.table.loc[biq.table["official"] == "test", "file"].iloc[0]
    clusters = pd.DataFrame({"set": "biq2021", "file": [train, test], "cluster": "x"})
    for keep, part in ((False, "unused"), (True, None)):
        frame = splits.make([biq], splits.Rule("official", keep_leaks=keep), 1, 1, clusters)["biq2021"].set_index("file")
        assert frame.loc[test, "split_1"] == "test"
        assert (frame.loc[train, "split_1"] == part) if part else (frame.loc[train, "split_1"] in ("train", "val"))
    found = leaks.check({"biq2021": frame.reset_index()}, {"biq2021": biq}, clusters).faults
    assert len(found) == 1
    assert "1 groups lie on two sides" in found[0]


def test_clusters_join_groups(tmp_path: Path) -> None:
    """Near-duplicates in different groups go to one side, together with the rest of their groups."""
    one = custom_set(tmp_path, 60, extra="group", cells=[f"g{n // 2}" for n in range(60)])
    pairs = [(f"p{n:03d}.png", f"p{n + 30:03d}.png") for n in range(0, 30, 2)]
    clusters = pd.DataFrame(
        [("mine", file, str(n)) for n, pair in enumerate(pairs) for file in pair], columns=["set", "file", "cluster"]
    )
    for seed in range(10):
        frame = splits.make([one], "random", seed, 3, clusters)["mine"]
        side = frame.set_index("file")["split_2"]
        assert all(side[a] == side[b] for a, b in pairs)
        assert leaks.check({"mine": frame}, {"mine": one}, clusters).faults == []


def test_a_picture_in_two_sets_is_never_on_two_sides(tmp_path: Path) -> None:
    """What is tested in one set is not trained on in another."""
    one, two = custom_set(tmp_path / "a", 40, title="one"), custom_set(tmp_path / "b", 40, title="two")
    clusters = pd.DataFrame(
        [(name, f"p{n:03d}.png", str(n)) for n in range(0, 40, 3) for name in ("one", "two")], columns=["set", "file", "cluster"]
    )
    plain = splits.make([one, two], splits.Rule(roles={"two": "test"}), 1, 3)
    assert any("in different sets" in fault for fault in leaks.check(plain, clusters=clusters).faults)
    apart = splits.make([one, two], splits.Rule(roles={"two": "test"}), 1, 3, clusters)
    assert leaks.check(apart, clusters=clusters).faults == []
    lost = apart["one"].set_index("file")["split_1"] == "unused"
    assert set(lost.index[lost]) <= {f"p{n:03d}.png" for n in range(0, 40, 3)}
    assert lost.any()


def test_shares_are_kept_with_groups_of_any_size(tmp_path: Path) -> None:
    """With groups of 1 to 20 images the parts come within half the largest group of their share."""
    sizes = np.random.default_rng(0).integers(1, 21, 40)
    cells = [f"g{g}" for g, size in enumerate(sizes) for _ in range(size)]
    one = custom_set(tmp_path, len(cells), size=(8, 8), extra="group", cells=cells)
    for seed in range(20):
        counts = splits.make([one], "random", seed, 1)["mine"]["split_1"].value_counts() / len(cells)
        assert abs(counts["test"] - 0.2) * len(cells) <= 10
        assert abs(counts["val"] - 0.1) * len(cells) <= 10


def test_written_and_read_back(kadid: LoadedSet, tmp_path: Path) -> None:
    """A split file reads back equal; its hash ignores row order and line ends."""
    frames = splits.make([kadid], "random", seed=1)
    splits.save(frames, tmp_path, {"seed": 1})
    back = splits.read(tmp_path / "kadid10k.csv")
    pd.testing.assert_frame_equal(back, frames["kadid10k"].astype(object), check_dtype=False)
    shuffled = back.sample(frac=1, random_state=0)
    assert splits.frame_hash(shuffled) == splits.frame_hash(back)


def test_rows_are_found_by_name(kadid: LoadedSet) -> None:
    """Parts are matched by file name, never by row number; a file without a part is named."""
    frame = splits.make([kadid], "random", seed=1)["kadid10k"]
    rows = splits.part_rows(kadid, frame.iloc[::-1], "split_2", "test")
    assert kadid.table["file"].iloc[rows].tolist() == frame.loc[frame["split_2"] == "test", "file"].tolist()
    with pytest.raises(DatasetFault, match=r"says nothing about 5 images, the first is 'I01_01_01\.png'"):
        splits.part_rows(kadid, frame.iloc[5:], "split_1", "test")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("image,part\na,train\n", "expected the columns file and split_1"),
        ("file,split_1\na.png,training\n", "holds 'training', expected train, val, test or unused"),
        ("", "can't be read"),
    ],
)
def test_bad_split_files(tmp_path: Path, text: str, says: str) -> None:
    """A file that is no split file is named as such."""
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(DatasetFault, match=says):
        splits.read(tmp_path / "s.csv")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"kind": "randm"}, r"no rule 'randm' \(did you mean 'random'\?\)"),
        ({"roles": {"x": "tst"}}, "no role 'tst'"),
        ({"train": 0.9, "val": 0.1}, "their sum below 1"),
        ({"ratio": 1}, "no setting 'ratio'"),
    ],
)
def test_bad_rules(settings: dict[str, object], says: str) -> None:
    """Misspelled rules, roles and settings, and shares without a test part, are named."""
    with pytest.raises(UsageFault, match=says):
        splits.rule_from(settings)


def test_role_authors_needs_an_official_split(kadid: LoadedSet) -> None:
    """A set without its authors' split says so."""
    with pytest.raises(UsageFault, match="has no split of its authors' here"):
        splits.make([kadid], splits.Rule(roles={"kadid10k": "authors"}))


def frame_of(parts: str, groups: str) -> pd.DataFrame:
    """One split: a letter per image for its part (t, v, e) and for its group."""
    named = {"t": "train", "v": "val", "e": "test", "u": "unused"}
    return pd.DataFrame(
        {"file": [f"{n}.png" for n in range(len(parts))], "group": list(groups), "split_1": [named[p] for p in parts]}
    )


def test_a_leak_is_shown_with_its_files() -> None:
    """A group on two sides is named with a file of each side; unused images are on no side."""
    found = leaks.check({"s": frame_of("ttve", "aabb")}).faults
    assert found == ["s, split_1: 1 groups lie on two sides: 2.png (val) / 3.png (test)"]
    assert leaks.check({"s": frame_of("ttue", "aabb")}).faults == []


def test_faulty_split_files_are_found(tmp_path: Path) -> None:
    """Files listed twice, files of another set, forgotten files and repeated splits are faults."""
    one = custom_set(tmp_path, 5)
    frame = splits.make([one], "random", 1, 2)["mine"]
    frame["split_2"] = frame["split_1"]
    frame.loc[0, "file"] = "strange.png"
    frame = pd.concat([frame, frame.iloc[[3]]])
    text = "\n".join(leaks.check({"mine": frame}, {"mine": one}).faults)
    assert "p003.png is listed 2 times" in text
    assert "1 images of the set are not in the split file, the first is p000.png" in text
    assert "1 files of the split are no images of the set, the first is strange.png" in text
    assert "split_2 is the same split as split_1" in text


def test_without_groups_nothing_is_proved() -> None:
    """A file without groups of a set that is not here can't be proved."""
    with pytest.raises(UsageFault, match="nothing can be proved without"):
        leaks.check({"s": frame_of("tve", "abc").drop(columns="group")})
