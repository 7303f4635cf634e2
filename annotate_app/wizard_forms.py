"""How each step of the wizard fills its form from a draft and reads it back; a wrong cell is named with its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel import Locale

from annotate_app.pages import languages
from annotate_app.protocol import DRAFT, LABELS, PANEL, SCALES, scale_question
from annotate_app.steps import Way
from annotate_app.texts import TEXTS, default_texts
from workspace.errors import StudyFault

Draft = dict[str, Any]
Sent = Mapping[str, Sequence[str]]
EXPECTED = {"nothing expected": None, "KADID-10k's mean opinion": "kadid"}
OWN = "values of their own"
MEASURED = ("peak_cd_m2", "room_lx", "white_point", "distance_cm", "display_model")
JUDGE: Draft = {"name": "judge", "kind": "yes_no", "labels": ["yes", "no"], "texts": {}}
SECOND = {"after all images": "pass", "with each image": "each"}
HEADINGS = {"sheet": "Information for observers", "contacts": "Whom to ask"}
MOST_PANELS = 6


@dataclass(frozen=True)
class Field:
    """A cell of a form. `kind`: text, number (a whole one or empty), area, choice, many (ticks), recipe."""

    name: str
    label: str
    help: str = ""
    kind: str = "text"
    choices: tuple[str, ...] = ()


class WrongField(StudyFault):
    """A cell that can't be taken; `field` is its name."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def one(sent: Sent, name: str) -> str:
    """A field's text without the spaces around."""
    return (list(sent.get(name, [])) or [""])[0].strip()


def whole(sent: Sent, name: str, *, least: int = 0, most: int = 1_000_000, empty: int | None = None) -> int | None:
    """A whole number, `empty` where nothing was typed. Raises WrongField."""
    said = one(sent, name)
    if not said:
        return empty
    if not said.isascii() or not said.isdigit() or not least <= int(said[:12]) <= most:
        raise WrongField(name, f"{said!r} was typed: a whole number from {least} to {most} was expected")
    return int(said)


def real(sent: Sent, name: str, least: float, most: float) -> float:
    """A number within limits. Raises WrongField."""
    said = one(sent, name)
    try:
        value = float(said)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise WrongField(name, f"{said!r} was typed: a number from {least:g} to {most:g} was expected")
    return value


def lines_of(sent: Sent, name: str) -> list[str]:
    """The lines of an area, empty ones left out."""
    return [line.strip() for line in one(sent, name).splitlines() if line.strip()]


def shown(value: Any) -> str:
    """A draft's value as a form shows it."""
    return "" if value is None else ("yes" if value else "no") if isinstance(value, bool) else str(value)


def show_images(draft: Draft) -> dict[str, Any]:
    """The cells of the step Images."""
    kept = {name: shown(draft[name]) for name in ("title", "recipe", "authentic", "training", "gold")}
    reserve = draft["reserve"]
    own = isinstance(draft["gold_values"], dict)
    expected = OWN if own else next(word for word, value in EXPECTED.items() if value == draft["gold_values"])
    return {
        **kept, "gold_values": expected, "reserve": "" if isinstance(reserve, list) else shown(reserve),
        "contents": "\n".join(draft["contents"] or []), "leave_out": "\n".join(f"{k}: {v}" for k, v in draft["leave_out"].items()),
    }  # fmt: skip


def read_images(draft: Draft, sent: Sent) -> Draft:
    """The change that the step Images says; a reserve set by file and gold values of their own are kept unless replaced here."""
    left = {}
    for line in lines_of(sent, "leave_out"):
        variant, _, reason = (part.strip() for part in line.partition(":"))
        if not reason:
            raise WrongField("leave_out", f"{line!r} has no reason: `variant: reason` was expected")
        left[variant] = reason
    reserve: Any = whole(sent, "reserve")
    if reserve is None and isinstance(draft["reserve"], list):
        reserve = draft["reserve"]
    said = one(sent, "gold_values")
    own = draft["gold_values"] if isinstance(draft["gold_values"], dict) else None
    return {
        "title": one(sent, "title")[:200], "recipe": one(sent, "recipe"), "authentic": one(sent, "authentic") == "yes", "reserve": reserve,
        "training": whole(sent, "training", most=1000, empty=0), "gold": whole(sent, "gold", most=1000, empty=0),
        "gold_values": own if said == OWN else EXPECTED.get(said, own),
        "contents": lines_of(sent, "contents") or None, "leave_out": left,
    }  # fmt: skip


