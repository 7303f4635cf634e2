"""A photo's ladder: its variants in order with their parameters and measures, and images for the pages."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from distort.png import read_rgb
from workspace.manifest import read_manifest
from workspace.settings import Workspace

SIZES = (128, 256, 512)


def steps(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    """The variants of a photo in the manifest's order: variant, axis, parameter, unit, psnr, ssim, clipped, flags."""
    if not workspace.manifest.exists():
        return []
    rows = (row for row in read_manifest(workspace) if row["pristine"] == name and row["kind"] == "variant")
    columns = ("recipe", "variant", "axis", "parameter", "unit", "psnr", "ssim", "clipped", "flags")
    return [{column: row[column] for column in columns} for row in rows]


def pristine_bytes(workspace: Workspace, name: str, size: int) -> tuple[bytes, str]:
    """A prepared photo. Raises FileNotFoundError."""
    return image_bytes(_within(workspace.pristine, f"{name}.png"), size)


def variant_bytes(workspace: Workspace, name: str, variant: str, size: int) -> tuple[bytes, str]:
    """A variant of a photo, of the first recipe that has it. Raises FileNotFoundError."""
    recipes = sorted(path for path in workspace.distorted.glob("*") if path.is_dir())
    for recipe in recipes:
        path = _within(recipe, name, f"{variant}.png")
        if path.is_file():
            return image_bytes(path, size)
    raise FileNotFoundError(variant)


def _within(folder: Path, *names: str) -> Path:
    """A path below a folder whose parts are plain names. Raises FileNotFoundError for any other."""
    for name in names:
        if not name.strip(".") or not name.isprintable() or any(mark in name for mark in "/\\:") or len(name) > 200:
            raise FileNotFoundError(name)
    return folder.joinpath(*names)


def image_bytes(path: Path, size: int) -> tuple[bytes, str]:
    """The PNG itself (size 0), else a JPEG of at most `size` pixels a side, area-averaged. Raises FileNotFoundError."""
    if not path.is_file():
        raise FileNotFoundError(path.name)
    if size == 0:
        return path.read_bytes(), "image/png"
    return _small(path, size if size in SIZES else SIZES[1], path.stat().st_mtime_ns), "image/jpeg"


@lru_cache(maxsize=2000)
def _small(path: Path, side: int, changed: int) -> bytes:
    """A JPEG of a PNG that was changed at that time; some megabytes of the newest are kept."""
    import cv2

    pixels = read_rgb(path)
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    small = cv2.resize(pixels, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])
    if not done:
        raise FileNotFoundError(path.name)
    return data.tobytes()
