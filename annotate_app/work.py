"""The kinds of long work that pages enqueue and the worker does: prepare, distort, freeze, top_up, gold, count, export, report, backup.

Each is the same library call as the verb of that name; each goes on where it stopped when its worker was killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from annotate_app.originals import original_paths
from annotate_app.worker import Progress, Work
from workspace.errors import UsageFault
from workspace.settings import Workspace

UPLOADS = "uploads"


def prepare(workspace: Workspace, engine: Engine, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Prepare an uploaded batch, a folder inside the workspace, or `photos` once more; broken ones are named, the rest is kept."""
    from distort.intake.prepare import prepare as run

    if "photos" in arguments:
        given = original_paths(workspace, map(str, arguments["photos"]))
    else:
        given = [inside(workspace, str(arguments["folder"]))]
    if not given:
        raise UsageFault("the originals of these photos are gone: keys.csv names where each one lay")
    work = run(workspace, given, keep_names=bool(arguments.get("keep_names")))
    counts: dict[str, int] = {}
    refused = list(arguments.get("refused", []))
    for number, one in enumerate(work, start=1):
        counts[one.state] = counts.get(one.state, 0) + 1
        if one.state == "refused":
            refused.append(f"{one.label}: {one.reason}")
        progress(number, len(work), "preparing photos")
    return {"message": _counted(counts), "refused": refused, "counts": counts}


def distort(workspace: Workspace, engine: Engine, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Make every variant of every accepted photo."""
    from distort.engine import Totals, count, run
    from distort.recipes import load_recipe

    recipe = load_recipe(str(arguments.get("recipe") or workspace.settings.recipe))
    photos, _ = count(workspace, recipe)
    totals = Totals()
    for number, _done in enumerate(run(workspace, recipe, totals=totals), start=1):
        progress(number, photos, "making variants")
    return {"message": f"{totals.photos} photos: {totals.made} images made, {totals.kept} kept", "refused": totals.faults}


def freeze(workspace: Workspace, engine: Engine, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Freeze a study's draft."""
    from annotate_app.studies import freeze as run
    from db.engine import writing
    from db.queries import audit

    progress(0, None, "planning and freezing")
    version = run(workspace, engine, str(arguments["study"]))
    with writing(engine) as session:
        audit.append(
            session, "study frozen", curator_id=arguments.get("curator_id"), object_kind="study", object_id=version.study_id,
            detail={"version": version.version, "sha256": version.sha256},
        )  # fmt: skip
    return {"message": f"version {version.version} is frozen", "sha256": version.sha256}


def top_up(workspace: Workspace, engine: Engine, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Add rows to a panel of a frozen study, once however often the work begins again."""
    from annotate_app.top_up import top_up as run

    progress(0, None, "planning the rows")
    record = run(
        workspace, engine, str(arguments["study"]), str(arguments["panel"]), int(arguments["rows"]), after=int(arguments["after"]),
        curator_id=arguments.get("curator_id"),
    )  # fmt: skip
    votes = record["votes_per_image"]
    return {"message": f"{record['rows']} places more for the panel {record['panel']}, {record['observers']} in all; each image then "
                       f"has {votes['least']} to {votes['most']} votes", "sha256": record["sha256"]}  # fmt: skip


def gold(workspace: Workspace, engine: Engine, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Take what gold images are expected to get from a pilot's votes."""
    from annotate_app.gold import judged_by, keep
    from db.engine import reading, writing
    from db.queries import audit

    name, pilot = str(arguments["study"]), str(arguments["pilot"])
    progress(0, None, "reading the pilot's votes")
    with reading(engine) as session:
        found, values = judged_by(session, workspace, name, pilot, int(arguments["least"]))
    with writing(engine) as session:
        study = keep(session, name, values)
        audit.append(
            session, "gold values taken", curator_id=arguments.get("curator_id"), object_kind="study", object_id=study.id,
            detail={"pilot": pilot, "images": sorted(values)},
        )  # fmt: skip
    said = "; ".join(f"{one.image} {one.expected:g} ± {one.tolerance:g}" for one in found if one.expected is not None)
    return {"message": f"{len(values)} of {len(found)} gold images have a value now: {said}. The next freezing fixes them.",
            "refused": [f"{one.image}: {one.fault}" for one in found if one.fault]}  # fmt: skip


def count(workspace: Workspace, engine: Engine, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Count a study's results and review and keep them for the pages."""
    from annotate_app import counted
    from db.engine import reading
    from db.queries import studies

    name = str(arguments["study"])
    with reading(engine) as session:
        version = studies.frozen_version(session, studies.named(session, name))
        votes = counted.count(session, workspace, name, version, lambda word: progress(0, None, word))
    return {"message": f"{votes:,} votes are counted"}


def export(workspace: Workspace, engine: Engine, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Write one export of a study."""
    from annotate_app.results import study_data
    from db.engine import reading
    from mos.exports.formats import export as run

    name, kind = str(arguments["study"]), str(arguments["format"])
    progress(0, None, f"writing {kind}")
    with reading(engine) as session:
        data = study_data(session, workspace, name, plan=kind == "zip")
    made = run(data, kind, workspace.exports / name / kind)
    return {"message": f"{kind}: {len(made)} files", "files": [str(path.relative_to(workspace.root)) for path in made]}


def report(workspace: Workspace, engine: Engine, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Write a study's report as HTML and PDF."""
    from annotate_app.results import study_data
    from db.engine import reading
    from mos.report import write

    name = str(arguments["study"])
    progress(0, None, "writing the report")
    with reading(engine) as session:
        data = study_data(session, workspace, name)
    made = write(data, workspace.reports / name)
    return {"message": "the report is written", "files": [str(path.relative_to(workspace.root)) for path in made]}


def backup(workspace: Workspace, engine: Engine, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Make a backup and remove what the rule of keeping no longer keeps."""
    from datetime import UTC, datetime

    from db.backup import default_folder, list_backups, make_backup, remove_backups
    from db.retention import expired

    progress(0, None, "backing up")
    folder = default_folder(workspace)
    made = make_backup(workspace, folder)
    gone = expired(list_backups(folder), workspace.settings.backup_keep, datetime.now(UTC))
    remove_backups(folder, gone) if gone else None
    return {"message": f"{len(made.record['files'])} files and the database are backed up, {len(gone)} old backups removed"}


KINDS: dict[str, Work] = {
    "prepare": prepare,
    "distort": distort,
    "freeze": freeze,
    "top_up": top_up,
    "gold": gold,
    "count": count,
    "export": export,
    "report": report,
    "backup": backup,
}


def inside(workspace: Workspace, name: str) -> Path:
    """A folder inside the workspace. Raises UsageFault for one that leads out of it or is not there."""
    place = (workspace.root / name).resolve()
    if workspace.root not in place.parents or not place.is_dir():
        raise UsageFault(f"{name!r} is no folder of this workspace: put the photos into a folder inside it, or upload them")
    return place


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in sorted(counts.items())) or "no photos"
