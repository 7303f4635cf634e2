"""What `dermiqa serve` refuses before it starts."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dermiqa.cli import cli
from dermiqa.commands.serve import require_free
from workspace.errors import DermiqaError, UsageFault
from workspace.settings import create


def refusal(root: Path, *words: str) -> str:
    """The one line that `serve` ends with."""
    with pytest.raises(DermiqaError) as fault:
        CliRunner().invoke(cli, ["-w", str(root), "serve", *words], standalone_mode=False, catch_exceptions=False)
    assert "\n" not in str(fault.value)
    return str(fault.value)


def test_a_port_in_use_is_named_with_a_free_one(tmp_path: Path) -> None:
    """Where another program listens the port is named, and one that can be listened on is offered."""
    root = create(tmp_path / "ws").root
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        line = refusal(root, "--port", str(port))
    said, _, offered = line.partition("--port ")
    assert said.startswith(f"port {port} on 127.0.0.1 is in use: ")
    assert int(offered) != port
    require_free("127.0.0.1", int(offered))


def test_several_processes_need_postgresql(tmp_path: Path) -> None:
    """`--workers 2` with SQLite is refused in one line that says what to do."""
    line = refusal(create(tmp_path / "ws").root, "--workers", "2")
    assert line == "--workers 2 with SQLite: it has one writer, so use --workers 1, or set database_url to PostgreSQL"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_an_address_of_another_machine_is_named(host: str) -> None:
    """A host that isn't this machine's is refused, naming it."""
    with pytest.raises(UsageFault, match=host):
        require_free(host, 0)


def test_an_observers_process_is_light() -> None:
    """Serving observers alone loads none of the curators' statistics: no pandas, no SciPy, no OpenCV."""
    code = ("import sys; from annotate_app.app import routers; routers('observer'); "
            "print([name for name in ('pandas', 'scipy', 'cv2', 'torch') if name in sys.modules])")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
