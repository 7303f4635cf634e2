"""Backups and power cuts while observers vote: no acknowledged vote is lost."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

import psutil
import pytest

from db.backup import Backup, make_backup
from db.engine import open_engine
from db.restore import restore
from db.snapshot import check_sqlite
from dermiqa.checks import all_faults
from tests.annotate_app.house import House
from tests.drills.server import Load, Server, codes, lost, stored
from workspace.errors import WorkspaceFault

pytestmark = pytest.mark.slow
CUTS = 10


def test_a_backup_under_load_holds_every_acknowledged_vote(house: House, tmp_path: Path) -> None:
    """Backups made while 20 observers vote: each is restored, verifies, and holds all that was acknowledged before it began."""
    made: list[tuple[dict[str, int], Backup]] = []
    with Server(house.workspace.root) as server, Load(server.address, codes(house, 20), pause=0.3) as load:
        for _ in range(3):
            load.wait_for(60)
            before = dict(load.acknowledged)
            made.append((before, make_backup(house.workspace, tmp_path / "backups")))
        load.wait_for(20)
    assert load.faults == []
    for number, (before, backup) in enumerate(made):
        place = restore(backup, tmp_path / f"restored-{number}")
        assert len(before) >= 60 * (number + 1)
        assert lost(before, place.database_url) == []
        assert lost(stored(place.database_url), house.workspace.database_url) == []
        assert list(all_faults(place)) == []
    damaged = backup.folder / "database"
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(bytes(data))
    with pytest.raises(WorkspaceFault, match="database is damaged"):
        restore(backup, tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_a_power_cut_loses_no_acknowledged_vote(house: House, tmp_path: Path) -> None:
    """Database and write-ahead log as they stand at random moments under load: each opens, is whole and holds all that was said.

    The processes are stopped for the moment of the copy, so that it is one instant; every second copy gets a torn frame on top.
    """
    rng = random.Random(8)
    moments: list[tuple[dict[str, int], Path]] = []
    root = house.workspace.root
    with Server(root) as server, Load(server.address, codes(house, 20), pause=0.1) as load:
        everybody = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
        for number in range(CUTS):
            load.wait_for(5)
            time.sleep(rng.uniform(0, 0.2))
            before = dict(load.acknowledged)
            for process in everybody:
                process.send_signal(signal.SIGSTOP)
            try:
                moments.append((before, cut(root, tmp_path / f"cut-{number}", rng if number % 2 else None)))
            finally:
                for process in everybody:
                    process.send_signal(signal.SIGCONT)
    for before, copy in moments:
        url = f"sqlite:///{copy}"
        assert lost(before, url) == []
        open_engine(url).dispose()
        check_sqlite(copy)
    assert len(moments[-1][0]) >= 5 * CUTS


def cut(root: Path, folder: Path, rng: random.Random | None) -> Path:
    """Copy the database and its log; with `rng` the log ends in a torn frame."""
    folder.mkdir()
    for name in ("dermiqa.db", "dermiqa.db-wal"):
        if (root / name).exists():
            shutil.copyfile(root / name, folder / name)
    if rng is not None:
        with (folder / "dermiqa.db-wal").open("ab") as log:
            log.write(rng.randbytes(rng.randint(1, 4000)))
    return folder / "dermiqa.db"
