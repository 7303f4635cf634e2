"""Originals on the curator's pages: the upright photo before crop and masks, to draw them on; and which edits wait to be applied.

An original is read again each time and shown reduced, without any of its metadata; nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workspace.errors import PhotoFault
from workspace.settings import Workspace
from workspace.sources import read_keys

Row = dict[str, str]
SIDE = 1024


@dataclass(frozen=True)
class Frame:
    """An original as JPEG of at most `SIDE` pixels a side, and the size in pixels of the frame that crop and masks are given in."""

    data: bytes
    width: int
    height: int


def original_paths(workspace: Workspace, names: Iterable[str]) -> list[Path]:
    """Where the originals of photos lie; those that are not known or gone are left out."""
    known = read_keys(workspace)
    paths = [Path(known[name]) for name in names if known.get(name)]
    return [path for path in paths if path.is_file()]


def frame(path: Path, rotation: str) -> Frame:
    """The upright original turned clockwise by `rotation` degrees. Raises PhotoFault for an angle or a file that can't be read."""
    import cv2

    from distort.intake.pixels import to_srgb
    from distort.intake.read import read_photo
    from distort.intake.shape import edits_of, fit, rotate, upright

    edits = edits_of("", rotation, "")
    original = read_photo(path)
    turned = rotate(upright(original.rgb, original.orientation), edits.rotation)
    height, width = turned.shape[:2]
    small, _ = to_srgb(fit(turned, SIDE), original.profile)
    done, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])
    if not done:
        raise PhotoFault("the original can't be shown")
    return Frame(data.tobytes(), width, height)


def waiting(workspace: Workspace, rows: Iterable[Row], measures: Mapping[str, Row]) -> list[str]:
    """Photos whose crop, rotation or masks are not those that their prepared image was made with."""
    from distort.intake.one import Task, token

    found = []
    for row in rows:
        made = measures.get(row["pristine"], {}).get("made", "")
        task = Task(
            name=row["pristine"], label="", path=Path(), target=Path(), side=workspace.settings.largest_side, crop=row["crop"],
            rotation=row["rotation"], masks=row["masks"],
        )  # fmt: skip
        if made and token(task, row["sha256"]) != made:
            found.append(row["pristine"])
    return found
