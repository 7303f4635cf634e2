"""Verbs of the data sets: dataset list, check, cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.cli import LazyGroup
from dermiqa.commands.common import example, hint, is_quiet, json_option, say, say_json, say_table
from workspace.errors import UsageFault

if TYPE_CHECKING:
    from train.check import Report
    from train.roots import Root

PathType = click.Path(path_type=Path)
VERBS = {
    "list": ("dermiqa.commands.datasets:list_sets", "The known sets: the paper's table 1."),
    "check": ("dermiqa.commands.datasets:check", "Is a folder the set it should be?"),
    "cache": ("dermiqa.commands.datasets:cache", "Decode and resize sets once, before training."),
}


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for library functions that call `progress(done, total)`; it shows at the first call."""
    from tqdm import tqdm

    shown: list[Any] = []

    def progress(done: int, total: int) -> None:
        if not shown:
            shown.append(tqdm(total=total, desc=f"{what:<10}", unit="image", disable=is_quiet(), ncols=80, mininterval=0.2))
        shown[0].update(done - shown[0].n)
        if done == total:
            shown.pop().close()

    try:
        yield progress
    finally:
        for opened in shown:
            opened.close()


def roots_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--roots FILE`; the verb receives it as `roots_file`."""
    return click.option(
        "--roots", "roots_file", type=PathType, help="The file that says where sets lie (default: datasets.toml)."
    )(function)


def cache_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--cache-dir DIR`."""
    return click.option(
        "--cache-dir", type=PathType, help="Where decoded images and thumbnails are kept (default: ~/.cache/dermiqa)."
    )(function)


def set_options(values: tuple[str, ...]) -> dict[str, str]:
    """`key=value` words as a dictionary. Raises UsageFault."""
    for value in values:
        if "=" not in value:
            raise UsageFault(f"option {value!r}: expected KEY=VALUE, for example low=0")
    return dict(value.split("=", 1) for value in values)


@click.group(cls=LazyGroup, verbs=VERBS, **example("dermiqa dataset check kadid10k /data/kadid10k"))
def dataset() -> None:
    """The public data sets and your own: what they are, and whether a folder holds them."""


@click.command(name="list", **example("dermiqa dataset list"))
@roots_option
@json_option
def list_sets(roots_file: Path | None, as_json: bool) -> None:
    """Print the known sets (the paper's table 1) with range, direction, groups, licence and where to get them."""
    from train.datasets import all_facts
    from train.roots import read_roots

    roots = read_roots(roots_file)
    known = all_facts()
    if as_json:
        rows = [{**_plain(fact), "folder": str(roots[fact.name].folder) if fact.name in roots else None} for fact in known]
        say_json(rows)
        return
    say_table(
        [
            (f.name, f.title, f"{f.count:,}" if f.count else "", f"{f.paper_count:,}" if f.paper_count else "", f"[{f.low:g}, {f.high:g}]",
             f.better, f.distortion, f.role, str(roots[f.name].folder) if f.name in roots else "")
            for f in known
        ],
        ("name", "set", "images", "paper", "range", "better", "distortion", "role", "folder"),
    )  # fmt: skip
    for fact in known:
        say(f"\n{fact.title} ({fact.name})")
        lines = (
            ("score", fact.score),
            ("sd", fact.sd),
            ("group", fact.group),
            ("licence", fact.licence),
            ("cite", fact.citation),
        )
        for head, text in (*lines, ("from", fact.address), ("options", _options(fact))):
            if text:
                say(f"  {head:<8} {text}")
        for note in fact.notes:
            say(f"  {'note':<8} {note}")


@click.command(**example("dermiqa dataset check koniq10k /data/koniq10k --figure scores.svg"))
@click.argument("name")
@click.argument("folder", type=PathType, required=False)
@click.option("--option", "-o", "options", multiple=True, metavar="KEY=VALUE", help="An option of the set, as in datasets.toml.")
@click.option("--against", multiple=True, metavar="NAME", help="Look for its pictures in this set of datasets.toml too ('all').")
@click.option("--labels-only", is_flag=True, help="Compare names and scores; decode no image.")
@click.option("--figure", type=PathType, help="Draw the distribution of scores (.svg, .png, .pdf).")
@click.option("--record", type=PathType, help="Write every image's SHA-256 to this CSV.")
@click.option("--compare", type=PathType, help="Compare every image with such a CSV.")
@click.option("--jobs", type=click.IntRange(1), help="Threads (default: one per core).")
@roots_option
@cache_option
@json_option
def check(
    name: str, folder: Path | None, options: tuple[str, ...], against: tuple[str, ...], labels_only: bool, figure: Path | None,
    record: Path | None, compare: Path | None, jobs: int | None, roots_file: Path | None, cache_dir: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Compare FOLDER with what is published of the set NAME: counts, missing, broken and swapped files, duplicates, scores.

    NAME is a known set, or a name from datasets.toml, which then gives the folder. Exit 1 when there is a fault.
    """
    from train.check import check as run_check
    from train.histogram import draw
    from train.roots import read_roots

    roots = read_roots(roots_file)
    root = _root(name, folder, set_options(options), roots)
    wanted = [n for n in roots if n != root.name] if "all" in against else list(against)
    others = [] if labels_only else [_named(roots, other).load(images="present") for other in wanted]
    with counting("check") as progress:
        report = run_check(
            root.kind, root.folder, title=root.name, others=others, decode=not labels_only, cache_dir=cache_dir, jobs=jobs,
            progress=progress, **root.options,
        )  # fmt: skip
    _hashes(report, root, record, compare)
    if figure:
        draw([report.loaded], figure)
    if as_json:
        say_json(report.as_dict())
    else:
        _print(report)
    return 1 if report.faults else 0


@click.command(**example("dermiqa dataset cache kadid10k koniq10k --input 224 --dry-run"))
@click.argument("sets", nargs=-1)
@click.option("--input", "input_size", type=click.IntRange(16, 4096), default=224, show_default=True, help="Input side in px.")
@click.option("--resize", type=click.Choice(["shorter_side", "squash", "letterbox"]), default="shorter_side", show_default=True)
@click.option("--packed", is_flag=True, help="Losslessly packed: about a third of the size, slower to read.")
@click.option("--dry-run", is_flag=True, help="Print sizes and free space only.")
@click.option("--jobs", type=click.IntRange(1), help="Threads (default: one per core).")
@roots_option
@cache_option
@json_option
def cache(
    sets: tuple[str, ...], input_size: int, resize: str, packed: bool, dry_run: bool, jobs: int | None, roots_file: Path | None,
    cache_dir: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Build the caches of SETS (default: all of datasets.toml): each image decoded and resized once, for a model's input size."""
    from train.cache import default_cache_dir, estimate, free_bytes, open_cache
    from train.roots import chosen_roots, read_roots

    place = cache_dir or default_cache_dir()
    loaded = [root.load() for root in chosen_roots(read_roots(roots_file), sets)]
    sizes = {one.name: estimate(len(one), input_size, packed=packed) for one in loaded}
    rows = [{"set": one.name, "images": len(one), "bytes": sizes[one.name]} for one in loaded]
    if not as_json:
        table = [(row["set"], f"{row['images']:,}", f"{sizes[str(row['set'])] / 1e6:,.0f}") for row in rows]
        say_table([*table, ("all", "", f"{sum(sizes.values()) / 1e6:,.0f}")], ("set", "images", "MB"))
        say(f"{place}: {free_bytes(place) / 1e6:,.0f} MB free")
    if not dry_run:
        for one, row in zip(loaded, rows, strict=True):
            with counting(one.name[:10]) as progress:
                row["folder"] = str(
                    open_cache(one, input_size, resize, place, packed=packed, jobs=jobs, progress=progress).folder
                )
    if as_json:
        say_json({"input_size": input_size, "resize": resize, "packed": packed, "free_bytes": free_bytes(place), "sets": rows})


def _root(name: str, folder: Path | None, options: dict[str, str], roots: dict[str, Root]) -> Root:
    from train.datasets import facts
    from train.roots import Root

    if folder is None:
        found = _named(roots, name)
        return Root(found.name, found.kind, found.folder, found.scale, {**found.options, **options})
    kind = roots[name].kind if name in roots else facts(name).name
    return Root(name, kind, folder, options=options)


def _named(roots: dict[str, Root], name: str) -> Root:
    from train.roots import chosen_roots

    return chosen_roots(roots, [name])[0]


def _hashes(report: Report, root: Root, record: Path | None, compare: Path | None) -> None:
    from train.check import compare_hashes, record_hashes

    if record or compare:
        present = root.load(images="present")
        if compare:
            report.faults += compare_hashes(present, compare)
        if record:
            hint(f"wrote the hashes of {record_hashes(present, record):,} images to {record}")


def _print(report: Report) -> None:
    from train.histogram import bars

    loaded = report.loaded
    say(
        f"{loaded.title} in {loaded.folder}: {len(loaded):,} scores, {report.images:,} images, {loaded.table['group'].nunique():,} groups"
    )
    scores = loaded.table["score"]
    say(f"scores {scores.min():g} to {scores.max():g} of [{loaded.low:g}, {loaded.high:g}], labels {loaded.digest()[:16]}")
    counts, edges = report.histogram()
    for line in bars([int(c) for c in counts], [float(e) for e in edges]):
        say(line)
    for note in report.notes:
        say(f"note: {note}")
    for fault in report.faults:
        say(f"fault: {fault}")
    say(f"{len(report.faults)} faults" if report.faults else "no fault")


def _options(fact: Any) -> str:
    return "; ".join(f"{key} = {' | '.join(values)}" if values else key for key, values in fact.options.items())


def _plain(fact: Any) -> dict[str, Any]:
    from dataclasses import fields

    return {f.name: (dict(v) if isinstance(v := getattr(fact, f.name), dict) else v) for f in fields(fact)}
