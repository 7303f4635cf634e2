"""The collection in Chromium: crop, masks and rotation drawn and typed, photos grouped by dragging, all of it without scripts too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Locator, Page

from annotate_app.curators import LASTS
from annotate_app.security import CURATOR_COOKIE, hash_password, new_secret, token_hash
from db.engine import open_engine, writing
from db.migrate import upgrade
from db.models import Curator, CuratorSession
from db.types import now
from distort.intake.prepare import prepare
from distort.png import read_rgb
from tests.browser.conftest import Enter
from tests.browser.lab import Lab
from workspace.settings import create
from workspace.sources import read_source, read_sources

WIDTH, HEIGHT = 1200, 800


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server over four prepared photos of bright noise, whose originals lie in the workspace."""
    place = create(tmp_path_factory.mktemp("clinic") / "ws")
    rng = np.random.default_rng(1)
    for number in range(4):
        noise = rng.integers(100, 250, (HEIGHT // 20, WIDTH // 20, 3), dtype=np.uint8)
        path = place.root / "camera" / f"photo{number}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))
    list(prepare(place, [place.root / "camera"]))
    upgrade(open_engine(place.database_url))
    made = Lab(place)
    made.start()
    yield made
    made.stop()
    made.engine.dispose()


def signed_in(lab: Lab, page: Page, name: str) -> Page:
    """A curator's browser."""
    cookie = new_secret()
    with writing(lab.engine) as session:
        curator = Curator(name=name, password_hash=hash_password("correct horse battery"), role="curator")
        session.add(curator)
        session.flush()
        session.add(CuratorSession(curator_id=curator.id or 0, token_hash=token_hash(cookie), expires=now() + LASTS))
    page.context.add_cookies([{"name": CURATOR_COOKIE, "value": cookie, "url": lab.address}])
    return page


def drag(frame: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one place of the frame to another, both as shares of its sides."""
    around = frame.bounding_box()
    assert around is not None
    mouse = frame.page.mouse
    places = [(around["x"] + around["width"] * x, around["y"] + around["height"] * y) for x, y in (start, end)]
    mouse.move(*places[0])
    mouse.down()
    mouse.move(*places[1], steps=5)
    mouse.up()


def boxes(page: Page, name: str) -> list[list[int]]:
    """The boxes in a cell of the form."""
    text = page.locator(f"[name={name}]").input_value()
    return [[int(part) for part in box.split()] for box in text.split(";") if box.strip()]


def work_done(page: Page, lab: Lab) -> None:
    """Wait until the newest job is done."""
    page.goto(lab.address + "/c/jobs")
    page.locator("tbody tr").first.locator(".state.done").wait_for(timeout=120_000)


@pytest.mark.slow
def test_crop_masks_and_rotation_are_drawn_by_mouse_and_by_keys(clinic: Lab, enter: Enter) -> None:
    """A dragged mask is moved by arrows, a crop dragged around it, all turned with the photo; applying them changes just those pixels."""
    page = signed_in(clinic, enter().page, "mouse")
    page.goto(clinic.address + "/c/collection/P0001")
    page.get_by_text(f"{WIDTH} x {HEIGHT} pixels").wait_for()
    frame = page.locator("#frame")
    drag(frame, (0.25, 0.25), (0.5, 0.5))
    assert boxes(page, "masks")[0] == pytest.approx([300, 200, 300, 200], abs=8)
    before = boxes(page, "masks")[0]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    assert boxes(page, "masks")[0] == [before[0] + 12, before[1], before[2], before[3] + 12]
    page.get_by_role("button", name="Add a box").click()
    assert len(boxes(page, "masks")) == 2
    page.keyboard.press("Delete")
    assert len(boxes(page, "masks")) == 1
    page.get_by_role("button", name="Crop", exact=True).click()
    drag(frame, (0.1, 0.1), (0.9, 0.9))
    assert boxes(page, "crop")[0] == pytest.approx([120, 80, 960, 640], abs=8)
    page.get_by_role("button", name="Turn right").click()
    page.get_by_text(f"{HEIGHT} x {WIDTH} pixels").wait_for()
    assert boxes(page, "crop")[0] == pytest.approx([80, 120, 640, 960], abs=8)
    mask, crop = boxes(page, "masks")[0], boxes(page, "crop")[0]
    page.get_by_role("button", name="Save").click()
    page.get_by_text("not applied to the image yet").wait_for()
    with page.expect_navigation():
        page.get_by_role("button", name="Apply them now").click()
    work_done(page, clinic)
    row = read_source(clinic.place, "P0001")
    assert (row["rotation"], row["crop"], row["masks"]) == ("90", " ".join(map(str, crop)), " ".join(map(str, mask)))
    pixels = read_rgb(clinic.place.pristine / "P0001.png")
    scale = pixels.shape[0] / crop[3]
    x, y, w, h = (round(value * scale) for value in (mask[0] - crop[0], mask[1] - crop[1], mask[2], mask[3]))
    assert pixels[y + 4 : y + h - 4, x + 4 : x + w - 4].max() < 12
    assert pixels[: y - 4].min() > 40
    page.goto(clinic.address + "/c/collection/P0001")
    assert page.get_by_text("not applied").count() == 0


@pytest.mark.slow
def test_photos_of_one_person_are_grouped_by_dragging_or_by_a_key(clinic: Lab, enter: Enter) -> None:
    """A photo dropped on another gets its subject, so do the ticked ones by the key g; undo takes it back."""
    page = signed_in(clinic, enter().page, "groups")
    page.goto(clinic.address + "/c/collection")
    page.drag_and_drop("li[data-name=P0003]", "li[data-name=P0002]")
    page.get_by_text("person P0002, 2 photos").first.wait_for()
    assert read_source(clinic.place, "P0003")["subject"] == "P0002"
    page.locator("li[data-name=P0004] input[type=checkbox]").check()
    page.locator("li[data-name=P0002]").focus()
    page.keyboard.press("g")
    page.get_by_text("person P0002, 3 photos").first.wait_for()
    page.get_by_role("link", name="P0002", exact=True).first.click()
    page.get_by_text("3 shown by this filter").wait_for()
    page.get_by_role("button", name="Undo the last edit").click()
    page.get_by_text("2 shown by this filter").wait_for()
    assert read_source(clinic.place, "P0004")["subject"] == "P0004"


@pytest.mark.slow
def test_the_collection_works_without_scripts(clinic: Lab, enter: Enter, tmp_path: Path) -> None:
    """Upload, grouping, typed masks, applying them and the variety's table need no script."""
    page = signed_in(clinic, enter(java_script_enabled=False).page, "plain")
    cv2.imwrite(str(tmp_path / "new.png"), np.random.default_rng(9).integers(60, 200, (500, 600, 3), dtype=np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no photo at all")
    page.goto(clinic.address + "/c/collection")
    page.locator("details.upload summary").click()
    page.set_input_files("#files", [str(tmp_path / "new.png"), str(tmp_path / "broken.png")])
    with page.expect_navigation():
        page.get_by_role("button", name="Prepare what was uploaded").click()
    for _ in range(240):
        page.reload()
        if page.locator("tbody tr").first.locator(".state.done").count():
            break
        page.wait_for_timeout(500)
    assert "broken.png" in page.locator("tbody tr").first.inner_html()
    (new,) = {row["pristine"] for row in read_sources(clinic.place)} - {f"P000{number}" for number in range(1, 5)}
    page.goto(clinic.address + "/c/collection")
    for name in ("P0004", new):
        page.locator(f"li[data-name={name}] input[type=checkbox]").check()
    with page.expect_navigation():
        page.get_by_role("button", name="Ticked show one person").click()
    assert read_source(clinic.place, new)["subject"] == "P0004"
    page.goto(f"{clinic.address}/c/collection/{new}")
    page.fill("[name=masks]", "0 0 50 50")
    page.get_by_role("button", name="Save").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Apply them now").click()
    page.goto(clinic.address + "/c/variety?sort=si&down=yes")
    assert page.locator("tbody tr", has_text=new).count() == 1
