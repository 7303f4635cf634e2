"""A static folder that opens from disk: every photo with a slider pristine | variant, filters, keyboard; no server, no network."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from distort.sheet import parameters, photos
from workspace.errors import WorkspaceFault
from workspace.files import link_or_copy, write_text
from workspace.manifest import Row
from workspace.settings import Workspace

PAGE = Path(__file__).with_name("gallery.html")


def write_gallery(workspace: Workspace, recipe: str, folder: Path) -> int:
    """Write `index.html`, `data.js` and the images (linked where the disk allows it) into `folder`; gives the number of images.

    Raises WorkspaceFault when the recipe has no image yet.
    """
    entries: list[dict[str, Any]] = []
    count = 0
    for group in photos(workspace, recipe):
        if len(group) == 1:
            continue
        for row in group:
            link_or_copy(workspace.root / row["file"], folder / row["file"])
        count += len(group)
        entries.append(_entry(group))
    if not entries:
        raise WorkspaceFault(f"{workspace.manifest} has no image of recipe {recipe}: make them with `dermiqa distort`")
    write_text(folder / "data.js", f"const PHOTOS = {json.dumps(entries, ensure_ascii=False)};\n")
    title = escape(f"{workspace.settings.name}: {recipe}")
    write_text(folder / "index.html", PAGE.read_text(encoding="utf-8").replace("{{title}}", title))
    return count


def _entry(group: list[Row]) -> dict[str, Any]:
    own = group[0]
    variants = [
        {
            "name": row["variant"],
            "axis": row["axis"],
            "file": row["file"],
            "text": f"{parameters(row)}, PSNR {float(row['psnr']):.1f} dB, SSIM {float(row['ssim']):.3f}",
            "flags": row["flags"].split(),
        }
        for row in group[1:]
    ]
    size = {"width": int(own["width"]), "height": int(own["height"])}
    return {"name": own["pristine"], "file": own["file"], "flags": own["flags"].split(), **size, "variants": variants}
