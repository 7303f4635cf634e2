"""The engine's verbs as typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from distort.png import read_rgb
from tests.distort.sets import picture, small_set


def dermiqa(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "dermiqa", *map(str, words)], capture_output=True, text=True, check=False, cwd=cwd
    )


@pytest.mark.slow
def test_distort_sheet_recipe_from_end_to_end(tmp_path: Path) -> None:
    """distort, sheet, gallery, recipe export, recipe build and verify work one after another and print where things lie."""
    root = small_set(tmp_path / "w", 2).root
    done = dermiqa("-w", root, "distort", "--json")
    assert json.loads(done.stdout)["made"] == 36
    assert "image/s" in done.stderr
    done = dermiqa("-w", root, "-q", "distort")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "2 photos x 18: 0 images made, 36 kept"
    assert "9 contact sheets in" in dermiqa("-w", root, "-q", "sheet", "--size", "64").stdout
    assert "38 images: open" in dermiqa("-w", root, "gallery").stdout
    out = tmp_path / "set.json"
    assert dermiqa("-w", root, "-q", "recipe", "export", "--out", out, "--images", tmp_path / "images").returncode == 0
    assert (tmp_path / "images" / "croissant.json").exists()
    done = dermiqa("-q", "recipe", "build", out, "--photos", root / "pristine", "--out", tmp_path / "again")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "38 equal, 0 same but for rounding, 0 different, 0 photo missing"
    assert dermiqa("-w", tmp_path / "again", "verify").returncode == 0
    (root / "pristine" / "P1.png").unlink()
    done = dermiqa("-q", "recipe", "build", out, "--photos", root / "pristine", "--out", tmp_path / "less")
    assert done.returncode == 1
    assert "P1 jpeg_1: missing (no file with its hash, pixels or name in" in done.stdout
    assert done.stdout.splitlines()[-2] == "19 equal, 0 same but for rounding, 0 different, 19 photo missing"


def test_a_bad_photo_is_exit_1_and_a_wrong_recipe_exit_2(tmp_path: Path) -> None:
    """A photo that can't be read is one line on stderr and exit 1; an unknown recipe is one line and exit 2."""
    place = small_set(tmp_path / "w", 2)
    (place.pristine / "P1.png").write_bytes(b"no picture")
    done = dermiqa("-w", place.root, "-q", "distort")
    assert done.returncode == 1
    assert done.stderr == "dermiqa: P1: pristine/P1.png is not a PNG (it starts with b'no pictu'): prepare the photo again\n"
    done = dermiqa("-w", place.root, "distort", "--recipe", "papre")
    assert (done.returncode, done.stderr) == (
        2,
        "dermiqa: no recipe 'papre' (did you mean 'paper'?): paper, kadid, kadid-seven or a TOML file was expected\n",
    )


def test_catalogue_prints_types_and_marks_identities() -> None:
    """The catalogue lists 26 types with levels; --type shows one with its source; --json is for machines."""
    text = dermiqa("-q", "catalogue").stdout
    assert len(text.splitlines()) == 28
    assert "0.1=" in text
    one = dermiqa("-q", "catalogue", "--type", "sharpen").stdout
    assert "Unsharp mask of Lab's L alone" in one
    assert "KADID-10k (Lin, Hosu, Saupe, QoMEX 2019), type 24" in one
    entries = json.loads(dermiqa("catalogue", "--json").stdout)
    assert entries[0]["levels"] == [0.1, 0.5, 1, 2, 5]


@pytest.mark.slow
def test_preview_needs_no_workspace(tmp_path: Path) -> None:
    """preview draws the ladder of any photo, here a JPEG with orientation, and kadid says what stands in for type 15."""
    photo = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(picture(60, 90, 1)).save(photo, exif=exif)
    done = dermiqa("preview", photo, "--recipe", "kadid", cwd=tmp_path)
    assert done.returncode == 0
    assert "denoise_nlm stands in for KADID's type 15" in done.stderr
    assert "contact sheet: a_kadid.png" in done.stdout
    assert read_rgb(tmp_path / "a_kadid.png").shape[1] == 12 + 5 * (256 + 12)
    rungs = json.loads(dermiqa("preview", photo, "--json", cwd=tmp_path).stdout)["variants"]
    assert len(rungs) == 18
    done = dermiqa("preview", tmp_path / "nothing.jpg", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"dermiqa: {tmp_path / 'nothing.jpg'}")
