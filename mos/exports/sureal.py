"""sureal's JSON data set: one panel and question, votes by observer, references by content.

Format: Netflix's sureal, dataset_name / ref_videos / dis_videos with `os` as observer -> score (first presentations).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mos.exports.matrix import matrix
from mos.exports.study import StudyData, image_names
from mos.exports.tables import Options, one_group
from workspace.files import write_json


def write(study: StudyData, out: Path, options: Options) -> list[Path]:
    """Write `dataset.json` into `out`; `path` is the image's name, no folder of this machine."""
    panel, question = one_group(study, options)
    path = out / "dataset.json"
    write_json(path, dataset(study, panel, question))
    return [path]


def dataset(study: StudyData, panel: str, question: str) -> dict[str, Any]:
    """The data set as plain values. sureal wants a `ref_videos` entry per content: one without a reference gets a path that no
    image has, so that sureal refuses differential scores instead of inventing them."""
    wide = matrix(study, panel, question)
    names = dict(zip(study.stimuli["stimulus"], image_names(study.stimuli), strict=True))
    info = study.stimuli.set_index("stimulus").loc[list(wide.index)]
    contents = [str(c) or str(s) for c, s in zip(info["content"], info.index, strict=True)]
    number = {content: place for place, content in enumerate(dict.fromkeys(contents))}
    paths = [names[s] for s in wide.index]
    references: dict[str, str] = {}
    for content, path, is_ref in zip(contents, paths, info["is_ref"], strict=True):
        if is_ref:
            references[content] = path
    distorted = [
        {
            "content_id": number[content],
            "asset_id": place,
            "path": path,
            "os": {observer: score for observer, score in votes.items() if score == score},
        }
        for place, (content, path, votes) in enumerate(zip(contents, paths, wide.to_dict("records"), strict=True))
    ]
    return {
        "dataset_name": study.name,
        "yuv_fmt": "notyuv",
        "ref_score": study.scale(question)[1],
        "simulated": study.simulated,
        "ref_videos": [
            {"content_id": i, "content_name": c, "path": references.get(c, f"no reference of {c}")} for c, i in number.items()
        ],
        "dis_videos": distorted,
    }
