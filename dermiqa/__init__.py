"""Public names, imported when first used: `import dermiqa; dermiqa.score(...)`."""

from __future__ import annotations

import importlib
from typing import Any

from dermiqa.siblings import check_siblings

check_siblings()

_PUBLIC: dict[str, str] = {
    "Workspace": "workspace.settings:Workspace",
    "create_workspace": "workspace.settings:create",
    "open_workspace": "workspace.settings:open_workspace",
    "score": "train.scoring:score",
    "open_model": "train.scoring:open_model",
    "DermiqaError": "workspace.errors:DermiqaError",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'dermiqa' has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
