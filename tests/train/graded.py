"""A small graded set in the layout of our own export: smooth random fields blurred and darkened by steps, scores that fall with them."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

LEVELS = 4


def write_export(root: Path, contents: int = 6, side: int = 48, simulated: int = 5) -> Path:
    """`contents` pictures x (1 + 2 axes x 4 levels) with scores, and votes of five observers, all by formula."""
    (root / "images").mkdir(parents=True)
    scores, votes = [], []
    for content in range(contents):
        noise = np.random.default_rng(content).integers(0, 256, (side // 3, side // 3, 3), dtype=np.uint8)
        pristine = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
        for number in range(1 + 2 * LEVELS):
            axis = "" if number == 0 else ("blur" if number <= LEVELS else "dark")
            level = 0 if number == 0 else (number - 1) % LEVELS + 1
            image = pristine
            if axis == "blur":
                image = cv2.GaussianBlur(pristine, (0, 0), 0.8 * level)
            elif axis == "dark":
                image = (pristine * (1 - 0.2 * level)).astype(np.uint8)
            name = f"C{content}_{number:02d}"
            cv2.imwrite(str(root / "images" / f"{name}.png"), image)
            given = [min(10, max(1, 9 - 2 * level + (observer + content) % 3 - 1)) for observer in range(5)]
            votes += [(name, f"o{observer}", value, 0) for observer, value in enumerate(given)]
            scores.append(
                {
                    "file": f"{name}.png",
                    "sha256": "",
                    "subject": f"S{content}",
                    "content": f"C{content}",
                    "pristine": f"C{content}_00.png",
                    "kind": "distorted" if level else "pristine",
                    "variant": f"{axis}_{level}" if level else "pristine",
                    "axis": axis,
                    "kadid_type": "",
                    "kadid_level": level,
                    "source": "made",
                    "skin_tone": "",
                    "body_site": "",
                    "panel": "main",
                    "question": "quality",
                    "mos": np.mean(given),
                    "sd": np.std(given, ddof=1),
                    "n": 5,
                    "n_simulated": simulated,
                }
            )
    for path, heads, rows in (
        ("scores.csv", list(scores[0]), [list(r.values()) for r in scores]),
        ("votes.csv", ["stimulus", "observer", "score", "rep"], votes),
    ):
        with (root / path).open("w", newline="") as stream:
            csv.writer(stream).writerows([heads, *rows])
    return root
