"""What is shipped: a wheel in an empty environment runs the chain with its own templates, static files and photographs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built from the tree."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)], cwd=ROOT, check=True, capture_output=True
    )
    return next(out.glob("dermiqa-*.whl"))


def test_the_wheel_holds_what_runs(wheel: Path) -> None:
    """Templates, static files with their licences, migrations, catalogues and photographs are inside; tests and caches are not."""
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    for name in (
        "annotate_app/templates/base.html",
        "annotate_app/static/vendor/htmx/LICENSE",
        "annotate_app/static/vendor/pico/LICENSE.md",
        "annotate_app/locale/es.po",
        "db/migrations/versions/0001_the_tables.py",
        "db/migrations/script.py.mako",
        "dermiqa/demo_photos/credits.csv",
        "dermiqa/demo_photos/poison_oak_arm.jpg",
        "train/paper.toml",
    ):
        assert name in names, name
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/")) or "__pycache__" in name]


def test_an_empty_environment_runs_the_demonstration(wheel: Path, tmp_path: Path) -> None:
    """Installed without torch, the chain runs to its end, says that training is left out and how to get it."""
    python = tmp_path / "env" / "bin" / "python"
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(tmp_path / "env")], check=True, capture_output=True)
    lock = ROOT / "requirements.lock"
    for words in (["--require-hashes", "-r", str(lock)], ["--no-deps", str(wheel)]):
        made = subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *words], capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "DERMIQA"))}
    ran = subprocess.run(
        [str(tmp_path / "env" / "bin" / "dermiqa"), "demo", "--small", "--no-serve", "--port", "18200", "--workspace", "ws"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "torch is not installed: pip install 'dermiqa[train]'" in ran.stderr
    assert (tmp_path / "ws" / "reports" / "demo" / "scores" / "scores.csv").is_file()
    trained = subprocess.run(
        [str(python), "-m", "dermiqa", "train", "kadid10k"], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    assert trained.returncode == 2
    assert "pip install 'dermiqa[train]'" in trained.stderr
    assert len(trained.stderr.strip().splitlines()) == 1
