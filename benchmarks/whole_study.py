"""What reads all votes of a study: `verify`, `mos --study`, the review, the results, one image; at the paper's size and at 2,000,000 votes.

    python -m benchmarks.whole_study [--images 1900 100000] [--folder FOLDER] [--only verify results ...] [--quick]

The studies are those of `benchmarks.scale`: frozen by the product, then half of their 40 presentations per image rated by SQL, by observers
that are named as simulated. Each piece of work runs in a process of its own, whose seconds (and those of a core, which other work on
the machine changes less) and largest memory are printed. Pages are fetched as a curator's browser does it, twice: the first time and
again. A large study's results are counted once before, as the worker does it. `--quick` takes 1,900 and 10,000 images.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.scale import build, say
from benchmarks.scale_study import NAME
from db.engine import open_engine
from workspace.settings import open_workspace

T = TypeVar("T")
PAGES = {
    "review": f"/c/studies/{NAME}/review",
    "review by time": f"/c/studies/{NAME}/review?sort=time&down=yes",
    "results": f"/c/studies/{NAME}/results",
    "results by MOS": f"/c/studies/{NAME}/results?sort=mos&down=yes&page=3",
    "results as CSV": f"/c/studies/{NAME}/results.csv",
    "one image": f"/c/studies/{NAME}/results/P00010_v3",
    "observers": f"/c/studies/{NAME}/observers",
    "observers by votes": f"/c/studies/{NAME}/observers?sort=votes&down=yes",
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[1_900, 100_000])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=[*WORK, *PAGES], default=[*WORK, *PAGES])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--alone", nargs=2, metavar=("WHAT", "ROOT"), help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.alone:
        alone(said.alone[0], Path(said.alone[1]))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as spare:
        for images in [1_900, 10_000] if said.quick else said.images:
            large = build(said.folder or Path(spare), images)
            large.engine.dispose()
            for what in said.only:
                command = [sys.executable, "-m", "benchmarks.whole_study", "--alone", what, str(large.workspace.root)]
                done = subprocess.run(command, capture_output=True, text=True)
                say(images, what, done.stdout.strip() if done.returncode == 0 else f"failed: {done.stderr.strip()[-300:]}")


def alone(what: str, root: Path) -> None:
    """Do one piece of work and print how long it took and this process's largest memory."""
    times = WORK[what](root) if what in WORK else page(root, PAGES[what])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{'; again: '.join(f'{wall:.1f} s ({core:.1f} s of a core)' for wall, core in times)}; {memory:.2f} GB")


def timed(work: Callable[[], T]) -> tuple[tuple[float, float], T]:
    """Seconds of a call, by the clock and of a core, and what it gave."""
    began, worked = time.perf_counter(), time.process_time()
    found = work()
    return (time.perf_counter() - began, time.process_time() - worked), found


def page(root: Path, path: str) -> list[tuple[float, float]]:
    """Seconds of a page, the first time and again."""
    from tests.annotate_app.desk import Office
    from tests.annotate_app.house import House

    workspace = open_workspace(root)
    office, times = Office(House(workspace, open_engine(workspace.database_url))), []
    with office.first:
        desk = office.desk("administrator", name=f"measuring {time.time_ns()}")
        desk.post(f"/c/studies/{NAME}/scores", reason="measuring how long it takes")
        for _ in range(2):
            seconds, answer = timed(partial(desk.get, path))
            times.append(seconds)
            if answer.status_code != 200:
                raise SystemExit(f"{path}: {answer.status_code} {answer.text[:300]}")
    return times


def count(root: Path) -> list[tuple[float, float]]:
    """What the worker does so that the pages of a large study can be read."""
    from annotate_app.work import KINDS
    from annotate_app.worker import run_one
    from db.engine import writing
    from db.queries import jobs

    workspace = open_workspace(root)
    engine = open_engine(workspace.database_url)
    with writing(engine) as session:
        jobs.enqueue(session, "count", {"study": NAME})
    seconds, job = timed(lambda: run_one(workspace, engine, {"count": KINDS["count"]}, "measuring"))
    if job is None:
        raise SystemExit("there was no job")
    return [seconds]


def verify(root: Path) -> list[tuple[float, float]]:
    """`dermiqa verify`."""
    from dermiqa.checks import all_faults

    seconds, found = timed(lambda: list(all_faults(open_workspace(root))))
    if found:
        raise SystemExit(f"faults: {found[:3]}")
    return [seconds]


def mos(root: Path) -> list[tuple[float, float]]:
    """`dermiqa mos --study`, all its models and tables."""
    from dermiqa.cli import cli

    with tempfile.TemporaryDirectory() as out, open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        words = ["-w", str(root), "mos", "--study", NAME, "--out", f"{out}/scores"]
        return [timed(lambda: cli.main(words, standalone_mode=False))[0]]


WORK: dict[str, Callable[[Path], list[tuple[float, float]]]] = {"verify": verify, "count": count, "mos": mos}

if __name__ == "__main__":
    main()
