"""Verbs of a study whose plan is frozen: open, close, invite, top-up, status, verify."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dermiqa.commands.common import example, hint, json_option, say, say_json, say_table, workspace_option
from dermiqa.commands.study import open_database


@click.command("open", **example("dermiqa study open first"))
@click.argument("name")
@workspace_option
@json_option
def open_study(name: str, workspace: Path | None, as_json: bool) -> None:
    """Let observers into the frozen study NAME."""
    _change(name, workspace, as_json, "open")


@click.command(**example("dermiqa study close first"))
@click.argument("name")
@workspace_option
@json_option
def close(name: str, workspace: Path | None, as_json: bool) -> None:
    """Take no more votes for NAME; it can be opened again."""
    _change(name, workspace, as_json, "close")


def _change(name: str, workspace: Path | None, as_json: bool, what: str) -> None:
    from annotate_app import studies
    from db.engine import writing

    _, engine = open_database(workspace)
    with writing(engine) as session:
        state = (studies.open_study if what == "open" else studies.close_study)(session, name).state
    say_json({"study": name, "state": state}) if as_json else say(f"{name} is {state}")


@click.command(**example("dermiqa study invite first --count 5"))
@click.argument("name")
@click.option(
    "--count", type=click.IntRange(1, 1000), default=1, show_default=True, help="Observers, each with a link of their own."
)
@click.option("--open-link", is_flag=True, help="One link that lets in COUNT people.")
@click.option("--panel", help="The panel (default: the first).")
@workspace_option
@json_option
def invite(name: str, count: int, open_link: bool, panel: str | None, workspace: Path | None, as_json: bool) -> None:
    """Make invitation links for NAME. A link is shown this once; a lost one is replaced by a new one."""
    from annotate_app import observers
    from db.engine import writing
    from db.queries import studies as queries

    place, engine = open_database(workspace)
    with writing(engine) as session:
        version = queries.frozen_version(session, queries.named(session, name))
        chosen = queries.panel_named(session, version, panel)
        if open_link:
            made = [("open link", observers.open_link(session, chosen, count))]
        else:
            made = [(one.pseudonym, one.code) for one in observers.invite(session, chosen, count)]
    base = place.settings.public_url.rstrip("/")
    rows = [(who, f"{base}/i/{code}") for who, code in made]
    say_json([{"observer": who, "link": link} for who, link in rows]) if as_json else say_table(rows, ("observer", "link"))


@click.command("top-up", **example("dermiqa study top-up first --rows 10"))
@click.argument("name")
@click.option(
    "--rows", type=click.IntRange(1), help="Rows to add (default: to the end of the square that is under way, else a whole one)."
)
@click.option("--panel", help="The panel (default: the first).")
@workspace_option
@json_option
def top_up(name: str, rows: int | None, panel: str | None, workspace: Path | None, as_json: bool) -> None:
    """Add rows to NAME's frozen plan for more observers, while it runs: same seed and rules, under a hash of their own.

    What is frozen stays as it is. Each row has its votes on every image; whole squares keep order and blocks balanced too.
    """
    from annotate_app import top_up as adding

    place, engine = open_database(workspace)
    record = adding.top_up(place, engine, name, panel, rows)
    if as_json:
        say_json({"study": name, **record})
        return
    votes, squares = record["votes_per_image"], record["squares"]
    say(f"added {record['rows']} rows to the panel {record['panel']} of {name}: {record['observers']} in all, {record['sha256']}")
    say(f"votes per image: {votes['least']} to {votes['most']}; {squares['rows_in_whole_squares']} rows in whole squares of "
        f"{squares['rows']}, {squares['rest']} beyond")  # fmt: skip
    hint(f"next: dermiqa study invite {name} --count {record['rows']}")


@click.command(**example("dermiqa study status first"))
@click.argument("name", required=False)
@workspace_option
@json_option
def status(name: str | None, workspace: Path | None, as_json: bool) -> None:
    """Show how far the study NAME is: observers, sessions, votes per image; without a name, all studies."""
    from db.engine import reading
    from db.queries import board
    from db.queries import studies as queries

    _, engine = open_database(workspace)
    with reading(engine) as session:
        if name is None:
            rows = [(one.name, one.state) for one in queries.all_studies(session)]
            say_json([{"study": n, "state": s} for n, s in rows]) if as_json else say_table(rows, ("study", "state"))
            return
        found = queries.named(session, name)
        version = queries.latest_version(session, found)
        key = version.id if version else None
        counts = board.votes_per_image(session, key) if version else []
        people = board.progress(session, key) if version else []
    values: dict[str, Any] = {
        "study": name,
        "state": found.state,
        "version": version.version if version else None,
        "observers": people,
    }
    values["votes_per_image"] = {
        "least": min(counts, default=0),
        "most": max(counts, default=0),
        "all": sum(counts),
        "images": len(counts),
    }
    if as_json:
        say_json(values)
        return
    say(f"{name}: {found.state}, version {values['version'] or 'none yet'}")
    votes = values["votes_per_image"]
    say(f"{votes['all']} votes that count on {votes['images']} images: {votes['least']} to {votes['most']} each")
    if people:
        heads = ("observer", "panel", "state", "sessions", "votes", "places")
        say_table([[("simulated " if p["simulated"] else "") + p["observer"], *(p[h] for h in heads[1:])] for p in people], heads)


@click.command(**example("dermiqa study verify first"))
@click.argument("name")
@workspace_option
@json_option
def verify(name: str, workspace: Path | None, as_json: bool) -> int:
    """Check NAME: files and rows against the frozen hashes, balance and distances, and the plan derived again; exit 1 on a fault."""
    from annotate_app.verify import study_faults
    from db.engine import reading

    place, engine = open_database(workspace)
    with reading(engine) as session:
        faults = list(study_faults(session, place, name))
    if as_json:
        say_json({"study": name, "faults": faults})
    else:
        for fault in faults:
            say(fault)
        say(f"{len(faults)} faults in the study {name}" if faults else f"{name}: files, rows and plan agree with what was frozen")
    return 1 if faults else 0
