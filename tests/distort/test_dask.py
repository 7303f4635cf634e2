"""The work on a real Dask cluster: a scheduler and two worker processes that talk over TCP and don't share the workspace."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from distort.engine import Totals, run
from distort.recipes import load_recipe
from tests.distort.sets import small_set
from workspace.errors import WorkspaceFault

pytest.importorskip("distributed")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """The scheduler's address."""
    note = tmp_path / "scheduler.json"
    home = tmp_path / "elsewhere"
    home.mkdir()
    common = [sys.executable, "-W", "ignore", "-m", "dask"]
    processes = [
        subprocess.Popen(
            [*common, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(note)],
            cwd=home, stderr=subprocess.DEVNULL,
        )
    ]  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not note.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        worker = [*common, "worker", "--scheduler-file", str(note), "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        processes += [subprocess.Popen(worker, cwd=home, stderr=subprocess.DEVNULL) for _ in range(2)]
        yield json.loads(note.read_text())["address"]
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_cluster_gives_the_same_set(tmp_path: Path, cluster: str) -> None:
    """Two Dask workers give the same manifest and files as one process, name a damaged photo, and make nothing a second time."""
    from distributed import Client

    with Client(cluster, timeout="60s", set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        addresses = set(client.scheduler_info()["workers"])
    assert len(addresses) == 2
    assert all(address.startswith("tcp://") for address in addresses)

    near, far = (small_set(tmp_path / name, 6) for name in ("near", "far"))
    for place in (near, far):
        (place.pristine / "P4.png").write_bytes((place.pristine / "P4.png").read_bytes()[:300])
    recipe = load_recipe("paper")
    here, there, again = Totals(), Totals(), Totals()
    list(run(near, recipe, totals=here))
    assert [done.name for done in run(far, recipe, dask=cluster, totals=there)] == [f"P{k}" for k in range(1, 7)]
    assert vars(here) == vars(there)
    assert there.faults == ["P4: pristine/P4.png is cut off after 300 bytes: make it again"]
    assert near.manifest.read_bytes() == far.manifest.read_bytes()
    for path in near.distorted.rglob("*.png"):
        assert path.read_bytes() == (far.root / path.relative_to(near.root)).read_bytes()
    list(run(far, recipe, dask=cluster, totals=again))
    assert (again.made, again.kept) == (0, 90)


def test_no_scheduler_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where nothing listens is named at once."""
    place = small_set(tmp_path / "w", 1)
    monkeypatch.setattr("distort.pool.PATIENCE", "1s")
    with pytest.raises(WorkspaceFault, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        list(run(place, load_recipe("paper"), dask="tcp://127.0.0.1:9"))
    with pytest.raises(WorkspaceFault, match=r"no Dask scheduler answers at nonsense"):
        list(run(place, load_recipe("paper"), dask="nonsense://x"))
