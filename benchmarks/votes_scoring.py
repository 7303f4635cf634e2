"""Votes' waiting times while the same server scores photos, beside those while it does not, in turns in one run.

    python -m benchmarks.votes_scoring --model models/first [--quick]

One server with a model, SQLite; 40 observers vote with half a second of thinking. Windows without and with scoring take turns, so that
other load on the machine meets both. Two clients post a 12 megapixel JPEG one after the other, each from ever another loopback address,
since one address may post 30 a minute. Bar: p99 with scoring at most 1.5 x without.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import itertools
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.score import large_photo
from benchmarks.votes import fresh, rate, sign_on
from tests.annotate_app.server import ServerProcess

OBSERVERS, THINK, POSTERS = 40, 0.5, 2


class Sorted(list[float]):
    """Waits that fall into two lists, by whether photos were being scored when the answer came."""

    def __init__(self, scoring: threading.Event) -> None:
        super().__init__()
        self.scoring, self.busy, self.idle = scoring, list[float](), list[float]()

    def append(self, value: float) -> None:
        """Note one wait in ms."""
        (self.busy if self.scoring.is_set() else self.idle).append(value)


def post(
    port: int, photo: bytes, addresses: Iterator[str], scoring: threading.Event, over: threading.Event, done: list[int]
) -> None:
    """Post the photo again and again while `scoring` is set; counts the answers."""
    while not over.is_set():
        if not scoring.wait(0.1):
            continue
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(next(addresses), 0))
        try:
            connection.request("POST", "/api/score", photo, {"X-Dermiqa": "1", "Content-Type": "image/jpeg"})
            done.append(connection.getresponse().status)
        except OSError:
            done.append(0)
        finally:
            connection.close()


async def turns(url: str, codes: list[str], waits: Sorted, windows: int, seconds: float) -> None:
    """Vote through all windows while scoring is switched on in every second one."""
    sitters = await asyncio.gather(*(sign_on(url, code, []) for code in codes))

    async def switch() -> None:
        for number in range(2 * windows):
            (waits.scoring.set if number % 2 else waits.scoring.clear)()
            await asyncio.sleep(seconds)
        waits.scoring.clear()

    end = time.perf_counter() + 2 * windows * seconds
    await asyncio.gather(switch(), *(rate(client, state, end, THINK, waits) for client, state in sitters))
    for client, _ in sitters:
        client.close()


def measure(folder: Path, model: Path, windows: int, seconds: float) -> None:
    """Run the server, the observers and the posters; print both rows and their ratio."""
    house, codes = fresh(folder, "ws", OBSERVERS)
    photo = large_photo(folder).read_bytes()
    server = ServerProcess(house.workspace.root, "--only", "observer", "--model", str(model.resolve()))
    server.start()
    scoring, over, done = threading.Event(), threading.Event(), list[int]()
    waits, addresses = Sorted(scoring), itertools.cycle([f"127.0.0.{n}" for n in range(2, 250)])
    posters = [threading.Thread(target=post, args=(server.port, photo, addresses, scoring, over, done)) for _ in range(POSTERS)]
    try:
        for poster in posters:
            poster.start()
        asyncio.run(turns(server.url, codes, waits, windows, seconds))
    finally:
        over.set()
        for poster in posters:
            poster.join()
        server.kill()
    ends = []
    for name, found in (("without scoring", waits.idle), ("while photos are scored", waits.busy)):
        p50, p99 = np.percentile(found, [50, 99])
        ends.append(p99)
        print(f"{name:<26} {len(found):>7} votes  p50 {p50:>7.1f} ms  p99 {p99:>7.1f} ms  max {max(found):>7.0f} ms")
    print(f"{done.count(200)} photos of 12 megapixels scored in {windows * seconds:.0f} s, {len(done) - done.count(200)} refused")
    print(f"p99 with / without: {ends[1] / ends[0]:.2f} (at most 1.5 is wanted)")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="two windows of 5 s each instead of four of 10 s")
    said = parser.parse_args()
    print(f"{os.cpu_count()} cores; load before the run {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as place:
        measure(Path(place), said.model, 2 if said.quick else 4, 5.0 if said.quick else 10.0)


if __name__ == "__main__":
    main()
