"""One process or many: rank, device and the few collective calls that training needs (torchrun sets the environment)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from workspace.errors import MissingExtra, UsageFault

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """This process's place: `rank` of `size`, its `device`; `size` 1 means alone."""

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0


def need_torch() -> Any:
    """The module torch. Raises MissingExtra naming the extra to install.

    Its CPU threads are told to sleep while they wait: by default they spin, and on a machine that does anything else
    besides, a training step then takes four times as long (measured: 11 s instead of 2.6 s).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import torch
    except ModuleNotFoundError:
        raise MissingExtra("torch", "train") from None
    return torch


def join(device: str = "auto") -> World:
    """This process's world; under torchrun it joins the process group (nccl on GPUs, gloo on CPUs)."""
    torch = need_torch()
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    place = _device(torch, device, int(os.environ.get("LOCAL_RANK", "0")))
    if size > 1 and not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
    return World(rank, size, place)


def leave(world: World) -> None:
    """Leave the process group, when there is one."""
    if world.size > 1:
        import torch

        torch.distributed.destroy_process_group()


def end(world: World, code: int) -> None:
    """End a process of a group with this exit status once its work is done and written; alone, go on.

    DistributedDataParallel keeps gloo's threads alive after the group is gone; one that frees a tensor while the interpreter
    ends aborts the whole process (seen as exit status -6 after a run that was complete), so the interpreter's end is left out.
    """
    if world.size > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _device(torch_module: Any, wanted: str, local_rank: int) -> torch.device:
    if wanted == "auto":
        wanted = "cuda" if torch_module.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch_module.cuda.is_available():
        raise UsageFault("no CUDA device is here: say --device cpu or auto")
    if wanted == "cuda":
        torch_module.cuda.set_device(local_rank)
        wanted = f"cuda:{local_rank}"
    try:
        place: torch.device = torch_module.device(wanted)
    except RuntimeError:
        raise UsageFault(f"device {wanted!r} is not known to torch: auto, cpu or cuda was expected") from None
    return place


def gather(world: World, value: Any) -> list[Any]:
    """Every process's value, in rank order, on every process."""
    if world.size == 1:
        return [value]
    import torch

    out: list[Any] = [None] * world.size
    torch.distributed.all_gather_object(out, value)
    return out


def from_first(world: World, value: Any) -> Any:
    """The first process's value, on every process."""
    if world.size == 1:
        return value
    import torch

    box = [value]
    torch.distributed.broadcast_object_list(box, src=0, device=world.device if world.device.type == "cuda" else None)
    return box[0]


def in_turn(world: World, work: Callable[[], T]) -> T:
    """What `work` gives: the first process does it while the others wait, then they find it done."""
    if not world.first:
        from_first(world, None)
    done = work()
    if world.first:
        from_first(world, None)
    return done


def be_deterministic(world: World, wanted: bool) -> None:
    """On CUDA, choose deterministic kernels (the CPU's are); slower by some per cent."""
    if world.device.type != "cuda":
        return
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = not wanted
    torch.use_deterministic_algorithms(wanted, warn_only=False)
