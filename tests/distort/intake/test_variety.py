"""Chosen photos against those left out."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from distort.intake.prepare import prepare
from distort.intake.variety import AXES, Point, spread, write_variety
from workspace.settings import create
from workspace.sources import change


def point(name: str, value: float, chosen: bool = True) -> Point:
    """A photo with the same value on every axis."""
    return Point(name, chosen, dict.fromkeys(AXES, value))


def test_the_share_of_the_range_is_told() -> None:
    """Chosen photos from 20 to 60 of 0 to 80 cover half; a single one covers nothing; no spread at all counts as covered."""
    everything = [point("a", 0, False), point("b", 20), point("c", 60), point("d", 80, False)]
    assert spread(everything[1:3], everything) == dict.fromkeys(AXES, 0.5)
    assert spread(everything[1:2], everything) == dict.fromkeys(AXES, 0.0)
    assert spread([point("a", 5)], [point("a", 5)]) == dict.fromkeys(AXES, 1.0)


def test_the_drawing_names_every_photo(tmp_path: Path, demo_photos: Path) -> None:
    """The SVG is well formed, has a title with the counts, and a mark per photo and panel: circles chosen, crosses left out."""
    place = create(tmp_path / "ws")
    list(prepare(place, sorted(demo_photos.glob("*_forearm.jpg")), keep_names=True, jobs=0))
    change(place, "tinea_forearm", {"accepted": "no"})
    shares = write_variety(place, place.reports / "variety.svg")
    text = (place.reports / "variety.svg").read_text()
    tree = ElementTree.fromstring(text)
    assert tree[0].text == "1 photos chosen, 1 left out"
    assert text.count("<title>impetigo_forearm</title></circle>") == 2
    assert text.count("<title>tinea_forearm</title></path>") == 2
    assert shares["si"] == pytest.approx(0.0)
