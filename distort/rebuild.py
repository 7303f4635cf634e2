"""A set as a small file without pixels, and the set rebuilt from it elsewhere: so that photos which may not be passed on can be cited.

The file holds the recipe, the versions, the settings, what is known of each photo, and the hash of every result with its PSNR and
SSIM. A rebuilt image is `equal` (the same pixels), `rounding` (both figures agree to 1e-3), `different` or `missing` (its photo).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from distort import png
from distort.intake.one import pristine
from distort.intake.read import read_photo
from distort.intake.shape import edits_of
from distort.recipes import BUILT_IN, Recipe, Step, Variant, load_recipe, to_toml
from distort.sheet import photos
from distort.types.arrays import Pixels
from distort.work import pixels_sha256, versions
from workspace.errors import DermiqaError, PhotoFault, UsageFault, WorkspaceFault
from workspace.files import lock, sha256_file, write_rows, write_text
from workspace.manifest import Row, read_manifest, source_rows
from workspace.settings import FILE, Workspace, create, open_workspace
from workspace.tables import SOURCES_COLUMNS

FORMAT = "dermiqa recipe 1"
PASSED_ON = (
    "sha256", "subject", "source", "source_url", "licence", "credit", "may_show", "may_alter", "may_redistribute", "body_site",
    "skin_tone", "crop", "rotation", "masks",
)  # fmt: skip
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Verdict:
    """What became of one image of the set: `state` is equal, rounding, different or missing."""

    pristine: str
    variant: str
    state: str
    note: str = ""


def export_text(workspace: Workspace, recipe: Recipe) -> str:
    """The set of a recipe as JSON text. Raises WorkspaceFault when the manifest holds no image of it."""
    said = {row["pristine"]: row for row in source_rows(workspace)}
    entries = []
    for group in photos(workspace, recipe.name):
        own = group[0]
        if len(group) == 1:
            continue
        known = {column: said[own["pristine"]][column] for column in PASSED_ON if said[own["pristine"]][column]}
        figures = {row["variant"]: [row["pixels_sha256"], row["psnr"], row["ssim"]] for row in group[1:]}
        size = {"width": int(own["width"]), "height": int(own["height"]), "pixels_sha256": own["pixels_sha256"]}
        entries.append({"name": own["pristine"], **size, **known, "variants": figures})
    if not entries:
        raise WorkspaceFault(f"{workspace.manifest} has no image of recipe {recipe.name}: make them with `dermiqa distort`")
    head = {
        "format": FORMAT,
        "name": workspace.settings.name,
        "recipe": {"name": recipe.name, "strict": recipe.strict, "dncnn_sha256": recipe.weights_sha256},
        "variants": [asdict(variant) for variant in recipe.variants],
        "seed": workspace.settings.seed,
        "largest_side": workspace.settings.largest_side,
        "versions": versions(),
    }
    return json.dumps(head | {"photos": entries}, indent=1, ensure_ascii=False) + "\n"


def read_export(path: Path) -> dict[str, Any]:
    """A file written by `export_text`. Raises UsageFault for anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise UsageFault(f"{path} can't be read: {fault.strerror}") from None
    except ValueError:
        raise UsageFault(f"{path} is not JSON: a file made by `dermiqa recipe export` was expected") from None
    found = value.get("format") if isinstance(value, dict) else None
    if found != FORMAT:
        raise UsageFault(f"{path} has format {found!r}, {FORMAT!r} was expected: a file made by `dermiqa recipe export`")
    return dict(value)


def recipe_of(value: dict[str, Any], dncnn: Path | None = None) -> Recipe:
    """The recipe that an export holds; `dncnn` must be the very weights file if type 15 is used. Raises UsageFault."""
    head = value["recipe"]
    steps = [(v["name"], v["axis"], tuple(Step(**step) for step in v["steps"])) for v in value["variants"]]
    recipe = Recipe(head["name"], tuple(Variant(*parts) for parts in steps), head["strict"])
    if not head["dncnn_sha256"]:
        return recipe
    if dncnn is None or sha256_file(dncnn) != head["dncnn_sha256"]:
        raise UsageFault(f"the set was made with DnCNN weights of SHA-256 {head['dncnn_sha256']}: name that file with --dncnn")
    return Recipe(recipe.name, recipe.variants, recipe.strict, str(dncnn.resolve()), head["dncnn_sha256"])


def target_workspace(root: Path, value: dict[str, Any], recipe: Recipe) -> Workspace:
    """The workspace to rebuild into: `root` as an earlier rebuild left it, or a new one with the set's settings.

    Raises WorkspaceFault for a workspace with other settings, which would give other images.
    """
    wanted = {"largest_side": value["largest_side"], "seed": value["seed"]}
    if not (root / FILE).exists():
        place = create(root, name=str(value["name"]))
        text = (root / FILE).read_text(encoding="utf-8")
        for key, number in wanted.items():
            text = text.replace(f"{key} = {getattr(place.settings, key)}", f"{key} = {number}")
        if recipe.name not in BUILT_IN:
            write_text(root / f"{recipe.name}.toml", to_toml(recipe))
            text = text.replace('recipe = "paper"', f'recipe = "{recipe.name}.toml"')
        elif load_recipe(recipe.name) == recipe:
            text = text.replace('recipe = "paper"', f'recipe = "{recipe.name}"')
        write_text(root / FILE, text)
    place = open_workspace(root)
    for key, number in wanted.items():
        if getattr(place.settings, key) != number:
            found = getattr(place.settings, key)
            raise WorkspaceFault(f"{root / FILE}: {key} is {found}, the set was made with {number}: rebuild in another folder")
    return place


