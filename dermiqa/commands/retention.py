"""Verbs of data protection: study retain, study due, db map."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path

import click

from dermiqa.commands.common import example, hint, json_option, say, say_json, say_table, workspace_option
from dermiqa.commands.study import open_database


@click.command(**example("dermiqa study retain skin 2031-12-31"))
@click.argument("name")
@click.argument("until", metavar="DATE")
@workspace_option
@json_option
def retain(name: str, until: str, workspace: Path | None, as_json: bool) -> None:
    """State that what NAME keeps about people is due to go after DATE (2031-12-31, or `none`)."""
    from db.engine import writing
    from db.retention import set_retention
    from workspace.errors import UsageFault

    try:
        day = None if until == "none" else date.fromisoformat(until)
    except ValueError:
        raise UsageFault(f"{until!r} is no date: year-month-day was expected, for instance 2031-12-31") from None
    _, engine = open_database(workspace)
    with writing(engine) as session:
        set_retention(session, name, day)
    say_json({"study": name, "until": until}) if as_json else say(f"{name} is kept until {until}")


@click.command(**example("dermiqa study due"))
@workspace_option
@json_option
def due(workspace: Path | None, as_json: bool) -> int:
    """List the studies whose retention date is over and that still know their observers; exit 1 when there are any."""
    from datetime import UTC, datetime

    from db.engine import reading
    from db.retention import due as due_now

    _, engine = open_database(workspace)
    with reading(engine) as session:
        found = due_now(session, datetime.now(UTC))
    if as_json:
        say_json([asdict(one) for one in found])
    elif found:
        say_table([(one.study, one.until, one.observers, one.votes) for one in found], ("study", "until", "observers", "votes"))
        hint("erase each observer with `dermiqa observer erase STUDY PSEUDONYM`, keeping or removing votes as the consent says")
    else:
        say("nothing is due")
    return 1 if found else 0


@click.command("map", **example("dermiqa db map"))
@json_option
def data_map_page(as_json: bool) -> None:
    """Print the data map, made from the tables themselves: every column that is about a person, its purpose, how long it is kept."""
    from db.datamap import NOT_KEPT, data_map

    entries = data_map()
    if as_json:
        say_json({"columns": [asdict(one) for one in entries], "not_kept": NOT_KEPT})
        return
    say("# Data map\n\nMade from the tables by `dermiqa db map`. Kept about people, column by column:\n")
    say("| column | about | what | kept |\n|---|---|---|---|")
    for one in entries:
        if one.personal:
            say(f"| {one.table}.{one.column} | {one.about} | {one.personal} | {one.kept} |")
    say("\nTables and their purpose:\n\n| table | about | purpose | kept |\n|---|---|---|---|")
    for name in dict.fromkeys(one.table for one in entries):
        first = next(one for one in entries if one.table == name)
        say(f"| {name} | {first.about} | {first.purpose} | {first.kept} |")
    say("\nNot kept:\n")
    for text in NOT_KEPT:
        say(f"- {text}")
