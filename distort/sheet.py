"""Contact sheets: a photo with all its variants, or an axis over several photos, on 128 grey with a label under each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from distort.png import read_rgb, write_png
from distort.types.arrays import Pixels
from workspace.errors import UsageFault, nearest
from workspace.manifest import Row, read_manifest
from workspace.settings import Workspace

GREY = 128
GAP = 12
LINE = 17


@dataclass(frozen=True)
class Cell:
    """A picture of a sheet with the lines of text under it."""

    picture: Pixels
    lines: tuple[str, ...]


@lru_cache(maxsize=1)
def _font() -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size=13)


def reduced(rgb: Pixels, side: int) -> Pixels:
    """`(H, W, 3)` uint8 with its largest side at most `side` pixels, area-averaged; never enlarged."""
    import cv2

    scale = side / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    height, width = (max(1, round(n * scale)) for n in rgb.shape[:2])
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def draw(title: str, cells: Sequence[Cell], columns: int, side: int) -> Pixels:
    """A sheet of `columns` cells a row, each `side` pixels wide: `(H, W, 3)` uint8 RGB, everything but the pictures neutral."""
    from PIL import Image, ImageDraw

    lines = max(len(cell.lines) for cell in cells)
    heights = [max(c.picture.shape[0] for c in cells[i : i + columns]) for i in range(0, len(cells), columns)]
    width = GAP + columns * (side + GAP)
    height = 2 * GAP + LINE + sum(h + lines * LINE + GAP for h in heights)
    sheet = Image.new("RGB", (width, height), (GREY, GREY, GREY))
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, GAP // 2), title, fill=(0, 0, 0), font=_font())
    top = GAP + LINE
    for row, tall in enumerate(heights):
        for column, cell in enumerate(cells[row * columns : (row + 1) * columns]):
            left = GAP + column * (side + GAP)
            sheet.paste(Image.fromarray(cell.picture), (left, top))
            for k, text in enumerate(cell.lines):
                pen.text((left, top + cell.picture.shape[0] + 2 + k * LINE), text, fill=(0, 0, 0), font=_font())
        top += tall + lines * LINE + GAP
    return np.asarray(sheet, dtype=np.uint8)


def parameters(row: Row) -> str:
    """A manifest row's parameters for people: `sigma 2 px`, `quality 24 + sigma 1 px`."""
    pairs = zip(row["parameter"].split("+"), row["unit"].split("+"), strict=True)
    return " + ".join(f"{unit.split(',')[0]} {value}{' px' if unit.endswith('px') else ''}" for value, unit in pairs)


def _cell(workspace: Workspace, row: Row, side: int, name: str | None = None) -> Cell:
    picture = reduced(read_rgb(workspace.root / row["file"]), side)
    if row["kind"] == "pristine":
        return Cell(picture, (name or "pristine", f"{row['width']} x {row['height']} px", ""))
    quality = f"PSNR {float(row['psnr']):.1f} dB, SSIM {float(row['ssim']):.3f}"
    return Cell(picture, (row["variant"], parameters(row), quality))


def photo_sheets(workspace: Workspace, recipe: str, *, names: Sequence[str] = (), side: int = 256) -> Iterator[Path]:
    """One sheet for each photo (or each of `names`): the pristine, then all variants. Yields the files as they are written.

    Raises UsageFault for a name without images of this recipe.
    """
    missing = set(names)
    known: list[str] = []
    for group in photos(workspace, recipe):
        name = group[0]["pristine"]
        known.append(name)
        if len(group) == 1 or (names and name not in names):
            continue
        missing.discard(name)
        target = workspace.reports / "sheets" / recipe / f"{name}.png"
        columns = min(5, len(group))
        write_png(target, draw(f"{name}, recipe {recipe}", [_cell(workspace, r, side) for r in group], columns, side))
        yield target
    if missing:
        word = sorted(missing)[0]
        raise UsageFault(f"no photo {word!r} with images of recipe {recipe}{nearest(word, known)}: see manifest.csv")


def axis_sheets(
    workspace: Workspace, recipe: str, *, axes: Sequence[str] = (), rows: int = 12, side: int = 256
) -> Iterator[Path]:
    """One sheet for each axis (or each of `axes`): a row per photo, the first `rows` photos. Yields the files as written.

    Raises UsageFault for an axis that the recipe doesn't have.
    """
    groups = [g for g, _ in zip((g for g in photos(workspace, recipe) if len(g) > 1), range(rows), strict=False)]
    known = list(dict.fromkeys(row["axis"] for group in groups for row in group[1:]))
    for axis in axes:
        if axis not in known:
            raise UsageFault(f"recipe {recipe} has no axis {axis!r}{nearest(axis, known)}: {', '.join(known)} were found")
    for axis in axes or known:
        picked = [[group[0], *(r for r in group[1:] if r["axis"] == axis)] for group in groups]
        cells = [_cell(workspace, row, side, row["pristine"]) for group in picked for row in group]
        target = workspace.reports / "sheets" / recipe / f"axis_{axis}.png"
        write_png(target, draw(f"axis {axis}, recipe {recipe}", cells, max(map(len, picked)), side))
        yield target


def photos(workspace: Workspace, recipe: str) -> Iterator[list[Row]]:
    """The manifest's rows photo by photo, the pristine one first. Raises WorkspaceFault when there is no manifest."""
    group: list[Row] = []
    for row in read_manifest(workspace, recipe):
        if row["kind"] == "pristine" and group:
            yield group
            group = []
        group.append(row)
    if group:
        yield group
