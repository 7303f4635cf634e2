"""All work on one photo, as a worker process does it: read, edit, fit, convert, judge, encode. Touches no file but the original."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from distort import png
from distort.intake.judge import judge
from distort.intake.pixels import has_own_curve, to_srgb
from distort.intake.read import Original, read_photo
from distort.intake.shape import Edits, edit, edits_of, fit, upright
from distort.types.arrays import Pixels
from workspace.errors import MissingExtra, PhotoFault
from workspace.files import sha256_bytes, sha256_file

RULES = 2
"""Raised whenever the same original gives other pixels or flags than before, so that photos are prepared again."""


@dataclass(frozen=True)
class Task:
    """A photo to prepare: `side` is the largest side in pixels; `crop`, `rotation`, `masks` are cells of `sources.csv`.

    `made` and `png_sha256` are what an earlier run noted, `target` the file that it wrote; `yunet` a face model's file and
    its hash.
    """

    name: str
    label: str
    path: Path
    target: Path
    side: int
    crop: str = ""
    rotation: str = ""
    masks: str = ""
    made: str = ""
    png_sha256: str = ""
    yunet: str = ""
    yunet_sha256: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of it: `data` is the PNG (empty: kept as it is), `fault` why there is none; `sha256` of the original."""

    fault: str = ""
    sha256: str = ""
    data: bytes = b""
    made: str = ""
    png_sha256: str = ""
    width: int = 0
    height: int = 0
    flags: tuple[str, ...] = ()
    measures: dict[str, str] = field(default_factory=dict)


def token(task: Task, sha256: str) -> str:
    """A short hash of everything that the result depends on."""
    parts = [RULES, sha256, task.side, task.crop.strip(), task.rotation.strip(), task.masks.strip(), task.yunet_sha256]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def prepare_one(task: Task) -> Outcome:
    """Prepare one photo; a PhotoFault becomes the outcome's `fault`."""
    sha256 = ""
    try:
        sha256 = _original_hash(task.path)
        made = token(task, sha256)
        if made == task.made and task.target.is_file() and sha256_file(task.target) == task.png_sha256:
            return Outcome(sha256=sha256, made=made)
        original = read_photo(task.path)
        edits = edits_of(task.crop, task.rotation, task.masks)
        rgb, flags = pristine(original, edits, task.side)
        reduced = _side(original, edits) / max(rgb.shape[:2])
        measures, found = judge(rgb, original, reduced=reduced, yunet=task.yunet)
        data = png.encode(rgb)
    except (PhotoFault, MissingExtra) as fault:
        return Outcome(fault=str(fault), sha256=sha256)
    return Outcome(
        sha256=sha256, data=data, made=made, png_sha256=sha256_bytes(data), width=rgb.shape[1], height=rgb.shape[0],
        flags=(*flags, *found), measures=measures,
    )  # fmt: skip


def pristine(original: Original, edits: Edits, side: int) -> tuple[Pixels, list[str]]:
    """The pristine image of a decoded file, `(H, W, 3)` uint8 sRGB with largest side at most `side`, and its reading flags.

    Without edits the picture is fitted before it is turned: the same pixels, a fraction of the work. A profile with sRGB's own
    tone curve (Display P3) is converted after the fitting for the same reason, any other before.
    """
    rgb, profile, flags = original.rgb, original.profile, list(original.flags)
    if has_own_curve(profile):
        rgb, more = to_srgb(rgb, profile)
        profile, flags = None, [*flags, *more]
    turn = original.orientation
    small = fit(edit(upright(rgb, turn), edits), side) if edits else upright(fit(rgb, side), turn)
    small, more = to_srgb(small, profile)
    return small, [*flags, *more]


def _side(original: Original, edits: Edits) -> int:
    """Largest side in pixels of what is kept of an original."""
    height, width = edits.crop[2:] if edits.crop else original.rgb.shape[:2]
    return int(max(height, width))


def _original_hash(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as fault:
        raise PhotoFault(f"can't be read: {fault.strerror}") from None
