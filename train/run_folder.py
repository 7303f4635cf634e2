"""A run's folder, which is a model folder too: settings, record, splits, metrics, weights, model.json, card, predictions.

config.json       what decides the result        record.json     versions, git state, device, hashes of labels and splits
splits/SET.csv    the split files that were used metrics.csv     one row per epoch
best.safetensors, last.safetensors               model.json      all that scoring needs to know besides the weights
predictions.csv   every image's score and output results.json    metrics; its presence means that the run is finished
README.md         the model card                 checkpoint.pt   while the run is not finished
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from train.config import Config, differences
from train.pixels import RESIZES
from workspace.errors import ModelFault
from workspace.files import replacing, sha256_bytes, write_json, write_rows, write_text

CONFIG, RECORD, METRICS, MODEL, PREDICTIONS, RESULTS, CARD = (
    "config.json", "record.json", "metrics.csv", "model.json", "predictions.csv", "results.json", "README.md",
)  # fmt: skip
BEST, LAST = "best.safetensors", "last.safetensors"
FORMAT = "dermiqa-model/1"
WHOLE = "copy the model folder again, or train anew"
PACKAGES = ("dermiqa", "torch", "torchvision", "timm", "numpy", "pillow", "opencv-python-headless")


def finished(folder: Path) -> bool:
    """Whether a run's folder holds a finished run."""
    return (folder / RESULTS).is_file()


def read_json(path: Path, what: str) -> dict[str, Any]:
    """A JSON object. Raises ModelFault when it is missing or broken."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelFault(f"{path.parent} is not {what}: it has no {path.name}") from None
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as fault:
        raise ModelFault(f"{path} can't be read ({fault}): it is not {what}") from None
    if not isinstance(value, dict):
        raise ModelFault(f"{path} holds no JSON object: it is not {what}")
    return value


def open_folder(folder: Path, config: Config, data: Mapping[str, Any]) -> None:
    """Begin a run's folder, or check that a begun one has the same settings and data.

    `data` is {set: {labels, split, ...: hash}}. Raises ModelFault naming what differs.
    """
    path = folder / CONFIG
    if path.is_file():
        old = read_json(path, "a run's folder")
        changed = differences(old["config"], config)
        changed += [f"data of {name}" for name in sorted({*data, *old["data"]}) if data.get(name) != old["data"].get(name)]
        if changed:
            raise ModelFault(
                f"{folder} is a run with other settings ({'; '.join(changed)}): give back the old ones, or another --out"
            )
        return
    if folder.exists() and any(entry for entry in folder.iterdir() if not entry.name.startswith(".")):
        raise ModelFault(f"{folder} holds files and is not a run's folder (no {CONFIG}): name an empty or a new folder")
    write_json(path, {"config": config.as_dict(), "data": dict(data)})


def write_record(folder: Path, device: str, processes: int, origin: Mapping[str, str], started: str) -> None:
    """Write record.json: program and package versions, git state, machine, device, where the backbone's weights came from."""
    found = {name: v for name in PACKAGES if (v := _version(name))}
    write_json(
        folder / RECORD,
        {
            "started": started,
            "versions": found,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "system": platform.system(),
            "device": device,
            "processes": processes,
            "git": git_state(),
            "backbone_weights": dict(origin),
        },
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def git_state(place: Path | None = None) -> dict[str, Any] | None:
    """The program's commit and whether its files differ from it; None outside a git repository."""
    here = place or Path(__file__).resolve().parent

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(here), *words], capture_output=True, text=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "changed": bool(git("status", "--porcelain", "--untracked-files=no"))}


def write_weights(path: Path, model: Any) -> None:
    """Write a model's state as safetensors, atomically."""
    from safetensors.torch import save_file

    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    with replacing(path) as temporary:
        save_file(state, temporary)


def read_weights(path: Path, model: Any) -> None:
    """Put a safetensors state into a model. Raises ModelFault when the file is missing or of another model."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise ModelFault(f"{path.parent} has no {path.name}: the model folder is not whole")
    try:
        model.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as fault:
        raise ModelFault(f"{path} does not fit the model that {MODEL} states: {str(fault).splitlines()[0]}") from None


def write_metrics(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write metrics.csv, one row per epoch."""
    if rows:
        write_rows(folder / METRICS, [{k: _digits(v) for k, v in row.items()} for row in rows], list(rows[0]))


def _digits(value: Any) -> Any:
    return f"{value:.8g}" if isinstance(value, float) else value


def write_model(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write model.json."""
    write_json(folder / MODEL, {"format": FORMAT, **facts})


def read_model(folder: Path) -> dict[str, Any]:
    """The facts of a model folder. Raises ModelFault when the folder is none or of a newer format, or a fact is missing or damaged."""
    facts = read_json(folder / MODEL, "a model folder")
    if facts.get("format") != FORMAT:
        raise ModelFault(
            f"{folder / MODEL} has format {facts.get('format')!r}, {FORMAT!r} was expected: use the program that wrote it"
        )
    for name, fits, expected in _FACTS:
        fault = _fault(facts, name, fits, expected)
        if fault:
            raise ModelFault(f"{folder / MODEL} {fault}: {WHOLE}")
    return facts


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_side(value: Any) -> bool:
    return type(value) is int and value >= 1


_FACTS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("name", lambda value: isinstance(value, str), "a text"),
    ("weights", _is_text, "a file's name"),
    ("input", lambda value: isinstance(value, dict), "an object"),
    ("input.size", _is_side, "a number of pixels"),
    ("input.largest_side", _is_side, "a number of pixels"),
    ("input.resize", lambda value: value in RESIZES, " or ".join(RESIZES)),
    ("shape", lambda value: isinstance(value, dict), "an object"),
    ("shape.backbone", _is_text, "a text"),
    ("sets", lambda value: isinstance(value, list), "a list"),
    ("simulated_votes", lambda value: isinstance(value, bool), "true or false"),
    ("notices", lambda value: isinstance(value, list) and all(map(_is_text, value)), "a list of texts"),
)
"""What every reader of model.json relies on: the key, whether a value will do, and what is expected."""


def _fault(facts: Mapping[str, Any], name: str, fits: Callable[[Any], bool], expected: str) -> str:
    """What is wrong with one fact, or an empty text."""
    place, _, key = name.rpartition(".")
    held = facts[place] if place else facts
    if key not in held:
        return f"lacks {name} ({expected} was expected)"
    return "" if fits(held[key]) else f"has {name} = {str(held[key])[:60]!r} ({expected} was expected)"


def frame_hash(text: str) -> str:
    """SHA-256 of a split file's text."""
    return sha256_bytes(text.encode("utf-8"))


def write_split(folder: Path, name: str, text: str) -> None:
    """Keep a copy of the split file that a run used."""
    write_text(folder / "splits" / f"{name}.csv", text)
