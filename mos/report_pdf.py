"""A report as PDF by typst: the texts go in as data, never as markup."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mos.document import Document, Figure, Table
from workspace.assets import asset_folder


def compile_pdf(document: Document) -> bytes:
    """The PDF's bytes; A4, the badge on every page, page numbers. Fonts are those inside Matplotlib and typst."""
    import matplotlib
    import typst

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "report.json").write_text(json.dumps(_data(document, folder), ensure_ascii=False), encoding="utf-8")
        template = asset_folder("templates") / "report" / "report.typ"
        (folder / "report.typ").write_bytes(template.read_bytes())
        made = typst.compile(folder / "report.typ", root=folder, font_paths=[fonts], format="pdf")
    return bytes(made)


def _data(document: Document, folder: Path) -> dict[str, Any]:
    """Plain values for the template; figures become files `figure-N.svg` in `folder`."""
    count = 0
    sections = []
    for section in document.sections:
        blocks = []
        for block in section.blocks:
            data = asdict(block)
            if isinstance(block, Table):
                data["numbers"] = block.numbers
            if isinstance(block, Figure):
                count += 1
                (folder / f"figure-{count}.svg").write_text(block.svg, encoding="utf-8")
                data = {"kind": "figure", "file": f"figure-{count}.svg", "alt": block.alt, "caption": block.caption}
            blocks.append(data)
        sections.append({"title": section.title, "blocks": blocks})
    return {"title": document.title, "badge": document.badge, "facts": [list(f) for f in document.facts], "sections": sections}
