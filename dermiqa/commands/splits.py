"""Verbs of the splits: make, check, import, export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.cli import LazyGroup
from dermiqa.commands.common import example, hint, json_option, say, say_json, say_table
from dermiqa.commands.datasets import PathType, cache_option, counting, roots_option, set_options
from workspace.errors import DatasetFault, UsageFault

if TYPE_CHECKING:
    import pandas as pd

    from train.datasets.base import LoadedSet

VERBS = {
    "make": ("dermiqa.commands.splits:make", "Split sets by group, seeded, into files."),
    "check": ("dermiqa.commands.splits:check", "Prove that splits leak nothing."),
    "import": ("dermiqa.commands.splits:import_splits", "Take over pyiqa's splits, by file name."),
    "export": ("dermiqa.commands.splits:export", "Write meta_info and split files for pyiqa."),
}
DUPLICATES = click.option(
    "--duplicates", type=click.Choice(["auto", "scene", "identical", "none"]), default="auto", show_default=True,
    help="Near-duplicates that stay together: of one scene, near-identical ones, none (auto: scene, for --rule official none).",
)  # fmt: skip


@click.group(cls=LazyGroup, verbs=VERBS, **example("dermiqa splits make kadid10k koniq10k --out splits"))
def splits() -> None:
    """Training, validation and test parts as files that name every image."""


@click.command(**example("dermiqa splits make kadid10k koniq10k --seed 1 --out splits"))
@click.argument("sets", nargs=-1)
@click.option(
    "--out", type=PathType, default=Path("splits"), show_default=True, help="Folder for NAME.csv per set and splits.json."
)
@click.option("--rule", type=click.Choice(["random", "folds", "official"]), default="random", show_default=True)
@click.option("--splits", "-n", "count", type=click.IntRange(1, 99), default=5, show_default=True, help="How many.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--train", "train_share", type=float, default=0.7, show_default=True, help="Share of images for training.")
@click.option("--val", "val_share", type=float, default=0.1, show_default=True, help="Share for validation; the rest is test.")
@click.option(
    "--role", "roles", multiple=True, metavar="NAME=ROLE", help="split, test, train_val, authors or unused, for one set."
)
@click.option("--keep-leaks", is_flag=True, help="Leave official splits as they are even where a group lies on two sides.")
@DUPLICATES
@roots_option
@cache_option
@json_option
def make(
    sets: tuple[str, ...], out: Path, rule: str, count: int, seed: int, train_share: float, val_share: float, roles: tuple[str, ...],
    keep_leaks: bool, duplicates: str, roots_file: Path | None, cache_dir: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Split SETS (default: all of datasets.toml): whole groups only, near-duplicates together, LIVE In the Wild always test,
    BIQ2021 training and validation only."""
    from train import leaks
    from train import splits as work

    chosen = work.Rule(rule, train_share, val_share, set_options(roles), keep_leaks).checked()
    level = _level(duplicates, rule)
    loaded = _load(sets, roots_file, images="all" if level else "none")
    found = _clusters(loaded, level, cache_dir)
    frames = work.make(list(loaded.values()), chosen, seed, count, found)
    about = {
        "rule": rule, "seed": seed, "splits": count, "train": train_share, "val": val_share, "roles": dict(chosen.roles),
        "keep_leaks": keep_leaks, "duplicates": level or "none", "labels": {name: one.digest() for name, one in loaded.items()},
    }  # fmt: skip
    work.save(frames, out, about)
    verdict = leaks.check(frames, loaded, found)
    if as_json:
        say_json({**about, "out": str(out), "parts": verdict.rows, "faults": verdict.faults})
        return
    _print(verdict)
    hint(f"wrote {', '.join(f'{name}.csv' for name in frames)} and splits.json to {out}")


@click.command(**example("dermiqa splits check splits"))
@click.argument("path", type=PathType)
@click.option("--set", "name", help="The set that a single file splits (default: the file's name).")
@DUPLICATES
@roots_option
@cache_option
@json_option
def check(path: Path, name: str | None, duplicates: str, roots_file: Path | None, cache_dir: Path | None, as_json: bool) -> int:
    """Prove that PATH, a split file or a folder of them, keeps every group on one side; exit 1 with what leaks.

    Groups are read from the sets themselves where datasets.toml names them, else from the file's own column.
    """
    from train import leaks
    from train.roots import read_roots

    frames = _frames(path, name)
    roots = read_roots(roots_file)
    level = _level(duplicates, "official" if not set(frames) <= set(roots) else "random")
    loaded = {n: roots[n].load(images="all" if level else "none") for n in frames if n in roots}
    verdict = leaks.check(frames, loaded, _clusters(loaded, level, cache_dir))
    verdict.faults += _edited(path, frames)
    source = {n: "the set" if n in loaded else "the file's column group" for n in frames}
    if as_json:
        say_json({"parts": verdict.rows, "groups_from": source, "duplicates": level or "none", "faults": verdict.faults})
        return 1 if verdict.faults else 0
    _print(verdict)
    for n, origin in source.items():
        hint(f"{n}: groups from {origin}; near-duplicates: {(level or 'not looked for') if n in loaded else 'not looked for'}")
    return 1 if verdict.faults else 0


