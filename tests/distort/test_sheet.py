"""Contact sheets, previews and the gallery, looked at by program and in a browser."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from distort.engine import run
from distort.gallery import write_gallery
from distort.png import read_rgb
from distort.preview import ladder
from distort.recipes import load_recipe
from distort.sheet import axis_sheets, parameters, photo_sheets
from distort.types.blur import gaussian
from tests.distort.sets import picture, small_set
from workspace.errors import UsageFault, WorkspaceFault
from workspace.settings import Workspace


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two photos with the paper's variants."""
    made = small_set(tmp_path_factory.mktemp("sheets") / "w", 2, 60, 90)
    list(run(made, load_recipe("paper")))
    return made


def test_a_photo_sheet_shows_the_pictures_on_128_grey(place: Workspace) -> None:
    """The sheet is 128 grey between pictures, holds the pristine first and every variant's very pixels when none is reduced."""
    (path,) = photo_sheets(place, "paper", names=["P2"], side=90)
    sheet = read_rgb(path)
    assert path.name == "P2.png"
    assert set(map(tuple, sheet[0])) == {(128, 128, 128)}
    top, left = 12 + 17, 12
    np.testing.assert_array_equal(sheet[top : top + 60, left : left + 90], read_rgb(place.pristine / "P2.png"))
    second = left + 90 + 12
    expected = read_rgb(place.distorted / "paper" / "P2" / "jpeg_1.png")
    np.testing.assert_array_equal(sheet[top : top + 60, second : second + 90], expected)
    neutral = sheet[top + 62 : top + 62 + 51]
    assert (neutral == neutral[..., :1]).all()
    assert (neutral < 60).any()


def test_axis_sheets_show_a_row_for_each_photo(place: Workspace) -> None:
    """One sheet for each of the seven axes; the axis jpeg has four columns and a row for each photo."""
    paths = list(axis_sheets(place, "paper", side=90))
    assert [p.stem for p in paths] == [
        f"axis_{a}" for a in ("jpeg", "blur", "pixelate", "sharpen", "brightness", "color", "contrast")
    ]
    assert read_rgb(paths[0]).shape == (2 * 12 + 17 + 2 * (60 + 3 * 17 + 12), 12 + 4 * 102, 3)


def test_unknown_names_are_named(place: Workspace) -> None:
    """A photo or an axis that isn't there names the nearest; a recipe without images says so."""
    with pytest.raises(UsageFault, match=r"no photo 'P22' with images of recipe paper \(did you mean 'P2'\?\)"):
        list(photo_sheets(place, "paper", names=["P22"]))
    with pytest.raises(UsageFault, match=r"recipe paper has no axis 'colour' \(did you mean 'color'\?\)"):
        list(axis_sheets(place, "paper", axes=["colour"]))
    with pytest.raises(WorkspaceFault, match="has no image of recipe kadid: make them with `dermiqa distort`"):
        write_gallery(place, "kadid", place.reports / "g")


def test_parameters_read_well() -> None:
    """A row's parameters are written with their names, chains with a plus."""
    row = {"parameter": "2+24", "unit": "sigma, px+quality"}
    assert parameters(row) == "sigma 2 px + quality 24"


def test_a_preview_has_the_figures_of_the_run(place: Workspace) -> None:
    """The ladder of a preview states the PSNR of the very images that the run would make."""
    rgb = picture(60, 90, 0)
    rungs, sheet = ladder(rgb, load_recipe("paper"), seed=1, title="it")
    assert len(rungs) == 18
    error = np.mean((rgb.astype(float) - gaussian(rgb, 2)) ** 2)
    assert next(r for r in rungs if r.variant == "blur_1").psnr == pytest.approx(10 * np.log10(255**2 / error))
    assert sheet.shape[2] == 3


@pytest.mark.slow
def test_the_gallery_opens_from_disk(place: Workspace) -> None:
    """In Chromium, from file:// and without any network: filters, slider, arrow keys, lazy pictures, no error."""
    from playwright.sync_api import sync_playwright

    chromium = Path("/usr/bin/chromium")
    if not chromium.exists():
        pytest.skip("Chromium is not installed")
    folder = place.reports / "gallery"
    assert write_gallery(place, "paper", folder) == 38
    assert len(json.loads((folder / "data.js").read_text().removeprefix("const PHOTOS = ").rstrip(";\n"))) == 2
    faults: list[str] = []
    asked: list[str] = []
    with sync_playwright() as driver, driver.chromium.launch(executable_path=chromium) as browser:
        page = browser.new_page()
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{folder}/index.html")
        assert page.locator("figure").count() == 36
        assert page.locator("img[loading=lazy]").count() == 36
        page.select_option("#axis", "jpeg")
        assert page.text_content("#count") == "6 of 36 variants"
        page.locator("figure button").first.click()
        assert "P1 · jpeg_1: quality 24" in (page.text_content("#what") or "")
        page.keyboard.press("ArrowRight")
        assert "P1 · jpeg_2" in (page.text_content("#what") or "")
        page.keyboard.press("ArrowDown")
        assert "P2 · jpeg_2" in (page.text_content("#what") or "")
        page.keyboard.press("Space")
        assert page.input_value("#slide") == "100"
        page.wait_for_function("document.querySelector('#right').naturalWidth === 90")
    assert not faults
    assert asked
    assert all(url.startswith("file://") for url in asked)
