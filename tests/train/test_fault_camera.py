"""A camera's own faults: light in stops, white balance, haze and noise, and amounts that people see or don't."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from distort.catalogue import CATALOGUE
from distort.recipes import load_recipe
from train.fault_camera import encoded, exposed, hazed, linear, noisy, tinted
from train.fault_features import fault_features
from train.fault_material import FAULTS, KINDS, Kind, chain, clear_variants, examples, linked

GREY = np.full((8, 8, 3), 128, np.uint8)


def moved(image: np.ndarray) -> float:
    """How far the first pixel lies from grey in CIE 1976 a and b."""
    lab = cv2.cvtColor(image[:1, :1].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    return float(np.hypot(lab[1], lab[2]))


def of(way: int | str, fault: str) -> list[Kind]:
    """The kinds of one way to one fault."""
    return [kind for kind in KINDS if kind.way == way and kind.fault == fault]


def test_a_stop_doubles_the_light() -> None:
    """128 is .2159 of the light: a stop more is .4317, sRGB 176; black stays black, white white, and twice nothing is nothing."""
    assert linear(np.array([128 / 255]))[0] == pytest.approx(0.2159, abs=1e-4)
    assert encoded(linear(np.linspace(0, 1, 9))) == pytest.approx(np.linspace(0, 1, 9), abs=1e-6)
    assert exposed(GREY, 1.0)[0, 0].tolist() == [176, 176, 176]
    assert np.array_equal(exposed(GREY, 0.0), GREY)
    ends = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    assert np.array_equal(exposed(ends, 2.0), ends)


@pytest.mark.parametrize(("fault", "number", "end"), [("too_bright", 16, 0), ("too_dark", 17, 1)])
def test_clear_stops_begin_where_the_catalogue_s_clear_amounts_do(fault: str, number: int, end: int) -> None:
    """The least clear change in stops moves middle grey as far as the least clear amount of the catalogue's type, within 8 levels."""
    stops = exposed(GREY, of("stops", fault)[0].clear[end])
    curve = CATALOGUE[number].apply(GREY, of(number, fault)[0].clear[0], rng=None, lab=None, weights="")
    assert abs(int(stops[0, 0, 0]) - int(curve[0, 0, 0])) <= 8


@pytest.mark.parametrize("way", ["warm", "green"])
def test_a_clear_cast_moves_grey_by_10_and_a_harmless_one_by_less_than_5(way: str) -> None:
    """Every clear amount moves middle grey by 10 or more in a and b, harmless ones by less than 5."""
    for kind in of(way, "colour"):
        for amount in kind.clear:
            assert moved(tinted(GREY, amount, 0.0) if way == "warm" else tinted(GREY, 0.0, amount)) >= 10
        for amount in kind.harmless or ():
            assert moved(tinted(GREY, amount, 0.0) if way == "warm" else tinted(GREY, 0.0, amount)) < 5
    warm = tinted(GREY, 0.5, 0.0)[0, 0].astype(int)
    assert warm[0] > 128 == warm[1] > warm[2]


def test_haze_takes_its_share_of_the_contrast() -> None:
    """Behind a veil of .6 the spread is .4 of what it was, and black is no longer black."""
    rgb = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    found = hazed(rgb, 0.6)
    assert found.std() == pytest.approx(0.4 * rgb.std(), rel=0.02)
    assert found.min() >= 120


@pytest.mark.parametrize("grain", [1.0, 2.5])
def test_noise_has_its_level_and_its_grain(grain: float) -> None:
    """Noise of level 8 spreads by 8 around the same mean, twice the same for the same seed; a wide grain makes neighbours alike."""
    grey = np.full((200, 200, 3), 128, np.uint8)
    found, again = (noisy(grey, 8.0, grain, np.random.default_rng(1)) for _ in range(2))
    assert np.array_equal(found, again)
    assert found.std() == pytest.approx(8.0, rel=0.05)
    assert found.mean() == pytest.approx(128, abs=0.5)
    alike = np.corrcoef(found[:, 1:, 1].ravel(), found[:, :-1, 1].ravel())[0, 1]
    assert alike < 0.1 if grain == 1.0 else alike > 0.5


