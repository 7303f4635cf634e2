"""The command line as a user meets it: a real process, its output and its exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from dermiqa.cli import LazyGroup, cli


def run(*words: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `dermiqa` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "dermiqa", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=120,
    )


def every_verb(group: click.Group = cli, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """All verbs with their paths, sub groups opened."""
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found += every_verb(command, (*path, name))
        if not isinstance(command, click.Group) or command.invoke_without_command:
            found.append(((*path, name), command))
    return found


def test_help_loads_no_heavy_module() -> None:
    """`dermiqa --help` imports neither torch, timm, pandas, fastapi nor any verb's module."""
    script = (
        "import sys; sys.argv = ['dermiqa', '--help']\n"
        "from dermiqa.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted(m for m in sys.modules if m in {'torch', 'timm', 'pandas', 'numpy', 'fastapi', 'sqlalchemy', 'cv2'}"
        " or m.startswith('dermiqa.commands')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout[-500:]


def test_every_verb_has_help_and_an_example() -> None:
    """Each verb says in its help what it does and shows a command to type."""
    verbs = every_verb()
    assert len(verbs) > 10
    for path, command in verbs:
        assert command.help, path
        assert f"dermiqa {' '.join(path)}" in (command.epilog or ""), path


def test_the_short_help_of_the_table_is_there_for_each_verb() -> None:
    """The table of verbs gives each a short help that ends with a full stop."""
    assert isinstance(cli, LazyGroup)
    for name, (_, text) in cli.verbs.items():
        assert text.endswith("."), name


def test_an_unknown_verb_names_the_nearest() -> None:
    """A mistyped verb is answered with the nearest known one and exit 2."""
    done = run("verfy")
    assert done.returncode == 2
    assert "no verb 'verfy' (did you mean 'verify'?)" in done.stderr


def test_no_workspace_is_one_line(tmp_path: Path) -> None:
    """Outside any workspace a verb says where it looked and what to do, without a traceback."""
    done = run("verify", cwd=tmp_path, DERMIQA_WORKSPACE="")
    assert done.returncode == 1
    assert done.stderr.strip().startswith("dermiqa: no dermiqa.toml in")
    assert "dermiqa init DIR" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_init_then_verify(tmp_path: Path) -> None:
    """A new workspace verifies clean, from inside it, by option and by environment alike; a second init is refused."""
    place = tmp_path / "ws"
    assert run("init", str(place)).returncode == 0
    for words, cwd, environment in (
        (("verify",), place, {}),
        (("-w", str(place), "verify"), tmp_path, {}),
        (("verify", "--workspace", str(place)), tmp_path, {}),
        (("verify",), tmp_path, {"DERMIQA_WORKSPACE": str(place)}),
    ):
        done = run(*words, cwd=cwd, **environment)
        assert (done.returncode, "everything agrees" in done.stdout) == (0, True), done.stderr
    again = run("init", str(place))
    assert again.returncode == 1
    assert "is a workspace already" in again.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    """`--debug` shows where an error came from; without it there is one line."""
    done = run("--debug", "verify", cwd=tmp_path, DERMIQA_WORKSPACE="")
    assert "Traceback" in done.stderr


def test_shell_completion_knows_the_verbs() -> None:
    """Bash's completion offers the verbs that begin as typed."""
    done = run(_DERMIQA_COMPLETE="bash_complete", COMP_WORDS="dermiqa ver", COMP_CWORD="1")
    if not done.stdout:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "dermiqa")],
            capture_output=True,
            text=True,
            env={**os.environ, "_DERMIQA_COMPLETE": "bash_complete", "COMP_WORDS": "dermiqa ver", "COMP_CWORD": "1"},
            timeout=60,
        )
    assert "plain,verify" in done.stdout


def test_a_file_that_hides_a_package_is_named(tmp_path: Path) -> None:
    """A user's own `train.py` in the folder of work is named rather than failing later."""
    (tmp_path / "train.py").write_text("x = 1\n")
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path / 'train.py'} hides dermiqa's own package 'train'" in done.stderr


@pytest.mark.parametrize("name", ["open_workspace", "DermiqaError"])
def test_public_names_are_imported_lazily(name: str) -> None:
    """`dermiqa.NAME` works, and an unknown name is an AttributeError."""
    import dermiqa

    assert getattr(dermiqa, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dermiqa.nothing
