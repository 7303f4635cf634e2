"""LIVE In the Wild: 1,162 mobile photos; names, scores and deviations lie in three MATLAB files; always and only a test set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from train.datasets.base import Facts, Labels, find_file, find_folder, need_file
from workspace.errors import DatasetFault, MissingExtra

_HDF5 = b"\x89HDF\r\n\x1a\n"
_NAMES, _MOS, _SD = "AllImages_release.mat", "AllMOS_release.mat", "AllStdDev_release.mat"
FACTS = Facts(
    name="live_itw",
    title="LIVE In the Wild",
    distortion="Authentic",
    low=0.0,
    high=100.0,
    extremes=(3.42, 92.43),
    count=1_162,
    paper_count=1_169,
    role="test",
    files=(_NAMES,),
    folders=("Images",),
    digests=("8a80638046e23519",),
    score="AllMOS_release: mean of about 175 votes, 0 to 100",
    sd="AllStdDev_release: standard deviation of the votes",
    group="the image itself",
    licence="free for research with acknowledgement (LIVE, University of Texas at Austin)",
    citation="Ghadiyaram and Bovik: Massive online crowdsourced study of picture quality. IEEE TIP 25(1) (2016)",
    address="https://live.ece.utexas.edu/research/ChallengeDB/index.html",
    options={"keep": ("1162", "1169")},
    notes=("the first seven, t1 to t7, trained the observers and are dropped (keep = 1169 keeps them, as the paper seems to)",),
    unscored=r"(?:trainingimages/)?t\d\.bmp",
    rank=5,
)


def read(root: Path, keep: str | int = "1162") -> Labels:
    """The rows of `Data/All{Images,MOS,StdDev}_release.mat`, in MATLAB 5 or 7.3."""
    path = need_file(root, FACTS.files, FACTS.title)
    names = [str(name) for name in _matlab(path)]
    scores = _vector(path.with_name(_MOS), len(names))
    frame = pd.DataFrame({"file": names, "score": scores})
    if find_file(path.parent, (_SD,)) is not None:
        frame["sd"] = _vector(path.with_name(_SD), len(names))
    if str(keep) == "1162":
        frame = frame[~frame["file"].str.fullmatch(r"t\d\.bmp")].copy()
    folder = find_folder(root, FACTS.folders, frame["file"].iloc[-50:].tolist())
    frame["file"] = [_training_image(folder, name) for name in frame["file"]]
    return Labels(frame, folder, FACTS.low, FACTS.high)


def _training_image(folder: Path, name: str) -> str:
    below = f"trainingImages/{name}"
    return below if name.startswith("t") and not (folder / name).exists() and (folder / below).exists() else name


def _vector(path: Path, expected: int) -> list[float]:
    values = [float(v) for v in _matlab(path)]
    if len(values) != expected:
        raise DatasetFault(f"{path} holds {len(values):,} values, {_NAMES} names {expected:,} images: files of two releases?")
    return values


def _matlab(path: Path) -> list[Any]:
    """The one variable of a .mat file as a flat list of numbers or texts, whatever its name."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        head = path.read_bytes()[:1024]
        if _HDF5 in (head[:8], head[512:520]):
            return _matlab73(path)
        content = loadmat(path)
    except FileNotFoundError:
        raise DatasetFault(f"{path} is not there: {FACTS.title} consists of three .mat files and the images") from None
    except (MatReadError, ValueError, TypeError, NotImplementedError) as fault:
        raise DatasetFault(f"{path} can't be read as a MATLAB file ({str(fault).splitlines()[0]}): download it again") from None
    value = next((v for k, v in content.items() if not k.startswith("__")), np.array([]))
    return [v.item() if isinstance(v, np.ndarray) and v.size == 1 else v for v in np.ravel(value)]


def _matlab73(path: Path) -> list[Any]:
    """The same of MATLAB 7.3, an HDF5 file: cells are references to arrays of character codes."""
    try:
        import h5py
    except ImportError:
        raise MissingExtra("h5py, which reads MATLAB 7.3 files,", "train") from None
    with h5py.File(path) as content:
        keys = [key for key in content if not key.startswith("#")]
        if not keys:
            raise DatasetFault(f"{path} holds no variable: download it again")
        values = np.ravel(content[keys[0]][()])
        if values.dtype != object:
            return [float(v) for v in values]
        return ["".join(chr(int(code)) for code in np.ravel(content[v][()])) for v in values]
