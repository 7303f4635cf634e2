"""Tables: means with ddof 1, the best three, collapsed and wild runs marked, all four forms, the paper's figures apart."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from train.figures import draw_all, size_points
from train.published import published
from train.table_forms import cell_text, latex, markdown, page, write_all
from train.tables import find_runs, tables
from workspace.errors import DatasetFault
from workspace.files import write_json, write_text


def made_run(model: str, training: str, split: int, plcc: float | None, **changes: Any) -> dict[str, Any]:
    """A run's results as the folder holds them."""
    test = {
        "n": 100,
        "plcc": plcc,
        "srocc": plcc,
        "plcc_clipped": plcc,
        "outside": 0.0,
        "spread": 0.8,
        "krcc": 0.5,
        "rmse": 1.0,
        **changes.pop("test", {}),
    }
    sets = {
        "skin": {
            "test": test,
            "train": {"n": 350},
            "bounds": {"variant's mean (oracle)": {"plcc": 0.9, "srocc": 0.89, "rmse": 0.7}},
        }
    }
    return {
        "row": {"model": model, "training": training, "kind": "model"}, "split": split, "collapsed": False, "simulated": False,
        "titles": {"skin": "Clinic A"}, "kinds": {"skin": "dermiqa"}, "sets": sets, "input_size": 224, "folder": "", **changes,
    }  # fmt: skip


def test_a_collapsed_run_is_marked_and_not_averaged_away() -> None:
    """Four runs at .930 and one collapsed at -.025: the cell is .930 with a dagger, the note gives .739 +- .427 (the paper's B5)."""
    runs = [made_run("B5", "KonIQ-10k", split, 0.930) for split in range(1, 5)]
    runs.append(made_run("B5", "KonIQ-10k", 5, -0.025, collapsed=True))
    table = tables(runs)[0]
    cell = table.rows[0].cells["Clinic A"]
    assert cell is not None
    assert cell_text(cell) == "0.9300 ± 0.0000†"
    assert any("1 of 5 runs collapsed" in note and "with them 0.7390 ± 0.4271" in note for note in table.notes)


def test_wild_outputs_are_marked_with_the_clipped_figure() -> None:
    """A PLCC that clipping raises by more than .02 gets a double dagger, and the clipped mean stands in a note."""
    runs = [made_run("B5", "KADID-10k", split, 0.40, test={"plcc_clipped": 0.88, "outside": 0.01}) for split in (1, 2)]
    table = tables(runs)[0]
    cell = table.rows[0].cells["Clinic A"]
    assert cell is not None
    assert cell_text(cell).endswith("‡")
    assert any("clipped, the mean is 0.8800" in note for note in table.notes)


def test_the_best_three_models_are_bold_and_bounds_are_not() -> None:
    """Of four models the three highest are bold; the oracle, though higher than some, is not ranked."""
    runs = [made_run(f"m{n}", "SPAQ", 1, value) for n, value in enumerate((0.5, 0.6, 0.7, 0.8))]
    text = markdown(tables(runs)[0])
    assert [line.count("**") for line in text.splitlines() if line.startswith("| m")] == [0, 4, 4, 4]
    assert "| variant's mean (oracle) |  | 0.9000 | – |" in text


def test_runs_without_an_axis_are_a_row_below_the_models() -> None:
    """Runs that never saw blur (.3, .5) and dark (.5, .7) on two splits are one floor row, .40 and .60 over splits: .50; no model row."""
    runs = [made_run("B0", "Clinic A", split, 0.8) for split in (1, 2)]
    for axis, split, value in (("blur", 1, 0.3), ("blur", 2, 0.5), ("dark", 1, 0.5), ("dark", 2, 0.7)):
        runs.append(made_run("B0", f"Clinic A without {axis}", split, value, left_out=axis))
    table = tables(runs)[0]
    assert [row.model for row in table.rows if row.kind == "model"] == ["B0"]
    row = next(row for row in table.rows if "never saw" in row.model)
    assert (row.model, row.training, row.kind) == ("B0, tested on an axis it never saw (blur, dark)", "Clinic A", "bound")
    cell = row.cells["Clinic A"]
    assert cell is not None
    assert cell_text(cell) == "0.5000 ± 0.1414"
    assert cell.rank is None


def test_simulated_votes_are_said_under_every_form() -> None:
    """One run on simulated votes puts the words under the table in Markdown, LaTeX and HTML."""
    table = tables([made_run("B0", "All", 1, 0.5, simulated=True)])[0]
    assert all("SIMULATED VOTES" in form(table) for form in (markdown, latex, page))


def test_all_forms_hold_the_same_cells(tmp_path: Path) -> None:
    """CSV, Markdown, LaTeX and HTML are written for both tables; the HTML and the figures parse; the CSV has the mean."""
    runs = [made_run("B0", "A & B_1", split, 0.5 + 0.01 * split) for split in (1, 2)]
    written = write_all(tables(runs), tmp_path)
    assert sorted(path.name for path in written) == sorted(
        f"table{number}.{form}" for number in ("3_plcc", "4_srocc") for form in ("csv", "html", "md", "tex")
    )
    with (tmp_path / "table3_plcc.csv").open() as stream:
        first = next(csv.DictReader(stream))
    assert (first["test"], first["mean"], first["sd"], first["runs"]) == ("Clinic A", "0.515000", "0.007071", "2")
    assert r"A \& B\_1" in (tmp_path / "table3_plcc.tex").read_text()
    ET.fromstring((tmp_path / "table3_plcc.html").read_text().split("\n", 1)[1].replace('<meta charset="utf-8">', ""))


def test_figures_are_svg(tmp_path: Path) -> None:
    """Score distributions and correlation against input size are drawn as SVG, the same bytes each time."""
    runs = [
        made_run("B0", "Clinic A", 1, 0.5, folder=str(tmp_path)),
        made_run("B0 at 448", "Clinic A", 1, 0.6, input_size=448, folder=str(tmp_path)),
    ]
    write_text(tmp_path / "predictions.csv", "set,score10\n" + "".join(f"skin,{1 + n % 9}\n" for n in range(90)))
    assert sorted(size_points(runs)["size"].unique()) == [224, 448]
    made = draw_all(runs, tmp_path / "one")
    assert [path.name for path in made] == ["figure2.svg", "figure4.svg"]
    again = draw_all(runs, tmp_path / "two")
    assert [path.read_bytes() for path in made] == [path.read_bytes() for path in again]
    assert all(ET.parse(path).getroot().tag.endswith("svg") for path in made)


def test_the_papers_figures_stand_apart(shared: Path) -> None:
    """The published tables hold 18 rows and six sets each, equal to the paper's text, and their dermatology set bears another name."""
    both = published()
    assert [(len(table.rows), len(table.columns)) for table in both] == [(18, 6), (18, 6)]
    row = next(row for row in both[0].rows if (row.model, row.training) == ("B5", "All"))
    assert cell_text(row.cells["KADID-10k"]) == "0.9102 ± 0.0086"
    paper = (shared / "reference" / "paper.txt").read_text()
    for table in both:
        for row in table.rows:
            assert "\t".join(cell_text(row.cells[column]) for column in table.columns) in paper
    assert "DIQA (the paper's own set)" in both[0].columns


def test_no_finished_run_says_so(tmp_path: Path) -> None:
    """A folder without finished runs is one clear line."""
    with pytest.raises(DatasetFault, match=r"no finished run in .*: train first, or name the runs' folder"):
        find_runs([tmp_path])
    write_json(tmp_path / "a" / "results.json", made_run("B0", "All", 1, 0.5))
    assert len(find_runs([tmp_path])) == 1
