"""Verbs of a study on its way to a frozen plan: create, copy, gold, plan, freeze."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.cli import LazyGroup
from dermiqa.commands.common import current_workspace, example, hint, json_option, say, say_json, say_table, workspace_option

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from workspace.settings import Workspace

HERE, RUN = "dermiqa.commands.study", "dermiqa.commands.study_run"
STUDY_VERBS = {
    "create": (f"{HERE}:create", "Make a study: images, scale, roles, panels."),
    "copy": (f"{HERE}:copy", "Make a draft with another study's settings."),
    "gold": (f"{HERE}:gold", "Take what gold images are expected to get from a pilot."),
    "plan": (f"{HERE}:plan", "Show what a study would freeze, and the plan's proof."),
    "power": ("dermiqa.commands.power:power", "What a study can tell apart."),
    "freeze": (f"{HERE}:freeze", "Freeze a study's files, texts and plan for good."),
    "open": (f"{RUN}:open_study", "Let observers in."),
    "invite": (f"{RUN}:invite", "Make invitation links."),
    "top-up": (f"{RUN}:top_up", "Add balanced rows to a frozen study for more observers."),
    "close": (f"{RUN}:close", "Take no more votes."),
    "status": (f"{RUN}:status", "Show how far a study is."),
    "retain": ("dermiqa.commands.retention:retain", "State how long a study keeps what is about people."),
    "due": ("dermiqa.commands.retention:due", "List the studies whose retention date is over."),
    "verify": (f"{RUN}:verify", "Check a frozen study against its hashes and its plan."),
}


@click.group(cls=LazyGroup, verbs=STUDY_VERBS, **example("dermiqa study create first --training 10 --gold 6"))
def study() -> None:
    """A study: from a draft to a frozen plan, open, closed."""


def open_database(workspace: Path | None) -> tuple[Workspace, Engine]:
    """The workspace and its database, tables made where there are none. Raises DatabaseFault for an older or newer one."""
    from db.engine import check_reachable, open_engine
    from db.migrate import current, require_current, upgrade
    from workspace.places import require_safe_for_sqlite

    place = current_workspace(workspace)
    require_safe_for_sqlite(place.database_url)
    engine = open_engine(place.database_url)
    check_reachable(engine)
    if current(engine) is None:
        upgrade(engine)
    require_current(engine)
    return place, engine


def read_draft(path: Path) -> dict[str, Any]:
    """A study's settings from a TOML or JSON file. Raises UsageFault."""
    import tomllib

    from workspace.errors import UsageFault

    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as fault:
        raise UsageFault(f"{path} can't be read: {fault.strerror}") from None
    except ValueError as fault:
        raise UsageFault(f"{path} is not valid {path.suffix.lstrip('.') or 'TOML'}: {fault}") from None
    if not isinstance(found, dict):
        raise UsageFault(f"{path} holds no table of settings")
    return found


@click.command(**example("dermiqa study create first --training 10 --gold 6 --reserve 3 --target 40"))
@click.argument("name")
@click.option("--settings", "file", type=click.Path(path_type=Path), help="A TOML or JSON file with any of the study's settings.")
@click.option("--recipe", help="The recipe whose variants are shown (default: dermiqa.toml's).")
@click.option("--method", type=click.Choice(["ACR-HR", "ACR"]), help="With or without the hidden reference (default ACR-HR).")
@click.option("--levels", type=click.Choice(["5", "9", "10", "11", "100"]), help="Levels of the scale (default 10: 1 to 10).")
@click.option("--labels", type=click.Choice(["pairs", "ends"]), help="Five labels over the scale, or its ends alone.")
@click.option("--target", type=click.IntRange(1, 10_000), help="Observers (default 40).")
@click.option(
    "--reserve", type=click.IntRange(0), help="Contents left out of the test for training and gold (default 6, at most 1/4)."
)
@click.option("--training", type=click.IntRange(0), help="Training images (default 10).")
@click.option("--gold", type=click.IntRange(0), help="Gold images in a sitting (default 6).")
@click.option("--gold-from", type=click.Choice(["kadid"]), help="Expect KADID-10k's mean opinion of a gold image's variant.")
@click.option("--repeats", type=click.IntRange(0), help="Hidden repeats in a sitting (default 5 %).")
@click.option("--blocks", type=click.IntRange(1), help="Blocks (default: sittings of at most 200 images).")
@click.option("--take", type=click.IntRange(1), help="Blocks that each observer rates (default: all).")
@click.option("--together", is_flag=True, help="Keep whole contents in a block.")
@click.option("--title", help="The study's title.")
@workspace_option
@json_option
def create(name: str, file: Path | None, levels: str | None, labels: str | None, target: int | None, gold_from: str | None,
           together: bool, workspace: Path | None, as_json: bool, **said: Any) -> None:  # fmt: skip
    """Make the study NAME; nothing is frozen yet, and `study plan` shows what it comes to."""
    from annotate_app import studies
    from annotate_app.protocol import scale_question
    from db.engine import writing

    place, engine = open_database(workspace)
    draft: dict[str, Any] = {"recipe": place.settings.recipe, **(read_draft(file) if file else {})}
    draft |= {key: value for key, value in said.items() if value is not None}
    if levels or labels:
        draft["questions"] = [scale_question(int(levels or 10), labels or "pairs"), *draft.get("questions", [])[1:]]
    if target:
        draft["panels"] = [{**panel, "target": target} for panel in draft.get("panels") or [{}]]
    draft |= {"gold_values": gold_from} if gold_from else {}
    draft |= {"together": True} if together else {}
    with writing(engine) as session:
        made = studies.create(session, name, **draft)
        values = made.draft
    if as_json:
        say_json({"study": name, "draft": values})
        return
    say(f"made the study {name}")
    hint(f"next: dermiqa study plan {name}, then dermiqa study freeze {name}")


