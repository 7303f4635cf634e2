"""The pages for readers: their links lead somewhere and their commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from dermiqa.cli import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link and picture is a file of the tree."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    missing = [t for t in targets if "://" not in t and not t.startswith("mailto:") and not (page.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "commands.md"], ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    """Each command in a block is a verb of the command line, with options that it has."""
    blocks = re.findall(r"```[a-z]*\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)
    lines = re.sub(r"\\\n\s*", " ", "\n".join(blocks)).splitlines()
    wrong = [fault for line in lines for part in line.split("&&") if (fault := _fault(part.strip().removeprefix("$ ")))]
    assert wrong == []


def _fault(line: str) -> str:
    if not line.startswith("dermiqa "):
        return ""
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = cli
    context = click.Context(cli)
    known = {name for parameter in cli.params for name in parameter.opts}
    while words and isinstance(command, click.Group):
        if words[0].startswith("-"):
            words = words[2:] if words[0] in ("-w", "--workspace") else words[1:]
            continue
        found = command.get_command(context, words[0])
        if found is None:
            return f"{line}: no verb {words[0]}"
        command, words = found, words[1:]
        known |= {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    said = [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    unknown = [word for word in said if word not in known and word not in ("--help", "-h")]
    return f"{line}: no option {unknown[0]}" if unknown else ""
