"""Hit and false-alarm rates of the flags: `python -m benchmarks.flags [--quick]`.

Hits: the fault is put into dermatology photographs at known strength (blur, JPEG, exposure, frames, drawn text, codes, pasted
faces), or stands in labels by eye (rulers, faces). False alarms: the same photographs untouched. Rated photographs show how often
the quality flags stand among the worst and the best fifth by opinion score. The photos are looked for in DERMIQA_REFERENCE, else in
a folder `shared` beside the repository.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.flag_faults import Change, blurred, dark_corners, ean13, exposed, flat, framed, lettered, pasted, qr_code, sunk
from distort import png
from distort.intake.alike import NEAR, phash
from distort.intake.judge import THRESHOLDS, judge
from distort.intake.one import pristine
from distort.intake.read import Original, read_photo
from distort.intake.shape import Edits, fit
from distort.types.arrays import Pixels
from workspace.errors import PhotoFault

SIDE = 512

FRONTAL = (6189, 4309, 3058, 3311, 3051, 1798, 5971)
TURNED = (1417, 40, 421, 4298, 1612, 4171, 194, 4129, 48)
"""Numbers of the photographs, among the 96 that `faces_by_eye` draws, in which a face was seen by eye."""


def reference() -> Path:
    """The folder of reference photographs."""
    return Path(os.environ.get("DERMIQA_REFERENCE", Path(__file__).resolve().parent.parent.parent / "shared")) / "images"


def flags_of(original: Original) -> set[str]:
    """The flags of a decoded photo, as `prepare` gives them."""
    rgb, said = pristine(original, Edits(), SIDE)
    reduced = max(original.rgb.shape[:2]) / max(rgb.shape[:2])
    return {*said, *judge(rgb, original, reduced=reduced)[1]}


def of_pixels(rgb: Pixels) -> set[str]:
    """The flags of pixels that were never a JPEG here."""
    return flags_of(Original(rgb, "PNG"))


def small_faces() -> list[Pixels]:
    """A hundred faces of 25 x 25 pixels (a subset of Labeled Faces in the Wild that scikit-image carries)."""
    from skimage import data

    faces = np.asarray(data.lfw_subset())[:100]
    return [np.repeat((face * 255).astype(np.uint8)[:, :, None], 3, axis=2) for face in faces]


def saved(original: Pixels, quality: int) -> tuple[Original, Original]:
    """Saved as JPEG and read back: as that file, and as a PNG made from it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        Image.fromarray(original).save(path, quality=quality)
        as_jpeg = read_photo(path)
        (Path(folder) / "photo.png").write_bytes(png.encode(as_jpeg.rgb))
        return as_jpeg, read_photo(Path(folder) / "photo.png")


def rate(found: int, of: int) -> str:
    """`12/50  24 %`."""
    return f"{found:4d}/{of:<4d} {100 * found / max(of, 1):5.1f} %"


def photos(folder: Path) -> Iterator[tuple[Path, Original]]:
    """Every readable photo of a folder with at least 300 pixels on its largest and 150 on its smallest side."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() not in (".csv", ".md")):
        try:
            original = read_photo(path)
        except PhotoFault:
            continue
        if max(original.rgb.shape[:2]) >= 300 and min(original.rgb.shape[:2]) >= 150:
            yield path, original


def injected(derm: list[Pixels]) -> None:
    """Hit rates of faults that were put in, beside the false alarms on the same photos untouched."""
    clean = [of_pixels(rgb) for rgb in derm]
    faces = small_faces()
    cases: list[tuple[str, str, Change]] = [
        ("blurred", "Gaussian blur, sigma 3", blurred(3)),
        ("blurred", "Gaussian blur, sigma 2", blurred(2)),
        ("blurred", "Gaussian blur, sigma 1.5", blurred(1.5)),
        ("blurred", "Gaussian blur, sigma 1", blurred(1)),
        ("clipped_light", "light x 1.8", exposed(1.8)),
        ("clipped_dark", "110 levels darker", sunk),
        ("low_contrast", "contrast x 0.1", flat),
        ("border", "plain frame of 4 %", framed),
        ("vignette", "black round surround", dark_corners),
        *[("text", f"a line of text, {size} px", lettered(size)) for size in (10, 14, 20, 32)],
        *[("text", f"four digits, {size} px", lettered(size, "4711")) for size in (14, 20)],
        *[("bar_code", f"QR code, {share:.0%} of the side", pasted(qr_code("ID 4711"), share)) for share in (0.15, 0.3)],
        *[("bar_code", f"EAN-13, {share:.0%} of the side", pasted(ean13("400638133393"), share)) for share in (0.3, 0.45)],
    ]
    print(f"{'flag':14} {'put into ' + str(len(derm)) + ' dermatology photos':34} {'hits':>17} {'false alarms':>17}")
    for flag, what, change in cases:
        random = np.random.RandomState(1)
        usable = [i for i, found in enumerate(clean) if flag not in found]
        hits = sum(flag in of_pixels(change(derm[i], random)) for i in usable)
        print(f"{flag:14} {what:34} {rate(hits, len(usable)):>17} {rate(len(derm) - len(usable), len(derm)):>17}")
    for share in (0.15, 0.3):
        random = np.random.RandomState(1)
        usable = [i for i, found in enumerate(clean) if "face" not in found]
        hits = sum("face" in of_pixels(pasted(faces[k % 100], share)(derm[i], random)) for k, i in enumerate(usable))
        name = f"small grey face, {share:.0%} of the side"
        print(f"{'face':14} {name:34} {rate(hits, len(usable)):>17} {rate(len(derm) - len(usable), len(derm)):>17}")


def compressed(originals: list[Pixels]) -> None:
    """Hit rates for JPEG: by the file's tables, and by its blocks once it is a PNG."""
    print(f"\n{'saved at its own size (<= 1024 px) as JPEG':44} {'compressed':>17} {'blocking (as PNG)':>17}")
    for quality in (10, 20, 30, 50, 75, 95):
        pairs = [saved(fit(rgb, 1000), quality) for rgb in originals]
        by_file = sum("compressed" in flags_of(one) for one, _ in pairs)
        by_block = sum("blocking" in flags_of(other) for _, other in pairs)
        print(f"{'quality ' + str(quality):44} {rate(by_file, len(pairs)):>17} {rate(by_block, len(pairs)):>17}")


