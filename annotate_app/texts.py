"""The texts that a study shows unless it has its own: information sheet, consent, instructions, contacts, quiz.

English stands here and is translated by the catalogues; a study's own texts are `protocol["texts"][LANGUAGE][NAME]`. Places in curly
brackets (`{sessions}`, `{minutes}`) are filled with the study's numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotate_app.pages import translations


def _(text: str) -> str:
    """Marks a text for the catalogues; it is translated where it is used."""
    return text


SHEET = (
    _(
        "You are asked to judge the technical quality of images. Each image shows a photograph of skin. There are no right or wrong "
        "answers: your own impression counts."
    ),
    _(
        "Number of sessions: {sessions}, each of about {minutes} minutes. You choose when. At most {per_window} sessions may be started "
        "within {window_hours} hours, so that your eyes stay fresh."
    ),
    _(
        "Please note what you will see: skin diseases, wounds and bare parts of the body. Some people find such pictures unpleasant. "
        "You may skip any image and you may stop at any time, without giving a reason."
    ),
    _(
        "What is kept: your judgements and the time they took, your answers on the next pages, and facts about your screen. Your name, "
        "your mail address and your internet address are not kept. You are known by a code only."
    ),
    _(
        "Taking part is voluntary. You can withdraw on every page, also while you rate. You then choose whether the judgements that you "
        "have already given may still be used."
    ),
)
CONSENT = (
    _("I have read the information and I could ask questions."),
    _("I am at least 18 years old."),
    _("I know that the images show skin diseases, and I can stop at any time."),
    _("I agree that my judgements are kept under a code and used for research."),
)
INSTRUCTIONS = (
    _(
        "You will see images one after the other. Say for each one how good its technical quality is, from {low_label} to {high_label}."
    ),
    _("Judge the picture, not what it shows: a serious disease can be in an excellent picture, and healthy skin in a bad one."),
    _("Judge each image on its own. The same skin may come again; do not try to remember what you said before."),
    _("Go by your first impression, but look at the whole image. Use the whole scale."),
    _("Sit as you will sit all the time, and keep your distance from the screen. The lights should stay as they are."),
    _("The first images are practice and do not count. Half way there is a pause; you can also pause at any time."),
)
CONTACTS = (_("The people who sent you the link answer your questions. Tell them your code, never your name on these pages."),)
TEXTS = {"sheet": SHEET, "consent": CONSENT, "instructions": INSTRUCTIONS, "contacts": CONTACTS}
LABELS = {
    "bad": _("bad"),
    "poor": _("poor"),
    "fair": _("fair"),
    "good": _("good"),
    "excellent": _("excellent"),
    "yes": _("yes"),
    "no": _("no"),
    "can't tell": _("can't tell"),
}
QUESTIONS = {
    "quality": _("How good is the quality of this image?"),
    "judge": _("Could you judge the skin in this picture?"),
}

ERRORS = (
    _("This does not work"),
    _("There is no such page"),
    _("this browser is not signed on: open the link again"),
    _("another device has taken over: open the link again to go on here"),
    _("the form has run out: load the page again"),
    _("this request comes from another site"),
)


@dataclass(frozen=True)
class Check:
    """A question of the quiz: choices, the right one's place, and what to say when it was missed."""

    text: str
    choices: tuple[str, ...]
    right: int
    reason: str


QUIZ = (
    Check(
        _("What do you judge?"),
        (_("How serious the disease is"), _("The technical quality of the image"), _("How beautiful the photograph is")),
        1,
        _("Only the technical quality counts, whatever the image shows."),
    ),
    Check(
        _("You see skin that you have seen before. What do you do?"),
        (_("Give the same number again"), _("Skip the image"), _("Judge this image on its own")),
        2,
        _("The same skin may come in a better or worse image: judge each image on its own."),
    ),
    Check(
        _("An image is unpleasant for you. What may you do?"),
        (_("Skip it, pause, or stop altogether"), _("Give it the lowest number"), _("I must rate it")),
        0,
        _("You never have to look: skip the image, pause, or stop. Your numbers are for technical quality only."),
    ),
)


def default_texts(language: str) -> dict[str, str]:
    """The project's own texts in a language: name -> paragraphs parted by empty lines, places in curly brackets unfilled."""
    catalogue = translations(language)
    return {name: "\n\n".join(catalogue.gettext(part) for part in parts) for name, parts in TEXTS.items()}


def study_texts(protocol: Mapping[str, Any], language: str, places: Mapping[str, object]) -> dict[str, str]:
    """A study's texts in a language (else in English, else the project's own), places filled."""
    own = protocol.get("texts") or {}
    found = {**default_texts(language), **(own.get(language) or own.get("en") or {})}
    return {name: fill(text, places) for name, text in found.items() if isinstance(text, str)}


def fill(text: str, places: Mapping[str, object]) -> str:
    """A text with its places in curly brackets filled; other brackets stay as they are."""
    for name, value in places.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def version_of(text: str) -> str:
    """A short name of a text's wording: the first 12 digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def word(text: str, language: str) -> str:
    """A label, question or other short text in a language, itself where the catalogue lacks it."""
    return str(translations(language).gettext(text)) if text else ""


def sentence(text: str) -> str:
    """A line with a capital in front and a full stop behind, for a page."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) or not text else f"{text}."
