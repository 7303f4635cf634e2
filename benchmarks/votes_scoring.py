"""Votes' waiting times while the same server scores photos, beside those while it does not, in turns in one run.

    python -m benchmarks.votes_scoring --model models/first [--quick] [--every SECONDS]

One server with a model, SQLite; 40 observers vote with half a second of thinking. Windows without and with scoring take turns, so that
other load on the machine meets both. Two clients, each a process, post a 12 megapixel JPEG one after the other, each from ever another
loopback address, since one address may post 30 a minute. The server takes 120 a minute in all, so `--every 1` is the largest load that it
lets through; by default the clients post without pause, and all above the limit is refused. The interval of the ratio resamples windows.
Bar: p99 with scoring at most 1.5 x without.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import itertools
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event as Flag
from pathlib import Path

import numpy as np

from benchmarks.score import large_photo
from benchmarks.votes import fresh, rate, sign_on
from tests.annotate_app.server import ServerProcess

OBSERVERS, THINK, POSTERS = 40, 0.5, 2


class Sorted(list[float]):
    """Waits by window, by whether photos were being scored when the answer came."""

    def __init__(self, scoring: Flag) -> None:
        super().__init__()
        self.scoring, self.busy, self.idle = scoring, list[list[float]](), list[list[float]]()

    def turn(self, busy: bool) -> None:
        """Begin a window."""
        (self.busy if busy else self.idle).append([])
        (self.scoring.set if busy else self.scoring.clear)()

    def append(self, value: float) -> None:
        """Note one wait in ms."""
        (self.busy if self.scoring.is_set() else self.idle)[-1].append(value)


def ratio_of_p99(busy: list[list[float]], idle: list[list[float]], draws: int = 2000) -> tuple[float, float, float]:
    """p99 of busy over that of idle windows, with the 95 % interval that resamples windows on each side."""
    rng = np.random.default_rng(0)

    def p99(windows: list[list[float]]) -> float:
        return float(np.percentile(np.concatenate(windows), 99))

    def drawn(windows: list[list[float]]) -> list[list[float]]:
        return [windows[number] for number in rng.integers(len(windows), size=len(windows))]

    low, high = np.percentile([p99(drawn(busy)) / p99(drawn(idle)) for _ in range(draws)], [2.5, 97.5])
    return p99(busy) / p99(idle), float(low), float(high)


def post(port: int, photo: bytes, every: float, first: int, scoring: Flag, over: Flag, answers: Queue[int]) -> None:
    """Post the photo again and again, one in `every` seconds at most, while `scoring` is set; sends the statuses on."""
    began, addresses = -every, itertools.cycle([f"127.0.0.{n}" for n in range(first, 250, POSTERS)])
    while not over.wait(max(0.0, began + every - time.perf_counter())):
        if not scoring.wait(0.1):
            continue
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(next(addresses), 0))
        try:
            connection.request("POST", "/api/score", photo, {"X-Dermiqa": "1", "Content-Type": "image/jpeg"})
            answers.put(connection.getresponse().status)
        except OSError:
            answers.put(0)
        finally:
            connection.close()
    answers.put(-1)


async def turns(url: str, codes: list[str], waits: Sorted, windows: int, seconds: float) -> None:
    """Vote through all windows while scoring is switched on in every second one."""
    sitters = await asyncio.gather(*(sign_on(url, code, []) for code in codes))

    async def switch() -> None:
        for number in range(2 * windows):
            waits.turn(busy=number % 2 == 1)
            await asyncio.sleep(seconds)
        waits.scoring.clear()

    end = time.perf_counter() + 2 * windows * seconds
    await asyncio.gather(switch(), *(rate(client, state, end, THINK, waits) for client, state in sitters))
    for client, _ in sitters:
        client.close()


def measure(folder: Path, model: Path, windows: int, seconds: float, every: float) -> tuple[Sorted, list[int]]:
    """One server, its observers and the posters: the waits and the statuses of the posted photos."""
    house, codes = fresh(folder, "ws", OBSERVERS)
    photo = large_photo(folder).read_bytes()
    server = ServerProcess(house.workspace.root, "--only", "observer", "--model", str(model.resolve()))
    server.start()
    context = multiprocessing.get_context("spawn")
    scoring, over, answers, done = context.Event(), context.Event(), context.Queue(), list[int]()
    waits = Sorted(scoring)
    posters = [
        context.Process(target=post, args=(server.port, photo, every, 2 + number, scoring, over, answers))
        for number in range(POSTERS)
    ]
    try:
        for poster in posters:
            poster.start()
        asyncio.run(turns(server.url, codes, waits, windows, seconds))
    finally:
        over.set()
        ended = 0
        while ended < POSTERS:
            status = answers.get(timeout=90)
            ended += status == -1
            done += [status] if status != -1 else []
        for poster in posters:
            poster.join()
        server.kill()
    return waits, done


def main() -> None:
    """Print both rows and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="one server, two windows of 5 s a side, instead of three of ten")
    parser.add_argument("--every", type=float, default=0.0, help="seconds from one photo of a client to its next (0: no pause)")
    said = parser.parse_args()
    print(f"{os.cpu_count()} cores; load before the run {os.getloadavg()[0]:.1f}")
    rounds, windows, seconds = (1, 2, 5.0) if said.quick else (3, 10, 5.0)
    idle, busy, done = list[list[float]](), list[list[float]](), list[int]()
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as place:
            waits, statuses = measure(Path(place), said.model, windows, seconds, said.every)
        idle, busy, done = idle + waits.idle, busy + waits.busy, done + statuses
    for name, found in (("without scoring", np.concatenate(idle)), ("while photos are scored", np.concatenate(busy))):
        p50, p99 = np.percentile(found, [50, 99])
        print(f"{name:<26} {len(found):>7} votes  p50 {p50:>7.1f} ms  p99 {p99:>7.1f} ms  max {max(found):>7.0f} ms")
    refused = ", ".join(
        f"{count} by {status or 'a broken connection'}" for status, count in sorted(Counter(done).items()) if status != 200
    )
    print(f"{done.count(200)} photos of 12 megapixels scored in {rounds * windows * seconds:.0f} s; refused: {refused or 'none'}")
    ratio, low, high = ratio_of_p99(busy, idle)
    print(f"p99 with / without: {ratio:.2f} ({low:.2f} to {high:.2f}; at most 1.5 is wanted)")


if __name__ == "__main__":
    main()
