"""The scoring process beside the server: started at the first photo, asked over a pipe, restarted when it dies or hangs."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog

from annotate_app.limits import Places, network_of
from workspace.errors import ModelFault, VoteRefused

START_S = 120.0
ANSWER_S = 30.0
PAUSE_S = 300.0
AGAIN_S = 30.0
MOST_AT_ONCE, PER_ADDRESS = 6, 2


class ScoringProcess:
    """One child process with an open model, one photo at a time. `about` is what it said at its start.

    Six photos at most are on their way, waiting or being scored, two of them from one address; an address whose photo took
    more than 30 s waits five minutes.
    """

    def __init__(self, model: Path) -> None:
        self.model = model.resolve()
        self.about: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.lock = threading.Lock()
        self.places = Places(PER_ADDRESS, MOST_AT_ONCE)
        self.closed_until = 0.0

    def start(self) -> None:
        """Start the child (ending the one before) and wait until its model is open. Raises ModelFault with its reason."""
        self.stop()
        words = [sys.executable, "-m", "train.serving", str(self.model)]
        process = self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            with _given(process, START_S):
                self.about = _answer(process)
        except TimeoutError:
            self.stop()
            raise ModelFault(f"{self.model} did not open within {START_S:.0f} s") from None
        except (OSError, EOFError):
            self.stop()
            raise ModelFault(f"the scoring process ended while it opened {self.model}") from None
        if "error" in self.about:
            self.stop()
            raise ModelFault(str(self.about["error"]))

    def must_wait(self, address: str) -> bool:
        """Whether a photo from this address took too long in the last five minutes."""
        return self.places.is_shut(network_of(address))

    @contextmanager
    def place(self, address: str) -> Iterator[None]:
        """A place for one photo of an address, from before its bytes are read. Raises VoteRefused (503) where there is none."""
        key = network_of(address)
        if not self.places.enter(key):
            raise VoteRefused("other photos are being scored: try again in a moment", status=503, code="busy")
        try:
            yield
        except VoteRefused as refused:
            if refused.code == "slow":
                self.places.shut_out(key, PAUSE_S)
            raise
        finally:
            self.places.leave(key)

    def score(self, data: bytes) -> dict[str, Any]:
        """The answer to a photo file's bytes. Raises VoteRefused: 422 for a photo that can't be read, 503 when slow or broken."""
        with self.lock:
            found = self._asked(data)
        if "error" in found:
            raise VoteRefused(f"the photo can't be scored: {found['error']}", status=422, code="photo")
        return found

    def _asked(self, data: bytes) -> dict[str, Any]:
        process = self._ready()
        try:
            with _given(process, ANSWER_S):
                if process.stdin is not None:
                    process.stdin.write(struct.pack(">I", len(data)) + data)
                    process.stdin.flush()
                return _answer(process)
        except TimeoutError:
            self.stop()
            raise VoteRefused(f"the photo took more than {ANSWER_S:.0f} s and was given up", status=503, code="slow") from None
        except (OSError, EOFError):
            self.stop()
            raise VoteRefused("the scoring process ended on this photo", status=503, code="scoring") from None

    def _ready(self) -> subprocess.Popen[bytes]:
        """The child, started where there is none; what keeps it from starting is for the log alone."""
        if self.process is not None and self.process.poll() is None:
            return self.process
        if time.monotonic() >= self.closed_until:
            try:
                self.start()
            except ModelFault as fault:
                self.closed_until = time.monotonic() + AGAIN_S
                structlog.get_logger("dermiqa.serve").error("the scoring process does not start", reason=str(fault))
        if self.process is None:
            raise VoteRefused("photos can't be scored at the moment", status=503, code="scoring")
        return self.process

    def stop(self) -> None:
        """End the child."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        self.process = None


@contextmanager
def _given(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """Give a process so long for what is asked of it, writing and reading: it is killed then. Raises TimeoutError."""
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, EOFError):
        if late.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()


def _answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The next message. Raises EOFError where the process ended."""
    (length,) = struct.unpack(">I", _bytes(process, 4))
    found: dict[str, Any] = json.loads(_bytes(process, length))
    return found


def _bytes(process: subprocess.Popen[bytes], count: int) -> bytes:
    data = b"" if process.stdout is None else process.stdout.read(count)
    if len(data) < count:
        raise EOFError
    return data
