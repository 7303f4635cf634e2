"""Batches: the order, the crop and the flip of every image follow from (seed, epoch, sample) alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train.fakes import custom_set
from train.cache import open_cache
from train.data import Batch, Deal, Part, Pool, crop_and_flip, epoch_order, eval_batches, train_batches
from workspace.errors import UsageFault


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Part]:
    """Two sets of 30 and 10 images at 32 px; the second uses every other row of its cache."""
    found = []
    for name, count, step in (("big", 30, 1), ("small", 20, 2)):
        root = tmp_path_factory.mktemp(name)
        one = custom_set(root, count, (60, 40), title=name)
        rows = np.arange(0, count, step)
        table = one.table.iloc[rows]
        cache = open_cache(one, 32, cache_dir=root / "cache")
        found.append(Part(name, cache, rows, table["score10"].to_numpy(), np.ones(len(rows)), table["file"].tolist()))
    return found


def same(one: list[Batch], other: list[Batch]) -> bool:
    """Whether two runs of batches are the same to the last bit."""
    return len(one) == len(other) and all(
        torch.equal(a.images, b.images) and torch.equal(a.targets, b.targets) and np.array_equal(a.samples, b.samples)
        for a, b in zip(one, other, strict=True)
    )


def test_an_epoch_shows_every_image_once(parts: list[Part]) -> None:
    """Concatenated sets: every sample once, in another order each epoch, the same for the same seed."""
    pool = Pool(parts)
    first = epoch_order(pool, 7, 0)
    assert sorted(key[0] for key in first) == list(range(40))
    assert first == epoch_order(pool, 7, 0)
    assert first != epoch_order(pool, 7, 1)
    assert first != epoch_order(pool, 8, 0)


def test_balanced_sets_come_equally_often(parts: list[Part]) -> None:
    """Balanced: 20 of each set; the small set's images twice each, of the big set none twice, each time with its own crop."""
    pool = Pool(parts)
    keys = epoch_order(pool, 7, 3, "balanced")
    by_set = Counter(int(pool.sets[key[0]]) for key in keys)
    assert by_set == {0: 20, 1: 20}
    times = Counter(key[0] for key in keys)
    assert {times[s] for s in range(30)} <= {0, 1}
    assert {times[s] for s in range(30, 40)} == {2}
    assert len(set(keys)) == 40


def test_batches_hold_the_right_pixels_and_targets(parts: list[Part]) -> None:
    """An image of a batch is the crop and mirror image of its row that `crop_and_flip` names, in channels-last order."""
    pool = Pool(parts)
    for batch in train_batches(pool, Deal(8), seed=5, epoch=2):
        assert batch.images.shape == (8, 3, 32, 32)
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        for place, sample in enumerate(batch.samples):
            part, row = pool.where(int(sample))
            top, left, mirrored = crop_and_flip(5, (int(sample), 0, 2), 4)
            cut = part.cache.train_view[row][top : top + 32, left : left + 32]
            expected = cut[:, ::-1] if mirrored else cut
            np.testing.assert_array_equal(batch.images[place].permute(1, 2, 0).numpy(), expected)
            local = int(sample) - int(pool.starts[pool.sets[sample]])
            assert batch.targets[place].item() == pytest.approx(part.targets[local], rel=1e-6)
            assert pool.file(int(sample)) == f"{part.name}/{part.files[local]}"


def test_crops_and_flips_are_spread_evenly() -> None:
    """Over many samples every place of the crop comes up about equally often and half are mirrored."""
    drawn = [crop_and_flip(1, (sample, 0, 0), 4) for sample in range(5000)]
    for axis in (0, 1):
        counts = Counter(d[axis] for d in drawn)
        assert set(counts) == {0, 1, 2, 3, 4}
        assert all(abs(count - 1000) < 120 for count in counts.values())
    assert abs(sum(d[2] for d in drawn) - 2500) < 150


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_give_the_same_batches_and_leave_random_states_alone(parts: list[Part]) -> None:
    """Two reading processes or none, from the start or from step 3 on: the same bits; torch's random state is not moved."""
    pool = Pool(parts)
    state = torch.random.get_rng_state()
    alone = list(train_batches(pool, Deal(8), seed=5, epoch=1))
    helped = list(train_batches(pool, Deal(8), seed=5, epoch=1, workers=2))
    later = list(train_batches(pool, Deal(8), seed=5, epoch=1, start=3, workers=2))
    assert same(alone, helped)
    assert same(alone[3:], later)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_two_processes_see_what_one_accumulating_sees(parts: list[Part]) -> None:
    """Rank 0 and 1 of two get the first and second half of each global batch, as one process accumulating two does."""
    pool = Pool(parts)
    one = list(train_batches(pool, Deal(4, accumulate=2), seed=5, epoch=0))
    ranks = [list(train_batches(pool, Deal(4, rank=r, world=2), seed=5, epoch=0)) for r in (0, 1)]
    assert same(one[0::2], ranks[0])
    assert same(one[1::2], ranks[1])


def test_evaluation_shows_every_image_once_in_order(parts: list[Part]) -> None:
    """Evaluation batches hold the evaluation views in order; the last one may be smaller."""
    pool = Pool(parts)
    batches = list(eval_batches(pool, 16))
    assert [len(batch) for batch in batches] == [16, 16, 8]
    assert np.concatenate([batch.samples for batch in batches]).tolist() == list(range(40))
    part, row = pool.where(35)
    assert row == 10
    np.testing.assert_array_equal(batches[2].images[3].permute(1, 2, 0).numpy(), part.cache.eval_view[row])


def test_packed_caches_give_the_same_batches(tmp_path: Path) -> None:
    """Training from the packed form sees the same pixels as from the raw one."""
    one = custom_set(tmp_path, 9, (60, 40))
    runs = []
    for packed in (False, True):
        cache = open_cache(one, 32, cache_dir=tmp_path / "cache", packed=packed)
        part = Part("mine", cache, np.arange(9), np.ones(9), np.ones(9), one.table["file"].tolist())
        runs.append(list(train_batches(Pool([part]), Deal(3), seed=1, epoch=0)))
    assert same(*runs)


def test_wrong_calls_are_named(parts: list[Part], tmp_path: Path) -> None:
    """An empty part, sizes that differ, a batch larger than the set and an unknown mixing."""
    big = parts[0]
    empty = Part("none", big.cache, np.zeros(0, np.int64), np.zeros(0), np.zeros(0), [])
    with pytest.raises(UsageFault, match="none has no images in this part"):
        Pool([big, empty])
    other = open_cache(custom_set(tmp_path, 3), 48, cache_dir=tmp_path / "cache")
    with pytest.raises(UsageFault, match=r"differ in input size: \[32, 48\]"):
        Pool([big, Part("x", other, np.arange(3), np.ones(3), np.ones(3), ["a", "b", "c"])])
    with pytest.raises(UsageFault, match="a batch of 64 is larger than the training part"):
        list(train_batches(Pool([big]), Deal(64), seed=0, epoch=0))
    with pytest.raises(UsageFault, match="expected concatenate or balanced"):
        epoch_order(Pool([big]), 0, 0, "shuffle")
    with pytest.raises(UsageFault, match="different lengths"):
        Part("x", big.cache, np.arange(3), np.ones(2), np.ones(3), ["a"])
