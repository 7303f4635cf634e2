"""sureal's data sets, JSON or Python, read as data: no line of them is run."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pandas as pd

from workspace.errors import TableFault


def read_sureal(path: Path) -> tuple[pd.DataFrame, pd.DataFrame, float | None]:
    """(votes, stimuli, ref_score) of a data set with `ref_videos` and `dis_videos`.

    The votes are long: stimulus, observer, score, rep, line (the entry's number in `dis_videos`, from 1). A stimulus is
    named by its file's stem where the stems differ, else by its number; it is a reference when its path is its content's.
    Raises TableFault when the file is no such data set.
    """
    data = _load(path)
    for key in ("ref_videos", "dis_videos"):
        if not isinstance(data.get(key), list | tuple):
            raise TableFault(f"{path} has no list {key!r}: a data set of sureal holds ref_videos and dis_videos")
    references = {str(entry.get("content_id")): entry for entry in data["ref_videos"]}
    entries = list(data["dis_videos"])
    names = _names(entries)
    rows, info = [], []
    for number, (name, entry) in enumerate(zip(names, entries, strict=True), 1):
        content = str(entry.get("content_id"))
        if "os" not in entry or content not in references:
            raise TableFault(f"{path}: entry {number} of dis_videos lacks 'os' or names an unknown content_id {content}")
        is_ref = "path" in entry and references[content].get("path") == entry["path"]
        info.append({"stimulus": name, "content": content, "is_ref": is_ref})
        rows += [(name, observer, score, rep, number) for observer, rep, score in _votes(entry["os"])]
    score = data.get("ref_score")
    votes = pd.DataFrame(rows, columns=["stimulus", "observer", "score", "rep", "line"])
    return votes, pd.DataFrame(info), None if score is None else float(score)


def _load(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TableFault(f"{path} is not there") from None
    except UnicodeDecodeError:
        raise TableFault(f"{path} is not UTF-8 text") from None
    if path.suffix.lower() == ".json":
        try:
            data = json.loads(text)
        except json.JSONDecodeError as fault:
            raise TableFault(f"{path} is no JSON: {fault.msg} at line {fault.lineno}") from None
        if not isinstance(data, dict):
            raise TableFault(f"{path} holds a {type(data).__name__}: an object with ref_videos and dis_videos was expected")
        return data
    return _literal_module(path, text)


def _literal_module(path: Path, text: str) -> dict[str, Any]:
    """Assignments of plain values; later ones may use the names of earlier ones. Anything else is left out."""
    try:
        tree = ast.parse(text)
    except SyntaxError as fault:
        raise TableFault(f"{path} is no Python text: {fault.msg} at line {fault.lineno}") from None
    known: dict[str, Any] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            try:
                known[name] = _value(statement.value, known)
            except _NotPlain as fault:
                if name in ("ref_videos", "dis_videos", "ref_score"):
                    raise TableFault(
                        f"{path}, line {fault.line}: {name} holds {fault.what}, which only running the file could tell: "
                        "write the values out, or save the data set as JSON"
                    ) from None
    return known


class _NotPlain(Exception):
    def __init__(self, node: ast.AST) -> None:
        super().__init__()
        self.line = getattr(node, "lineno", 0)
        self.what = f"a {type(node).__name__}"


def _value(node: ast.AST, known: dict[str, Any]) -> Any:
    """The value of a literal, a known name, a sum of texts or numbers, or nan in its usual spellings."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, known) for item in items]
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_value(k, known): _value(v, known) for k, v in zip(keys, values, strict=True) if k is not None}
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.Name(id=name) | ast.Attribute(attr=name) if name.lower() == "nan":
            return float("nan")
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(word))]) if word.lower() == "nan":
            return float("nan")
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, known)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left, known) + _value(right, known)
        case ast.JoinedStr(values=parts):
            return "".join(str(_value(part.value if isinstance(part, ast.FormattedValue) else part, known)) for part in parts)
    raise _NotPlain(node)


def _names(entries: list[dict[str, Any]]) -> list[str]:
    stems = [Path(str(entry.get("path", ""))).stem for entry in entries]
    if all(stems) and len(set(stems)) == len(stems):
        return stems
    width = max(4, len(str(len(entries))))
    return [f"{number:0{width}d}" for number in range(len(entries))]


def _votes(scores: Any) -> list[tuple[str, int, Any]]:
    """(observer, rep, score) of one entry's `os`: a list in the observers' order, or observer -> score(s)."""
    pairs = scores.items() if isinstance(scores, dict) else ((f"{i:03d}", s) for i, s in enumerate(scores))
    return [
        (str(observer), rep, score)
        for observer, several in pairs
        for rep, score in enumerate(several if isinstance(several, list | tuple) else [several])
    ]
