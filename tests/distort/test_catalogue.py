"""The catalogue as a whole: complete, pure, deterministic, never wrapping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from distort.catalogue import CATALOGUE, Distortion, find
from distort.types.lab import Lab
from tests.distort.types.pictures import smooth
from workspace.errors import UsageFault

RUNNABLE = [d for d in CATALOGUE.values() if not d.needs_weights]
PICTURES = st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(lambda s: arrays(np.uint8, (*s, 3)))


def run(distortion: Distortion, image: np.ndarray, amount: float) -> np.ndarray:
    """A type's result with a fixed random state."""
    return distortion.apply(image, amount, rng=np.random.RandomState(11))


def test_all_25_types_and_five_levels_are_there() -> None:
    """The catalogue holds KADID's types 1 to 25 with five levels each inside their own range, and one of ours that says so."""
    kadid = [d for d in CATALOGUE.values() if d.is_kadid]
    assert [d.number for d in kadid] == list(range(1, 26))
    assert len({d.name for d in CATALOGUE.values()}) == 26
    for d in CATALOGUE.values():
        assert len(d.levels) == 5
        for amount in d.levels:
            d.check(amount)
        assert d.summary.endswith(".")
    assert "not KADID's" in CATALOGUE[115].origin


@pytest.mark.parametrize("distortion", RUNNABLE, ids=lambda d: d.name)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(image=PICTURES, level=st.integers(1, 5))
def test_every_type_is_a_pure_function(distortion: Distortion, image: np.ndarray, level: int) -> None:
    """On any picture: same shape and type, the input untouched, and the same result once more."""
    before = image.copy()
    amount = distortion.amount(level)
    first = run(distortion, image, amount)
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    assert not np.shares_memory(first, image)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(first, run(distortion, image, amount))


@pytest.mark.parametrize("distortion", RUNNABLE, ids=lambda d: d.name)
def test_read_only_pixels_are_enough(distortion: Distortion) -> None:
    """No type writes to its input: a read-only array does."""
    image = smooth()
    image.setflags(write=False)
    assert run(distortion, image, distortion.amount(3)).shape == image.shape


@pytest.mark.parametrize("distortion", [d for d in RUNNABLE if d.identity_levels], ids=lambda d: d.name)
def test_identity_levels_change_nothing(distortion: Distortion) -> None:
    """The levels that the catalogue calls identities return the very pixels."""
    for level in distortion.identity_levels:
        np.testing.assert_array_equal(run(distortion, smooth(), distortion.amount(level)), smooth())


@pytest.mark.parametrize("distortion", [d for d in RUNNABLE if d.uses_lab], ids=lambda d: d.name)
def test_a_shared_lab_changes_nothing(distortion: Distortion) -> None:
    """The photo's shared Lab gives the pixels that a Lab of one's own gives."""
    shared = Lab(smooth())
    for amount in distortion.levels:
        expected = distortion.apply(smooth(), amount)
        np.testing.assert_array_equal(distortion.apply(smooth(), amount, lab=shared), expected)


def test_wrong_asks_are_named() -> None:
    """An unknown type, a level that isn't there, an amount out of range and a missing random state each give one line."""
    with pytest.raises(UsageFault, match=r"no distortion 'jpg' \(did you mean 'jpeg'\?\)"):
        find("jpg")
    with pytest.raises(UsageFault, match=r"type 10 \(jpeg\) has no level 6: 1 to 5 was expected"):
        find(10).amount(6)
    with pytest.raises(UsageFault, match=r"amount 101 is outside 1 to 100 \(quality\)"):
        find("jpeg").check(101)
    with pytest.raises(UsageFault, match=r"amount 7\.5 is not a whole number"):
        find("jpeg").check(7.5)
    with pytest.raises(UsageFault, match=r"white_noise\) is random: a RandomState was expected"):
        find("11").apply(smooth(), 0.01)
