"""docs/operator.md, followed word by word."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.annotate_app.server import free_port

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operator.md"


@pytest.mark.slow
def test_the_first_start_works_word_by_word(tmp_path: Path) -> None:
    """The lines of "First start on an empty folder", typed as they stand: served, backed up, restored, verified, stopped."""
    section = PAGE.read_text().split("## First start on an empty folder")[1].split("\n## ")[0]
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    assert lines.count("dermiqa ") >= 6
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DERMIQA_")}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PORT": str(free_port())}
    words = ["bash", "-eu", "-c", lines]
    with subprocess.Popen(
        words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as done:
        try:
            said, faults = done.communicate(timeout=500)
        except subprocess.TimeoutExpired:
            os.killpg(done.pid, signal.SIGKILL)
            raise
    assert done.returncode == 0, said + faults
    assert "ana may sign in" in said
    assert '{"ok":true}' in said
    assert "everything agrees" in said
    assert (tmp_path / "restored" / "dermiqa.toml").is_file()
