"""Scoring in a process of its own: `python -m train.serving MODEL` reads photos from standard input and writes answers.

Both ways a message is its length as four bytes, big end first, and so many bytes: a photo file one way, JSON the other. The first
answer says that the model is open, or why not. Nothing is kept: a photo lies in a file of the memory while it is read (where the
system has none, in a temporary one).
"""

from __future__ import annotations

import json
import os
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from train.attributes import NAMES as ATTRIBUTE_NAMES
from train.chain import describe
from train.diagnose import NAMES, Costs, diagnose
from train.scoring import OUT_OF_RANGE, Scorer, open_model
from workspace.errors import DermiqaError

POLITE = 10
MEMORY = 3_500_000_000


def read_message(stream: BinaryIO) -> bytes | None:
    """The next message; None at the end of the stream."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    data = stream.read(length)
    return data if len(data) == length else None


def write_message(stream: BinaryIO, value: dict[str, Any]) -> None:
    """Write one answer and flush it."""
    data = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    stream.write(struct.pack(">I", len(data)) + data)
    stream.flush()


def answer(scorer: Scorer, data: bytes, costs: Costs) -> dict[str, Any]:
    """The answer to one photo file: score, interval, faults, attributes, advice and sentences, or `error` with one line."""
    with _as_file(data) as path:
        try:
            found = next(scorer.score_files([path]))
        except MemoryError:
            return {"error": "reading it needs more memory than is allowed"}
        if found.score is None:
            return {"error": found.fault.replace(f"{path}: ", "")}
    said = diagnose(found, scorer.calibration.below(found.score, costs.poor_below), costs)
    row = said.as_row()
    kept = {key: row[key] for key in ("score", "low", "high", "advice", "p_poor", "sentences")}
    return {
        **kept,
        "in_range": None if scorer.range is None else OUT_OF_RANGE not in found.flags,
        "flags": list(found.flags),
        "faults": {name: round(value, 4) for name, value in found.faults.items()},
        "said": list(found.said),
        "names": NAMES,
        "attributes": {name: round(value, 1) for name, value in found.attributes.items()},
        "attribute_names": ATTRIBUTE_NAMES,
        "notices": scorer.notices,
        "chain": describe(scorer.facts),
    }


@contextmanager
def _as_file(data: bytes) -> Iterator[Path]:
    """The bytes as a file that no kill leaves behind."""
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile(prefix="dermiqa-") as file:
            file.write(data)
            file.flush()
            yield Path(file.name)
        return
    with os.fdopen(os.memfd_create("photo"), "wb") as held:
        held.write(data)
        held.flush()
        yield Path(f"/proc/self/fd/{held.fileno()}")


def limit_memory(more: int) -> None:
    """Let the system refuse this process more than `more` bytes beyond what it holds now, where it can."""
    try:
        import resource

        status = Path("/proc/self/status").read_text()
    except (ImportError, OSError):
        return
    held = next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData:")), None)
    if held is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (held + more, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def main(words: list[str]) -> int:
    """Serve one model folder until standard input ends; the process gives way to all others."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.nice(POLITE)
    try:
        scorer = open_model(Path(words[0]))
    except DermiqaError as fault:
        write_message(out, {"error": str(fault)})
        return fault.exit_code
    write_message(out, {"ready": True, "model": scorer.facts["name"], "notices": scorer.notices, "chain": describe(scorer.facts)})
    costs = Costs()
    limit_memory(MEMORY)
    while (data := read_message(sys.stdin.buffer)) is not None:
        write_message(out, answer(scorer, data, costs))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
