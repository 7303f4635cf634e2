"""The table of verbs: name -> (module:attribute, short help), in the order of the work."""

from __future__ import annotations

VERBS: dict[str, tuple[str, str]] = {
    "init": ("dermiqa.commands.ground:init", "Make a workspace."),
    "verify": ("dermiqa.commands.ground:verify", "Check every file and table of a workspace."),
    "prepare": ("dermiqa.commands.photos:prepare", "Bring photos in as pristine images."),
    "sources": ("dermiqa.commands.photos:sources", "Where photos come from, what is not said, withdraw one."),
    "catalogue": ("dermiqa.commands.distort:catalogue", "Print every distortion with its levels."),
    "preview": ("dermiqa.commands.distort:preview", "Show what a recipe makes of one photo."),
    "distort": ("dermiqa.commands.distort:distort", "Make every variant of every photo."),
    "sheet": ("dermiqa.commands.distort:sheet", "Draw contact sheets."),
    "gallery": ("dermiqa.commands.distort:gallery", "Write a gallery that opens from disk."),
    "recipe": ("dermiqa.commands.recipe:recipe", "A set as a small file: export, build."),
    "backup": ("dermiqa.commands.keeping:backup", "Back up the database and every file."),
    "restore": ("dermiqa.commands.keeping:restore", "Put a backup into an empty folder."),
    "db": ("dermiqa.commands.keeping:db", "The database: upgrade, copy."),
    "observer": ("dermiqa.commands.keeping:observer", "An observer's rights: export, erase."),
    "mos": ("dermiqa.commands.scores:mos", "Opinion scores from votes."),
    "compare": ("dermiqa.commands.compare:compare", "Compare two panels on the same images."),
    "export": ("dermiqa.commands.exports:export", "Write a study as other tools read it."),
    "report": ("dermiqa.commands.exports:report", "Write a study's report, HTML and PDF."),
    "dataset": ("dermiqa.commands.datasets:dataset", "Data sets: list, check, cache."),
    "splits": ("dermiqa.commands.splits:splits", "Splits by group: make, check, import, export."),
    "lr-find": ("dermiqa.commands.experiments:lr_find", "Find a peak learning rate."),
    "train": ("dermiqa.commands.training:train", "Train a quality model."),
    "experiment": ("dermiqa.commands.experiments:experiment", "Models x training sets x splits, from one TOML."),
    "evaluate": ("dermiqa.commands.experiments:evaluate", "Measure, compare, bring in other models."),
    "tables": ("dermiqa.commands.training:tables", "Tables 3 and 4 of finished runs."),
    "score": ("dermiqa.commands.models:score", "Score photos with a model."),
    "model": ("dermiqa.commands.models:model", "A model folder: export."),
}
