"""What each page of the observer's way shows: template and values. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from babel import Locale

from annotate_app import answers, display, steps, texts, vision, visits
from annotate_app.eyes import is_lab
from annotate_app.pages import languages
from annotate_app.texts import _
from annotate_app.visits import Visit
from db.types import now

Values = dict[str, Any]
ROOM = 512
AGE_WORDS = {"no_answer": _("I would rather not say")}
GLASSES = {"none": _("Neither"), "glasses": _("Glasses"), "lenses": _("Contact lenses")}
DIRECTIONS = {"right": _("to the right"), "down": _("down"), "left": _("to the left"), "up": _("up")}
GREYS = {"11": _("all eleven"), "9-10": _("nine or ten"), "7-8": _("seven or eight"), "0-6": _("six or fewer")}


def names() -> dict[str, str]:
    """Each language's own name for itself."""
    return {code: str(Locale.parse(code).get_display_name(code)).capitalize() for code in languages()}


def own_fields(fields: Sequence[Mapping[str, Any]], language: str) -> list[Values]:
    """A study's own questions in a language: name, text, choices as (value, text)."""
    shown = []
    for each in fields:
        text = each.get("text", each["name"])
        words = (text.get(language) or text.get("en") or each["name"]) if isinstance(text, Mapping) else text
        choices = [(str(choice), texts.word(str(choice), language)) for choice in each.get("choices") or ()]
        shown.append({"name": str(each["name"]), "text": words, "choices": choices})
    return shown


def consent(visit: Visit) -> Values:
    """The information sheet and the statements to agree to."""
    shown = visit.texts()
    return {"texts": shown, "version": texts.version_of(shown["sheet"] + shown["consent"])}


def exclusion(visit: Visit) -> Values:
    """The study's questions on who can take part."""
    return {"fields": own_fields(visit.way.exclusion, visit.language)}


def questions(visit: Visit) -> Values:
    """The questionnaire; a choice's value and words."""
    say = saying(visit)
    return {
        "fields": own_fields(visit.way.fields, visit.language),
        "ages": [(age, say(AGE_WORDS.get(age, age))) for age in answers.AGES],
        "glasses": [(value, say(word)) for value, word in GLASSES.items()],
        "yes_no": [("yes", say("yes")), ("no", say("no"))],
        "zones": zones(),
    }


