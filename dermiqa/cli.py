"""The command line: a lazy group, so that `dermiqa --help` loads no verb's module."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from dermiqa.verbs import VERBS
from workspace.errors import DermiqaError, nearest


class LazyGroup(click.Group):
    """A group whose commands are named in a table `{verb: (module:attribute, help)}` and imported when called."""

    def __init__(self, *args: Any, verbs: dict[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.verbs = verbs or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the table's order, which is the order of the work."""
        return [*self.verbs, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a verb."""
        if cmd_name not in self.verbs:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.verbs[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the table's short helps without importing anything."""
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, text) for verb, (_, text) in self.verbs.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As click, but an unknown verb names the nearest known one."""
        if args and args[0] not in self.verbs and not args[0].startswith("-"):
            path = " ".join(["dermiqa", *ctx.command_path.split()[1:]])
            ctx.fail(f"no verb {args[0]!r}{nearest(args[0], list(self.verbs))}: see `{path} --help`")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: dermiqa demo",
)
@click.option("--workspace", "-w", type=click.Path(), help="The workspace's folder (default: the nearest with a dermiqa.toml).")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
@click.option("--quiet", "-q", is_flag=True, help="No progress, no hints.")
@click.version_option(package_name="dermiqa")
@click.pass_context
def cli(ctx: click.Context, workspace: str | None, debug: bool, quiet: bool) -> None:
    """Build and use dermatology image-quality datasets."""
    ctx.obj = {"workspace": workspace, "debug": debug, "quiet": quiet}


def main() -> None:
    """Run the command line: exit 0 done, 1 the work found faults, 2 the call was wrong."""
    debug = "--debug" in sys.argv
    try:
        code = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except DermiqaError as fault:
        if debug:
            raise
        click.echo(f"dermiqa: {fault}", err=True)
        sys.exit(fault.exit_code)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        click.echo("dermiqa: stopped", err=True)
        sys.exit(130)
    except KeyboardInterrupt:
        click.echo("dermiqa: stopped; the same command again goes on", err=True)
        sys.exit(130)
    except click.ClickException as fault:
        fault.show()
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as fault:
        if debug:
            raise
        click.echo(f"dermiqa: an error that should not happen: {type(fault).__name__}: {fault} (see it with --debug)", err=True)
        sys.exit(1)