def bring(workspace: Workspace, value: dict[str, Any], folder: Path) -> Iterator[tuple[str, str]]:
    """Bring the set's photos in from `folder`; yields each name with an empty text or why it is not there.

    A photo is known by the SHA-256 of its original file, by its pristine pixels, or else by its name here.
    """
    with lock(workspace.root, "sources", wait=30, doing="editing sources.csv"):
        yield from _bring(workspace, value, folder)


def _bring(workspace: Workspace, value: dict[str, Any], folder: Path) -> Iterator[tuple[str, str]]:
    by_hash, by_pixels, by_name = _index(folder)
    rows = []
    for entry in value["photos"]:
        path = by_hash.get(entry.get("sha256", "-")) or by_pixels.get(entry["pixels_sha256"]) or by_name.get(entry["name"])
        try:
            if path is None:
                raise PhotoFault("no file with its hash, pixels or name")
            rgb = _pixels(path, entry, value["largest_side"])
        except DermiqaError as fault:
            yield entry["name"], f"{fault} in {folder}" if path is None else f"{path}: {fault}"
            continue
        png.write_png(workspace.pristine / f"{entry['name']}.png", rgb)
        known = {column: entry.get(column, "") for column in PASSED_ON}
        size = {"width": rgb.shape[1], "height": rgb.shape[0]}
        own = {"file": f"pristine/{entry['name']}.png", "pristine": entry["name"], "accepted": "yes"}
        rows.append(dict.fromkeys(SOURCES_COLUMNS, "") | known | size | own)
        yield entry["name"], ""
    write_rows(workspace.sources, rows, SOURCES_COLUMNS)


def _index(folder: Path) -> tuple[dict[str, Path], dict[str, Path], dict[str, Path]]:
    if not folder.is_dir():
        raise UsageFault(f"{folder} is not a folder: the set's photos were expected there")
    by_hash: dict[str, Path] = {}
    by_pixels: dict[str, Path] = {}
    by_name: dict[str, Path] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
        by_hash.setdefault(sha256_file(path), path)
        by_name.setdefault(path.stem, path)
        if path.suffix.lower() == ".png":
            try:
                by_pixels.setdefault(pixels_sha256(png.read_rgb(path)), path)
            except PhotoFault:
                continue
    return by_hash, by_pixels, by_name


def _pixels(path: Path, entry: dict[str, Any], side: int) -> Pixels:
    original = read_photo(path)
    if pixels_sha256(original.rgb) == entry["pixels_sha256"]:
        return original.rgb
    return pristine(original, edits_of(entry.get("crop", ""), entry.get("rotation", ""), entry.get("masks", "")), side)[0]


def verdicts(workspace: Workspace, value: dict[str, Any], recipe: Recipe, missing: dict[str, str]) -> Iterator[Verdict]:
    """Compare the rebuilt manifest with the export, image by image, in the export's order, a pristine one before its variants."""
    made: dict[str, dict[str, Row]] = {}
    if len(missing) < len(value["photos"]):
        for row in read_manifest(workspace, recipe.name):
            made.setdefault(row["pristine"], {})[row["variant"]] = row
    for entry in value["photos"]:
        name, rows = entry["name"], made.get(entry["name"], {})
        why = missing.get(name, "" if rows else "it could not be made")
        found = [
            Verdict(name, variant, "missing", why) if why else _compare(name, variant, rows[variant], *figures)
            for variant, figures in entry["variants"].items()
        ]
        yield Verdict(name, "", "missing", why) if why else _pristine(name, rows[""], entry["pixels_sha256"], found)
        yield from found


def _pristine(name: str, row: Row, pixels: str, variants: list[Verdict]) -> Verdict:
    if row["pixels_sha256"] == pixels:
        return Verdict(name, "", "equal")
    near = all(verdict.state in ("equal", "rounding") for verdict in variants)
    return Verdict(
        name, "", "rounding" if near else "different", "other pixels than the set's: another decoder, or another photo"
    )


def _compare(name: str, variant: str, row: Row, pixels: str, psnr: str, ssim: str) -> Verdict:
    if row["pixels_sha256"] == pixels:
        return Verdict(name, variant, "equal")
    near = psnr != "inf" and row["psnr"] != "inf" and abs(float(psnr) - float(row["psnr"])) <= TOLERANCE
    near = near and abs(float(ssim) - float(row["ssim"])) <= TOLERANCE
    note = f"PSNR {row['psnr']} for {psnr} dB, SSIM {row['ssim']} for {ssim}"
    return Verdict(name, variant, "rounding" if near else "different", note)


def tally(found: list[Verdict]) -> dict[str, int]:
    """How many images are in each state, all four states named."""
    counts = Counter(verdict.state for verdict in found)
    return {state: counts[state] for state in ("equal", "rounding", "different", "missing")}
