"""Recipes: which variants a photo gets. Built in: paper, kadid, kadid-seven; or a TOML file of one's own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from distort.catalogue import CATALOGUE, Distortion, find
from workspace.errors import UsageFault, nearest
from workspace.files import sha256_file

LEGAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10))])


@dataclass(frozen=True)
class Step:
    """One distortion of a variant: a type of the catalogue with its amount; `level` is None for a free amount."""

    number: int
    level: int | None
    amount: float

    @property
    def distortion(self) -> Distortion:
        """The catalogue's entry."""
        return CATALOGUE[self.number]

    @property
    def is_identity(self) -> bool:
        """Whether the catalogue names this level as one that changes nothing."""
        return self.level in self.distortion.identity_levels


@dataclass(frozen=True)
class Variant:
    """A named variant: one step, or a chain applied in order."""

    name: str
    axis: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Recipe:
    """A named list of variants. `strict` stretches each photo to its full range before and after, as KADID's frame does;
    `weights` is the ONNX file of type 15 and `weights_sha256` its hash, both empty where no variant needs them."""

    name: str
    variants: tuple[Variant, ...]
    strict: bool = False
    weights: str = ""
    weights_sha256: str = ""


PAPER = (
    ("jpeg_1", "jpeg", 10, 3), ("jpeg_2", "jpeg", 10, 4), ("jpeg_3", "jpeg", 10, 5),
    ("blur_1", "blur", 1, 4),
    ("pixelate_1", "pixelate", 21, 2), ("pixelate_2", "pixelate", 21, 5),
    ("sharpen_1", "sharpen", 24, 1), ("sharpen_2", "sharpen", 24, 2), ("sharpen_3", "sharpen", 24, 4),
    ("brighten_1", "brightness", 16, 3), ("brighten_2", "brightness", 16, 4),
    ("darken_1", "brightness", 17, 4), ("darken_2", "brightness", 17, 5),
    ("color_1", "color", 7, 1), ("color_2", "color", 8, 3),
    ("contrast_1", "contrast", 25, 1), ("contrast_2", "contrast", 25, 4), ("contrast_3", "contrast", 25, 5),
)  # fmt: skip
"""The default: the levels of KADID-10k with the largest smallest step of opinion on each of the paper's seven axes."""

SEVEN = (
    ("jpeg", "jpeg", 10), ("blur", "blur", 1), ("pixelate", "pixelate", 21), ("sharpen", "sharpen", 24),
    ("brighten", "brightness", 16), ("darken", "brightness", 17), ("desaturate", "color", 7), ("oversaturate", "color", 8),
    ("contrast", "contrast", 25),
)  # fmt: skip


def _step(number: int, level: int) -> Step:
    return Step(number, level, CATALOGUE[number].amount(level))


def _paper() -> tuple[Variant, ...]:
    return tuple(Variant(name, axis, (_step(number, level),)) for name, axis, number, level in PAPER)


def _seven() -> tuple[Variant, ...]:
    return tuple(Variant(f"{name}_{k}", axis, (_step(n, k),)) for name, axis, n in SEVEN for k in range(1, 6))


def _kadid() -> tuple[Variant, ...]:
    kinds = [d for d in CATALOGUE.values() if d.is_kadid]
    return tuple(Variant(f"{d.name}_{k}", d.name, (_step(d.number, k),)) for d in kinds for k in range(1, 6))


BUILT_IN: dict[str, Callable[[], tuple[Variant, ...]]] = {"paper": _paper, "kadid": _kadid, "kadid-seven": _seven}


