"""1,000 simulated observers over two server processes and PostgreSQL: is every acknowledged vote stored, and once?

    python -m benchmarks.spread [--observers 1000] [--images 30] [--quick]

Two `dermiqa serve` on one workspace, as on two hosts; observers vote without a pause on the one that they signed on with. In the middle
one of the two is killed and started again at the same address. PostgreSQL syncs every commit. `--quick` takes 100 observers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from benchmarks.postgres import postgres
from db.engine import open_engine
from dermiqa.checks import all_faults
from tests.annotate_app.house import make_house
from tests.annotate_app.server import ServerProcess
from tests.drills.server import Load, lost

PLAN = {"training": 0, "gold": 0, "repeats": 0, "stabilising": [0, 0], "reserve": 0, "blocks": 1, "take": 1, "per_sitting": 1}
PER_CONTENT = 5


def main() -> None:
    """Print what was acknowledged, stored, lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--observers", type=int, default=1000)
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--quick", action="store_true")
    said = parser.parse_args()
    observers = 100 if said.quick else said.observers
    with tempfile.TemporaryDirectory() as name, postgres() as url:
        spread(Path(name), url, observers, max(1, said.images // PER_CONTENT))


def spread(folder: Path, url: str, observers: int, contents: int) -> None:
    """Make the study, load both servers, kill one on the way, compare."""
    house = make_house(folder / "ws", open_engine(url), url, contents)
    house.open(**{**PLAN, "panels": [{"target": observers}]})
    codes = [one.code for one in house.invite(observers)]
    expected = observers * contents * PER_CONTENT
    servers = [ServerProcess(house.workspace.root, "--only", "observer") for _ in range(2)]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {observers} observers, {expected:,} votes")
    began = time.perf_counter()
    try:
        for server in servers:
            server.start()
        loads = [Load(server.url, codes[k::2]) for k, server in enumerate(servers)]
        with loads[0], loads[1]:
            while sum(len(load.acknowledged) for load in loads) < expected // 2 and all(load.thread.is_alive() for load in loads):
                time.sleep(0.05)
            servers[1].kill()
            servers[1].start()
            for load in loads:
                load.thread.join()
    finally:
        for server in servers:
            server.kill()
    report(url, loads, expected, time.perf_counter() - began)
    print(f"faults of plan, rows and files     {len(list(all_faults(house.workspace)))}")
    house.engine.dispose()


def report(url: str, loads: list[Load], expected: int, seconds: float) -> None:
    """Compare what was acknowledged with what is stored."""
    acknowledged = {key: value for load in loads for key, value in load.acknowledged.items()}
    engine = open_engine(url)
    with engine.connect() as connection:
        votes, places = connection.execute(
            text("SELECT count(*), count(DISTINCT (presentation_id, question_id)) FROM ratings")
        ).one()
    engine.dispose()
    refusals = Counter(status for load in loads for status, _ in load.refusals)
    print(
        f"acknowledged by the servers        {len(acknowledged):,} of {expected:,} ({[len(load.acknowledged) for load in loads]})"
    )
    print(f"stored                             {votes:,} at {places:,} places of the plan")
    print(f"acknowledged and not stored        {len(lost(acknowledged, url))}")
    print(f"observers who stopped by a fault   {sum(len(load.faults) for load in loads)}")
    print(f"answers that were refusals         {dict(refusals)} (409: no sitting is left; 503: sent again)")
    print(f"seconds                            {seconds:.0f} ({len(acknowledged) / seconds:.0f} votes per second)")


if __name__ == "__main__":
    main()
