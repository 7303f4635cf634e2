"""A set rebuilt elsewhere from a file without pixels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from distort.engine import run
from distort.intake.prepare import Preparation
from distort.png import read_rgb
from distort.rebuild import bring, export_text, read_export, recipe_of, tally, target_workspace, verdicts
from distort.recipes import Recipe, load_recipe
from tests.distort.sets import picture, small_set
from workspace.errors import UsageFault, WorkspaceFault
from workspace.settings import Workspace, create
from workspace.verify import file_faults


def distorted(place: Workspace, name: str = "paper") -> Recipe:
    """The set, made."""
    recipe = load_recipe(name)
    list(run(place, recipe))
    return recipe


def rebuilt(file: Path, photos: Path, root: Path) -> tuple[Workspace, dict[str, int]]:
    """A rebuild as the command does it: the new workspace and the tally."""
    value = read_export(file)
    recipe = recipe_of(value)
    place = target_workspace(root, value, recipe)
    missing = {name: why for name, why in bring(place, value, photos) if why}
    if len(missing) < len(value["photos"]):
        list(run(place, recipe))
    return place, tally(list(verdicts(place, value, recipe, missing)))


def test_from_the_originals_every_image_is_equal(tmp_path: Path) -> None:
    """Photos brought in by `prepare` (JPEG, one cropped), exported, and rebuilt from the originals under other names: all equal."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for k in range(3):
        Image.fromarray(picture(300, 400, k)).save(photos / f"patient_{k}.jpg", quality=92)
    place = create(tmp_path / "w")
    list(Preparation(place, [photos]))
    text = place.sources.read_text().splitlines()
    assert len(text) == 4
    recipe = distorted(place)
    file = tmp_path / "set.json"
    file.write_text(export_text(place, recipe))
    assert "patient" not in file.read_text()
    for path in photos.iterdir():
        path.rename(photos / f"renamed{path.stem[-1]}.jpeg")
    other, counts = rebuilt(file, photos, tmp_path / "elsewhere")
    assert counts == {"equal": 57, "rounding": 0, "different": 0, "missing": 0}
    assert list(file_faults(other)) == []


def test_from_pristine_images_packed_by_another_encoder(tmp_path: Path) -> None:
    """Pristine images re-encoded by Pillow under other names are known by their pixels; a random recipe gives the same noise."""
    own = tmp_path / "own.toml"
    own.write_text(
        'strict = true\n[[variant]]\nname = "n"\ntype = 11\nlevel = 2\n[[variant]]\nname = "b"\ntype = 1\namount = 1.3\n'
    )
    place = small_set(tmp_path / "w", 2)
    recipe = distorted(place, str(own))
    file = tmp_path / "set.json"
    file.write_text(export_text(place, recipe))
    photos = tmp_path / "photos"
    photos.mkdir()
    for k, path in enumerate(sorted(place.pristine.glob("*.png"))):
        Image.fromarray(read_rgb(path)).save(photos / f"x{k}.png", compress_level=9)
    other, counts = rebuilt(file, photos, tmp_path / "elsewhere")
    assert counts == {"equal": 6, "rounding": 0, "different": 0, "missing": 0}
    assert other.settings.recipe == "own.toml"
    assert load_recipe(other.root / "own.toml") == recipe


def test_missing_changed_and_nearly_equal_photos_are_told_apart(tmp_path: Path) -> None:
    """One photo gone, one exchanged, one off by a single grey level in one sample: missing, different, and not equal but near."""
    place = small_set(tmp_path / "w", 3, 200, 260)
    recipe = distorted(place)
    file = tmp_path / "set.json"
    file.write_text(export_text(place, recipe))
    photos = tmp_path / "photos"
    photos.mkdir()
    near = read_rgb(place.pristine / "P2.png").copy()
    near[5, 5, 0] += 1
    Image.fromarray(near).save(photos / "P2.png")
    Image.fromarray(picture(200, 260, 50)).save(photos / "P3.png")
    value = read_export(file)
    other = target_workspace(tmp_path / "elsewhere", value, recipe_of(value))
    missing = {name: why for name, why in bring(other, value, photos) if why}
    assert list(missing) == ["P1"]
    list(run(other, recipe))
    found = list(verdicts(other, value, recipe, missing))
    states = {name: [v.state for v in found if v.pristine == name] for name in ("P1", "P2", "P3")}
    assert set(states["P1"]) == {"missing"}
    assert set(states["P3"]) == {"different"}
    assert states["P2"].count("rounding") >= 14
    assert "equal" not in states["P2"][:1]
    noted = next(v for v in found if v.pristine == "P3" and v.variant == "blur_1")
    assert "PSNR" in noted.note
    assert "SSIM" in noted.note


def test_the_export_holds_no_pixels_and_no_paths(tmp_path: Path) -> None:
    """The file is small, names recipe, versions, seed and each photo's licence, and neither diagnosis nor file name."""
    place = small_set(tmp_path / "w", 2, diagnosis="melanoma", file="Jane Doe.jpg", notes="private")
    file = export_text(place, distorted(place))
    value = json.loads(file)
    assert value["format"] == "dermiqa recipe 1"
    assert value["versions"].startswith("dermiqa ")
    assert value["photos"][0]["licence"] == "CC0"
    assert len(value["photos"][0]["variants"]) == 18
    assert len(file) < 10_000
    for private in ("melanoma", "Jane Doe", "private", str(tmp_path)):
        assert private not in file


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    """A missing file, a text, another JSON, and a workspace with another seed each give one line."""
    path = tmp_path / "x.json"
    with pytest.raises(UsageFault, match=r"x\.json can't be read"):
        read_export(path)
    path.write_text("hello")
    with pytest.raises(UsageFault, match="is not JSON: a file made by `dermiqa recipe export` was expected"):
        read_export(path)
    path.write_text('{"format": "dermiqa recipe 9"}')
    with pytest.raises(UsageFault, match="has format 'dermiqa recipe 9', 'dermiqa recipe 1' was expected"):
        read_export(path)
    place = small_set(tmp_path / "w", 1)
    value = json.loads(export_text(place, distorted(place))) | {"seed": 3}
    with pytest.raises(WorkspaceFault, match="seed is 20250919, the set was made with 3: rebuild in another folder"):
        target_workspace(place.root, value, recipe_of(value))
    with pytest.raises(UsageFault, match="is not a folder: the set's photos were expected there"):
        list(bring(place, value, tmp_path / "nowhere"))
    with pytest.raises(WorkspaceFault, match=r"has no image of recipe kadid"):
        export_text(place, load_recipe("kadid"))
