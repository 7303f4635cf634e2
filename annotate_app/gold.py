"""Gold values from a pilot: what people gave an image that is to become gold, and how far another honest vote may lie from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special
from sqlmodel import Session

from annotate_app import studies
from annotate_app.design import RATED
from annotate_app.protocol import complete_draft
from annotate_app.review import standings
from annotate_app.selection import choose
from annotate_app.stored_plan import image_rows
from annotate_app.vote_table import read_votes
from db.models import Study, StudyVersion
from db.queries import studies as queries
from workspace.errors import StudyFault
from workspace.settings import Workspace

LEAST_VOTES = 5
SHARE = 0.25
WIDEST = 0.5
SOURCES = (*RATED, "gold")


@dataclass(frozen=True)
class GoldValue:
    """What is expected of a gold image, on the study's scale; `fault` says why nothing is, and the values are None then."""

    image: str
    votes: int
    expected: float | None = None
    tolerance: float | None = None
    sd: float | None = None
    fault: str = ""


def take_from_pilot(session: Session, workspace: Workspace, name: str, pilot: str, least: int = LEAST_VOTES) -> list[GoldValue]:
    """Expect of the study's gold images what the pilot's observers gave them, as `judged_by` says; gives every gold image."""
    found, values = judged_by(session, workspace, name, pilot, least)
    keep(session, name, values)
    return found


def keep(session: Session, name: str, values: Mapping[str, Any]) -> Study:
    """Put values into the study's draft; an earlier value of another image stays. Raises StudyFault where the study is open."""
    held = complete_draft(queries.named(session, name).draft)["gold_values"]
    return studies.change(session, name, gold_values={**(held if isinstance(held, dict) else {}), **values})


def judged_by(
    session: Session, workspace: Workspace, name: str, pilot: str, least: int = LEAST_VOTES
) -> tuple[list[GoldValue], dict[str, dict[str, Any]]]:
    """Every gold image of the study with what the pilot gave it, judged or not, and the values for the draft. Changes nothing.

    The votes are first ones on the same file, of the pilot's panels of phase pilot (of all main ones where it has none),
    without excluded observers, without simulated ones unless the study is simulated. The values (image -> expected, tolerance,
    by) are frozen with the draft. Raises StudyFault when the scales differ, or no gold image got enough votes.
    """
    draft = complete_draft(queries.named(session, name).draft)
    version = queries.frozen_version(session, queries.named(session, pilot))
    low, high = _same_scale(draft, version, pilot)
    seed = workspace.settings.seed if draft["seed"] is None else int(draft["seed"])
    wanted = {c.image.name: c.row["sha256"] for c in choose(workspace, draft, seed) if c.image.role == "gold"}
    if not wanted:
        raise StudyFault(f"the study {name!r} has no gold images: set `gold` and keep contents in reserve for them")
    votes = pilot_votes(session, version, simulated=bool(draft["simulated"]))
    found = [value_of(image, votes.get((image, sha256), []), low, high, least) for image, sha256 in sorted(wanted.items())]
    judged = [one for one in found if one.expected is not None]
    if not judged:
        raise StudyFault(f"no gold image of {name!r} has {least} votes in {pilot!r} that agree: show them in the pilot's panel "
                         f"(most votes on one: {max(one.votes for one in found)})")  # fmt: skip
    by = f"pilot {pilot}, version {version.version} ({version.sha256[:12]})"
    taken = {
        one.image: {"expected": one.expected, "tolerance": one.tolerance, "by": f"{by}: {one.votes} votes, SD {one.sd}"}
        for one in judged
    }
    return found, taken


def _same_scale(draft: Mapping[str, Any], version: StudyVersion, pilot: str) -> tuple[int, int]:
    ends = [(q["low"], q["high"]) for q in (draft["questions"][0], version.protocol["questions"][0])]
    if ends[0] != ends[1]:
        raise StudyFault(f"the pilot {pilot!r} was rated from {ends[1][0]} to {ends[1][1]}, this study is from {ends[0][0]} to "
                         f"{ends[0][1]}: one scale was expected")  # fmt: skip
    return ends[0]


def pilot_votes(session: Session, version: StudyVersion, *, simulated: bool) -> dict[tuple[str, str], list[float]]:
    """(image, sha256) -> the first vote of each observer of a pilot."""
    phases = {panel.phase for panel in queries.panels(session, version.id)}
    stored = read_votes(session, version, "pilot" if "pilot" in phases else "main")
    rows = stored.select(stored.is_role(*SOURCES) & ~np.isnan(stored.value)).frame(times=False)
    rows = rows[rows["question"] == version.protocol["questions"][0]["name"]]
    rows = rows if simulated else rows[~rows["simulated"].astype(bool)]
    gone = [name for name, one in standings(session, version).items() if one.excluded]
    rows = rows[~rows["observer"].isin(gone)].drop_duplicates(["observer", "stimulus"], keep="first")
    hashes = {row.name: row.sha256 for row in image_rows(session, version)}
    return {(image, hashes[image]): [float(v) for v in some] for image, some in rows.groupby("stimulus")["score"]}


def value_of(image: str, votes: list[float], low: float, high: float, least: int = LEAST_VOTES) -> GoldValue:
    """The mean of `votes` on a scale `low` .. `high` and the tolerance around it.

    The tolerance is half of the 95 % prediction interval of one further vote, t(n-1) SD sqrt(1 + 1/n), at least a quarter of
    the scale (2.25 on 1 to 10). An image on which it exceeds half of the scale is no gold: people do not agree on it.
    """
    n = len(votes)
    if n < max(2, least):
        return GoldValue(image, n, fault=f"{n} votes, {least} were expected")
    sd = float(np.std(votes, ddof=1))
    half = float(special.stdtrit(n - 1, 0.975)) * sd * (1 + 1 / n) ** 0.5
    if half > WIDEST * (high - low):
        return GoldValue(image, n, sd=round(sd, 2), fault=f"people disagree (SD {sd:.2f})")
    return GoldValue(image, n, round(float(np.mean(votes)), 2), round(max(half, SHARE * (high - low)), 2), round(sd, 2))
