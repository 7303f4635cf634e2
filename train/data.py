"""Batches out of the caches: the order, the crop and the flip of every image follow from (seed, epoch, sample) alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from train.cache import Cache
from workspace.errors import UsageFault

if TYPE_CHECKING:
    import torch

Ints = npt.NDArray[np.int64]
Key = tuple[int, int, int]
MIXINGS = ("concatenate", "balanced")


@dataclass(frozen=True)
class Part:
    """The rows of one set that a run uses: `rows` index the cache (and `LoadedSet.table`), targets are on [1, 10]."""

    name: str
    cache: Cache
    rows: Ints
    targets: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    files: Sequence[str]

    def __post_init__(self) -> None:
        lengths = {len(self.rows), len(self.targets), len(self.weights), len(self.files)}
        if len(lengths) != 1:
            raise UsageFault(f"{self.name}: rows, targets, weights and files have different lengths: {sorted(lengths)}")


@dataclass(frozen=True)
class Batch:
    """`images` (B, 3, S, S) uint8 RGB in channels-last order, `targets` and `weights` (B,) float32, `samples` and `sets` (B,)."""

    images: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    samples: Ints
    sets: Ints

    def __len__(self) -> int:
        return len(self.samples)


class Pool:
    """All parts as one; a sample's number is its place in the parts' rows laid end to end."""

    def __init__(self, parts: Sequence[Part]) -> None:
        if not parts or not all(len(part.rows) for part in parts):
            empty = [part.name for part in parts if not len(part.rows)]
            raise UsageFault(f"nothing to train or evaluate on: {', '.join(empty) or 'no set'} has no images in this part")
        self.parts = list(parts)
        self.starts = np.cumsum([0, *(len(part.rows) for part in parts)])
        sizes = {part.cache.input_size for part in parts}
        if len(sizes) != 1:
            raise UsageFault(f"the sets' caches differ in input size: {sorted(sizes)}")
        self.side = sizes.pop()
        self.targets = np.concatenate([part.targets for part in parts]).astype(np.float32)
        self.weights = np.concatenate([part.weights for part in parts]).astype(np.float32)
        self.sets = np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def where(self, sample: int) -> tuple[Part, int]:
        """The part of a sample and its row in the part's cache."""
        part = self.parts[int(self.sets[sample])]
        return part, int(part.rows[sample - int(self.starts[int(self.sets[sample])])])

    def file(self, sample: int) -> str:
        """`set/file` of a sample, for messages."""
        part = self.parts[int(self.sets[sample])]
        return f"{part.name}/{part.files[sample - int(self.starts[int(self.sets[sample])])]}"


