"""Papers for the boards, made from a study's own settings: protocol, information sheet, data map and facts, preregistration.

They are drafts for people to complete: what the program knows is filled in, what only the institution knows stands in square brackets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate_app.steps import Way
from annotate_app.texts import study_texts
from db.datamap import NOT_KEPT, data_map
from mos.document import Block, Bullets, Section, Table, Text
from mos.screening import RULES

Values = Mapping[str, Any]
OPEN = "[to be completed by the institution]"


@dataclass(frozen=True)
class Subject:
    """What a paper is about: name, protocol, the proofs of its plans, and the frozen version with its hash (a draft: 0 and "")."""

    name: str
    protocol: Values
    proofs: Sequence[Values]
    version: int = 0
    sha256: str = ""

    @property
    def people(self) -> int:
        """Observers of the panels that count."""
        return sum(panel["target"] for panel in self.protocol["panels"] if panel["phase"] == "main")

    @property
    def question(self) -> Values:
        """The main question."""
        return self.protocol["questions"][0]  # type: ignore[no-any-return]


def design_table(subject: Subject) -> Table:
    """Each panel's numbers as its plan proves them."""
    heads = ["panel", "observers", "images", "votes per image", "sessions", "minutes each", "half of the 95 % interval to expect"]
    rows = [
        [str(p["panel"]), str(p["observers"]), str(p["images"]), str(p["votes_per_image"]["least"]), str(p["sittings"]),
         str(p["minutes_per_sitting"]), ", ".join(_half(half, sd) for sd, half in p["ci95_half_width"].items())]
        for p in subject.proofs
    ]  # fmt: skip
    return Table(heads, rows, "Design")


def _half(half: float | None, sd: str) -> str:
    return f"{'not to be told' if half is None else f'{half:.2f}'} at SD {sd}"


def scale_text(subject: Subject) -> str:
    """The scale in one sentence."""
    asked, labels = subject.question, subject.question["labels"]
    return (f"Each image is rated on its own ({subject.protocol['method']}) on whole numbers from {asked['low']} to {asked['high']}, "
            f"{labels[0]} to {labels[-1]}.")  # fmt: skip


def viewing_items(subject: Subject) -> list[str]:
    """What is said of screens and rooms."""
    said = subject.protocol["viewing"]
    items = ["Display, distance and light are not controlled."] if isinstance(said, str) else [
        f"{key.replace('_', ' ')}: {value}" for key, value in said.items()
    ]  # fmt: skip
    way = Way.of(subject.protocol)
    return [*items, f"Display check: {way.display}; eyes: {way.vision.replace('_', ' ')}; a failed check leads to: {way.on_failure}.",
            f"At most {way.per_window} sessions start within {way.window_hours:g} hours."]  # fmt: skip


def screening_items(subject: Subject) -> list[str]:
    """The rules, stated before the first vote."""
    said = subject.protocol["screening"]
    rules = said.get("reject_by") or []
    rules = [rules] if isinstance(rules, str) else rules
    items = [f"Computed for every observer and shown to the reviewers: {', '.join(RULES)}."]
    items += (
        [f"Rules that take observers out of the scores: {', '.join(rules)}."]
        if rules
        else ["No rule takes an observer out by itself."]
    )
    items.append("A person decides without knowing who the observer is, with a written reason, and every decision can be reversed."
                 + (" A second person must agree." if said.get("two_persons") else ""))  # fmt: skip
    return items + ([str(said["stated"])] if said.get("stated") else [])


def left_out_items(subject: Subject) -> list[str]:
    """What of the recipe is not shown, each with its reason."""
    return [f"Left out: {name}: {reason}" for name, reason in subject.protocol["leave_out"].items()]


def ethics(subject: Subject) -> list[Section]:
    """The protocol for the ethics board."""
    protocol = subject.protocol
    aim: list[Block] = [
        Text(f"{protocol['title'] or subject.name}. Observers judge the technical quality of photographs of skin and of changed "
             "copies of them. Nobody is examined, treated or diagnosed."),
        Text(f"Responsible person, institution, funding: {OPEN}."),
    ]  # fmt: skip
    people: list[Block] = [
        Bullets([f"{panel['target']} people in the panel {panel['name']}"
                 + ("" if panel["phase"] == "main" else " (rehearsal; these votes are never counted)") for panel in protocol["panels"]]),
        Text(f"They are adults; how they are found and paid: {OPEN}. They take part by a personal link, known by a code alone."),
        Text("Anyone may skip an image, pause, or withdraw on every page, and then chooses whether the votes given so far may be used."),
    ]  # fmt: skip
    burden: list[Block] = [
        design_table(subject),
        Text("The images show diseases, wounds and bare skin; the information says so beforehand."),
        *([Bullets(left_out_items(subject))] if subject.protocol["leave_out"] else []),
    ]
    return [
        Section("Aim", aim), Section("People", people), Section("What they do", [Text(scale_text(subject)), *burden]),
        Section("Viewing", [Bullets(viewing_items(subject))]), Section("Screening", [Bullets(screening_items(subject))]),
        Section("Data", [Text("Not kept: " + "; ".join(NOT_KEPT) + "."), Text("The data map is a paper of its own.")]),
    ]  # fmt: skip


