"""A model in use: photos in, scores with intervals and faults out; without torch where the folder holds model.onnx."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from train import chain, run_folder
from train.attributes import AttributeHead, as_columns, read_attributes
from train.calibration import HIGH, LEAST, LOW, Calibration, read_interval
from train.fault_features import fault_features
from train.fault_material import FAULTS
from train.faults import FaultHead, read_head
from train.networks import Network, open_network
from train.pixels import Pixels
from train.range_check import Range, read_range
from train.tiles import tile_sharpness
from workspace.errors import MissingExtra, ModelFault, PhotoFault

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".heif", ".avif", ".dcm")
READERS = 2
THUMBNAIL = 160
OUT_OF_RANGE = "out_of_range"
Source = Path | str | Pixels


@dataclass(frozen=True)
class Wanted:
    """What is computed beside the score: flags of `prepare`'s table, faults, attributes, sharpness at full size, a thumbnail."""

    flags: bool = True
    faults: bool = True
    attributes: bool = True
    full_size: bool = False
    thumbnails: bool = False


@dataclass(frozen=True)
class Score:
    """One photo's answer, or `fault` saying why there is none.

    `score` on 1..10 (clipped; `raw` is the network's own), the interval `low`..`high` (None: the model has none; the whole scale where
    the photo is out of range), `distance` from the training images (above 1: out of range), `flags`, `faults` by name, `said`: those
    above their thresholds, `attributes` 0..100 by name, `sharpness` 0..1 of the sharpest tiles at full size, `thumbnail` a JPEG.
    """

    file: str
    score: float | None = None
    low: float | None = None
    high: float | None = None
    raw: float | None = None
    distance: float | None = None
    flags: tuple[str, ...] = ()
    faults: Mapping[str, float] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    attributes: Mapping[str, float] = field(default_factory=dict)
    sharpness: float | None = None
    thumbnail: bytes = b""
    fault: str = ""

    def as_row(self) -> dict[str, Any]:
        """Plain cells: numbers rounded, flags and said faults joined by `;`, a column `p_FAULT` per fault, `a_NAME` per attribute."""
        numbers = {name: _rounded(getattr(self, name)) for name in ("score", "low", "high", "raw", "distance", "sharpness")}
        texts = {"flags": ";".join(self.flags), "faults": ";".join(self.said), "fault": self.fault}
        chances = {f"p_{name}": round(value, 4) for name, value in self.faults.items()}
        return {"file": self.file, **numbers, **texts, **chances, **as_columns(self.attributes)}


@dataclass(frozen=True)
class _Read:
    """A photo read ahead: what the network needs, and what was measured meanwhile."""

    name: str
    photo: chain.Photo | None
    fault: str = ""
    faults: Mapping[str, float] = field(default_factory=dict)
    attributes: Mapping[str, float] = field(default_factory=dict)
    sharpness: float | None = None
    thumbnail: bytes = b""