def test_clear_variants_are_those_that_people_see(shared: Path) -> None:
    """KADID-10k's mean opinion of each clear variant's type and level is 3.5 or worse, of each one left out better than that."""
    table = pd.read_csv(shared / "labels" / "kadid10k" / "dmos.csv")
    names = table["dist_img"].str.extract(r"I\d+_(\d+)_(\d+)\.png").astype(int)
    means = table["dmos"].groupby([names[0], names[1]]).mean()
    clear = {variant.name for variant in clear_variants()}
    assert len(clear) == 13
    for variant in load_recipe("paper").variants:
        step = variant.steps[0]
        assert (means[step.number, step.level] <= 3.5) == (variant.name in clear), variant.name


def test_kadid_s_levels_beside_the_ranges_are_neither_clear_nor_harmless_by_mistake(shared: Path) -> None:
    """No level within a clear range has a mean opinion above 3.6, none within a harmless range one below 3.9."""
    table = pd.read_csv(shared / "labels" / "kadid10k" / "dmos.csv")
    names = table["dist_img"].str.extract(r"I\d+_(\d+)_(\d+)\.png").astype(int)
    means = table["dmos"].groupby([names[0], names[1]]).mean()
    for kind in KINDS:
        if isinstance(kind.way, str):
            continue
        for level, amount in enumerate(CATALOGUE[kind.way].levels, start=1):
            if kind.clear[0] <= amount <= kind.clear[1]:
                assert means[kind.way, level] <= 3.6, (kind, level)
            if kind.harmless and kind.harmless[0] <= amount <= kind.harmless[1]:
                assert means[kind.way, level] >= 3.9, (kind, level)


def test_noise_is_in_chains_and_no_fault_of_its_own() -> None:
    """About half of the chains hold noise, those without a fault too, and no fault is named for it."""
    drawn = [chain(np.random.default_rng(seed)) for seed in range(400)]
    with_noise = [any(way == "noise" for way, _ in links) for links, _ in drawn]
    assert 0.4 < np.mean(with_noise) < 0.6
    assert any(noise and not faults.any() for noise, (_, faults) in zip(with_noise, drawn, strict=True))
    assert "noise" not in FAULTS


def test_every_link_changes_the_photo_and_is_the_same_again() -> None:
    """Each kind's clear amount changes the pixels, twice alike; the noise follows the generator."""
    rgb = cv2.resize(np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8), (64, 48))
    for kind in KINDS:
        amount = kind.clear[1] if np.isfinite(kind.clear[1]) else 10.0
        amount = float(round(amount)) if kind.way == 10 else amount
        first, again = (linked(rgb, ((kind.way, amount),), 0, "00", np.random.default_rng(2)) for _ in range(2))
        assert np.array_equal(first, again), kind
        assert np.abs(first.astype(int) - rgb).mean() > 1, kind


def test_features_tell_noise_from_calm_and_a_cast_from_grey(demo_photos: Path) -> None:
    """Noise raises the detail of the calmest blocks; a warm cast takes blue from the lights, where red is clipped already."""
    rgb = cv2.resize(cv2.imread(str(demo_photos / "tinea_forearm.jpg"))[..., ::-1], (320, 240), interpolation=cv2.INTER_AREA)
    plain = fault_features(rgb)
    noise = fault_features(noisy(rgb, 10.0, 1.0, np.random.default_rng(0)))
    cast = fault_features(tinted(rgb, 0.7, 0.0))
    assert noise[-12] > plain[-12] + 1
    assert cast[-13] < plain[-13] - 0.1
    assert len(list(examples("a", rgb[:96, :96], chains=0))) == 14