@lru_cache(maxsize=1)
def zones() -> list[str]:
    """Time zones to choose from, UTC last."""
    return [*sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")), "UTC"]


def screen(visit: Visit) -> Values:
    """The window's size against the room that a picture needs."""
    return {"room": room(visit), "ticks": tick_list(visit), "later": visit.number > 1}


def patches(visit: Visit) -> Values:
    """The words for how many greys are seen."""
    say = saying(visit)
    return {"grey_counts": [(value, say(word)) for value, word in GREYS.items()]}


def tick_list(visit: Visit) -> list[tuple[str, str]]:
    """Settings of a screen that bend what is seen."""
    say = saying(visit)
    return [(name, say(text)) for name, text in display.TICKS.items()]


def acuity(visit: Visit) -> Values:
    """The card that is due and, in the laboratory, the distance to look from."""
    card = visit.observer.answers.get("card") or {}
    lab = is_lab(visit.way, visit.observer.answers)
    say = saying(visit)
    return {
        "card": visits.acuity_gap(visit),
        "lab": lab,
        "distance_cm": round(vision.lab_distance(card["mm_per_pixel"]) / 10) if lab else 0,
        "signs": vision.SIGNS,
        "first_card": not (visit.observer.answers.get("acuity") or {}).get("cards"),
        "directions": [(value, say(word)) for value, word in DIRECTIONS.items()],
    }


def plates(visit: Visit) -> Values:
    """How many plates there are."""
    return {"count": vision.PLATES}


def instructions(visit: Visit) -> Values:
    """The written instructions, their version, and the question."""
    shown = visit.texts()
    question = visit.questions[0]
    return {
        "texts": shown,
        "version": texts.version_of(shown["instructions"]),
        "question": visit.sentence(question),
        "high": question.high,
    }


def quiz(visit: Visit) -> Values:
    """The quiz's questions and choices."""
    say = saying(visit)
    shown = [
        {"name": f"check{i}", "text": say(check.text), "choices": [(str(k), say(word)) for k, word in enumerate(check.choices)]}
        for i, check in enumerate(texts.QUIZ)
    ]
    return {"quiz": shown}


def examples(visit: Visit) -> Values:
    """A numbered example for each label."""
    found, question = visits.examples(visit), visit.questions[0]
    numbers = label_numbers(question.low, question.high, len(found))
    return {"examples": [{"number": i, "label": label, "numbers": numbers[i]} for i, (_use, _shown, label) in enumerate(found)]}


def label_numbers(low: int, high: int, labels: int) -> list[str]:
    """The numbers that each label of a scale stands over: the two ends, or equal spans; empty where labels have no own numbers."""
    if labels == 2:
        return [str(low), str(high)]
    span, rest = divmod(high - low + 1, labels) if labels else (0, 0)
    if rest or not span:
        return [""] * labels
    starts = range(low, high + 1, span)
    return [str(start) if span == 1 else f"{start}-{start + span - 1}" for start in starts]


def rest(visit: Visit) -> Values:
    """Sessions done, the receipt, and when the next may start."""
    start = visits.may_start(visit)
    return {
        "done": visit.done,
        "total": visit.total,
        "receipt": next((one.receipt for one in reversed(visit.sessions) if one.receipt), ""),
        "start": start,
        "ready": start <= now(),
        "per_window": visit.way.per_window,
        "window_hours": f"{visit.way.window_hours:g}",
        "session_minutes": visit.way.minutes,
    }


def finished(visit: Visit) -> Values:
    """The last receipt, all receipts, and the address of a panel provider."""
    receipts = [one.receipt for one in visit.sessions if one.receipt]
    return {"receipt": receipts[-1] if receipts else "", "receipts": receipts, "back": visit.way.returns.get("completed", "")}


def nothing(visit: Visit) -> Values:
    """A page without values of its own."""
    return {}


PAGES: dict[str, Callable[[Visit], Values]] = {
    "consent": consent,
    "exclusion": exclusion,
    "questions": questions,
    "screen": screen,
    "card": nothing,
    "patches": patches,
    "ticks": screen,
    "short": screen,
    "acuity": acuity,
    "plates": plates,
    "instructions": instructions,
    "quiz": quiz,
    "examples": examples,
    "rest": rest,
    "remarks": nothing,
    "finished": finished,
}
MESSAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "waiting": (
        _("You are on the waiting list"),
        (
            _(
                "All places are taken at the moment. Thank you for your interest; open your link again later to see whether one is free."
            ),
        ),
    ),
    "withdrawn": (
        _("You have withdrawn"),
        (
            _("You will not be asked again. Thank you for the time that you gave."),
            _("Your wish about your answers has been noted under your code."),
        ),
    ),
    "screened_out": (
        _("Thank you, this is the end for you"),
        (_("This study needs observers or screens of another kind. It is not your fault and says nothing about your health."),),
    ),
    "replaced": (
        _("Somebody else has taken your place"),
        (
            _(
                "You were away for long, so the rest of your images went to another observer. What you have given is safe. Thank you!"
            ),
        ),
    ),
    "closed": (
        _("The study takes no votes now"),
        (_("It has ended, or has not begun yet. What you have given is safe. The people who sent you the link know more."),),
    ),
}


def saying(visit: Visit) -> Callable[[str], str]:
    """How to say a text in the observer's language."""
    return lambda text: texts.word(text, visit.language)


def room(visit: Visit) -> int:
    """The side in pixels of the square that is kept for a picture: 512, more where a study's images are larger."""
    return int((visit.protocol.get("settings") or {}).get("room") or ROOM)


def shared(visit: Visit, step: str) -> Values:
    """What every page of the way shows: the observer, how far along, minutes left."""
    values: Values = {"observer": visit.observer, "names": names(), "faults": {}, "typed": {}}
    if step in steps.FIRST and step != "rate":
        values |= {
            "share": steps.share_done(step, visit.way, visit.number),
            "minutes": steps.minutes_left(step, visit.way, visit.number),
        }
    return values


def page(visit: Visit, step: str) -> tuple[str, Values]:
    """The template and values of a step or an end."""
    if step in MESSAGES:
        heading, lines = MESSAGES[step]
        say = saying(visit)
        back = visit.way.returns.get("screened_out", "") if step == "screened_out" else ""
        link = (back, say(_("Back to where you came from"))) if back else None
        return "observer/message.html", {
            **shared(visit, step),
            "heading": say(heading),
            "lines": [say(x) for x in lines],
            "link": link,
        }
    return f"observer/{step}.html", {**shared(visit, step), **PAGES[step](visit)}
