"""A report as one HTML file: styles and figures inside, no script, nothing from the network."""

from __future__ import annotations

from base64 import b64encode

from mos.document import Document
from workspace.assets import asset_folder


def render(document: Document) -> str:
    """The HTML text; every figure is an image with alternative text, every text is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = asset_folder("templates") / "report"
    loader = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    loader.filters["data_uri"] = data_uri
    return loader.get_template("report.html").render(document=document)


def data_uri(svg: str) -> str:
    """An SVG as an address that needs no network."""
    return "data:image/svg+xml;base64," + b64encode(svg.encode("utf-8")).decode("ascii")
