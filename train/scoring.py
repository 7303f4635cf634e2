"""A model in use: photos in, scores with intervals and faults out; without torch where the folder holds model.onnx."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image, ImageOps

from distort.intake.found import NO_PHOTOS
from distort.intake.pixels import to_rgb, to_srgb
from train import chain, run_folder
from train.attributes import ATTRIBUTES, PREFIX, AttributeHead, as_columns, read_attributes
from train.calibration import FILE as CALIBRATION
from train.calibration import HIGH, LEAST, LOW, Calibration, read_interval
from train.fault_features import fault_features
from train.fault_material import FAULTS
from train.faults import FaultHead, read_head
from train.networks import Network, open_network
from train.pixels import Pixels
from train.range_check import Range, read_range
from train.tiles import tile_sharpness
from workspace.errors import MissingExtra, ModelFault, PhotoFault, UsageFault

if TYPE_CHECKING:
    import pandas as pd

READERS = 2
THUMBNAIL = 160
OUT_OF_RANGE = "out_of_range"
TEXTS = ("file", "flags", "faults", "fault")
Source = Path | str | Pixels | Image.Image


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
            lacks.append(f"No interval: {self._no_interval()}.")
        if self.range is None:
            lacks.append("No range check: the model folder holds no features of its training images.")
        return [*self.facts["notices"], *lacks]

    def _no_interval(self) -> str:
        if self.calibration.missing:
            return f"the model folder lacks {CALIBRATION} and {run_folder.PREDICTIONS}"
        groups = self.calibration.groups
        return f"the model's validation images are of {groups} groups, fewer than {LEAST}" if groups else "no validation image"

    def columns(self, wanted: Wanted | None = None) -> list[str]:
        """The columns of a table of this model's scores, in order."""
        wanted = wanted or Wanted()
        heads = [*Score("").as_row(), *(f"p_{fault}" for fault in FAULTS if self.head and wanted.faults)]
        return [*heads, *(f"{PREFIX}{name}" for name in ATTRIBUTES if self.attributes and wanted.attributes)]

    def score_files(self, paths: Iterable[Source], batch: int = 16, wanted: Wanted | None = None) -> Iterator[Score]:
        """Scores in the order of `paths` (files, arrays `(H, W, 3)` uint8 RGB, Pillow's images), read ahead and computed by batches.

        Memory does not grow with their number. A broken photo gives a Score with a fault. Raises UsageFault for a batch below 1.
        """
        if not isinstance(batch, (int, np.integer)) or batch < 1:
            raise UsageFault(f"batch is {batch!r}: a whole number of photos from 1 on was expected")
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
        name = writable(str(source)) if isinstance(source, (str, Path)) else f"array {number}"
        try:
            if not isinstance(source, (str, Path)):
                photo = chain.from_pixels(_pixels(source), self.facts, keep_full=wanted.full_size)
            else:
                photo = chain.read(Path(source), self.facts, flagged=wanted.flags, keep_full=wanted.full_size)
        except (PhotoFault, MissingExtra, OSError) as fault:
            return _Read(name, None, writable(str(fault)))
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


def writable(text: str) -> str:
    """A text that any file and terminal takes: what a file's name holds beside UTF-8 as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _pixels(given: Pixels | Image.Image) -> Pixels:
    """An array as it is, Pillow's image upright in sRGB. Raises PhotoFault for an image that is cut off."""
    if isinstance(given, np.ndarray):
        return given
    try:
        rgb, profile, _ = to_rgb(ImageOps.exif_transpose(given))
        return to_srgb(rgb, profile)[0]
    except Exception as fault:  # Pillow's formats raise kinds of their own
        raise PhotoFault(f"the image is damaged: {fault}") from None


def photos_in(places: Iterable[Path | str]) -> list[Path]:
    """The files said, and the files of the folders said (all levels) that `prepare` tries too, in name order.

    Hidden files and those that are no photos by their ending (`NO_PHOTOS`) are passed over. Raises PhotoFault when there is nothing,
    UsageFault for an empty name.
    """
    found: list[Path] = []
    for place in map(_named, places):
        if os.path.isdir(place):
            inside = sorted(path for path in place.rglob("*") if _is_tried(path, place))
            if not inside:
                raise PhotoFault(f"{writable(str(place))} holds no photo: a folder with photos was expected")
            found += inside
        elif os.path.exists(place):
            found.append(place)
        else:
            raise PhotoFault(f"{writable(str(place))} is not there: name a photo or a folder of photos")
    return found


def _named(place: os.PathLike[str] | str) -> Path:
    if isinstance(place, str) and not place.strip():
        raise UsageFault(f"{place!r} is no photo's name: name a photo or a folder of photos")
    return Path(place)


def _is_tried(path: Path, folder: Path) -> bool:
    """Whether a folder's entry is tried as a photo, by `prepare`'s rule; a link to nowhere is, so that its row says so."""
    if any(part.startswith(".") for part in path.relative_to(folder).parts):
        return False
    target = os.path.realpath(path) if path.is_symlink() else path
    if NO_PHOTOS & {path.suffix.lower(), Path(target).suffix.lower()}:
        return False
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def open_model(folder: Path, engine: str = "auto") -> Scorer:
    """Open a model folder. `engine`: auto, onnxruntime or torch.

    Raises ModelFault for a folder that is no model or is not whole, MissingExtra when neither engine is installed, UsageFault for an
    unknown engine.
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
    """Scores of photos as a data frame, one row per photo in the given order; `Scorer.columns`, numbers as float64, the rest texts.

    `photos`: a file, a folder, or any number of files, arrays `(H, W, 3)` uint8 RGB and Pillow's images; `model`: a model folder or an
    open Scorer. A broken photo has its reason in `fault`. Raises ModelFault, PhotoFault (a folder without photos), UsageFault.
    """
    import pandas as pd

    scorer = model if isinstance(model, Scorer) else open_model(Path(model), engine)
    wanted = Wanted(full_size=full_size)
    found = scorer.score_files(_spread(_listed(photos)), batch, wanted)
    frame = pd.DataFrame([item.as_row() for item in found], columns=scorer.columns(wanted))
    frame = frame.astype({name: "str" if name in TEXTS else "float64" for name in frame.columns})
    frame.attrs["notices"], frame.attrs["chain"] = scorer.notices, chain.describe(scorer.facts)
    return frame


def _listed(photos: Any) -> Iterable[Any]:
    """One photo as a list of it. Raises UsageFault for what is neither a photo nor a number of them."""
    if isinstance(photos, (str, bytes, os.PathLike, np.ndarray, Image.Image)):
        return [photos]
    if not isinstance(photos, Iterable):
        raise UsageFault(_unknown(photos))
    return photos


def _unknown(given: object) -> str:
    return f"a photo of type {type(given).__name__} was given: paths or (H, W, 3) uint8 RGB arrays were expected"


def _spread(given: Iterable[Any]) -> Iterator[Source]:
    """The photos, those of a folder one by one. Raises UsageFault for what is neither path, array nor image."""
    for item in given:
        if isinstance(item, Image.Image):
            with suppress(Exception):  # told in its row; loaded here since two readers may hold one image
                item.load()
            yield item
        elif isinstance(item, np.ndarray):
            yield item
        elif isinstance(item, (str, os.PathLike)):
            path = _named(item)
            yield from photos_in([path]) if os.path.isdir(path) else (path,)
        else:
            raise UsageFault(_unknown(item))