@dataclass(frozen=True)
class Scorer:
    """An opened model folder: facts, network, what runs it (`onnxruntime` or `torch`), interval, range, faults and attributes."""

    facts: Mapping[str, Any]
    network: Network
    engine: str
    calibration: Calibration
    range: Range | None
    head: FaultHead | None
    attributes: AttributeHead | None = None

    @property
    def simulated(self) -> bool:
        """Whether the model was trained on simulated votes."""
        return bool(self.facts["simulated_votes"])

    @property
    def notices(self) -> list[str]:
        """What must be said beside every score."""
        lacks = []
        if self.calibration.half_width is None:
            few = f"validation images are of {self.calibration.groups} groups, fewer than {LEAST}"
            lacks.append(f"No interval: the model's {few}." if self.calibration.groups else "No interval: no validation image.")
        if self.range is None:
            lacks.append("No range check: the model folder holds no features of its training images.")
        return [*self.facts["notices"], *lacks]

    def score_files(self, paths: Iterable[Source], batch: int = 16, wanted: Wanted | None = None) -> Iterator[Score]:
        """Scores in the order of `paths` (files, or arrays `(H, W, 3)` uint8 RGB), read ahead and computed batch by batch.

        Memory does not grow with their number. A broken photo gives a Score with a fault.
        """
        ahead = self._ahead(paths, batch, wanted or Wanted())
        while held := list(islice(ahead, batch)):
            yield from self._answers(held)

    def _ahead(self, paths: Iterable[Source], batch: int, wanted: Wanted) -> Iterator[_Read]:
        waiting: deque[Future[_Read]] = deque()
        with ThreadPoolExecutor(READERS, thread_name_prefix="read") as pool:
            for number, source in enumerate(paths):
                waiting.append(pool.submit(self._read, source, number, wanted))
                if len(waiting) > batch:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _read(self, source: Source, number: int, wanted: Wanted) -> _Read:
        name = f"array {number}" if isinstance(source, np.ndarray) else str(source)
        try:
            if isinstance(source, np.ndarray):
                photo = chain.from_pixels(source, self.facts, keep_full=wanted.full_size)
            else:
                photo = chain.read(Path(source), self.facts, flagged=wanted.flags, keep_full=wanted.full_size)
        except (PhotoFault, MissingExtra) as fault:
            return _Read(name, None, str(fault))
        faults, attributes = self._judged(photo.working, wanted)
        sharp = tile_sharpness(photo.full) if photo.full is not None else None
        small = thumbnail(photo.working) if wanted.thumbnails else b""
        kept = chain.Photo(photo.pixels, photo.pixels, photo.flags)
        return _Read(name, kept, "", faults, attributes, sharp.best if sharp else None, small)

    def _judged(self, working: Pixels, wanted: Wanted) -> tuple[Mapping[str, float], Mapping[str, float]]:
        """Faults and attributes of a working image, from features that are computed once."""
        if not (wanted.attributes and self.attributes):
            return (self.head.of(working) if wanted.faults and self.head else {}), {}
        features = fault_features(working)
        faults = self.head.probabilities(features[None])[0].tolist() if wanted.faults and self.head else []
        return dict(zip(FAULTS, faults, strict=False)), self.attributes.named(features)

    def _answers(self, held: list[_Read]) -> Iterator[Score]:
        good = [item.photo.pixels for item in held if item.photo is not None]
        outputs, features = self.network(np.stack(good)) if good else (np.empty(0), np.empty((0, 0)))
        distances = self.range.distances(features) if self.range is not None and good else None
        place = 0
        for item in held:
            if item.photo is None:
                yield Score(item.name, fault=item.fault)
                continue
            yield self._answer(
                item, item.photo.flags, float(outputs[place]), None if distances is None else float(distances[place])
            )
            place += 1

    def _answer(self, item: _Read, flags: tuple[str, ...], raw: float, distance: float | None) -> Score:
        known = distance is None or distance <= 1.0
        score = float(np.clip(raw, LOW, HIGH))
        low, high = self.calibration.interval(score, known=known) or (None, None)
        said = self.head.said(dict(item.faults)) if self.head and item.faults else ()
        flags = flags if known else (OUT_OF_RANGE, *flags)
        return Score(
            item.name, score, low, high, raw, distance, flags, item.faults, said, item.attributes, item.sharpness, item.thumbnail
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def thumbnail(rgb: Pixels) -> bytes:
    """A JPEG of at most 160 px of a working image `(H, W, 3)`."""
    from distort.intake.shape import fit

    done, data = cv2.imencode(".jpg", cv2.cvtColor(fit(rgb, THUMBNAIL), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return bytes(data) if done else b""


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
    network, used = open_network(folder, facts, engine)
    interval, known = read_interval(folder), read_range(folder)
    return Scorer(facts, network, used, interval, known, read_head(folder), read_attributes(folder))


def score(
    photos: Source | Iterable[Source],
    model: Path | str | Scorer,
    *,
    batch: int = 16,
    full_size: bool = False,
    engine: str = "auto",
) -> pd.DataFrame:
    """Scores of photos as a data frame, one row per photo in the given order; columns as `Score.as_row`.

    `photos`: a file, a folder, or any number of files and arrays `(H, W, 3)` uint8 RGB; `model`: a model folder or an open Scorer.
    A broken photo has its reason in `fault`. Raises ModelFault and PhotoFault (nothing there).
    """
    import pandas as pd

    scorer = model if isinstance(model, Scorer) else open_model(Path(model), engine)
    given: Iterable[Source] = [photos] if isinstance(photos, (str, Path, np.ndarray)) else photos
    found = scorer.score_files(_spread(given), batch, Wanted(full_size=full_size))
    frame = pd.DataFrame([item.as_row() for item in found])
    frame.attrs["notices"], frame.attrs["chain"] = scorer.notices, chain.describe(scorer.facts)
    return frame


def _spread(given: Iterable[Source]) -> Iterator[Source]:
    for item in given:
        if isinstance(item, np.ndarray):
            yield item
        else:
            yield from photos_in([Path(item)]) if Path(item).is_dir() else (Path(item),)
