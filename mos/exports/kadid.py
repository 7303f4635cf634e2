"""KADID-10k's layout: `dmos.csv` (dist_img, ref_img, dmos, var) and `images/` with references and distorted images.

As in KADID-10k, `dmos` is higher for better images and `var` is the standard deviation of the votes with ddof 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mos.exports.study import StudyData
from mos.exports.tables import Options, copy_images, note, one_group, open_images, score_rows, write_csv, write_readme
from workspace.errors import StudyFault


def write(study: StudyData, out: Path, options: Options) -> list[Path]:
    """Write `dmos.csv`, `images/`, `names.csv` (our name of each file) and `README.md`.

    Files are called I01_TT_LL.png when type and level of every distorted image are known, differ and there are at most 99
    references; else they keep their own names. Raises StudyFault when no distorted image has a reference here.
    """
    panel, question = one_group(study, options)
    stimuli, left_out = open_images(study, options)
    references = stimuli.loc[stimuli["is_ref"]].drop_duplicates("content").set_index("content")
    stimuli = stimuli.loc[stimuli["content"].isin(references.index)].reset_index(drop=True)
    distorted = stimuli.loc[~stimuli["is_ref"]]
    if distorted.empty:
        raise StudyFault(
            f"study {study.name}: no distorted image has a reference here, KADID's layout needs one: use --format long"
        )
    renamed = kadid_names(stimuli)
    own = stimuli["name"]
    stimuli = stimuli.assign(name=own if renamed is None else renamed)
    copy_images(stimuli, out / "images")
    rows = score_rows(study, stimuli.loc[~stimuli["is_ref"]], panel, question)
    first = dict(zip(stimuli.loc[stimuli["is_ref"], "content"], stimuli.loc[stimuli["is_ref"], "name"], strict=True))
    spread = rows["sd"].fillna(0) * np.sqrt((rows["n"] - 1) / rows["n"])
    table = pd.DataFrame({"dist_img": rows["name"], "ref_img": rows["content"].map(first), "dmos": rows["mos"], "var": spread})
    low, high = study.scale(question)
    lines = [
        f"KADID-10k's layout. `dmos` here is the MOS on {low:g} to {high:g} (higher is better), not KADID's 1 to 5.",
        "Names follow KADID-10k (I01_TT_LL)." if renamed is not None else "Images keep their own names.",
        *([f"{left_out} images that may not be passed on were left out."] if left_out else []),
    ]
    return [
        write_csv(out / "dmos.csv", table),
        write_csv(out / "names.csv", pd.DataFrame({"file": stimuli["name"], "image": own, "sha256": stimuli["sha256"]})),
        write_readme(out / "README.md", study, [*lines, note(study)]),
        out / "images",
    ]


def kadid_names(stimuli: pd.DataFrame) -> list[str] | None:
    """KADID's names for rows of stimuli, or None where type and level don't give each image a name of its own."""
    contents = list(dict.fromkeys(stimuli["content"]))
    number = {content: place for place, content in enumerate(contents, 1)}
    kinds, levels = (pd.to_numeric(stimuli[c], errors="coerce") for c in ("kadid_type", "kadid_level"))
    distorted = ~stimuli["is_ref"]
    if len(contents) > 99 or kinds[distorted].isna().any() or levels[distorted].isna().any():
        return None
    names = [
        f"I{number[content]:02d}.png" if is_ref else f"I{number[content]:02d}_{int(kind):02d}_{int(level):02d}.png"
        for content, is_ref, kind, level in zip(
            stimuli["content"], stimuli["is_ref"], kinds.fillna(0), levels.fillna(0), strict=True
        )
    ]
    return names if len(set(names)) == len(names) else None
