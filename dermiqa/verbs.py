"""The table of verbs: name -> (module:attribute, short help), in the order of the work."""

from __future__ import annotations

VERBS: dict[str, tuple[str, str]] = {
    "init": ("dermiqa.commands.ground:init", "Make a workspace."),
    "verify": ("dermiqa.commands.ground:verify", "Check every file and table of a workspace."),
}
