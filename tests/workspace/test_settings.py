"""Settings: read, checked, and wrong ones named."""

from __future__ import annotations

from pathlib import Path

import pytest

from workspace.errors import WorkspaceFault
from workspace.settings import create, open_workspace, read_settings


def test_a_new_workspace_reads_back(tmp_path: Path) -> None:
    """`create` writes a commented file that reads back with the shown values."""
    made = create(tmp_path / "skin")
    assert made.settings.name == "skin"
    assert made.settings.largest_side == 512
    assert open_workspace(tmp_path / "skin") == made


def test_a_name_with_quotes_survives(tmp_path: Path) -> None:
    """Any name can be written into the settings."""
    assert create(tmp_path / "a", name='a "b" \\ ñ').settings.name == 'a "b" \\ ñ'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("largest_sid = 5", "unknown key 'largest_sid' (did you mean 'largest_side'?)"),
        ('largest_side = "5"', "largest_side is '5', a whole number was expected"),
        ("largest_side = 5", "largest_side is 5, 16 to 8192 was expected"),
        ("largest_side = true", "largest_side is True, a whole number"),
        ("seed = -1", "seed is -1, 0 to 4294967295"),
        ("name = 3", "name is 3, a text in quotes"),
        ('public_url = "ftp://x"', "an address with http:// or https://"),
        ('database_url = "mysql://x"', "database_url starts with 'mysql'"),
        ("x =", "is not valid TOML"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    """Each fault says the file, the key, what was found and what was expected."""
    path = tmp_path / "dermiqa.toml"
    path.write_text(line + "\n")
    with pytest.raises(WorkspaceFault) as caught:
        read_settings(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_database_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's path is relative to the workspace; the environment's address goes first."""
    made = create(tmp_path / "w")
    assert made.database_url == f"sqlite:///{tmp_path / 'w' / 'dermiqa.db'}"
    monkeypatch.setenv("DERMIQA_DATABASE_URL", "postgresql+psycopg://u@h/d")
    assert made.database_url == "postgresql+psycopg://u@h/d"