def show_method(draft: Draft) -> dict[str, Any]:
    """The cells of the step Method."""
    main = draft["questions"][0]
    levels = next((name for name, ends in SCALES.items() if ends == (main["low"], main["high"])), "10")
    second = any(question["name"] == "judge" for question in draft["questions"])
    way = next(word for word, key in SECOND.items() if key == draft["second_question"])
    labels = "ends" if main["labels"] == LABELS["ends"] else "pairs"
    return {"method": draft["method"], "levels": levels, "labels": labels, "repeats": shown(draft["repeats"]),
            "usefulness": way if second else "no"}  # fmt: skip


def read_method(draft: Draft, sent: Sent) -> Draft:
    """The change that the step Method says; further questions set by file are kept."""
    levels = one(sent, "levels")
    main = scale_question(int(levels) if levels in SCALES else 0, one(sent, "labels"))
    others = [question for question in draft["questions"][1:] if question["name"] != "judge"]
    second = one(sent, "usefulness")
    if second in SECOND:
        others.append(JUDGE)
    return {"method": one(sent, "method"), "questions": [{**main, "texts": draft["questions"][0]["texts"]}, *others],
            "repeats": whole(sent, "repeats", most=200), "second_question": SECOND.get(second, draft["second_question"])}  # fmt: skip


def main_panels(draft: Draft) -> list[Draft]:
    """The panels whose votes are data."""
    return [panel for panel in draft["panels"] if panel["phase"] == "main"]


def panel_fields(draft: Draft) -> tuple[Field, ...]:
    """Three cells for each panel, and an empty row more."""
    rows = min(MOST_PANELS, len(main_panels(draft)) + 1)
    cells = []
    for n in range(1, rows + 1):
        cells += [Field(f"name{n}", f"Panel {n}", "Empty: no such panel." if n > 1 else "Such as lay or experts."),
                  Field(f"target{n}", "Observers", "24 or more in a laboratory, 35 or more at home.", "number"),
                  Field(f"contents{n}", "Contents rated", "Empty: all; a number: so many, drawn by the seed.", "number")]  # fmt: skip
    return tuple(cells)


def show_panels(draft: Draft) -> dict[str, Any]:
    """The cells of the step Panels."""
    cells: dict[str, Any] = {field.name: "" for field in panel_fields(draft)}
    for n, panel in enumerate(main_panels(draft)[:MOST_PANELS], start=1):
        contents = panel["contents"] if isinstance(panel["contents"], int) else None
        cells |= {f"name{n}": panel["name"], f"target{n}": str(panel["target"]), f"contents{n}": shown(contents)}
    return cells


def read_panels(draft: Draft, sent: Sent) -> Draft:
    """The panels as typed, each keeping what the form doesn't ask; pilot and dry run stay."""
    before, made = {panel["name"]: panel for panel in draft["panels"]}, []
    for n in range(1, MOST_PANELS + 1):
        name = one(sent, f"name{n}")[:60]
        if not name:
            continue
        target = whole(sent, f"target{n}", least=1, most=10_000, empty=40)
        contents: Any = whole(sent, f"contents{n}", least=1)
        kept = before.get(name, PANEL)
        if contents is None and isinstance(kept["contents"], list):
            contents = kept["contents"]
        made.append({**kept, "name": name, "phase": "main", "target": target, "contents": contents})
    if not made:
        raise WrongField("name1", "one panel or more was expected")
    return {"panels": [*made, *(panel for panel in draft["panels"] if panel["phase"] != "main")]}


def show_design(draft: Draft) -> dict[str, Any]:
    """The cells of the step Design."""
    names = ("blocks", "take", "together", "references_everywhere", "distance", "seconds", "seed")
    return {name: shown(draft[name]) for name in names}


def read_design(draft: Draft, sent: Sent) -> Draft:
    """The change that the step Design says."""
    return {
        "blocks": whole(sent, "blocks", least=1, most=1000), "take": whole(sent, "take", least=1, most=1000),
        "together": one(sent, "together") == "yes", "references_everywhere": one(sent, "references_everywhere") == "yes",
        "distance": whole(sent, "distance", most=200, empty=DRAFT["distance"]), "seconds": real(sent, "seconds", 1, 120),
        "seed": whole(sent, "seed", most=2**31),
    }  # fmt: skip


