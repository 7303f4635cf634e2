"""What the verbs share: the workspace option, progress bars, plain tables and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from workspace.settings import Workspace, open_workspace

Item = TypeVar("Item")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def example(text: str) -> dict[str, Any]:
    """The keyword arguments that give a verb its example: `@click.command(**example("dermiqa init study"))`."""
    return {"epilog": f"\b\nExample: {text}"}


def workspace_option(function: Decorated) -> Decorated:
    """Add `--workspace DIR`; the verb receives it as `workspace` (None: the group's, else the nearest)."""
    return click.option("--workspace", "-w", type=click.Path(path_type=Path), default=None, help="The workspace's folder.")(
        function
    )


def json_option(function: Decorated) -> Decorated:
    """Add `--json`; the verb receives it as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(function)


def current_workspace(workspace: Path | None) -> Workspace:
    """The workspace that a verb works in. Raises WorkspaceFault when there is none."""
    said = workspace or (click.get_current_context().find_root().obj or {}).get("workspace")
    return open_workspace(Path(said) if said else None)


def is_quiet() -> bool:
    """Whether `dermiqa --quiet` was said."""
    ctx = click.get_current_context(silent=True)
    return bool(ctx and (ctx.find_root().obj or {}).get("quiet"))


def bar(items: Iterable[Item], *, total: int | None, what: str, unit: str = "image") -> Iterator[Item]:
    """`items` with a progress bar on stderr (rate and time left); silent with `--quiet`."""
    from tqdm import tqdm

    yield from tqdm(
        items, total=total, desc=f"{what:<10}", unit=unit, disable=is_quiet(), file=sys.stderr, ncols=80, mininterval=0.2
    )


def counted(what: str, unit: str = "image") -> Callable[[str, int, int], None]:
    """A function `(name, done, total)` that draws one bar per name on stderr; silent with `--quiet`."""
    from tqdm import tqdm

    bars: dict[str, Any] = {}

    def told(name: str, done: int, total: int) -> None:
        if name not in bars:
            bars[name] = tqdm(total=total, desc=f"{what} {name}", unit=unit, disable=is_quiet(), file=sys.stderr, ncols=100)
        bars[name].update(done - bars[name].n)
        if done >= total:
            bars.pop(name).close()

    return told


def say(text: str) -> None:
    """Print a line of result."""
    click.echo(text)


def hint(text: str) -> None:
    """Print a line for people, left out with `--quiet`."""
    if not is_quiet():
        click.echo(text, err=True)


def say_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str))


def say_table(rows: Sequence[Sequence[Any]], heads: Sequence[str]) -> None:
    """Print a plain table: numbers to the right, two blanks between columns."""
    texts = [[("" if cell is None else str(cell)) for cell in row] for row in rows]
    widths = [max([len(head), *(len(row[i]) for row in texts)]) for i, head in enumerate(heads)]
    right = [bool(texts) and all(_is_number(row[i]) for row in texts if row[i]) for i in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)).rstrip()

    click.echo(line(heads))
    click.echo(line(["-" * w for w in widths]))
    for row in texts:
        click.echo(line(row))


def _is_number(text: str) -> bool:
    try:
        float(text.rstrip("%").replace(",", ""))
    except ValueError:
        return False
    return True
