"""Verbs that keep a workspace safe: backup, restore, db upgrade, db copy, observer export, observer erase."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from dermiqa.cli import LazyGroup
from dermiqa.commands.common import bar, current_workspace, example, hint, json_option, say, say_json, say_table, workspace_option

DB_VERBS = {
    "upgrade": ("dermiqa.commands.keeping:db_upgrade", "Bring the database forwards to this program's tables."),
    "copy": ("dermiqa.commands.keeping:db_copy", "Move the tables to another database and compare every row."),
    "map": ("dermiqa.commands.retention:data_map_page", "The data map: what is kept about whom, and how long."),
}
OBSERVER_VERBS = {
    "export": ("dermiqa.commands.keeping:observer_export", "Everything that is kept about an observer."),
    "erase": ("dermiqa.commands.keeping:observer_erase", "Erase an observer and write a certificate."),
}


@click.command(**example("dermiqa backup --to /mnt/backups --keep 7d,4w"))
@click.option(
    "--to", type=click.Path(path_type=Path), help="The folder of backups (default: backup_to, else beside the workspace)."
)
@click.option("--keep", help="Remove older ones afterwards: 7d,4w keeps one a day for 7 days and one a week for 4 weeks.")
@click.option("--encrypt-to", metavar="KEY", help="An age public key (age1...), or a file with one.")
@workspace_option
@json_option
def backup(workspace: Path | None, to: Path | None, keep: str | None, encrypt_to: str | None, as_json: bool) -> None:
    """Back up the database (while it is in use) and every file, with the hashes of all; equal files are kept once."""
    from db.backup import default_folder, list_backups, make_backup, remove_backups
    from db.retention import expired, parse_keep

    place = current_workspace(workspace)
    if keep is not None:
        parse_keep(keep)
    folder = to or default_folder(place)
    made = make_backup(place, folder, encrypt_to=encrypt_to)
    gone = expired(list_backups(folder), keep, datetime.now(UTC)) if keep else []
    remove_backups(folder, gone) if gone else None
    files = len(made.record["files"])
    if as_json:
        say_json({"backup": str(made.folder), "files": files, "removed": [b.folder.name for b in gone]})
        return
    say(f"backed up the database and {files} files; removed {len(gone)} older backups")
    say(str(made.folder))
    hint(f"to put it back: dermiqa restore {made.folder} EMPTY_FOLDER")


@click.command(**example("dermiqa restore /mnt/backups skin-study-restored"))
@click.argument("place", metavar="BACKUP", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--database-url", help="Where the database goes (default: as the restored settings say).")
@click.option("--identity", metavar="FILE", help="The age key that opens an encrypted backup.")
@json_option
def restore(place: Path, folder: Path, database_url: str | None, identity: str | None, as_json: bool) -> None:
    """Put a BACKUP (or the newest of a folder of backups) into the empty FOLDER, after checking every part."""
    from db.engine import open_engine, writing
    from db.erasure import read_erasures, replay_observers
    from db.restore import choose
    from db.restore import restore as put_back

    chosen = choose(place)
    workspace = put_back(chosen, folder, database_url=database_url, identity=identity)
    engine = open_engine(database_url or workspace.database_url)
    with writing(engine) as session:
        again = replay_observers(session, read_erasures(workspace.root))
    engine.dispose()
    if as_json:
        say_json({"workspace": str(workspace.root), "backup": chosen.folder.name, "erased_again": again})
        return
    say(f"restored {chosen.folder.name} with {len(chosen.record['files'])} files; erased again: {again} observers")
    say(str(workspace.root))
    hint(f"next: dermiqa -w {folder} verify")


@click.group(cls=LazyGroup, verbs=DB_VERBS, invoke_without_command=False, **example("dermiqa db upgrade"))
def db() -> None:
    """The database: bring it forwards, move it."""


@click.command("upgrade", **example("dermiqa db upgrade"))
@workspace_option
@json_option
def db_upgrade(workspace: Path | None, as_json: bool) -> None:
    """Bring the database forwards to this program's tables; data stays. A newer database is refused."""
    from db.engine import check_reachable, open_engine
    from db.migrate import upgrade
    from workspace.places import require_safe_for_sqlite

    place = current_workspace(workspace)
    require_safe_for_sqlite(place.database_url)
    engine = open_engine(place.database_url)
    check_reachable(engine)
    before, after = upgrade(engine)
    if as_json:
        say_json({"before": before, "after": after})
    else:
        say(f"the database stands at revision {after}" + ("" if before == after else f" (before: {before or 'empty'})"))


@click.command("copy", **example("dermiqa db copy --to postgresql+psycopg://dermiqa@host/dermiqa"))
@click.option("--to", "target", required=True, metavar="URL", help="The other database's address; it must be empty.")
@workspace_option
@json_option
def db_copy(workspace: Path | None, target: str, as_json: bool) -> None:
    """Copy all tables to another database and compare every row; the workspace keeps its own until you change database_url."""
    from db.copying import copy_tables, tables
    from db.engine import check_reachable, open_engine

    place = current_workspace(workspace)
    old, new = open_engine(place.database_url), open_engine(target)
    check_reachable(old)
    check_reachable(new)
    rows = list(bar(copy_tables(old, new), total=len(tables()), what="copying", unit="table"))
    if as_json:
        say_json(dict(rows))
        return
    say_table([[name, count] for name, count in rows if count], ["table", "rows"])
    say(f"{sum(count for _, count in rows)} rows copied, each compared")
    hint("next: set database_url in dermiqa.toml to the new address and start `dermiqa serve` again")


@click.group(cls=LazyGroup, verbs=OBSERVER_VERBS, **example("dermiqa observer export skin P07"))
def observer() -> None:
    """An observer's rights: a copy of all that is kept, and erasure."""


@click.command("export", **example("dermiqa observer export skin P07"))
@click.argument("study")
@click.argument("pseudonym")
@workspace_option
def observer_export(workspace: Path | None, study: str, pseudonym: str) -> None:
    """Print everything that is kept about the observer PSEUDONYM of STUDY, as JSON."""
    from db.engine import open_engine, reading
    from db.erasure import everything_about, find_observer

    with reading(open_engine(current_workspace(workspace).database_url)) as session:
        say_json(everything_about(session, find_observer(session, study, pseudonym)))


@click.command("erase", **example("dermiqa observer erase skin P07 --remove-votes"))
@click.argument("study")
@click.argument("pseudonym")
@click.option("--remove-votes/--keep-votes", required=True, help="As the observer's consent says.")
@workspace_option
@json_option
def observer_erase(workspace: Path | None, study: str, pseudonym: str, remove_votes: bool, as_json: bool) -> None:
    """Erase pseudonym, answers, devices, invitations and events; remove the votes or keep them without a name."""
    from db.backup import default_folder, list_backups
    from db.engine import open_engine, writing
    from db.erasure import certificate, erase_observer, find_observer, record_erasure
    from db.retention import last_expiry
    from workspace.files import write_text

    place = current_workspace(workspace)
    backups = default_folder(place)
    with writing(open_engine(place.database_url)) as session:
        entry = erase_observer(session, find_observer(session, study, pseudonym), keep_votes=not remove_votes)
        record_erasure(place, entry, backups)
    held = list_backups(backups) if backups.is_dir() else []
    text = certificate(study, entry, last_expiry(place.settings.backup_keep, held[-1].made) if held else None)
    path = place.reports / "erasures" / f"{entry['token']}.md"
    write_text(path, text, mode=0o600)
    if as_json:
        say_json({**entry, "certificate": str(path)})
        return
    say(f"erased; {entry['votes_removed']} votes removed")
    say(str(path))
