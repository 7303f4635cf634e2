"""The verbs that begin and keep a workspace."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dermiqa.cli import cli
from workspace.errors import WorkspaceFault


def test_init_and_serve_refuse_a_synced_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite in a synced folder is refused when it is made and when it is served; with PostgreSQL the folder may lie there."""
    monkeypatch.delenv("DERMIQA_DATABASE_URL", raising=False)
    folder = tmp_path / "Dropbox" / "study"
    with pytest.raises(WorkspaceFault, match=r"synced folder.*local disk.*PostgreSQL"):
        CliRunner().invoke(cli, ["init", str(folder)], standalone_mode=False, catch_exceptions=False)
    assert not folder.exists()
    monkeypatch.setenv("DERMIQA_DATABASE_URL", "postgresql+psycopg://nobody@nowhere/none")
    CliRunner().invoke(cli, ["init", str(folder)], standalone_mode=False, catch_exceptions=False)
    assert (folder / "dermiqa.toml").is_file()
    monkeypatch.delenv("DERMIQA_DATABASE_URL")
    with pytest.raises(WorkspaceFault, match=r"synced folder"):
        CliRunner().invoke(cli, ["-w", str(folder), "serve"], standalone_mode=False, catch_exceptions=False)
    assert not (folder / "dermiqa.db").exists()
