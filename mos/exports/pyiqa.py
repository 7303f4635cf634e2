"""pyiqa's meta_info files: no-reference and full-reference form, read there by the columns' positions.

Format: IQA-PyTorch's dataset page; `img_name, mos, std, split columns` and `ref_name, dist_name, dmos, std, split columns`.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mos.exports.splits import split_columns
from mos.exports.study import StudyData, safe_name
from mos.exports.tables import Options, copy_images, one_group, open_images, score_rows, write_csv, write_readme


def write(study: StudyData, out: Path, options: Options) -> list[Path]:
    """Write `images/`, `meta_info_NAME.csv` (no reference) and, where there are references, `meta_info_NAME_fr.csv`.

    The second holds the plain MOS of each distorted image too (higher is better); pyiqa names that column dmos.
    """
    panel, question = one_group(study, options)
    stimuli, left_out = open_images(study, options)
    rows = score_rows(study, stimuli, panel, question).rename(columns={"sd": "std"})
    splits = pd.DataFrame(split_columns(rows, options), index=rows.index)
    copy_images(stimuli, out / "images")
    name = safe_name(study.name)
    single = rows[["name", "mos", "std"]].rename(columns={"name": "img_name"})
    made = [write_csv(out / f"meta_info_{name}.csv", pd.concat([single, splits], axis=1))]
    pairs = full_reference(rows, stimuli)
    if len(pairs):
        made.append(write_csv(out / f"meta_info_{name}_fr.csv", pd.concat([pairs, splits.loc[pairs.index]], axis=1)))
    low, high = study.scale(question)
    lines = [
        f"meta_info files for pyiqa: {len(rows)} images, panel {panel or '(one)'}, question {question or '(one)'}, "
        f"MOS on {low:g} to {high:g}, higher is better (mos_range: [{low:g}, {high:g}], lower_better: false).",
        "Split columns keep all images of one subject (else of one content) together.",
        f"{left_out} images that may not be passed on were left out." if left_out else "All images are here.",
    ]
    return [*made, write_readme(out / "README.md", study, lines), out / "images"]


def full_reference(rows: pd.DataFrame, stimuli: pd.DataFrame) -> pd.DataFrame:
    """Columns ref_name, dist_name, dmos, std: distorted images whose content has one reference here."""
    references = stimuli.loc[stimuli["is_ref"]].drop_duplicates("content").set_index("content")["name"]
    distorted = rows.loc[~rows["is_ref"].astype(bool) & rows["content"].isin(references.index)]
    return pd.DataFrame(
        {
            "ref_name": references.reindex(distorted["content"]).to_numpy(),
            "dist_name": distorted["name"],
            "dmos": distorted["mos"],
            "std": distorted["std"],
        },
        index=distorted.index,
    )