def rulers(folder: Path) -> None:
    """Against the labels by eye of the dermoscopy set."""
    with (folder / "artefact_labels.csv").open(encoding="utf-8") as stream:
        labels = {row["file"]: row for row in csv.DictReader(stream)}
    rows = [(labels[p.name], flags_of(o)) for p, o in photos(folder) if p.name in labels]
    print()
    for flag, column in (("ruler", "ruler"), ("vignette", "dark_corner")):
        with_it = [found for label, found in rows if label[column] == "1"]
        without = [found for label, found in rows if label[column] != "1"]
        hits, false = sum(flag in f for f in with_it), sum(flag in f for f in without)
        print(f"{flag:14} {'labels by eye (' + column + ')':34} {rate(hits, len(with_it)):>17} {rate(false, len(without)):>17}")


def alike(derm: list[Pixels]) -> None:
    """Near-duplicates: the same photo saved again, half as large, lighter; and any two different photos."""
    hashes = np.array([int(phash(rgb), 16) for rgb in derm], dtype=np.uint64)
    changes: dict[str, Change] = {
        "saved at quality 30": lambda rgb, _: saved(rgb, 30)[0].rgb,
        "half as large": lambda rgb, _: fit(rgb, max(rgb.shape[:2]) // 2),
        "light x 1.2": exposed(1.2),
        "2 % cropped away": lambda rgb, _: rgb[: int(len(rgb) * 0.98), : int(rgb.shape[1] * 0.98)],
    }
    random = np.random.RandomState(1)
    print()
    for name, change in changes.items():
        again = [int(phash(np.ascontiguousarray(change(rgb, random))), 16) for rgb in derm]
        hits = sum(int(np.bitwise_count(np.uint64(a) ^ h)) <= NEAR for a, h in zip(again, hashes, strict=True))
        print(f"{'near_duplicate':14} {name:34} {rate(hits, len(derm)):>17}")
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None])[np.triu_indices(len(derm), 1)]
    print(f"{'near_duplicate':14} {'pairs of different files':34} {'':17} {rate(int((apart <= NEAR).sum()), len(apart)):>17}")


def rated(folder: Path, quick: bool) -> None:
    """How often each flag stands among the worst and the best fifth of rated photographs."""
    scores: dict[str, float] = {}
    for table in sorted(folder.glob("*.csv")):
        with table.open(encoding="utf-8-sig") as stream:
            for line in csv.reader(stream):
                if len(line) >= 2 and line[0].lower().endswith(".jpg"):
                    scores[line[0]] = float(line[1])
    order = sorted(scores, key=lambda name: (scores[name], name))
    fifth = len(order) // 5
    step = 8 if quick else 2
    worst, best = order[:fifth][::step], order[-fifth:][::step]
    print(f"\n{'flag':14} {'photographs with scores':34} {'worst fifth':>17} {'best fifth':>17}")
    counted: list[dict[str, int]] = []
    for names in (worst, best):
        found = [flags_of(read_photo(folder / "Images" / name)) for name in names]
        counted.append({row.flag: sum(row.flag in f for f in found) for row in THRESHOLDS})
    for row in THRESHOLDS:
        low, high = counted[0][row.flag], counted[1][row.flag]
        print(f"{row.flag:14} {'':34} {rate(low, len(worst)):>17} {rate(high, len(best)):>17}")


def faces_by_eye(folder: Path) -> None:
    """Against labels by eye on 96 photographs; false alarms are those without any face."""
    names = sorted(path.name for path in folder.glob("ss03*.jpg"))
    drawn = [names[i] for i in np.random.RandomState(3).permutation(len(names))[:96]]
    found = {int(name[6:-5]): "face" in flags_of(read_photo(folder / name)) for name in drawn}
    others = [flagged for number, flagged in found.items() if number not in FRONTAL + TURNED]
    false = rate(sum(others), len(others))
    for what, numbers in (("by eye: frontal, a tenth or more", FRONTAL), ("by eye: turned, tilted or small", TURNED)):
        print(f"{'face':14} {what:34} {rate(sum(found[n] for n in numbers), len(numbers)):>17} {false:>17}")


def odd(folder: Path) -> None:
    """How often each flag stands among the readable odd files that are large enough to be photographs."""
    found = [flags_of(original) for _, original in photos(folder)]
    print(f"\n{'flag':14} among {len(found)} readable odd files")
    for row in THRESHOLDS:
        print(f"{row.flag:14} {rate(sum(row.flag in f for f in found), len(found))}")


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the photos")
    quick = parser.parse_args().quick
    place = reference()
    originals: list[Any] = [o.rgb for _, o in photos(place / "derm")][:: 5 if quick else 1]
    derm = [fit(rgb, SIDE) for rgb in originals]
    injected(derm)
    alike(derm)
    rulers(place / "derm" / "isic2017_cc0_1024px")
    faces_by_eye(place / "rated" / "biq2021" / "Images")
    compressed(originals)
    rated(place / "rated" / "biq2021", quick)
    odd(place / "odd")


if __name__ == "__main__":
    main()
