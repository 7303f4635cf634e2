"""What decides a run's result: one frozen record, compared key by key before a run is resumed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from workspace.errors import UsageFault, nearest

CHOICES: dict[str, tuple[str, ...]] = {
    "head": ("score", "distribution"),
    "dropout_place": ("both", "between"),
    "resize": ("shorter_side", "squash", "letterbox"),
    "weighting": ("union", "per_set", "none"),
    "mixing": ("concatenate", "balanced"),
    "select": ("best", "last"),
    "select_by": ("mean", "pooled"),
    "precision": ("float32", "bfloat16"),
    "anneal": ("cos", "linear"),
}
# These may differ between a run and its continuation: they change where and how fast, never what is computed.
FREE = ("workers", "checkpoint_minutes", "device", "label")


@dataclass(frozen=True)
class Config:
    """Settings of one training run; docs/paper_choices.md says which the paper states and which are ours.

    `batch` images go through the model at a time per process, `accumulate` such batches make one step per process.
    `input_size` in pixels (None: the model's own). `weight_cap` bounds eq. 4's weights (None: the paper).
    `split` is the split column's number, `leave_out_axis` keeps the images of one distortion axis out of training.
    """

    sets: tuple[str, ...]
    model: str = "b0"
    input_size: int | None = None
    weights: str = "auto"
    head: str = "score"
    hidden: int = 512
    dropout: float = 0.5
    dropout_place: str = "both"
    resize: str = "shorter_side"
    split: int = 1
    leave_out_axis: str | None = None
    epochs: int = 20
    batch: int = 16
    accumulate: int = 1
    lr: float = 2e-4
    weight_decay: float = 1e-5
    warm_share: float = 0.3
    anneal: str = "cos"
    weighting: str = "union"
    weight_cap: float | None = None
    mixing: str = "concatenate"
    select: str = "best"
    select_by: str = "mean"
    precision: str = "float32"
    channels_last: bool = True
    compile: bool = False
    deterministic: bool = True
    seed: int = 0
    workers: int = 0
    device: str = "auto"
    checkpoint_minutes: float = 5.0
    label: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "sets": list(self.sets)}


def make(values: dict[str, Any], where: str = "the settings") -> Config:
    """A checked Config from plain values. Raises UsageFault naming the key, the value and what was expected."""
    known = [f.name for f in fields(Config)]
    for key in values:
        if key not in known:
            raise UsageFault(f"{where}: unknown key {key!r}{nearest(key, known)}")
    config = Config(**{**values, "sets": tuple(values.get("sets", ()))})
    for key, allowed in CHOICES.items():
        if getattr(config, key) not in allowed:
            raise UsageFault(f"{where}: {key} is {getattr(config, key)!r}, one of {', '.join(allowed)} was expected")
    _check_numbers(config, where)
    return config


def _check_numbers(config: Config, where: str) -> None:
    whole = {"epochs": 1, "batch": 1, "accumulate": 1, "hidden": 1, "split": 1, "workers": 0, "seed": 0}
    for key, least in whole.items():
        value = getattr(config, key)
        if type(value) is not int or value < least:
            raise UsageFault(f"{where}: {key} is {value!r}, a whole number of at least {least} was expected")
    for key, low, high in (("lr", 0, 10), ("weight_decay", -1e-12, 1), ("dropout", -1e-12, 0.99), ("warm_share", 0, 1)):
        value = getattr(config, key)
        if not isinstance(value, int | float) or not low < value < high:
            raise UsageFault(f"{where}: {key} is {value!r}, a number between {max(low, 0)} and {high} was expected")
    if config.weight_cap is not None and config.weight_cap <= 0:
        raise UsageFault(f"{where}: weight_cap is {config.weight_cap!r}, a positive number (or none) was expected")
    if config.input_size is not None and not 32 <= config.input_size <= 2048:
        raise UsageFault(f"{where}: input_size is {config.input_size!r}, 32 to 2048 pixels was expected")
    if not config.sets:
        raise UsageFault(f"{where}: no data set to train on: name at least one")


def differences(old: dict[str, Any], new: Config) -> list[str]:
    """`key: old -> new` for every setting that decides the result and differs from a recorded one."""
    now = new.as_dict()
    keys = [key for key in now if key not in FREE]
    return [f"{key}: {old.get(key)!r} -> {now[key]!r}" for key in keys if old.get(key) != now[key]]


def with_values(config: Config, **changes: Any) -> Config:
    """A checked copy with other values."""
    return make({**config.as_dict(), **changes}, "the settings")
