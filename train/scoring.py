"""A model in use: photos in, scores out; by onnxruntime alone where the folder holds model.onnx, else by torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train import chain, run_folder
from workspace.errors import MissingExtra, ModelFault, PhotoFault

LOW, HIGH = 1.0, 10.0
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".heif", ".avif")
Pixels = NDArray[np.uint8]
Network = Callable[[Pixels], NDArray[np.float64]]


@dataclass(frozen=True)
class Score:
    """One photo's answer: `score` on 1..10 (clipped; `raw` is the network's own), or `fault` saying why there is none."""

    file: str
    score: float | None
    raw: float | None
    fault: str = ""


@dataclass(frozen=True)
class Scorer:
    """An opened model folder: its facts, its network, and what runs it (`onnxruntime` or `torch`)."""

    facts: Mapping[str, Any]
    network: Network
    engine: str

    @property
    def simulated(self) -> bool:
        """Whether the model was trained on simulated votes."""
        return bool(self.facts["simulated_votes"])

    @property
    def notices(self) -> list[str]:
        """What must be said beside every score."""
        return list(self.facts["notices"])

    def score_files(self, paths: Iterable[Path], batch: int = 16) -> Iterator[Score]:
        """Scores in the order of `paths`, read and computed batch by batch; a broken photo gives a Score with a fault."""
        held: list[tuple[str, Pixels | str]] = []
        for path in paths:
            try:
                held.append((str(path), chain.read(path, self.facts)))
            except PhotoFault as fault:
                held.append((str(path), str(fault)))
            if len(held) == batch:
                yield from self._answers(held)
                held = []
        yield from self._answers(held)

    def _answers(self, held: list[tuple[str, Pixels | str]]) -> Iterator[Score]:
        good = [pixels for _, pixels in held if not isinstance(pixels, str)]
        values = iter(self.network(np.stack(good)) if good else ())
        for name, pixels in held:
            if isinstance(pixels, str):
                yield Score(name, None, None, pixels)
            else:
                raw = float(next(values))
                yield Score(name, float(np.clip(raw, LOW, HIGH)), raw)


def photos_in(places: Iterable[Path]) -> list[Path]:
    """The files said, and the image files of the folders said (all levels), in name order. Raises PhotoFault when none."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            inside = sorted(p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
            if not inside:
                raise PhotoFault(f"{place} holds no photo: a folder with {', '.join(SUFFIXES[:4])} ... files was expected")
            found += inside
        elif place.exists():
            found.append(place)
        else:
            raise PhotoFault(f"{place} is not there: name a photo or a folder of photos")
    return found


def open_model(folder: Path, engine: str = "auto") -> Scorer:
    """Open a model folder. `engine`: auto, onnxruntime or torch.

    Raises ModelFault for a folder that is no model or is not whole, MissingExtra when neither engine is installed.
    """
    if not folder.is_dir():
        raise ModelFault(
            f"{folder} is not a model folder: a folder with {run_folder.MODEL} was expected, as `dermiqa train` leaves it"
        )
    facts = run_folder.read_model(folder)
    has_onnx = bool(facts.get("onnx")) and (folder / str(facts["onnx"])).is_file()
    if engine == "auto":
        engine = "onnxruntime" if has_onnx and _installed("onnxruntime") else "torch"
    if engine == "onnxruntime":
        if not has_onnx:
            raise ModelFault(
                f"{folder} has no exported network: run `dermiqa model export --model {folder}` where torch is installed"
            )
        return Scorer(facts, _onnx_network(folder / str(facts["onnx"])), engine)
    if not _installed("torch"):
        raise MissingExtra("onnxruntime" if has_onnx else "torch", "score" if has_onnx else "train")
    return Scorer(facts, _torch_network(folder, facts), engine)


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _onnx_network(path: Path) -> Network:
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise MissingExtra("onnxruntime", "score") from None
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as fault:  # onnxruntime raises kinds of its own
        raise ModelFault(f"{path} can't be run by onnxruntime: {str(fault).splitlines()[0]}") from None

    def network(pixels: Pixels) -> NDArray[np.float64]:
        values: NDArray[np.float64] = np.asarray(session.run(["score"], {"pixels": pixels})[0], dtype=np.float64)
        return values

    return network


def _torch_network(folder: Path, facts: Mapping[str, Any]) -> Network:
    import torch

    from train.model import Shape, from_shape

    model = from_shape(Shape.from_dict(dict(facts["shape"]))).eval().to(memory_format=torch.channels_last)
    run_folder.read_weights(folder / str(facts["weights"]), model)

    def network(pixels: Pixels) -> NDArray[np.float64]:
        with torch.inference_mode():
            raw = model(torch.from_numpy(pixels).permute(0, 3, 1, 2).float())
            values: NDArray[np.float64] = model.score(raw).double().numpy()  # type: ignore[operator]
        return values

    return network
