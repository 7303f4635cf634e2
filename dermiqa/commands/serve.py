"""Verbs of the server: serve, user add."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dermiqa.cli import LazyGroup
from dermiqa.commands.common import example, hint, json_option, say, say_json, workspace_option
from dermiqa.commands.study import open_database

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from workspace.settings import Workspace

USER_VERBS = {"add": ("dermiqa.commands.serve:user_add", "Add a curator.")}
REQUESTS_END_S = 20


@click.command(**example("dermiqa serve --port 8000"))
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on (0.0.0.0: every network).")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes (more than one: PostgreSQL)."
)
@click.option(
    "--only", type=click.Choice(["all", "observer", "curator"]), default="all", show_default=True, help="Which pages to serve."
)
@click.option("--root-path", default="", help="The path under which a proxy passes requests on (/study).")
@click.option("--trust-proxy", default="127.0.0.1", show_default=True, help="Proxies whose word on scheme and host is taken.")
@click.option("--metrics", is_flag=True, help="Serve numbers for Prometheus at /metrics (keep that address inside).")
@click.option("--model", "model_folder", type=click.Path(path_type=Path), help="Score photos at /score with this model's folder.")
@workspace_option
def serve(host: str, port: int, workers: int, only: str, root_path: str, trust_proxy: str, metrics: bool,
          model_folder: Path | None, workspace: Path | None) -> None:  # fmt: skip
    """Serve the observers' and the curators' pages until Ctrl-C; requests under way are ended first."""
    import uvicorn

    from db.retention import parse_keep

    place, engine = open_database(workspace)
    check_workers(engine, workers)
    require_free(host, port)
    if place.settings.backup_every:
        parse_keep(place.settings.backup_keep)
    os.environ |= {"DERMIQA_WORKSPACE": str(place.root), "DERMIQA_ONLY": only, "DERMIQA_ROOT_PATH": root_path,
                   "DERMIQA_METRICS": "1" if metrics else "", "DERMIQA_MODEL": checked_model(model_folder)}  # fmt: skip
    prepare_process()
    _greet(place, engine, host, port, only)
    hint(f"scoring: http://{host}:{port}/score") if model_folder else None
    engine.dispose()
    with long_work(only), shared_numbers(metrics):
        uvicorn.run(
            "annotate_app.app:factory", factory=True, host=host, port=port, workers=workers, access_log=False, log_level="warning",
            root_path=root_path, server_header=False, date_header=True, proxy_headers=True, forwarded_allow_ips=trust_proxy,
            timeout_graceful_shutdown=REQUESTS_END_S, timeout_keep_alive=30, loop="uvloop", http="httptools", ws="none",
        )  # fmt: skip


def checked_model(folder: Path | None) -> str:
    """A model folder's absolute path after it was opened once in the process that will score; empty without one. Raises ModelFault."""
    if folder is None:
        return ""
    from annotate_app.scoring_process import ScoringProcess

    process = ScoringProcess(folder)
    process.start()
    process.stop()
    return str(folder.resolve())


def prepare_process() -> None:
    """As many open files as the system lets this process have; SIGTERM ends the command in order, its worker with it."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


@contextmanager
def shared_numbers(metrics: bool) -> Iterator[None]:
    """The folder in which several processes add up their metrics. Raises MissingExtra without the extra."""
    if not metrics:
        yield
        return
    if importlib.util.find_spec("prometheus_client") is None:
        from workspace.errors import MissingExtra

        raise MissingExtra("the page of metrics", "metrics")
    with tempfile.TemporaryDirectory(prefix="dermiqa-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield


@contextmanager
def long_work(only: str) -> Iterator[None]:
    """The process for long work beside the curators' side; its job is given time to reach a step when the server ends."""
    if only == "observer":
        yield
        return
    environment = {**os.environ, "DERMIQA_PARENT": str(os.getpid())}
    process = subprocess.Popen([sys.executable, "-m", "annotate_app.worker"], stdin=subprocess.DEVNULL, env=environment)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(REQUESTS_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def check_workers(engine: Engine, workers: int) -> None:
    """Raise UsageFault for several processes on SQLite, which has one writer."""
    from workspace.errors import UsageFault

    if workers > 1 and engine.dialect.name == "sqlite":
        raise UsageFault(
            f"--workers {workers} with SQLite: it has one writer, so use --workers 1, or set database_url to PostgreSQL"
        )


def require_free(host: str, port: int) -> None:
    """Raise UsageFault naming a port in use and a free one, or an address that isn't this machine's."""
    from workspace.errors import UsageFault

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            return
        except PermissionError:
            raise UsageFault(f"port {port} needs more rights: choose one above 1023, for instance --port 8000") from None
        except socket.gaierror:
            raise UsageFault(f"--host {host!r} is no address of this machine") from None
        except OSError as fault:
            if fault.errno != 98:
                raise UsageFault(
                    f"{host}:{port} can't be listened on ({fault.strerror}): choose another --host or --port"
                ) from None
    with socket.socket(family, socket.SOCK_STREAM) as free:
        free.bind((host, 0))
        other = free.getsockname()[1]
    raise UsageFault(
        f"port {port} on {host} is in use: stop the other program, or choose another one, for instance --port {other}"
    )


def _greet(place: Workspace, engine: Engine, host: str, port: int, only: str) -> None:
    from annotate_app.accounts import has_administrator, make_setup_code
    from db.engine import reading

    base = f"http://{host}:{port}"
    hint(f"observers: {base}/i/CODE (links: dermiqa study invite NAME)") if only != "curator" else None
    hint(f"curators: {base}/c/") if only != "observer" else None
    with reading(engine) as session:
        nobody = not has_administrator(session)
    if nobody and only != "observer":
        hint(f"nobody can sign in yet; this link makes the first administrator, once: {base}/c/setup/{make_setup_code(place)}")
    if host not in ("127.0.0.1", "localhost", "::1") and not place.settings.public_url.startswith("https://"):
        hint("votes travel open: public_url is http; put a proxy with TLS before it (see docs/operator.md)")


@click.group(cls=LazyGroup, verbs=USER_VERBS, **example("dermiqa user add ana"))
def user() -> None:
    """The curators who may sign in."""


@click.command("add", **example("dermiqa user add ana --role curator"))
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["administrator", "curator", "reviewer", "viewer"]), default="administrator", show_default=True
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
@workspace_option
@json_option
def user_add(name: str, role: str, password_stdin: bool, workspace: Path | None, as_json: bool) -> None:
    """Add the curator NAME; the password is asked for, there is no default one."""
    from annotate_app import curators
    from db.engine import writing

    _, engine = open_database(workspace)
    password = (
        sys.stdin.readline().rstrip("\n")
        if password_stdin
        else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    with writing(engine) as session:
        made = curators.add(session, name, password, role)
        name = made.name
    say_json({"curator": name, "role": role}) if as_json else say(f"{name} may sign in as {role}")
