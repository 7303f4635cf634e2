"""Spatial distortions: exact counts, known places, other implementations."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from distort.catalogue import CATALOGUE
from distort.types.palette import otsu_thresholds
from distort.types.spatial import blocks, jitter, patches, pixelate, posterize, warp
from tests.distort.types.pictures import grey, noise, smooth


def test_warp_by_whole_pixels_is_a_move() -> None:
    """Offsets of whole pixels fetch that very pixel, with edges repeated."""
    image = noise(12, 15).astype(np.float32)
    moved = warp(image, np.full((12, 15), 2.0), np.full((12, 15), -1.0))
    np.testing.assert_allclose(moved[1:, :-2], image[:-1, 2:], atol=1e-3)
    np.testing.assert_allclose(moved[:, -1], image[np.r_[0, 0:11], 14], atol=1e-3)


def test_warp_keeps_cubics_of_degree_two() -> None:
    """Keys' cubic convolution reproduces every quadratic exactly between the samples."""
    x = np.arange(20, dtype=np.float64)
    image = (0.3 * x**2 - 2 * x + 5)[None, :, None].repeat(6, axis=0).astype(np.float32)
    found = warp(image, np.full((6, 20), 0.37), np.zeros((6, 20)))[2, 2:-3, 0]
    np.testing.assert_allclose(found, (0.3 * (x + 0.37) ** 2 - 2 * (x + 0.37) + 5)[2:-3], rtol=1e-4)


def test_jitter_grows_with_its_level() -> None:
    """The error of type 19 grows with the level, and a flat picture stays as it is."""
    errors = [
        np.abs(jitter(smooth(), a, rng=np.random.RandomState(1)) - smooth().astype(float)).mean() for a in CATALOGUE[19].levels
    ]
    assert errors == sorted(errors)
    np.testing.assert_array_equal(jitter(grey(77), 1, rng=np.random.RandomState(1)), grey(77))


def test_each_patch_is_a_copy_from_within_eight_pixels() -> None:
    """One patch of type 20 changes only a 16 x 16 place, filled with the pixels of a place at most 8 away."""
    for seed in range(20):
        image = noise(80, 90, seed)
        found = patches(image, 1, rng=np.random.RandomState(seed))
        y, x = np.nonzero((found != image).any(axis=2))
        if not len(y):
            continue
        assert np.ptp(y) <= 15
        assert np.ptp(x) <= 15
        top, left = y.min(), x.min()
        block = found[top : y.max() + 1, left : x.max() + 1]
        origins = [
            (i, j)
            for i in range(max(0, top - 8), top + 9)
            for j in range(max(0, left - 8), left + 9)
            if np.array_equal(image[i : i + block.shape[0], j : j + block.shape[1]], block)
        ]
        assert len(origins) == 1


@pytest.mark.parametrize("count", CATALOGUE[23].levels)
def test_blocks_are_squares_of_one_colour(count: int) -> None:
    """Type 23 changes whole 32 x 32 squares: exactly `count` of them where none overlap, each of a single colour."""
    image = noise(2000, 2000)
    found = blocks(image, count, rng=np.random.RandomState(3))
    changed = (found != image).any(axis=2)
    assert changed.sum() == pytest.approx(count * 1024, abs=count * 2)
    assert len(np.unique(found[changed], axis=0)) == count


def test_patches_and_blocks_fit_any_size() -> None:
    """Pictures smaller than a patch or a block are worked on without a fault, inside their bounds."""
    for height, width in ((1, 1), (5, 40), (17, 16), (33, 20)):
        for function in (patches, blocks):
            image = noise(height, width)
            assert function(image, 10, rng=np.random.RandomState(2)).shape == image.shape


def test_pixelate_takes_the_nearest_sample() -> None:
    """Type 21 at A .5 (z .2902): each output pixel is the input pixel that the two nearest-neighbour steps lead to."""
    image = noise(31, 47)
    found = pixelate(image, 0.5)
    scale = 0.95 - 0.5**0.6
    counts = [int(np.ceil(scale * n)) for n in (31, 47)]
    for y in (0, 7, 15, 30):
        for x in (0, 9, 23, 46):
            i, j = (min(int((k + 0.5) * c / n), c - 1) for k, c, n in ((y, counts[0], 31), (x, counts[1], 47)))
            np.testing.assert_array_equal(found[y, x], image[int((i + 0.5) / scale), int((j + 0.5) / scale)])


def test_otsu_is_the_best_of_all_cuts() -> None:
    """For one, two and three thresholds the choice is as good as the best of every possible one."""
    draw = np.random.RandomState(5)
    counts = np.zeros(256)
    counts[draw.choice(256, 14, replace=False)] = draw.randint(1, 50, 14)
    used = np.flatnonzero(counts)

    def between(cuts: tuple[int, ...]) -> float:
        edges = [-1, *cuts, 255]
        parts = [np.arange(a + 1, b + 1) for a, b in pairwise(edges)]
        return float(sum((counts[p] * p).sum() ** 2 / counts[p].sum() for p in parts))

    for n in (1, 2, 3):
        best = max(between(cuts) for cuts in combinations(used[:-1].tolist(), n))
        assert between(tuple(otsu_thresholds(counts, n))) == pytest.approx(best, rel=1e-12)


def test_posterize_leaves_n_plus_one_levels() -> None:
    """Type 22 leaves thresholds + 1 values, 0 and 255 among them, in the order of the samples."""
    image = smooth()
    for n in CATALOGUE[22].levels:
        found = posterize(image, n)
        values = np.unique(found)
        assert len(values) == n + 1
        assert (values[0], values[-1]) == (0, 255)
        order = np.argsort(image.ravel(), kind="stable")
        assert (np.diff(found.ravel()[order].astype(int)) >= 0).all()
    np.testing.assert_array_equal(posterize(grey(9), 7), grey(9))