def load_recipe(name_or_path: str | Path, *, dncnn: str | Path | None = None) -> Recipe:
    """A built-in recipe by its name, or one's own from a TOML file. Raises UsageFault naming what is wrong and where.

    `dncnn` is the weights file of type 15. Without it the recipe `kadid` takes `denoise_nlm`, which says so in its name.
    """
    word = str(name_or_path)
    if word in BUILT_IN:
        variants = BUILT_IN[word]()
        if dncnn is None:
            variants = tuple(_substituted(v) for v in variants)
        return _with_weights(Recipe(word, variants), dncnn)
    path = Path(word)
    if path.suffix != ".toml" and not path.is_file():
        raise UsageFault(f"no recipe {word!r}{nearest(word, list(BUILT_IN))}: {', '.join(BUILT_IN)} or a TOML file was expected")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise UsageFault(f"the recipe {path} can't be read: {fault.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UsageFault(f"{path} is not valid TOML: {fault}") from None
    own = table.get("dncnn")
    if own is not None and not isinstance(own, str):
        raise UsageFault(f"{path}: dncnn is {own!r}, the name of an ONNX file in quotes was expected")
    return _with_weights(_parse(table, path), dncnn or (path.parent / own if own else None))


def _substituted(variant: Variant) -> Variant:
    step = variant.steps[0]
    if not step.distortion.needs_weights:
        return variant
    other = find("denoise_nlm")
    return Variant(f"{other.name}_{step.level}", other.name, (Step(other.number, step.level, step.amount),))


def _with_weights(recipe: Recipe, weights: str | Path | None) -> Recipe:
    if not any(step.distortion.needs_weights for variant in recipe.variants for step in variant.steps):
        return recipe
    if weights is None:
        raise UsageFault(
            f"recipe {recipe.name} uses type 15 (denoise), which needs DnCNN's weights: name an ONNX file with --dncnn FILE "
            "or `dncnn` in the recipe, or use denoise_nlm, which stands in for it"
        )
    path = Path(weights)
    if not path.is_file():
        raise UsageFault(f"{path} is not there: the ONNX file with DnCNN's weights was expected")
    return replace(recipe, weights=str(path.resolve()), weights_sha256=sha256_file(path))


def _parse(table: Mapping[str, Any], path: Path) -> Recipe:
    _known(table, ("name", "strict", "dncnn", "include", "variant"), str(path))
    name, strict, entries = table.get("name", path.stem), table.get("strict", False), table.get("variant", [])
    _check_name(name, f"{path}: name")
    if name in BUILT_IN:
        raise UsageFault(f"{path}: name is {name!r}, which is a built-in recipe: choose another")
    if not isinstance(strict, bool):
        raise UsageFault(f"{path}: strict is {strict!r}, true or false was expected")
    included = _included(table.get("include"), "dncnn" in table, path)
    if not isinstance(entries, list) or not (entries or included):
        raise UsageFault(f"{path} has no variants: at least one [[variant]] was expected")
    variants = included + tuple(_variant(entry, f"{path}, variant {i}") for i, entry in enumerate(entries, start=1))
    seen: dict[str, int] = {}
    for i, variant in enumerate(variants, start=1):
        if variant.name.lower() in seen:
            raise UsageFault(f"{path}: variants {seen[variant.name.lower()]} and {i} are both named {variant.name!r}: rename one")
        seen[variant.name.lower()] = i
    return Recipe(name, variants, strict)


def _included(name: Any, has_weights: bool, path: Path) -> tuple[Variant, ...]:
    """The variants of a built-in recipe that a TOML takes over as they are."""
    if name is None:
        return ()
    if name not in BUILT_IN:
        raise UsageFault(
            f"{path}: include is {name!r}{nearest(str(name), list(BUILT_IN))}, one of {', '.join(BUILT_IN)} was expected"
        )
    variants = BUILT_IN[name]()
    return variants if has_weights else tuple(_substituted(variant) for variant in variants)


def _variant(entry: Any, where: str) -> Variant:
    if not isinstance(entry, dict):
        raise UsageFault(f"{where} is {entry!r}, a table was expected: write it as [[variant]]")
    _known(entry, ("name", "axis", "type", "level", "amount", "steps"), where)
    _check_name(entry.get("name"), f"{where}: name")
    if ("type" in entry) == ("steps" in entry):
        raise UsageFault(f"{where}: one of `type` and `steps` was expected: a type with level or amount, or a list of them")
    if "type" in entry:
        steps: tuple[Step, ...] = (_free_step(entry, where),)
    else:
        listed = entry["steps"]
        if not isinstance(listed, list) or len(listed) < 2 or not all(isinstance(s, dict) for s in listed):
            raise UsageFault(f"{where}: steps is not a list of two tables or more, as [{{type = 1, level = 3}}, ...]")
        for k, step in enumerate(listed, start=1):
            _known(step, ("type", "level", "amount"), f"{where}, step {k}")
        steps = tuple(_free_step(step, f"{where}, step {k}") for k, step in enumerate(listed, start=1))
    axis = entry.get("axis", steps[0].distortion.name if len(steps) == 1 else "combined")
    _check_name(axis, f"{where}: axis")
    return Variant(entry["name"], axis, steps)


def _free_step(entry: Mapping[str, Any], where: str) -> Step:
    try:
        distortion = find(entry.get("type", ""))
        if ("level" in entry) == ("amount" in entry):
            raise UsageFault("one of `level` (1 to 5) and `amount` was expected")
        if "level" in entry:
            if type(entry["level"]) is not int:
                raise UsageFault(f"level is {entry['level']!r}, a whole number from 1 to 5 was expected")
            return Step(distortion.number, entry["level"], distortion.amount(entry["level"]))
        if type(entry["amount"]) not in (int, float):
            raise UsageFault(f"amount is {entry['amount']!r}, a number was expected")
        distortion.check(entry["amount"])
        return Step(distortion.number, None, entry["amount"])
    except UsageFault as fault:
        raise UsageFault(f"{where}: {fault}") from None


def _known(table: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in keys:
            raise UsageFault(f"{where} has an unknown key {key!r}{nearest(key, list(keys))}: {', '.join(keys)} are known")


def _check_name(name: Any, where: str) -> None:
    if not isinstance(name, str) or not LEGAL_NAME.fullmatch(name) or name.lower() in DEVICES:
        raise UsageFault(f"{where} is {name!r}: 1 to 60 letters, digits, - and _ were expected (it becomes a file name)")


def to_toml(recipe: Recipe) -> str:
    """A recipe as the TOML that `load_recipe` reads; weights are left for `--dncnn`."""
    lines = [f'name = "{recipe.name}"', f"strict = {str(recipe.strict).lower()}"]
    for variant in recipe.variants:
        lines += ["", "[[variant]]", f'name = "{variant.name}"', f'axis = "{variant.axis}"']
        said = [
            f"type = {s.number}, " + (f"amount = {s.amount!r}" if s.level is None else f"level = {s.level}")
            for s in variant.steps
        ]
        lines += [f"steps = [{', '.join('{ ' + text + ' }' for text in said)}]"] if len(said) > 1 else said[0].split(", ")
    return "\n".join(lines) + "\n"
