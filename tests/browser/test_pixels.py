"""The picture on the screen is the file's pixels, at every pixel ratio."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import Enter, Launch
from tests.browser.lab import QUICK_WAY, Lab
from tests.browser.person import Person

PLACE = """() => {
  const box = document.querySelector('#picture').getBoundingClientRect();
  return [box.left, box.top, devicePixelRatio];
}"""


def differing(lab: Lab, study: str, person: Person) -> tuple[int, int]:
    """Device pixels that differ from the file's pixels, each a block of k x k; and k, from the screenshot itself."""
    file = lab.picture(study, person.picture())
    shot = np.array(Image.open(io.BytesIO(person.page.screenshot(scale="device"))).convert("RGB"))
    left, top, ratio = person.page.evaluate(PLACE)
    k = int(person.page.evaluate("document.querySelector('#picture').width")) // file.shape[1]
    blocks = np.kron(file, np.ones((k, k, 1), dtype=np.uint8))
    x, y = round(left * ratio), round(top * ratio)
    seen = shot[y : y + blocks.shape[0], x : x + blocks.shape[1]]
    assert seen.shape == blocks.shape
    border = shot[y - 1, x : x + 10] if y else shot[0, x : x + 10]
    assert (border == 128).all()
    return int((seen != blocks).any(axis=2).sum()), k


@pytest.mark.slow
@pytest.mark.parametrize(("ratio", "copies"), [(1, 1), (1.1, 1), (1.25, 1), (1.5, 1), (1.75, 2), (2, 2), (2.5, 2)])
def test_no_pixel_differs(lab: Lab, study: str, enter: Enter, launch: Launch, ratio: float, copies: int) -> None:
    """At this pixel ratio a wide and an upright picture are on the screen bit for bit, k-fold replicated."""
    lab.study(study)
    browser = launch(f"--force-device-scale-factor={ratio}", "--window-size=1100,860")
    try:
        person = enter(at=browser, viewport=None, no_viewport=True)
        person.arrive(lab.invite(study))
        person.go("practice")
        shapes = set()
        for _ in range(2):
            assert differing(lab, study, person) == (0, copies)
            person.vote(5)
        person.go("ready")
        while len(shapes) < 2:
            name = person.picture()
            upright = lab.picture(study, name).shape[0] > 400
            if upright not in shapes:
                shapes.add(upright)
                assert differing(lab, study, person) == (0, copies)
            person.vote(5)
    finally:
        browser.close()


@pytest.mark.slow
def test_replication_follows_measured_pixels_per_degree(lab: Lab, study: str, enter: Enter, launch: Launch) -> None:
    """On a dense display, measured by the card, pixels are doubled so that the picture keeps its size in the eye; the vote says so."""
    way = {**QUICK_WAY, "display": "full"}
    lab.study(study, way=way)
    browser = launch("--force-device-scale-factor=1.5", "--window-size=1700,1200")
    try:
        person = enter(at=browser, viewport=None, no_viewport=True)
        person.sign_on(lab.invite(study))
        person.consent()
        page = person.page
        person.onward()
        page.fill("input[name=distance]", "70")
        page.evaluate("document.querySelector('[data-card-width]').value = 380")
        person.onward()
        for name, value in {"checker": "even", "edges": "sharp", "greys": "11", "dark": "3"}.items():
            page.check(f"input[name={name}][value='{value}']")
        person.onward()
        person.onward()
        per_pixel = 85.6 / 380 / 1.5
        measured = 700 * np.tan(np.radians(1)) / per_pixel
        person.go("practice")
        assert differing(lab, study, person) == (0, 2)
        person.vote(5)
        person.vote(5)
        person.go("ready")
        person.vote(7)
        person.picture()
    finally:
        browser.close()
    vote = lab.votes(study)[0]
    assert vote.replication == 2
    assert vote.pixels_per_degree == pytest.approx(measured / 2, rel=1e-3)
    assert 20 < (vote.pixels_per_degree or 0) <= 54


def test_page_is_128_grey(lab: Lab, study: str, enter: Enter) -> None:
    """Beside the picture the page is RGB 128, neutral greys alone, none brighter than 200."""
    lab.study(study)
    person = enter()
    person.arrive(lab.invite(study))
    person.go("practice")
    person.picture()
    shot = np.array(Image.open(io.BytesIO(person.page.screenshot())).convert("RGB")).astype(int)
    left, top, _ratio = person.page.evaluate(PLACE)
    box = person.page.locator("#picture").bounding_box()
    assert box is not None
    beside = shot.copy()
    beside[round(top) : round(top + box["height"]), round(left) : round(left + box["width"])] = 128
    assert (np.ptp(beside, axis=2) == 0).all()
    assert beside.max() <= 200
    assert (beside[:, :, 0] == 128).mean() > 0.9
    corners = beside[[5, 5, -5, -5], [5, -5, 5, -5]]
    assert (corners == 128).all()


@pytest.mark.slow
def test_too_small_a_window_names_both_sizes(lab: Lab, study: str, enter: Enter) -> None:
    """A window that can't hold picture and scale gets a message with both sizes in the picture's place, and goes on when enlarged."""
    lab.study(study)
    person = enter(viewport={"width": 1100, "height": 420})
    person.arrive(lab.invite(study))
    person.go("practice")
    person.panel("small")
    words = person.page.inner_text('[data-panel="small"]')
    assert "1100 × 420" in words
    assert "512 × " in words
    person.page.set_viewport_size({"width": 1366, "height": 768})
    person.picture()
    person.vote(4)
    person.picture()
    person.page.set_viewport_size({"width": 1100, "height": 420})
    person.panel("small")
    person.page.set_viewport_size({"width": 1366, "height": 768})
    person.vote(4)
    person.go("ready")
    person.vote(3)
    person.picture()
    assert [vote.value for vote in lab.votes(study)] == [3]
    assert "too_small" in {event.kind for event in lab.events(study)}
