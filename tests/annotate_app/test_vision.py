from __future__ import annotations

import numpy as np
import pytest

from annotate_app import vision


def test_laboratory_distances() -> None:
    """A gap of three pixels is 1.5 minutes of arc at 1.8 m on a 96 dpi screen and at 70 cm on a 254 ppi one."""
    assert vision.lab_distance(25.4 / 96) / 1000 == pytest.approx(1.82, abs=0.01)
    assert vision.lab_distance(25.4 / 254) / 10 == pytest.approx(68.8, abs=0.5)


def test_pixels_per_degree() -> None:
    """At 57.29 cm one degree spans one centimetre, so 40 pixels of .25 mm."""
    assert vision.pixels_per_degree(0.25, 572.9) == pytest.approx(40, abs=0.01)


@pytest.mark.parametrize("gap", [1, 2, 3, 6])
def test_e_is_exact(gap: int) -> None:
    """An E has three strokes and two gaps of exactly `gap` pixels and opens to the side that it is called after."""
    signs = {direction: vision.draw_e(direction, gap) for direction in vision.DIRECTIONS}
    for image in signs.values():
        assert image.shape == (5 * gap, 5 * gap, 3)
        assert set(np.unique(image)) == {0, vision.GREY}
        assert (image[:, :, 0] == 0).sum() == 17 * gap * gap
    assert signs["right"][gap, -1, 0] == vision.GREY
    assert signs["left"][gap, 0, 0] == vision.GREY
    assert signs["down"][-1, gap, 0] == vision.GREY
    assert signs["up"][0, gap, 0] == vision.GREY


def test_card_shows_the_drawn_signs() -> None:
    """A card holds the five signs in their order, and only right answers count."""
    drawn = vision.signs(5, 3)
    card = vision.acuity_card(drawn, 3)
    step = 15 + 30
    for i, direction in enumerate(drawn):
        cell = card[30:45, 30 + i * step : 45 + i * step]
        assert np.array_equal(cell, vision.draw_e(direction, 3))
    assert vision.signs_right(list(drawn), 5, 3) == 5
    wrong = [vision.DIRECTIONS[(vision.DIRECTIONS.index(d) + 1) % 4] for d in drawn]
    assert vision.signs_right(wrong, 5, 3) == 0


def test_signs_differ_between_observers() -> None:
    """Observers get different signs, the same observer the same ones again."""
    assert vision.signs(1, 2) == vision.signs(1, 2)
    assert len({vision.signs(seed, 2) for seed in range(20)}) > 10


@pytest.mark.parametrize("axis", ["protan", "deutan"])
def test_pair_is_alike_for_that_vision_alone(axis: str) -> None:
    """Figure and ground are one colour to the named vision, and far apart in red against green to others."""
    figure, ground = vision.colour_pair(axis)
    assert np.allclose(vision.as_seen(figure, axis), vision.as_seen(ground, axis), atol=1e-9)
    assert np.all((figure >= 0) & (figure <= 1))
    assert np.all((ground >= 0) & (ground <= 1))
    shown = 255 * (vision.encoded(figure) - vision.encoded(ground))
    assert abs(shown[0] - shown[1]) > 60


def seen_difference(plate: vision.Plate, axis: str | None) -> float:
    """How far the digit's dots stand from the ground's in linear red minus green, in units of the ground's spread."""
    image = vision.draw_plate(plate)
    light = vision.linear(image.astype(float) / 255)
    if axis:
        light = vision.as_seen(light, axis)
    ys, xs = np.nonzero(np.any(image != vision.GREY, axis=2))
    inside = vision.inside_digit(np.stack([xs + 0.5, ys + 0.5], axis=1), plate.digit, vision.SIDE)
    chroma = (light[ys, xs, 0] - light[ys, xs, 1]) / light[ys, xs].sum(axis=1)
    return float(abs(chroma[inside].mean() - chroma[~inside].mean()) / chroma[~inside].std())


@pytest.mark.parametrize("plate", vision.plates(11)[:4], ids=lambda plate: f"{plate.axis}-{plate.digit}")
def test_plate_hides_its_digit(plate: vision.Plate) -> None:
    """A plate's digit stands out clearly to normal vision and hardly at all to the vision that it is made for."""
    assert seen_difference(plate, None) > 1.5
    assert seen_difference(plate, plate.axis) < 0.35


def test_plates_are_scored() -> None:
    """Twelve plates, both axes alike; each misread or empty answer is one missed."""
    drawn = vision.plates(3)
    assert len(drawn) == 12
    assert sum(plate.axis == "protan" for plate in drawn) == 6
    right = [plate.digit for plate in drawn]
    assert vision.plates_missed(right, 3) == 0
    assert vision.plates_missed(["", *right[1:]], 3) == 1
    assert vision.plates_missed([], 3) == 12
