"""Pages: the Jinja2 environment, one per language, and the headers that every page carries.

A language is one catalogue file `locale/LANGUAGE.po`, read at the first use; English is the language of the templates.
Pages allow no inline script or style: the policy names this server alone.
"""

from __future__ import annotations

import io
from datetime import datetime
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from annotate_app import clock
from workspace.assets import asset_folder

LOCALE = Path(__file__).parent / "locale"
CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
PAGE_HEADERS = {
    "Content-Security-Policy": CSP,
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Languages that pages can be shown in: English, then every catalogue file's name."""
    return ("en", *sorted(path.stem for path in LOCALE.glob("*.po")))


@lru_cache(maxsize=16)
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; English (or a language without a file) leaves texts as they are."""
    path = LOCALE / f"{language}.po"
    if language not in languages() or not path.is_file():
        return NullTranslations()
    with path.open("rb") as stream:
        catalogue = read_po(stream, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def choose_language(wanted: str | None, header: str | None = None) -> str:
    """The language `wanted` where there is a catalogue, else the first known one of an Accept-Language header, else English."""
    if wanted in languages():
        return str(wanted)
    for part in (header or "").split(","):
        code = part.split(";")[0].strip().split("-")[0].lower()
        if code in languages():
            return code
    return "en"


@lru_cache(maxsize=16)
def environment(language: str) -> Environment:
    """The template environment of a language: autoescape on, an unknown name is an error."""
    made = Environment(
        loader=FileSystemLoader(asset_folder("templates")),
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.filters["number"] = lambda value, digits=0: clock.number(value, language, digits)
    made.filters["moment"] = lambda value, zone="UTC": clock.moment(value, language, zone)
    made.filters["ago"] = lambda value: moment_element(value, language)
    made.filters["counted"] = lambda count, one, many: f"{clock.number(count, language)} {one if count == 1 else many}"
    made.filters["paragraphs"] = paragraphs
    return made


def moment_element(value: datetime, language: str) -> Markup:
    """A moment as people say it (12 minutes ago), with the whole date and time on hover."""
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        value.isoformat(timespec="seconds"), clock.moment(value, language), clock.ago(value, language)
    )


def paragraphs(text: str) -> list[str]:
    """A plain text's paragraphs: parted by empty lines, without the spaces around."""
    return [part.strip() for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]


def render(
    request: Request,
    template: str,
    language: str = "en",
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page from `templates/`: with the language, the address the application is mounted under and this visit's form token."""
    shared = {
        "language": language,
        "languages": languages(),
        "root": request.scope.get("root_path", "").rstrip("/"),
        "form_token": getattr(request.state, "form_token", ""),
    }
    page = environment(language).get_template(template).render({**shared, **values})
    return HTMLResponse(page, status_code=status, headers={**PAGE_HEADERS, **(headers or {})})
