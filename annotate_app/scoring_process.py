"""The scoring process beside the server: started at the first photo, asked over a pipe, restarted when it dies or hangs."""

from __future__ import annotations

import json
import selectors
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from workspace.errors import ModelFault, VoteRefused

START_S = 120.0
ANSWER_S = 30.0
MOST_WAITING = 4


class ScoringProcess:
    """One child process with an open model; one photo at a time, at most four waiting. `about` is what it said at its start."""

    def __init__(self, model: Path) -> None:
        self.model = model.resolve()
        self.about: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.lock = threading.Lock()
        self.waiting = threading.BoundedSemaphore(MOST_WAITING)

    def start(self) -> None:
        """Start the child (ending the one before) and wait until its model is open. Raises ModelFault with its reason."""
        self.stop()
        words = [sys.executable, "-m", "train.serving", str(self.model)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self.about = self._answer(self.process, START_S)
        except TimeoutError:
            self.stop()
            raise ModelFault(f"{self.model} did not open within {START_S:.0f} s") from None
        if "error" in self.about:
            self.stop()
            raise ModelFault(str(self.about["error"]))

    def must_have_room(self) -> None:
        """Refuse before a photo's bytes are read where as many wait as may; holds no place. Raises VoteRefused (503)."""
        if not self.waiting.acquire(blocking=False):
            raise _busy()
        self.waiting.release()

    def score(self, data: bytes) -> dict[str, Any]:
        """The answer to a photo file's bytes. Raises VoteRefused: 422 for a photo that can't be read, 503 when busy or broken."""
        if not self.waiting.acquire(blocking=False):
            raise _busy()
        try:
            with self.lock:
                found = self._asked(data)
        finally:
            self.waiting.release()
        if "error" in found:
            raise VoteRefused(f"the photo can't be scored: {found['error']}", status=422, code="photo")
        return found

    def _asked(self, data: bytes) -> dict[str, Any]:
        if self.process is None or self.process.poll() is not None:
            self.start()
        process = self.process
        if process is None or process.stdin is None:
            raise VoteRefused("the scoring process is not there", status=503, code="scoring")
        try:
            process.stdin.write(struct.pack(">I", len(data)) + data)
            process.stdin.flush()
            return self._answer(process, ANSWER_S)
        except TimeoutError:
            self.stop()
            raise VoteRefused(f"the photo took more than {ANSWER_S:.0f} s and was given up", status=503, code="slow") from None
        except (OSError, EOFError):
            self.stop()
            raise VoteRefused("the scoring process ended on this photo", status=503, code="scoring") from None

    def _answer(self, process: subprocess.Popen[bytes], seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        (length,) = struct.unpack(">I", self._bytes(process, 4, deadline))
        found: dict[str, Any] = json.loads(self._bytes(process, length, deadline))
        return found

    def _bytes(self, process: subprocess.Popen[bytes], count: int, deadline: float) -> bytes:
        """Exactly so many bytes. Raises TimeoutError, EOFError."""
        stream: Any = process.stdout
        found = b""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while len(found) < count:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                part = stream.raw.read(count - len(found)) if hasattr(stream, "raw") else stream.read(count - len(found))
                if not part:
                    raise EOFError
                found += part
        return found

    def stop(self) -> None:
        """End the child."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        self.process = None


def _busy() -> VoteRefused:
    return VoteRefused("other photos are being scored: try again in a moment", status=503, code="busy")
