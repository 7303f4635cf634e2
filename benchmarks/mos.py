"""Speed of the opinion scores, alone and beside sureal.

    python benchmarks/mos.py [--quick] [--sureal PYTHON]

PYTHON is the interpreter of an environment that holds sureal (`python -m venv x && x/bin/pip install sureal`). Wall
times are the best of several runs; the large study runs in a process of its own, whose peak memory is printed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from mos.models import MODELS, SLOW, fit
from mos.models_p910 import mle_co_ap
from mos.run import Options, run
from mos.scores import score_table
from mos.screening import bt500
from mos.votes import Votes, from_matrix

SUREAL = """
import contextlib, io, json, sys, time, warnings
import numpy as np
warnings.simplefilter("ignore")
from sureal.dataset_reader import RawDatasetReader
from sureal import subjective_model as m
grid = np.load(sys.argv[1])
class Data:
    ref_score = 10.0
data = Data()
data.ref_videos = [{"content_id": c, "path": f"r{c}"} for c in range(len(grid) // 19)]
data.dis_videos = [{"content_id": j // 19, "asset_id": j, "path": f"r{j // 19}" if j % 19 == 0 else f"d{j}", "os": list(row)}
                   for j, row in enumerate(grid.tolist())]
times = {}
for name, model, options in (("MOS", m.MosModel, {}), ("DMOS", m.DmosModel, {}), ("BT.500", m.SubjrejMosModel, {}),
                             ("P.910", m.SubjectMLEModelProjectionSolver, {})):
    best = 9e9
    for _ in range(int(sys.argv[2])):
        reader = RawDatasetReader(data)
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            model(reader).run_modeling(**options)
        best = min(best, time.perf_counter() - start)
    times[name] = best
print(json.dumps(times))
"""


def study(images: int, people: int, filled: float = 1.0, seed: int = 0) -> Votes:
    """Simulated votes on 1..10: 19 images per content, the first the reference."""
    rng = np.random.default_rng(seed)
    truth = np.resize(np.linspace(9, 2.5, 19), images) + rng.normal(0, 0.5, images // 19 + 1).repeat(19)[:images]
    grid = truth[:, None] + rng.normal(0, 0.5, people) + rng.uniform(0.6, 1.6, people) * rng.normal(size=(images, people))
    grid = np.clip(np.round(grid), 1, 10)
    if filled < 1:
        grid[rng.random(grid.shape) >= filled] = np.nan
    content = tuple(f"c{j // 19}" for j in range(images))
    votes = from_matrix(grid, 1, 10, content=content, is_ref=np.arange(images) % 19 == 0)
    votes.info["variant"] = [f"v{j % 19}" for j in range(images)]
    return votes


def best(action: Callable[[], Any], runs: int) -> float:
    """The shortest of several wall times, in seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def fresh(votes: Votes) -> Votes:
    """The same votes without what an earlier call kept."""
    return votes.select(np.arange(len(votes)))


def beside_sureal(votes: Votes, interpreter: str, runs: int) -> list[tuple[str, str, str, str]]:
    """Rows: ours against sureal's, on the same votes in the same run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grid.npy"
        np.save(path, votes.matrix())
        made = subprocess.run(
            [interpreter, "-c", SUREAL, str(path), str(max(2, runs // 3))], capture_output=True, text=True, check=True
        )
    theirs = json.loads(made.stdout.strip().splitlines()[-1])
    ours: dict[str, tuple[Callable[[], Any], float]] = {
        "MOS": (lambda: fit("MOS", fresh(votes)), 20),
        "DMOS": (lambda: fit("DMOS", fresh(votes)), 50),
        "BT.500": (lambda: bt500(fresh(votes)), 50),
        "P.910": (lambda: mle_co_ap(fresh(votes)), 2),
    }
    rows = []
    for name, (action, bar) in ours.items():
        own = best(action, runs)
        ratio = theirs[name] / own
        said = f"{own * 1e3:.1f} ms against {theirs[name] * 1e3:.0f} ms: {ratio:.0f} x"
        rows.append((f"{name} beside sureal", f">= {bar:.0f} x", said, "yes" if ratio >= bar else "NO"))
    return rows


def large() -> None:
    """The 20,000 x 400 study, 10 % filled: print seconds and peak memory as JSON."""
    votes = study(20_000, 400, 0.1)
    fast = tuple(name for name in MODELS if name not in SLOW)
    start, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        run(votes, Path(folder), Options(models=fast))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        json.dumps({"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu, "peak_gb": peak, "votes": len(votes)})
    )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the large study and the slow models")
    parser.add_argument("--sureal", help="interpreter of an environment with sureal")
    parser.add_argument("--large-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.large_only:
        large()
        return
    runs = 5 if options.quick else 15
    votes = study(1900, 40)
    fast = tuple(name for name in MODELS if name not in SLOW)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        whole = best(lambda: run(fresh(votes), Path(folder), Options(models=fast)), 3)
    rows.append(
        ("1,900 x 40: all but GSD and MLE_FULL, files written", "<= 2 s", f"{whole:.2f} s", "yes" if whole <= 2 else "NO")
    )
    live = best(lambda: score_table(fresh(votes)), runs)
    rows.append(("1,900 x 40: the live board's table", "<= .2 s", f"{live:.3f} s", "yes" if live <= 0.2 else "NO"))
    if options.sureal:
        rows += beside_sureal(votes, options.sureal, runs)
    if not options.quick:
        slow = best(lambda: [fit(name, fresh(votes)) for name in SLOW], 1)
        rows.append(("1,900 x 40: GSD and MLE_FULL", "<= 60 s", f"{slow:.1f} s", "yes" if slow <= 60 else "NO"))
        made = subprocess.run([sys.executable, __file__, "--large-only"], capture_output=True, text=True, check=True)
        found = json.loads(made.stdout)
        said = f"{found['wall']:.0f} s ({found['cpu']:.0f} s of CPU), {found['peak_gb']:.2f} GB"
        good = found["wall"] <= 60 and found["peak_gb"] < 1
        rows.append((f"20,000 x 400, {found['votes']:,} votes", "<= 60 s, < 1 GB", said, "yes" if good else "NO"))
    print(pd.DataFrame(rows, columns=["what", "bar", "measured", "holds"]).to_string(index=False))


if __name__ == "__main__":
    main()