def epoch_order(pool: Pool, seed: int, epoch: int, mixing: str = "concatenate") -> list[Key]:
    """The keys (sample, occurrence, epoch) of one epoch, in order: a permutation seeded by (seed, epoch).

    concatenate: every sample once. balanced: as many draws in all, an equal share from each set; a small set's samples
    come again and again (each time with a crop of their own), a large set's in turn, without repeats inside an epoch.
    """
    rng = np.random.default_rng([seed, epoch, 1])
    if mixing == "concatenate":
        return [(int(s), 0, epoch) for s in rng.permutation(len(pool))]
    if mixing != "balanced":
        raise UsageFault(f"mixing {mixing!r}: expected {' or '.join(MIXINGS)}")
    share = len(pool) // len(pool.parts)
    drawn: list[Key] = []
    for number, part in enumerate(pool.parts):
        rounds = -(-share // len(part.rows))
        samples = np.concatenate([rng.permutation(len(part.rows)) for _ in range(rounds)])[:share]
        times = np.repeat(np.arange(rounds), len(part.rows))[:share]
        first = int(pool.starts[number])
        drawn += [(first + int(s), int(k), epoch) for s, k in zip(samples, times, strict=True)]
    return [drawn[i] for i in rng.permutation(len(drawn))]


def crop_and_flip(seed: int, key: Key, margin: int) -> tuple[int, int, bool]:
    """Top, left (0 .. margin) and mirrored or not, of one sample in one epoch."""
    sample, occurrence, epoch = key
    rng = np.random.default_rng([seed, epoch, sample, occurrence, 2])
    top, left = rng.integers(0, margin + 1, 2)
    return int(top), int(left), bool(rng.integers(0, 2))


class TrainImages:
    """A torch map-style dataset over keys: `__getitems__` gives a whole `Batch`, cropped and flipped."""

    def __init__(self, pool: Pool, seed: int) -> None:
        self.pool, self.seed = pool, seed

    def __len__(self) -> int:
        return len(self.pool)

    def __getitem__(self, key: Key) -> Batch:
        return self.__getitems__([key])

    def __getitems__(self, keys: Sequence[Key]) -> Batch:
        from cv2 import flip  # NumPy's own mirrored copy of three-byte pixels takes a hundred times as long

        side = self.pool.side
        images = np.empty((len(keys), side, side, 3), np.uint8)
        for place, key in enumerate(keys):
            part, row = self.pool.where(key[0])
            view = part.cache.train_view
            top, left, mirrored = crop_and_flip(self.seed, key, view.shape[1] - side)
            cut = view[row][top : top + side, left : left + side]
            if mirrored:
                flip(cut, 1, dst=images[place])
            else:
                images[place] = cut
        return _batch(self.pool, images, [key[0] for key in keys])


class EvalImages:
    """As `TrainImages` over the evaluation view; a key is the sample's number."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def __len__(self) -> int:
        return len(self.pool)

    def __getitem__(self, sample: int) -> Batch:
        return self.__getitems__([sample])

    def __getitems__(self, samples: Sequence[int]) -> Batch:
        images = np.empty((len(samples), self.pool.side, self.pool.side, 3), np.uint8)
        for place, sample in enumerate(samples):
            part, row = self.pool.where(sample)
            images[place] = part.cache.eval_view[row]
        return _batch(self.pool, images, samples)


@dataclass(frozen=True)
class Deal:
    """How a global batch is dealt: `batch` images to each of `world` processes, `accumulate` times per step."""

    batch: int
    rank: int = 0
    world: int = 1
    accumulate: int = 1

    @property
    def whole(self) -> int:
        """Images per optimiser step, over all processes."""
        return self.batch * self.world * self.accumulate

    def steps(self, samples: int) -> int:
        """Whole optimiser steps in an epoch; a remainder is left out (another one each epoch, since the order changes)."""
        return samples // self.whole

    def batches(self, order: Sequence[Key], start: int = 0) -> list[list[Key]]:
        """This process's batches from optimiser step `start` on, `accumulate` of them per step."""
        mine = []
        for step in range(start, self.steps(len(order))):
            for turn in range(self.accumulate):
                at = step * self.whole + (turn * self.world + self.rank) * self.batch
                mine.append(list(order[at : at + self.batch]))
        return mine


def train_batches(
    pool: Pool, deal: Deal, *, seed: int, epoch: int, start: int = 0, mixing: str = "concatenate", workers: int = 0
) -> Iterator[Batch]:
    """The batches of one epoch for this process, from optimiser step `start` on; `workers` processes read ahead.

    The same images whatever `workers` is, and no global random state is read or moved.
    """
    order = epoch_order(pool, seed, epoch, mixing)
    if not deal.steps(len(order)):
        raise UsageFault(f"a batch of {deal.whole} is larger than the training part ({len(order)} images): choose a smaller one")
    return _loader(TrainImages(pool, seed), deal.batches(order, start), workers)


def eval_batches(pool: Pool, batch: int, *, workers: int = 0) -> Iterator[Batch]:
    """Every sample once, in order, as evaluation views; the last batch may be smaller."""
    samples = list(range(len(pool)))
    return _loader(EvalImages(pool), [samples[at : at + batch] for at in range(0, len(samples), batch)], workers)


def _loader(images: Any, batches: list[list[Any]], workers: int) -> Iterator[Batch]:
    if workers == 0:
        return (images.__getitems__(keys) for keys in batches)
    from torch import Generator
    from torch.utils.data import DataLoader

    loader = DataLoader(
        images, batch_sampler=batches, num_workers=workers, collate_fn=_as_is, generator=Generator(), prefetch_factor=4
    )
    return iter(loader)


def _as_is(batch: Any) -> Any:
    return batch


def _batch(pool: Pool, images: npt.NDArray[np.uint8], samples: Sequence[int]) -> Batch:
    from torch import from_numpy

    chosen = np.asarray(samples, np.int64)
    return Batch(
        from_numpy(images).permute(0, 3, 1, 2),
        from_numpy(pool.targets[chosen]),
        from_numpy(pool.weights[chosen]),
        chosen,
        pool.sets[chosen],
    )
