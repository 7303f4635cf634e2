"""Verbs that give results to others: export, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dermiqa.commands.common import current_workspace, example, hint, json_option, say, say_json, workspace_option

if TYPE_CHECKING:
    from mos.exports.study import StudyData

SCALE = click.option("--scale", nargs=2, type=float, help="Ends of the scale of a votes file (default 1 10).")
STIMULI = click.option("--stimuli", type=click.Path(path_type=Path), help="The images' table that goes with a votes file.")


@click.command(**example("dermiqa export first --format dermiqa --format zip"))
@click.argument("study")
@click.option(
    "--format", "formats", multiple=True, required=True, metavar="NAME", help="One of those below; may be said more than once."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder (default exports/STUDY/FORMAT in the workspace).")
@click.option("--include-closed", is_flag=True, help="Also images that may not be passed on: for your own use.")
@click.option("--panel", help="Only this panel's votes.")
@click.option("--question", help="Only this question's votes.")
@SCALE
@STIMULI
@workspace_option
@json_option
def export(
    study: str, formats: tuple[str, ...], out: Path | None, include_closed: bool, panel: str | None, question: str | None,
    scale: tuple[float, float] | None, stimuli: Path | None, workspace: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Write a STUDY (its name, or a file of votes) as other tools read it.

    \b
    long matrix parquet json spss sureal    votes and scores
    pyiqa dermiqa huggingface kadid croissant zip    with the images
    """
    from mos.exports.formats import FORMATS
    from mos.exports.formats import export as write
    from mos.exports.tables import Options

    data = load_study(study, workspace, scale, stimuli, plan="zip" in formats)
    options = Options(include_closed=include_closed, panel=panel, question=question)
    made: dict[str, list[str]] = {}
    for name in formats:
        folder = out if out is not None and len(formats) == 1 else (out or _default(study, workspace, "exports")) / name
        made[name] = [str(path) for path in write(data, name, folder, options)]
    closed = 0 if include_closed else int((~data.redistributable()).sum())
    if as_json:
        say_json(
            {"study": data.name, "simulated": data.simulated, "votes_sha256": data.votes_hash, "files": made, "closed": closed}
        )
        return
    for name, paths in made.items():
        for path in paths:
            say(f"{name}: {path}")
    if closed and any(FORMATS[name].images for name in formats):
        hint(f"{closed} images that may not be passed on were left out (--include-closed takes them for your own use)")
    if data.simulated:
        hint("these votes are simulated: every table says so")


@click.command(**example("dermiqa report first"))
@click.argument("study")
@click.option("--out", type=click.Path(path_type=Path), help="Folder (default reports/STUDY in the workspace).")
@click.option("--html-only", is_flag=True, help="No PDF.")
@SCALE
@STIMULI
@workspace_option
@json_option
def report(
    study: str, out: Path | None, html_only: bool, scale: tuple[float, float] | None, stimuli: Path | None, workspace: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Write the report of a STUDY (its name, or a file of votes): one HTML file and a PDF, with every deviation from P.910."""
    from mos.report import write

    data = load_study(study, workspace, scale, stimuli)
    paths = write(data, out or _default(study, workspace, "reports"), pdf=not html_only)
    if as_json:
        say_json({"study": data.name, "simulated": data.simulated, "files": [str(path) for path in paths]})
        return
    for path in paths:
        say(str(path))


def load_study(
    study: str, workspace: Path | None, scale: tuple[float, float] | None, stimuli: Path | None, *, plan: bool = False,
    screened: bool = True,
) -> StudyData:  # fmt: skip
    """A study of the workspace's database by name, or of a file of votes by its path.

    `plan`: with the study's frozen plan; `screened`: without the votes of observers whom persons took out.

    Raises TableFault for a bad file, StudyFault for an unknown name, WorkspaceFault outside a workspace.
    """
    path = Path(study)
    if path.is_file():
        from mos.exports.study import study_from_votes
        from mos.reading import read_votes

        reading = read_votes(path, scale, stimuli)
        for line in reading.notes:
            hint(line)
        if reading.bad:
            hint(f"{len(reading.bad)} cells are no votes and were left out: `dermiqa mos {path}` lists them")
        return study_from_votes(reading.votes, path.stem)
    place = current_workspace(workspace)
    from annotate_app.results import study_data
    from db.engine import open_engine
    from db.engine import reading as reading_session

    with reading_session(open_engine(place.database_url)) as session:
        found: StudyData = study_data(session, place, study, plan=plan, screened=screened)
    return found


def _default(study: str, workspace: Path | None, kind: str) -> Path:
    if Path(study).is_file():
        return Path(study).parent / f"{Path(study).stem}-{kind}"
    place = current_workspace(workspace)
    return (place.exports if kind == "exports" else place.reports) / study
