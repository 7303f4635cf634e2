"""The verb simulate: model observers rate a study."""

from __future__ import annotations

from pathlib import Path

import click

from dermiqa.commands.common import example, hint, is_quiet, json_option, say, say_json, workspace_option
from dermiqa.commands.study import open_database


@click.command(**example("dermiqa simulate first --observers 40 --through-http http://127.0.0.1:8000"))
@click.argument("study")
@click.option("--observers", "count", type=click.IntRange(1, 10_000), default=40, show_default=True, help="Simulated observers.")
@click.option("--through-http", "url", metavar="URL", help="Rate through the server there, as browsers do (default: directly).")
@click.option("--panel", help="The panel (default: the first).")
@click.option("--seed", type=int, help="Seed of everything that is drawn (default: the study's).")
@click.option("--careless", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Share of careless observers.")
@workspace_option
@json_option
def simulate(study: str, count: int, url: str | None, panel: str | None, seed: int | None, careless: float,
             workspace: Path | None, as_json: bool) -> None:  # fmt: skip
    """Let model observers rate the open STUDY; their votes are marked as simulated for good. Started again, it goes on."""
    from tqdm import tqdm

    from annotate_app.simulate import Parameters, directly, left_to_do, prepare

    place, engine = open_database(workspace)
    run = prepare(place, engine, study, count, panel=panel, seed=seed, parameters=Parameters(careless=careless))
    left = left_to_do(engine, run)
    votes = 0
    with tqdm(total=left, desc=f"{'simulate':<10}", unit="vote", disable=is_quiet(), ncols=80, mininterval=0.2) as shown:
        if url:
            import asyncio

            from annotate_app.simulate_http import through_http

            votes = asyncio.run(through_http(engine, run, url, shown.update))
        else:
            for done in directly(engine, run):
                votes += done
                shown.update(done)
    table = place.study(study) / "simulation.json"
    if as_json:
        say_json({"study": study, "observers": len(run.observers), "votes": votes, "truth": str(table)})
        return
    say(f"{votes} simulated votes by {len(run.observers)} model observers; what was drawn for them: {table}")
    hint(f"next: dermiqa study status {study}, dermiqa mos --study {study}")