@click.command(**example("dermiqa study copy first second"))
@click.argument("name")
@click.argument("new_name")
@workspace_option
@json_option
def copy(name: str, new_name: str, workspace: Path | None, as_json: bool) -> None:
    """Make the draft NEW_NAME with the settings of NAME, frozen or not; no votes, observers or plan go with them."""
    from annotate_app import studies
    from db.engine import writing

    _, engine = open_database(workspace)
    with writing(engine) as session:
        values = studies.copy(session, name, new_name).draft
    if as_json:
        say_json({"study": new_name, "copied": name, "draft": values})
        return
    say(f"made the study {new_name} with the settings of {name}")
    hint(f"next: dermiqa study plan {new_name}, then dermiqa study freeze {new_name}")


@click.command(**example("dermiqa study gold first --pilot try-out"))
@click.argument("name")
@click.option("--pilot", required=True, help="The study whose votes say what is expected: its panels of phase pilot, else all.")
@click.option("--least", type=click.IntRange(2), default=5, show_default=True, help="Votes that an image needs.")
@workspace_option
@json_option
def gold(name: str, pilot: str, least: int, workspace: Path | None, as_json: bool) -> None:
    """Expect of NAME's gold images what the pilot's observers gave them; frozen with the next `study freeze NAME`.

    The tolerance is half of the interval in which 95 % of further votes fall, at least a quarter of the scale.
    """
    from dataclasses import asdict

    from annotate_app.gold import take_from_pilot
    from db.engine import writing

    place, engine = open_database(workspace)
    with writing(engine) as session:
        found = take_from_pilot(session, place, name, pilot, least)
    if as_json:
        say_json({"study": name, "pilot": pilot, "gold": [asdict(one) for one in found]})
        return
    say_table([(one.image, one.votes, f"{one.expected:g} +-{one.tolerance:g}" if one.expected is not None else one.fault) for one in found],
              ("gold image", "votes in the pilot", "expected"))  # fmt: skip
    hint(f"next: dermiqa study freeze {name}")


@click.command(**example("dermiqa study plan first"))
@click.argument("name")
@workspace_option
@json_option
def plan(name: str, workspace: Path | None, as_json: bool) -> int:
    """Show what freezing NAME would fix: votes per image, hours, intervals to expect, balance; exit 1 on a violation."""
    from annotate_app import studies
    from db.engine import reading
    from db.queries import studies as queries

    place, engine = open_database(workspace)
    with reading(engine) as session:
        draft = queries.named(session, name).draft
    looked = studies.preview(place, draft)
    if as_json:
        say_json({"study": name, "seed": looked.seed, "violations": looked.violations, "panels": looked.proofs})
    else:
        for proof in looked.proofs:
            say_proof(proof)
    return 1 if looked.violations else 0


def say_proof(proof: dict[str, Any]) -> None:
    """Print a plan's proof as a table."""
    votes, pairs, squares = proof["votes_per_image"], proof["paired"], proof["squares"]
    losses = sorted(proof["after_losing"].items(), key=lambda pair: int(pair[0]))
    follows, sittings = proof["balance"]["block_after_block"], proof["balance"]["image_by_sitting"]
    rows = [
        ("images, observers, presentations", f"{proof['images']}, {proof['observers']}, {proof['presentations']}"),
        ("votes per image: least, median, most", f"{votes['least']}, {votes['median']:g}, {votes['most']}"),
        ("least votes after losing k observers", ", ".join(f"k={k}: {n}" for k, n in losses)),
        (
            "observers who see image and reference",
            f"least {pairs['least']}, mean {pairs['mean']:g}" if pairs else "no references",
        ),
        ("half of the 95 % interval to expect", ", ".join(f"{w} (SD {s})" for s, w in proof["ci95_half_width"].items())),
        ("sittings, minutes each, hours", f"{proof['sittings']}, {proof['minutes_per_sitting']}, {proof['hours_per_observer']}"),
        ("blocks, rows in whole squares, rest", f"{squares['blocks']}, {squares['rows_in_whole_squares']}, {squares['rest']}"),
        ("a block follows each other block", f"{follows['least']} to {follows['most']} times"),
        ("an image stands in each sitting", f"{sittings['least']} to {sittings['most']} times"),
        ("distance of versions of one content", f"{proof['distance']['reached']} (wanted {proof['distance']['wanted']})"),
        ("presentations of a row by role", ", ".join(f"{role} {n:g}" for role, n in proof["shares"].items())),
        ("violations", str(sum(proof["violations"].values()))),
    ]
    say_table(rows, (f"panel {proof['panel']}", "plan"))
    for line in proof["gives_up"]:
        say(f"gives up: {line}")
    for fault, count in proof["violations"].items():
        if count:
            say(f"violation: {fault.replace('_', ' ')}: {count}")


@click.command(**example("dermiqa study freeze first"))
@click.argument("name")
@workspace_option
@json_option
def freeze(name: str, workspace: Path | None, as_json: bool) -> None:
    """Freeze NAME: its files into studies/NAME/stimuli, its texts, rules and plan under one hash. A change makes a new version."""
    from annotate_app import studies

    place, engine = open_database(workspace)
    version = studies.freeze(place, engine, name)
    if as_json:
        say_json({"study": name, "version": version.version, "sha256": version.sha256, "plan_sha256": version.plan_sha256,
                  "files_sha256": version.files_sha256, "seed": version.seed})  # fmt: skip
        return
    for proof in version.proof["panels"]:
        say_proof(proof)
    say(f"froze version {version.version} of {name}: {version.sha256}")
    hint(f"next: dermiqa study open {name}")
