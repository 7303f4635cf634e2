"""The verb demo."""

from __future__ import annotations

from pathlib import Path

import click

from dermiqa.commands.common import example, hint, say


@click.command(**example("dermiqa demo --small --no-serve"))
@click.option("--small", is_flag=True, help="4 photographs and 5 observers.")
@click.option("--no-serve", is_flag=True, help="End when the chain is done.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The server's port (or the next free)."
)
@click.option("--workspace", "-w", type=click.Path(path_type=Path), help="The place (default: demo-workspace here).")
def demo(small: bool, no_serve: bool, port: int, workspace: Path | None) -> None:
    """Run the whole chain on the photographs that ship with dermiqa; the observers are SIMULATED.

    A second run goes on where the first one stopped. At the end the pages are served until Ctrl-C.
    """
    from dermiqa.demo import Chain, curator_password, free_port, invitation, open_place, record, serving, size_of

    said = workspace or (click.get_current_context().find_root().params or {}).get("workspace")
    place = open_place(Path(said or "demo-workspace"))
    chain = Chain(place, size_of(small), hint)
    chain.photos()
    chain.study()
    with serving(place, free_port(port)) as url:
        chain.votes(url)
        chain.results()
        model = chain.model()
        record(place, chain.times)
        _tell(place.root, model)
        if not no_serve:
            _serve(url, invitation(place, url), curator_password(place))


def _tell(root: Path, model: Path | None) -> None:
    say("\nDone. Votes, scores and the model come from SIMULATED observers.")
    rows = [
        ("workspace", root),
        ("contact sheets", root / "reports" / "sheets" / "paper"),
        ("scores", root / "reports" / "demo" / "scores" / "scores.csv"),
        ("report", root / "reports" / "demo"),
        ("exports", root / "exports" / "demo"),
        ("tables", root / "reports" / "tables"),
    ]
    for name, path in rows + ([("model", model)] if model else []):
        say(f"  {name:<15}{path}")


def _serve(url: str, link: str, password: str) -> None:
    import time

    say(f"\n  an observer's link   {link}")
    say(f"  the curator's page   {url}/c/  (name demo, password {password})")
    hint("\nserving both until Ctrl-C")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        hint("\nstopped; `dermiqa demo` serves it again")
