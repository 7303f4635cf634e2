"""What goes out to observers: links with QR codes for a printed sheet, tables for a mail merge, texts by language."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, select

from annotate_app.observers import Invited, reissue
from annotate_app.roster import Line
from annotate_app.texts import _, fill, word
from db.models import Observer

TEXT = _("Your next session of the study can be done until {due}. Open your link on the same computer as before: {link}")
COLUMNS = ("code", "link", "due", "language", "text")


@dataclass(frozen=True)
class Slip:
    """A link with its code and its QR code as inline SVG without style."""

    pseudonym: str
    link: str
    svg: str


def qr_svg(link: str) -> str:
    """A link as a QR code (ISO/IEC 18004, error level M): inline SVG of one path, no style attribute, no fixed size."""
    import segno

    stream = io.BytesIO()
    segno.make(link, error="m", micro=False).save(stream, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4, svgclass=None,
                                                  lineclass=None, dark="#000", light="#fff")  # fmt: skip
    return stream.getvalue().decode()


def slips(base: str, invited: Sequence[Invited]) -> list[Slip]:
    """One slip for each invitation."""
    made = []
    for one in invited:
        link = f"{base}/i/{one.code}"
        made.append(Slip(one.pseudonym, link, qr_svg(link)))
    return made


def merge_rows(session: Session, base: str, lines: Sequence[Line], *, new_links: bool) -> list[dict[str, str]]:
    """Rows of `due.csv` for those who are due, late or not begun; `new_links` makes each a new link, and the old one is dead."""
    rows = []
    for line in lines:
        if line.word not in ("due", "late", "invited") or line.simulated or line.due is None:
            continue
        link = ""
        if new_links:
            observer = session.exec(select(Observer).where(Observer.token == line.token)).one()
            link = f"{base}/i/{reissue(session, observer)}"
        due = f"{line.due:%Y-%m-%d}"
        text = fill(word(TEXT, line.language), {"due": due, "link": link or base + "/o/"})
        rows.append({"code": line.pseudonym, "link": link, "due": due, "language": line.language, "text": text})
    return rows