def show_viewing(draft: Draft) -> dict[str, Any]:
    """The cells of the step Viewing."""
    way, said = Way.of(draft), draft["viewing"]
    measured = said if isinstance(said, dict) else {}
    return {
        "controlled": "not controlled" if said == "not controlled" else "measured",
        **{name: shown(measured.get(name)) for name in MEASURED},
        "display": way.display, "vision": way.vision, "on_failure": way.on_failure, "per_window": str(way.per_window),
        "window_hours": f"{way.window_hours:g}",
    }  # fmt: skip


def read_viewing(draft: Draft, sent: Sent) -> Draft:
    """The change that the step Viewing says; measured conditions need at least one value."""
    measured = {name: one(sent, name)[:200] for name in MEASURED if one(sent, name)}
    controlled = one(sent, "controlled") == "measured"
    if controlled and not measured:
        raise WrongField("peak_cd_m2", "nothing was measured: type at least one value, or choose not controlled")
    way = {**draft["way"], **{name: one(sent, name) for name in ("display", "vision", "on_failure")}}
    way |= {
        "per_window": whole(sent, "per_window", least=1, most=50, empty=2),
        "window_hours": real(sent, "window_hours", 0, 1000),
    }
    Way.of({"way": way})
    return {"viewing": measured if controlled else "not controlled", "way": way}


def text_fields(draft: Draft) -> tuple[Field, ...]:
    """An area for each text and language, with the project's own wording as its help."""
    return tuple(
        Field(f"{language}_{name}", f"{HEADINGS.get(name, name.capitalize())} ({Locale(language).english_name})",
              default_texts(language)[name], "area")
        for language in languages() for name in TEXTS
    )  # fmt: skip


def show_texts(draft: Draft) -> dict[str, Any]:
    """The cells of the step Texts."""
    return {f"{code}_{name}": (draft["texts"].get(code) or {}).get(name, "") for code in languages() for name in TEXTS}


def read_texts(draft: Draft, sent: Sent) -> Draft:
    """The texts as typed; other texts of a study set by file are kept."""
    texts = {code: {k: v for k, v in said.items() if k not in TEXTS} for code, said in draft["texts"].items()}
    for code in languages():
        typed = {name: one(sent, f"{code}_{name}").replace("\r\n", "\n") for name in TEXTS}
        texts[code] = {**texts.get(code, {}), **{name: text for name, text in typed.items() if text}}
    return {"texts": {code: said for code, said in texts.items() if said}}


def show_screening(draft: Draft) -> dict[str, Any]:
    """The cells of the step Screening."""
    said = draft["screening"]
    rules = said.get("reject_by", [])
    return {"reject_by": [rules] if isinstance(rules, str) else list(rules), "two_persons": shown(bool(said.get("two_persons"))),
            "stated": said.get("stated", "")}  # fmt: skip


def read_screening(draft: Draft, sent: Sent) -> Draft:
    """The change that the step Screening says."""
    from mos.screening import check_rules

    rules = list(check_rules([rule for rule in sent.get("reject_by", []) if rule]))
    kept = {key: value for key, value in draft["screening"].items() if key not in ("reject_by", "two_persons", "stated")}
    said = {"reject_by": rules, "two_persons": one(sent, "two_persons") == "yes", "stated": one(sent, "stated")}
    return {"screening": {**kept, **{key: value for key, value in said.items() if value}}}


def show_pilot(draft: Draft) -> dict[str, Any]:
    """The cells of the step Pilot."""
    counts = {panel["phase"]: str(panel["target"]) for panel in draft["panels"]}
    return {"pilot": counts.get("pilot", "0"), "dry_run": counts.get("dry_run", "0")}


def read_pilot(draft: Draft, sent: Sent) -> Draft:
    """Panels of the pilot and of the dry run beside those whose votes are data."""
    made = main_panels(draft)
    for phase in ("pilot", "dry_run"):
        count = whole(sent, phase, most=20, empty=0)
        before = next((panel for panel in draft["panels"] if panel["phase"] == phase), {**PANEL, "name": phase.replace("_", " ")})
        if count:
            made = [*made, {**before, "phase": phase, "target": count}]
    return {"panels": made}