@click.command(name="import", **example("dermiqa splits import koniq10k.pkl --meta meta_info_KonIQ10kDataset.csv --set koniq10k"))
@click.argument("file", type=PathType)
@click.option("--meta", type=PathType, help="The meta_info file whose rows a pickle counts.")
@click.option("--set", "name", required=True, help="The set, as in datasets.toml.")
@click.option("--out", type=PathType, default=Path("splits"), show_default=True)
@roots_option
def import_splits(file: Path, meta: Path | None, name: str, out: Path, roots_file: Path | None) -> None:
    """Turn FILE (a meta_info file with split columns, or a split pickle with its --meta) into NAME.csv, by file name."""
    from train import pyiqa
    from train.splits import save, split_columns

    known = _load((name,), roots_file, images="none")[name] if _is_known(name, roots_file) else None
    if file.suffix == ".csv":
        frame = pyiqa.read_meta(file)
    elif meta is None:
        raise UsageFault(f"{file} counts rows: say by --meta which meta_info file they are rows of")
    else:
        frame = pyiqa.read_pickle(file, pyiqa.names_for(file, pyiqa.read_meta(meta), known))
    if not split_columns(frame):
        raise DatasetFault(f"{file} has no split columns")
    frame = frame[["file", *split_columns(frame)]]
    if known is not None:
        groups = dict(zip(known.table["file"], known.table["group"], strict=True))
        frame.insert(1, "group", [groups.get(f, "") for f in frame["file"]])
        frame = frame[frame["file"].isin(list(groups))]
    save({name: frame}, out, {"imported": file.name})
    say(f"{out / f'{name}.csv'}: {len(frame):,} images, {len(split_columns(frame))} splits")


@click.command(**example("dermiqa splits export koniq10k --splits splits --out for_pyiqa"))
@click.argument("sets", nargs=-1, required=True)
@click.option("--splits", "folder", type=PathType, default=Path("splits"), show_default=True)
@click.option("--out", type=PathType, required=True)
@roots_option
def export(sets: tuple[str, ...], folder: Path, out: Path, roots_file: Path | None) -> None:
    """Write meta_info_NAME.csv with split columns, and the splits as NAME.pkl, for pyiqa."""
    from train import pyiqa

    for name, loaded in _load(sets, roots_file, images="none").items():
        frame = _frames(folder / f"{name}.csv", name)[name]
        pyiqa.write_meta(loaded, frame, out / f"meta_info_{name}.csv")
        pyiqa.write_pickle(loaded, frame, out / f"{name}.pkl")
        say(f"{out / f'meta_info_{name}.csv'} and {name}.pkl: {len(loaded):,} images")


def _level(duplicates: str, rule: str) -> str | None:
    if duplicates == "auto":
        return None if rule == "official" else "scene"
    return None if duplicates == "none" else duplicates


def _is_known(name: str, roots_file: Path | None) -> bool:
    from train.roots import read_roots

    return name in read_roots(roots_file)


def _load(sets: tuple[str, ...], roots_file: Path | None, images: str) -> dict[str, LoadedSet]:
    from train.roots import FILE_NAME, chosen_roots, read_roots

    chosen = chosen_roots(read_roots(roots_file), sets)
    if not chosen:
        raise UsageFault(f"no data set is known: write a {FILE_NAME} that says where each lies (docs/datasets.md)")
    return {root.name: root.load(images=images) for root in chosen}


def _clusters(loaded: Mapping[str, LoadedSet], level: str | None, cache_dir: Path | None) -> pd.DataFrame | None:
    if level is None or not loaded:
        return None
    from train.cache import default_cache_dir
    from train.duplicates import clusters, describe, pairs

    described = []
    for one in loaded.values():
        with counting("look") as progress:
            described.append(describe(one, cache_dir or default_cache_dir(), progress=progress))
    return clusters(list(pairs(described, level)))


def _frames(path: Path, name: str | None) -> dict[str, pd.DataFrame]:
    from train.splits import read

    if path.is_dir():
        files = sorted(path.glob("*.csv"))
        if not files:
            raise DatasetFault(f"{path} holds no split file (NAME.csv)")
        return {file.stem: read(file) for file in files}
    return {name or path.stem: read(path)}


def _edited(path: Path, frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Split files that are no longer those that `splits.json` was written with."""
    import json

    from train.splits import frame_hash

    record = (path if path.is_dir() else path.parent) / "splits.json"
    if not record.is_file():
        return []
    known = json.loads(record.read_text(encoding="utf-8")).get("sha256", {})
    return [
        f"{n}.csv was changed after splits.json was written"
        for n, f in frames.items()
        if n in known and frame_hash(f) != known[n]
    ]


def _print(verdict: Any) -> None:
    parts = ("train", "val", "test", "unused")
    rows = [
        (r["set"], r["split"], *(f"{r[p]:,}" for p in parts), *(f"{r[f'{p}_groups']:,}" for p in parts[:3])) for r in verdict.rows
    ]
    say_table(rows, ("set", "split", *parts, "groups: train", "val", "test"))
    for fault in verdict.faults:
        say(f"fault: {fault}")
    say(f"{len(verdict.faults)} faults" if verdict.faults else "no group lies on two sides")
