"""A table as CSV, Markdown, LaTeX and HTML."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from train.cells import Cell, Row, Table
from workspace.files import write_rows, write_text

CSV_COLUMNS = ["measure", "kind", "model", "training", "test", "mean", "sd", "runs", "collapsed", "wild", "best"]
FORMS = ("csv", "md", "tex", "html")
_TEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "±": r"$\pm$", "†": r"$\dagger$", "‡": r"$\ddagger$", "–": "--"}


def cell_text(cell: Cell | None) -> str:
    """`0.9134 ± 0.0061` with † for collapsed runs and ‡ for wild outputs; a dash where nothing was measured."""
    if cell is None or cell.mean is None:
        return "–" if cell is None or not cell.collapsed else "†"
    spread = "" if cell.sd is None else f" ± {cell.sd:.4f}"
    return f"{cell.mean:.4f}{spread}{'†' if cell.collapsed else ''}{'‡' if cell.wild else ''}"


def write_all(tables: list[Table], folder: Path) -> list[Path]:
    """Write every table in every form: table3_plcc.csv, .md, .tex, .html and so on."""
    written = []
    for number, table in enumerate(tables, start=3):
        stem = folder / f"table{number}_{table.measure}"
        write_rows(stem.with_suffix(".csv"), csv_rows(table), CSV_COLUMNS)
        for suffix, text in ((".md", markdown(table)), (".tex", latex(table)), (".html", page(table))):
            write_text(stem.with_suffix(suffix), text)
        written += [stem.with_suffix(f".{form}") for form in FORMS]
    return written


def csv_rows(table: Table) -> list[dict[str, Any]]:
    """One row per measured cell."""
    rows = []
    for row in table.rows:
        for column, cell in row.cells.items():
            if cell is not None:
                rows.append(
                    {
                        "measure": table.measure, "kind": row.kind, "model": row.model, "training": row.training, "test": column,
                        "mean": None if cell.mean is None else f"{cell.mean:.6f}", "sd": None if cell.sd is None else f"{cell.sd:.6f}",
                        "runs": cell.runs, "collapsed": cell.collapsed, "wild": cell.wild, "best": cell.rank,
                    }
                )  # fmt: skip
    return rows


def _cells(row: Row, columns: list[str], bold: tuple[str, str], escape: Any) -> list[str]:
    out = []
    for column in columns:
        cell = row.cells.get(column)
        text = escape(cell_text(cell))
        out.append(f"{bold[0]}{text}{bold[1]}" if cell is not None and cell.rank else text)
    return out


def markdown(table: Table) -> str:
    """The table in Markdown with its notes."""
    heads = ["Model", "Trained on", *table.columns]
    lines = [f"**{table.title}**", "", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in table.rows:
        cells = _cells(row, table.columns, ("**", "**"), str)
        lines.append("| " + " | ".join([row.model, row.training, *cells]) + " |")
    return "\n".join([*lines, "", *(f"{note}  " for note in table.notes)]) + "\n"


def latex(table: Table) -> str:
    """The table as a LaTeX `table` (needs booktabs)."""
    lines = [
        r"\begin{table}", r"\centering", rf"\caption{{{_tex(table.title)}}}", rf"\begin{{tabular}}{{ll{'c' * len(table.columns)}}}",
        r"\toprule", " & ".join(_tex(head) for head in ["Model", "Trained on", *table.columns]) + r" \\", r"\midrule",
    ]  # fmt: skip
    kind = table.rows[0].kind if table.rows else ""
    for row in table.rows:
        if row.kind != kind:
            lines.append(r"\midrule")
            kind = row.kind
        cells = _cells(row, table.columns, (r"\textbf{", "}"), _tex)
        lines.append(" & ".join([_tex(row.model), _tex(row.training), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", *(rf"\par\footnotesize {_tex(note)}" for note in table.notes), r"\end{table}"]
    return "\n".join(lines) + "\n"


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in text)


def page(table: Table) -> str:
    """The table as an HTML page of its own."""
    head = "".join(f"<th>{html.escape(text)}</th>" for text in ["Model", "Trained on", *table.columns])
    body = []
    for row in table.rows:
        cells = _cells(row, table.columns, ("<strong>", "</strong>"), html.escape)
        texts = [html.escape(row.model), html.escape(row.training), *cells]
        body.append(f'<tr class="{row.kind}">' + "".join(f"<td>{text}</td>" for text in texts) + "</tr>")
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in table.notes)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(table.title)}</title>\n'
        "<style>body{font:15px/1.4 system-ui,sans-serif;margin:2em}table{border-collapse:collapse}"
        "th,td{padding:.3em .7em;border-bottom:1px solid #ccc;text-align:left;white-space:nowrap}"
        "tr.bound td,tr.baseline td{color:#444;font-style:italic}p{max-width:70em;color:#333}</style></head>\n"
        f"<body><h1>{html.escape(table.title)}</h1><table><thead><tr>{head}</tr></thead><tbody>\n"
        + "\n".join(body)
        + f"\n</tbody></table>{notes}</body></html>\n"
    )
