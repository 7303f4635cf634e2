"""The verb sources, with withdraw: where photos come from, what is missing, and a photo taken out everywhere."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from dermiqa.commands.common import current_workspace, example, hint, json_option, say, say_json, say_table, workspace_option
from workspace.errors import WorkspaceFault
from workspace.settings import Workspace


@click.group(invoke_without_command=True, **example("dermiqa sources --variety"))
@click.option("--variety", is_flag=True, help="Also draw chosen photos against those left out (reports/variety.svg).")
@workspace_option
@json_option
@click.pass_context
def sources(ctx: click.Context, variety: bool, workspace: Path | None, as_json: bool) -> None:
    """Print where the photos come from (source, count) and what sources.csv doesn't say yet."""
    if ctx.invoked_subcommand is not None:
        ctx.meta["workspace"] = workspace
        return
    place = current_workspace(workspace)
    told = _sources_told(place)
    if variety:
        from distort.intake.variety import write_variety

        told["variety"] = write_variety(place, place.reports / "variety.svg")
    if as_json:
        say_json(told)
        return
    say_table([[row["source"], row["count"]] for row in told["sources"]] + [["all", told["photos"]]], ["source", "photos"])
    for column, count in told["missing"].items():
        say(f"{column}: not said of {count} photos")
    for line in told["blocked"]:
        say(f"may not be used: {line}")
    for line in told["faults"]:
        say(f"sources.csv: {line}")
    if told["flags"]:
        say("flags: " + ", ".join(f"{flag} {count}" for flag, count in told["flags"].items()))
    for axis, share in told.get("variety", {}).items():
        say(f"variety: the chosen photos cover {share:.0%} of the range of {axis}")
    hint(f"next: fill {place.sources}, then dermiqa distort")


def _sources_told(place: Workspace) -> dict[str, Any]:
    """The paper's table 2 (source, count), what is missing by column, photos that may not be used, bad cells, flags."""
    from workspace.sources import blocked, flags_of, missing, read_sources, row_faults

    rows = read_sources(place)
    if not rows:
        raise WorkspaceFault(f"{place.root} has no photos yet: bring them in with `dermiqa prepare PHOTOS`")
    counts = Counter(row["source"].strip() or "(not said)" for row in rows)
    gaps = Counter(column for row in rows for column in missing(row))
    flags = Counter(flag.partition(":")[0] for row in rows for flag in flags_of(row))
    return {
        "photos": len(rows),
        "subjects": len({row["subject"] or row["pristine"] for row in rows}),
        "sources": [{"source": name, "count": count} for name, count in sorted(counts.items(), key=lambda c: (-c[1], c[0]))],
        "missing": dict(sorted(gaps.items())),
        "blocked": [f"{row['pristine']} ({reason})" for row in rows if (reason := blocked(row))],
        "faults": [fault for row in rows for fault in row_faults(row)],
        "flags": dict(sorted(flags.items())),
    }


@sources.command(**example("dermiqa sources withdraw P0007 --dry-run"))
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
@workspace_option
@json_option
@click.pass_context
def withdraw(ctx: click.Context, name: str, dry_run: bool, workspace: Path | None, as_json: bool) -> None:
    """Take the photo NAME out everywhere: variants, caches, frozen copies, exports; name the models trained on it.

    Plans and votes of other photos stay. A certificate is written to reports/withdrawals.
    """
    from distort.withdraw import find
    from distort.withdraw import withdraw as remove

    place = current_workspace(workspace or ctx.meta.get("workspace"))
    caches = _caches()
    if dry_run:
        found, certificate = find(place, name, caches=caches), None
    else:
        find(place, name, caches=caches)
        found, certificate = remove(place, name, caches=caches, also=_out_of_studies(place, name))
    lines = [{"kind": h.kind, "path": str(h.path)} for h in found.removed]
    if as_json:
        models = [str(path) for path in found.models]
        say_json({"photo": name, "removed": lines, "models": models, "certificate": certificate and str(certificate)})
        return
    for line in lines:
        say(f"{'would remove' if dry_run else 'removed'} {line['kind']}: {line['path']}")
    for path in found.models:
        say(f"trained on it: {path} (train again without it, or withdraw the model)")
    if certificate:
        say(f"certificate: {certificate}")
        hint("the original file, backups and copies that left this workspace are yours to delete")


def _caches() -> list[Path]:
    """The folder of training caches, which hold decoded images."""
    from train.cache import default_cache_dir

    return [default_cache_dir()]


def _out_of_studies(place: Workspace, name: str) -> list[str]:
    """Mark the photo's images in the database, where there is one; a line per study that holds them."""
    from datetime import UTC, datetime

    url = place.database_url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return []
    from db.engine import open_engine, writing
    from db.migrate import require_current
    from db.queries.withdrawn import withdraw_photo

    engine = open_engine(url)
    try:
        require_current(engine)
        with writing(engine) as session:
            return withdraw_photo(session, name, datetime.now(UTC).date().isoformat())
    finally:
        engine.dispose()