def information(subject: Subject) -> list[Section]:
    """A draft of the information for observers with what GDPR Art. 13 asks for."""
    way = Way.of(subject.protocol)
    sittings = max((p["sittings"] for p in subject.proofs), default=1)
    places = {"sessions": sittings, "minutes": way.minutes, "per_window": way.per_window, "window_hours": f"{way.window_hours:g}"}
    sheet = study_texts(subject.protocol, "en", places)["sheet"]
    article = [
        f"Controller and contact (13.1 a): {OPEN}", f"Data protection officer (13.1 b): {OPEN}",
        "Purpose and legal basis (13.1 c): research on the quality of images, by your consent (Art. 6.1 a)",
        "Recipients (13.1 e): votes under a code, in results and in data that others may use for research; "
        f"the provider of the server: {OPEN}",
        f"Transfer to other countries (13.1 f): {OPEN}", f"How long (13.2 a): {OPEN}",
        "Your rights (13.2 b): to see, correct, move and erase what is kept, to restrict or object; ask the people who sent the link",
        "Withdrawing consent (13.2 c): at any time, on every page, without giving a reason",
        f"Complaint (13.2 d): to the authority {OPEN}", "No decision about you is made by a program alone (13.2 f)",
    ]  # fmt: skip
    return [
        Section("What observers read", [Text(part) for part in sheet.split("\n\n")]),
        Section("What the law asks to be said", [Bullets(article)]),
        Section("What is not kept", [Bullets(list(NOT_KEPT))]),
    ]


def data(subject: Subject) -> list[Section]:
    """The data map and the facts that an impact assessment (GDPR Art. 35) starts from."""
    entries = data_map()
    tables: dict[str, list[str]] = {}
    for one in entries:
        tables.setdefault(one.table, [one.table, one.about, one.purpose, one.kept])
    personal = [[f"{e.table}.{e.column}", e.about, e.personal] for e in entries if e.personal]
    facts = [
        f"About {subject.people} observers, {sum(p['presentations'] for p in subject.proofs)} presentations planned.",
        "Observers are known by a code; links and cookies are kept as hashes; names and addresses stay with whoever invites.",
        "Photos show patients' skin: each accepted photo has a permission or licence; for one that is not from a public source "
        "a person looks and says that no name, face or tattoo identifies.",
        "Erasing a person removes code, answers and devices at once; votes are kept without a name or removed, as the consent says.",
        "Every action of a curator stands in an append-only trail chained by hashes.",
        f"Where the server stands, who administers it, how disks are encrypted: {OPEN}.",
    ]
    return [
        Section("Facts", [Bullets(facts)]), Section("Not kept", [Bullets(list(NOT_KEPT))]),
        Section("Tables", [Table(["table", "about", "purpose", "kept"], list(tables.values()), "Every table of the database")]),
        Section("Personal data", [Table(["column", "about", "what it tells"], personal, "Columns that tell something of a person")]),
    ]  # fmt: skip


def preregistration(subject: Subject) -> list[Section]:
    """The text for a registry: what is fixed before the first vote."""
    protocol = subject.protocol
    leave = [f"{variant}: {reason}" for variant, reason in protocol["leave_out"].items()] or ["no variant of the recipe"]
    fixed = [f"Recipe {protocol['recipe']}, left out: {'; '.join(leave)}.",
             f"{protocol['training']} training images and {protocol['gold']} gold images of contents that are not rated."]  # fmt: skip
    outcome = [
        "Opinion score of each image: the mean of first votes, with n, SD and the 95 % interval by Student's t.",
        "Hidden repeats and gold images judge observers; no score uses them.",
    ]
    outcome += (
        ["Differences to the hidden reference, paired by observer; values above the scale are valid."]
        if protocol["method"] == "ACR-HR"
        else []
    )
    stop = f"Voting ends when {subject.people} observers have finished or the study is closed by hand; scores stay hidden until then."
    asked = f"{protocol['title'] or subject.name}: how do people judge the quality of these images? Hypotheses: {OPEN}."
    return [
        Section("Question", [Text(asked)]),
        Section("Images", [Bullets(fixed)]), Section("Design", [Text(scale_text(subject)), design_table(subject)]),
        Section("Outcomes", [Bullets(outcome)]), Section("Exclusion", [Bullets(screening_items(subject))]),
        Section("Stopping", [Text(stop)]), Section("Viewing", [Bullets(viewing_items(subject))]),
    ]  # fmt: skip


PAPERS: dict[str, tuple[str, Callable[[Subject], list[Section]]]] = {
    "ethics": ("Protocol for the ethics board", ethics),
    "information": ("Information for observers (draft)", information),
    "data": ("Data map and facts for an impact assessment", data),
    "preregistration": ("Preregistration", preregistration),
}
