"""A PostgreSQL server for one benchmark, in a temporary folder; it syncs every commit to the disk, as in use."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def postgres(connections: int = 100) -> Iterator[str]:
    """The address of an empty database on a server of its own; as root it runs as the user postgres. Raises SystemExit without one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise SystemExit("PostgreSQL is missing: apt-get install postgresql")
    folder = tempfile.mkdtemp(prefix="dermiqa-pg-")
    other: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        other = {"user": "postgres", "group": "postgres", "extra_groups": []}

    def do(program: str, *words: str) -> None:
        subprocess.run([found[-1].with_name(program), *words], check=True, capture_output=True, cwd=folder, **other)

    control, options = ("-D", f"{folder}/data", "-w"), f"-c listen_addresses='' -c max_connections={connections} -k {folder}"
    do("initdb", "-D", f"{folder}/data", "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
    do("pg_ctl", *control, "-l", f"{folder}/log", "-o", options, "start")
    try:
        yield f"postgresql+psycopg://test@/postgres?host={folder}"
    finally:
        do("pg_ctl", *control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
