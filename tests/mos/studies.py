"""Small studies made up for tests: every vote in them is simulated and says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from mos.exports.study import StudyData
from workspace.files import sha256_file

VARIANTS = {"blur_1": ("blur", 1), "blur_2": ("blur", 3), "jpeg_1": ("jpeg", 1), "jpeg_2": ("jpeg", 4)}


def small_study(folder: Path, *, contents: int = 4, observers: int = 6, simulated: bool = True, closed: int = 0) -> StudyData:
    """A study of `contents` photos in five versions each, with a second panel of two observers; images are tiny files."""
    rng = np.random.default_rng(7)
    rows = []
    for c in range(contents):
        for variant in ["pristine", *VARIANTS]:
            name = f"P{c:04d}_{variant}"
            path = folder / f"{name}.png"
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
            axis, level = VARIANTS.get(variant, ("", 0))
            rows.append(
                {
                    "stimulus": name, "file": str(path), "sha256": sha256_file(path), "content": f"P{c:04d}",
                    "is_ref": variant == "pristine", "subject": f"S{c // 2}", "pristine": f"P{c:04d}_pristine.png",
                    "kind": "pristine" if variant == "pristine" else "distorted", "variant": variant, "axis": axis,
                    "kadid_type": 1 if axis else np.nan, "kadid_level": level or np.nan, "source": "made up",
                    "licence": "CC0-1.0", "credit": "=1+1", "skin_tone": "II", "body_site": "hand",
                    "may_redistribute": "no" if c < closed else "yes",
                }
            )  # fmt: skip
    stimuli = pd.DataFrame(rows)
    truth = stimuli["variant"].map({"pristine": 8.0, "blur_1": 6.0, "blur_2": 3.0, "jpeg_1": 7.0, "jpeg_2": 2.5}).to_numpy()
    votes = []
    for o in range(observers + 2):
        bias = rng.normal(0, 0.5)
        order = rng.permutation(len(stimuli))
        for position, s in enumerate(order):
            score = float(np.clip(np.round(truth[s] + bias + rng.normal(0, 0.9)), 1, 10))
            votes.append(
                {
                    "stimulus": stimuli["stimulus"][s], "observer": f"O{o:03d}", "score": score,
                    "panel": "lay" if o < observers else "expert", "question": "quality", "rep": 0, "session": 1,
                    "position": position, "response_ms": 1500.5 + position, "simulated": simulated,
                    "time": f"2026-01-02T03:{position:02d}:00+00:00",
                }
            )  # fmt: skip
        votes.append({**votes[-1], "rep": 1, "score": 5.0, "position": len(stimuli)})
    people = pd.DataFrame(
        {"observer": [f"O{o:03d}" for o in range(observers + 2)],
         "panel": ["lay"] * observers + ["expert"] * 2, "simulated": simulated, "flags": ""}
    )  # fmt: skip
    questions = pd.DataFrame(
        [{"question": "quality", "kind": "scale", "low": 1, "high": 10, "labels": ["bad", "poor", "fair", "good", "excellent"],
          "text": "How good is the quality of this picture?"}]
    )  # fmt: skip
    meta = {"version": 1, "seed": 5, "hash": "ab" * 32, "design_version": 1, "deviations": ["10 levels"]}
    return StudyData("small", pd.DataFrame(votes), stimuli, people, questions, meta)
