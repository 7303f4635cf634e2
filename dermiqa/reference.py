"""The reference of all verbs, as Markdown: `python -m dermiqa.reference > docs/commands.md`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from dermiqa.cli import cli

HEAD = """\
# Commands

Generated from the verbs' own help by `scripts/docs`. Every verb that prints results takes `--json`. Exit status: 0 done, 1 the
work found faults, 2 the call was wrong. `--workspace` names a workspace; without it `DERMIQA_WORKSPACE` does, or the nearest
folder upwards with a `dermiqa.toml`.
"""


def verbs(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every verb with its path, groups opened after themselves."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from verbs(command, (*path, name))


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for path, command in verbs(cli):
        title = " ".join(path)
        root = click.Context(cli, info_name="dermiqa", **cli.context_settings)
        context = click.Context(command, parent=root, info_name=title, max_content_width=100, terminal_width=100)
        parts.append(f"## {title}\n\n```\n{command.get_help(context).strip()}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    click.echo(page(), nl=False)
