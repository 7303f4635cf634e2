"""Settings: `dermiqa.toml`, read and checked; and the paths that a workspace consists of."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from workspace.errors import WorkspaceFault, nearest
from workspace.files import write_text

FILE = "dermiqa.toml"

TEMPLATE = """\
# Settings of this workspace. Every key may be left out; then the value shown here holds.
name = {name}

# Prepared photos: the largest side in pixels (photos are never enlarged).
largest_side = 512

# The recipe that `dermiqa distort` applies: paper, kadid, kadid-seven, or a TOML file of your own.
recipe = "paper"

# Where votes are kept. SQLite in this folder by default; a PostgreSQL address works alike, for instance
# "postgresql+psycopg://user@host/name". DERMIQA_DATABASE_URL in the environment goes before this line.
database_url = "sqlite:///dermiqa.db"

# The address under which observers reach this server (used in invitation links).
public_url = "http://127.0.0.1:8000"

# Seed of everything random here: plans, random distortions, simulated observers.
seed = 20250919

# Backups: where `dermiqa backup` keeps them (outside this folder, best on another disk), how often `dermiqa serve` makes one
# (minutes; 0: never), and how long they are kept ("7d,4w": one a day for 7 days, one a week for 4 weeks).
backup_to = ""
backup_every = 0
backup_keep = "7d,4w"
"""


@dataclass(frozen=True)
class Settings:
    """The keys of `dermiqa.toml`; `largest_side` in pixels."""

    name: str = "dermiqa"
    largest_side: int = 512
    recipe: str = "paper"
    database_url: str = "sqlite:///dermiqa.db"
    public_url: str = "http://127.0.0.1:8000"
    seed: int = 20250919
    backup_to: str = ""
    backup_every: int = 0
    backup_keep: str = "7d,4w"


@dataclass(frozen=True)
class Workspace:
    """A project's folder: its settings and where everything lies."""

    root: Path
    settings: Settings = field(default_factory=Settings)

    @property
    def sources(self) -> Path:
        """`sources.csv`: one row per photo."""
        return self.root / "sources.csv"

    @property
    def keys(self) -> Path:
        """`keys.csv`: a photo's name here and its original path; private."""
        return self.root / "keys.csv"

    @property
    def manifest(self) -> Path:
        """`manifest.csv`: one row per image of every recipe."""
        return self.root / "manifest.csv"

    @property
    def pristine(self) -> Path:
        """Folder of prepared photos, `NAME.png`."""
        return self.root / "pristine"

    @property
    def distorted(self) -> Path:
        """Folder of variants, `RECIPE/NAME/VARIANT.png`."""
        return self.root / "distorted"

    @property
    def exports(self) -> Path:
        """Folder of exports."""
        return self.root / "exports"

    @property
    def models(self) -> Path:
        """Folder of trained models."""
        return self.root / "models"

    @property
    def reports(self) -> Path:
        """Folder of reports."""
        return self.root / "reports"

    @property
    def counted(self) -> Path:
        """Folder of what the worker has counted of large studies, for the pages; it can be removed at any time."""
        return self.root / "counted"

    @property
    def logs(self) -> Path:
        """Folder of logs."""
        return self.root / "logs"

    def study(self, name: str) -> Path:
        """Folder of one study."""
        return self.root / "studies" / name

    @property
    def database_url(self) -> str:
        """The database's address: DERMIQA_DATABASE_URL, else the settings'; SQLite's path made absolute."""
        url = os.environ.get("DERMIQA_DATABASE_URL") or self.settings.database_url
        prefix = "sqlite:///"
        if url.startswith(prefix) and not url.startswith(prefix + "/") and url != prefix + ":memory:":
            return prefix + str((self.root / url[len(prefix) :]).resolve())
        return url


def create(root: Path, *, name: str | None = None) -> Workspace:
    """Make a workspace in `root` (which may exist but hold no `dermiqa.toml`). Raises WorkspaceFault."""
    path = root / FILE
    if path.exists():
        raise WorkspaceFault(f"{root} is a workspace already ({FILE} is there): use it, or name another folder")
    if root.exists() and not root.is_dir():
        raise WorkspaceFault(f"{root} is a file, a folder was expected: name another place")
    try:
        write_text(path, TEMPLATE.format(name=_toml_text(name or root.resolve().name)))
    except PermissionError:
        raise WorkspaceFault(f"{root} can't be written: choose a folder of your own") from None
    return open_workspace(root)


def open_workspace(root: Path | None = None) -> Workspace:
    """The workspace at `root`, else of DERMIQA_WORKSPACE, else the nearest folder upwards with a `dermiqa.toml`."""
    if root is None and os.environ.get("DERMIQA_WORKSPACE"):
        root = Path(os.environ["DERMIQA_WORKSPACE"])
    if root is not None:
        if not (root / FILE).is_file():
            raise WorkspaceFault(f"{root} is not a workspace (no {FILE}): make one with `dermiqa init {root}`")
        return Workspace(root.resolve(), read_settings(root / FILE))
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return Workspace(folder.resolve(), read_settings(folder / FILE))
    raise WorkspaceFault(f"no {FILE} in {here} or above it: make a workspace with `dermiqa init DIR`, or say --workspace")


def read_settings(path: Path) -> Settings:
    """Read and check a settings file. Raises WorkspaceFault naming the key, what was found and what was expected."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise WorkspaceFault(f"{path} is not valid TOML: {fault}") from None
    known = {f.name: f for f in fields(Settings)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise WorkspaceFault(f"{path} has an unknown key {key!r}{nearest(key, list(known))}: correct or remove it")
        expected = type(known[key].default)
        if type(value) is not expected:
            word = "a whole number" if expected is int else "a text in quotes"
            raise WorkspaceFault(f"{path}: {key} is {value!r}, {word} was expected")
        values[key] = value
    settings = Settings(**values)
    _check_ranges(path, settings)
    return settings


def _check_ranges(path: Path, settings: Settings) -> None:
    if not 16 <= settings.largest_side <= 8192:
        raise WorkspaceFault(f"{path}: largest_side is {settings.largest_side}, 16 to 8192 was expected")
    if not 0 <= settings.seed < 2**32:
        raise WorkspaceFault(f"{path}: seed is {settings.seed}, 0 to 4294967295 was expected")
    if settings.backup_every < 0:
        raise WorkspaceFault(f"{path}: backup_every is {settings.backup_every}, 0 or more minutes was expected")
    if not settings.public_url.startswith(("http://", "https://")):
        raise WorkspaceFault(f"{path}: public_url is {settings.public_url!r}, an address with http:// or https:// was expected")
    if not settings.database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise WorkspaceFault(
            f"{path}: database_url starts with {settings.database_url.split(':')[0]!r}, "
            "sqlite:///FILE or postgresql+psycopg://... was expected"
        )


def _toml_text(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)
