"""Column names of votes and stimuli tables as people spell them."""

from __future__ import annotations

import re
from collections.abc import Iterable

VOTE_SPELLINGS: dict[str, tuple[str, ...]] = {
    "stimulus": ("stimuli", "stimulusid", "stimulusname", "image", "imageid", "imagename", "img", "imgname", "file", "filename",
                 "picture", "pvs", "pvsid", "pvsname", "video", "videoname", "clip", "item", "itemid", "sequence", "distimg"),
    "observer": ("observerid", "observers", "subject", "subjectid", "rater", "raterid", "worker", "workerid", "participant",
                 "participantid", "user", "userid", "viewer", "viewerid", "assessor", "annotator", "person"),
    "score": ("scores", "vote", "votes", "rating", "ratings", "opinion", "opinionscore", "os", "grade", "quality", "value",
              "answer"),
    "panel": ("panelname", "group", "lab", "cohort"),
    "question": ("questionid", "questionname", "attribute", "dimension"),
    "rep": ("repetition", "repeat", "replicate", "rep0"),
    "session": ("sessionid", "sessionnumber"),
    "position": ("order", "trial", "trialnumber", "trialindex", "presentationorder", "slotposition"),
    "response_ms": ("responsetime", "responsetimems", "rt", "rtms", "reactiontime", "latency", "latencyms", "durationms"),
    "time": ("timestamp", "datetime", "date", "createdat", "submittedat", "votedat"),
    "simulated": ("issimulated", "synthetic"),
}  # fmt: skip

STIMULUS_SPELLINGS: dict[str, tuple[str, ...]] = {
    "stimulus": VOTE_SPELLINGS["stimulus"],
    "content": ("contentid", "contentname", "src", "srcid", "scene", "reference", "ref", "refimg", "pristine"),
    "is_ref": ("isref", "isreference", "hiddenreference", "isreferenceimage"),
}


def plain(name: object) -> str:
    """A column's name in small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def match(found: Iterable[object], spellings: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Column as found -> its name here; an exact name wins, then the first spelling in the list; each name once."""
    columns = [str(c) for c in found]
    taken: dict[str, str] = {}
    for name, others in spellings.items():
        wanted = [name, plain(name), *others]
        ranked = [(wanted.index(key), c) for c in columns if c not in taken for key in [_key(c, name)] if key in wanted]
        if ranked:
            taken[min(ranked, key=lambda pair: pair[0])[1]] = name
    return taken


def _key(column: str, name: str) -> str:
    return name if column == name else plain(column)


def said_back(columns: dict[str, str]) -> str:
    """`image -> stimulus, rater -> observer`: only what was spelled otherwise."""
    return ", ".join(f"{found} -> {name}" for found, name in columns.items() if found != name)
