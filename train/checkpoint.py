"""A checkpoint: everything that a run needs to go on as if it had never stopped, bit for bit on the CPU."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from train.parallel import World, gather
from workspace.errors import ModelFault
from workspace.files import replacing

FORMAT = 1
SUMS = ("loss_sum", "seen", "set_loss")


@dataclass
class Progress:
    """Where a run stands: `step` steps of `epoch` are done; the sums of this epoch so far; the rows of metrics.csv."""

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    seen: int = 0
    set_loss: list[float] = field(default_factory=list)
    seconds: float = 0.0
    best_value: float = float("-inf")
    best_epoch: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)


def random_state(world: World) -> dict[str, Any]:
    """The state of torch's generators in this process."""
    import torch

    state = {"cpu": torch.get_rng_state()}
    if world.device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(world.device)
    return state


def put_random_state(world: World, state: dict[str, Any]) -> None:
    """Set torch's generators in this process."""
    import torch

    torch.set_rng_state(state["cpu"])
    if world.device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], world.device)


def save(path: Path, world: World, model: Any, optimizer: Any, progress: Progress, config: dict[str, Any]) -> None:
    """Write a checkpoint; called by every process, written by the first, renamed into place when whole."""
    import torch

    own = {"random": random_state(world), "sums": {name: getattr(progress, name) for name in SUMS}}
    states = gather(world, own)
    if not world.first:
        return
    held = {
        "format": FORMAT, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "progress": vars(progress),
        "processes": states, "config": config,
    }  # fmt: skip
    with replacing(path) as temporary:
        torch.save(held, temporary)


def load(path: Path, world: World, model: Any, optimizer: Any) -> Progress:
    """Put a checkpoint back into model, optimizer and random generators. Raises ModelFault for a file that is none."""
    import torch

    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
        stated = held["format"]
    except Exception as fault:  # torch raises many kinds for a file that is something else
        raise ModelFault(f"{path} is not a checkpoint ({type(fault).__name__}): remove it to start this run anew") from None
    if stated != FORMAT:
        raise ModelFault(f"{path} is a checkpoint of format {stated}, {FORMAT} was expected: use the program that wrote it")
    if len(held["processes"]) != world.size:
        raise ModelFault(
            f"{path} was written by {len(held['processes'])} processes and {world.size} are here: "
            "go on with the same number, or start a new run"
        )
    model.load_state_dict(held["model"])
    optimizer.load_state_dict(held["optimizer"])
    own = held["processes"][world.rank]
    put_random_state(world, own["random"])
    return Progress(**{**held["progress"], **own["sums"]})
