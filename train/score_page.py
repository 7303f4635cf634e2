"""Scores as one HTML file that opens from disk: thumbnails sorted by score, intervals, flags, faults, and what they may be used for."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from train.attributes import NAMES
from train.chain import describe
from train.scoring import Score
from workspace.files import write_bytes

ATTRIBUTES_SAID = ". Brightness to sharpness: 0 to 100, as people rated photos for SPAQ (a high noisiness means little noise)."
_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'
_STYLE = """body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1b1b1b;background:#fff}
h1{font-size:1.4rem}.notice{border-left:4px solid #a33;padding:.3rem .8rem;background:#fbf2f2}
ul{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:1rem}
li{border:1px solid #ccc;border-radius:4px;padding:.6rem;overflow-wrap:anywhere}
img{width:100%;height:8rem;object-fit:contain;background:#eee}
b{font-size:1.15rem}.small{font-size:.85rem;color:#444}.fault{color:#8a1f1f}"""


def write_page(path: Path, scores: Sequence[Score], facts: Mapping[str, Any], notices: Sequence[str]) -> None:
    """Write the page; broken photos stand at the end with their reason."""
    ordered = sorted(scores, key=lambda item: (item.score is None, item.score or 0.0, item.file))
    sentences = "".join(f'<p class="notice">{escape(notice)}</p>' for notice in notices)
    items = "\n".join(_item(item) for item in ordered)
    attributes = ATTRIBUTES_SAID if any(item.attributes for item in scores) else ""
    scored = sum(item.score is not None for item in scores)
    text = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{_VIEWPORT}\n'
        f"<title>Scores by {escape(str(facts['name']))}</title>\n"
        f"<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<h1>{scored} photos scored by {escape(str(facts['name']))}, the lowest first</h1>\n"
        f'{sentences}\n<p class="small">Score on 1 (poor) to 10 (excellent), its 90&nbsp;% interval, and what the photo went through: '
        f"{escape(describe(facts))}{attributes}</p>\n<ul>\n{items}\n</ul>\n</body>\n</html>\n"
    )
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def _item(item: Score) -> str:
    name = escape(Path(item.file).name)
    if item.score is None:
        return f'<li><p>{name}</p><p class="fault">{escape(item.fault)}</p></li>'
    picture = base64.b64encode(item.thumbnail).decode()
    interval = "" if item.low is None else f" <span>({item.low:.1f} to {item.high:.1f})</span>"
    lines = [
        f'<img src="data:image/jpeg;base64,{picture}" alt="{name}">',
        f"<p><b>{item.score:.2f}</b>{interval}</p>",
        f"<p>{name}</p>",
    ]
    if item.sharpness is not None:
        lines.append(f'<p class="small">sharpness at full size {item.sharpness:.2f}</p>')
    if item.said:
        said = ", ".join(f"{name.replace('_', ' ')} {item.faults[name]:.2f}" for name in item.said)
        lines.append(f'<p class="small fault">{escape(said)}</p>')
    if item.attributes:
        words = ", ".join(f"{NAMES['en'][name]} {value:.0f}" for name, value in item.attributes.items())
        lines.append(f'<p class="small">{escape(words)}</p>')
    if item.flags:
        lines.append(f'<p class="small">{escape(", ".join(flag.replace("_", " ") for flag in item.flags))}</p>')
    return f"<li>{''.join(lines)}</li>"
