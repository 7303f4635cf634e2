"""Languages: every text of the observer's pages is translated, and pages allow nothing foreign."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract
from starlette.requests import Request

from annotate_app import pages, texts
from annotate_app.views import label_numbers

ROOT = Path(__file__).resolve().parents[2]


def marked_texts() -> set[str]:
    """Every text that templates and code mark for translation."""
    found = set()
    options = {"trimmed": "true", "extensions": "jinja2.ext.do"}
    for path in sorted((ROOT / "templates" / "observer").glob("*.html")):
        with path.open("rb") as stream:
            found |= {text for _line, _name, text, _notes in babel_extract(stream, ("_",), (), options)}
    for path in sorted((ROOT / "annotate_app").rglob("*.py")):
        with path.open("rb") as stream:
            found |= {text for _line, _name, text, _notes in extract_python(stream, ("_",), (), {})}
    return {text for text in (one[0] if isinstance(one, tuple) else one for one in found) if text}


@pytest.mark.parametrize("language", [code for code in pages.languages() if code != "en"])
def test_every_text_is_translated(language: str) -> None:
    """Each catalogue has a translation of every marked text with the same places, and nothing that no page uses."""
    with (pages.LOCALE / f"{language}.po").open("rb") as stream:
        catalogue = {message.id: message.string for message in read_po(stream, locale=language) if message.id}
    texts = marked_texts()
    assert {text for text in texts if not catalogue.get(text)} == set()
    assert set(catalogue) - texts == set()
    for text, said in catalogue.items():
        for mark in ("%(n)s", "%(done)s", "%(total)s", "%(cm)s", "{minutes}", "{sessions}", "{low_label}", "{high_label}"):
            assert text.count(mark) == said.count(mark), text


def test_choice_of_language() -> None:
    """The wanted language goes first, then the browser's, then English."""
    assert pages.languages()[0] == "en"
    assert pages.choose_language("es", "en") == "es"
    assert pages.choose_language(None, "fr-FR, es-MX;q=0.8, en;q=0.5") == "es"
    assert pages.choose_language("xx", "fr") == "en"


def test_third_language_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue file more is a language more."""
    (tmp_path / "it.po").write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Next"\nmsgstr "Avanti"\n'
    )
    for cached in (pages.languages, pages.translations, pages.environment):
        cached.cache_clear()
    monkeypatch.setattr(pages, "LOCALE", tmp_path)
    try:
        assert pages.languages() == ("en", "it")
        assert pages.translations("it").gettext("Next") == "Avanti"
    finally:
        for cached in (pages.languages, pages.translations, pages.environment):
            cached.cache_clear()


def test_page_headers_and_escaping() -> None:
    """A page escapes what it is given and allows no script, style or frame of others, nor inline ones."""
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "root_path": "/lab", "state": {}})
    answer = pages.render(request, "observer/message.html", "es", heading="<b>x</b>", lines=["a & b"], observer=None)
    page = bytes(answer.body).decode()
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "a &amp; b" in page
    assert '<html lang="es" data-root="/lab">' in page
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "private, no-store"


def test_templates_have_no_inline_script_or_style() -> None:
    """No template holds an inline script, a style or an event attribute: the policy would refuse it."""
    for path in sorted((ROOT / "templates" / "observer").glob("*.html")):
        text = path.read_text(encoding="utf-8")
        assert "<style" not in text, path
        assert " style=" not in text, path
        assert " onclick=" not in text, path
        assert all("src=" in tag for tag in text.split("<script")[1:]), path


def test_labels_say_which_numbers_they_stand_over() -> None:
    """Five labels stand over pairs of ten or over one number of five each, two over the ends, five of 0-100 over none of their own."""
    assert label_numbers(1, 10, 5) == ["1-2", "3-4", "5-6", "7-8", "9-10"]
    assert label_numbers(1, 5, 5) == ["1", "2", "3", "4", "5"]
    assert label_numbers(0, 10, 2) == ["0", "10"]
    assert label_numbers(0, 100, 5) == [""] * 5
    assert label_numbers(1, 10, 0) == []


def test_a_line_on_a_page_is_a_sentence() -> None:
    """A refusal's line begins with a capital and ends with a full stop; one that does so already stays."""
    assert texts.sentence("another device has taken over: go on") == "Another device has taken over: go on."
    assert texts.sentence("Gracias.") == "Gracias."
    assert texts.sentence("") == ""
