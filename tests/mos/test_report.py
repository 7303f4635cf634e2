from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from mos import report
from mos.document import Table, interval, number, plus_minus
from mos.exports.study import StudyData, study_from_votes
from mos.report_html import render
from mos.report_pdf import compile_pdf
from tests.mos.made import known_votes
from tests.mos.studies import small_study
from workspace.errors import StudyFault


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text.append(data)


def study(folder: Path, **how: bool) -> StudyData:
    """A study with texts that try to be markup, a plan, a display and one observer taken out."""
    made = small_study(folder, observers=10, **how)  # type: ignore[arg-type]
    made.meta.update(
        texts={"en": {"instructions": "Rate <script>alert(1)</script> #image(\"x\") each picture."}},
        plan={"blocks": 10, "violations": 0}, display={"display": "27 inch", "room light (lux)": 20},
        screening={"rules": ["bt500"]}, removed=[{"observer": "O099", "rule": "bt500", "reason": "3 of 20 outside"}],
    )  # fmt: skip
    return made


def test_the_html_is_one_file_without_network(tmp_path: Path) -> None:
    """No script, no outside address; every picture is inside and has alternative text; texts are escaped."""
    html = render(report.build(study(tmp_path), draws=50))
    reader = Reader()
    reader.feed(html)
    assert not [tag for tag, _ in reader.tags if tag in ("script", "link", "iframe", "object")]
    assert not re.search(r"(?:src|href)=[\"'](?!data:|#)", html)
    images = [attributes for tag, attributes in reader.tags if tag == "img"]
    assert len(images) >= 5
    assert all((image["src"] or "").startswith("data:image/svg+xml") and image["alt"] for image in images)
    assert "<script>alert(1)</script>" in "".join(reader.text)


def test_the_report_says_what_p910_asks(tmp_path: Path) -> None:
    """Method, scale, plan, screening with reasons, display, deviations, scores, reliability, drift and limits are there."""
    html = render(report.build(study(tmp_path), draws=50))
    for words in ("ACR-HR", "10 levels", "violations", "3 of 20 outside", "27 inch", "shown in a web browser", "ICC(A,1)",
                  "Krippendorff", "split half", "SOS parameter a", "Drift", "Limits", "variance of the votes", "Ladders"):  # fmt: skip
        assert words in html, words
    assert "compliant" not in html.lower()


def test_the_frozen_rule_set_acts_and_its_effect_is_shown(tmp_path: Path) -> None:
    """An observer whom the frozen rules reject is named with the rule; means without and with stand side by side; others stay."""
    made = small_study(tmp_path, observers=10)
    votes = made.votes
    votes.loc[votes["observer"] == "O003", "score"] = 9.0
    made.meta.update(screening={"reject_by": ["straight"]})
    document = report.build(made, draws=20)
    tables = {b.caption: b for s in document.sections for b in s.blocks if b.kind == "table"}  # type: ignore[union-attr]
    assert tables["Observers taken out"].rows == [["O003", "straight", "the study's frozen rule set"]]
    compared = tables["Scores without and with the observers taken out by rule"]
    assert {"lay: blur_2", "expert: blur_2"} <= {row[0] for row in compared.rows}
    changes = {row[0]: float(row[3].replace("−", "-")) for row in compared.rows}
    assert changes["lay: blur_2"] < -0.3
    assert changes["expert: blur_2"] == 0
    made.meta.update(screening={"rules": ["straight"]})
    assert "Nobody was taken out" in render(report.build(made, draws=20))


def test_the_badge_stands_wherever_votes_are_simulated(tmp_path: Path) -> None:
    """One simulated vote marks page, figures and facts; none leaves no badge."""
    marked = report.build(study(tmp_path, simulated=True), draws=20)
    plain = report.build(study(tmp_path, simulated=False), draws=20)
    assert marked.badge == "SIMULATED"
    assert 'class="badge"' in render(marked)
    figures = [b for s in marked.sections for b in s.blocks if b.kind == "figure"]
    assert all("SIMULATED" in f.svg for f in figures)  # type: ignore[union-attr]
    assert plain.badge == ""
    assert "SIMULATED" not in render(plain)


def test_the_pdf_has_pages_and_keeps_markup_as_text(tmp_path: Path) -> None:
    """typst compiles the same document; a text that looks like code stays a text."""
    pdf = compile_pdf(report.build(study(tmp_path), draws=20))
    assert pdf.startswith(b"%PDF-")
    count = re.search(rb"/Type/Pages/Count (\d+)", pdf)
    assert count is not None
    assert int(count.group(1)) >= 5


def test_votes_alone_make_a_report(tmp_path: Path) -> None:
    """A CSV's votes give a report that says what is not recorded; files are written under their names."""
    data = study_from_votes(known_votes(np.random.default_rng(1), whole=True), "votes")
    paths = report.write(data, tmp_path, pdf=False, draws=50)
    text = paths[0].read_text()
    assert [p.name for p in paths] == ["report.html"]
    assert "No plan came with these votes" in text
    assert "Not recorded or not controlled: display, viewing distance, room light" in text


@pytest.mark.parametrize(("observers", "contents"), [(1, 1), (2, 1), (1, 3)])
def test_tiny_studies_still_report(tmp_path: Path, observers: int, contents: int) -> None:
    """One observer or one photo gives a report full of reasons, no error and no warning."""
    data = study_from_votes(known_votes(np.random.default_rng(2), contents=contents, observers=observers, whole=True), "tiny")
    html = render(report.build(data, draws=20))
    assert "needs two" in html
    assert ">nan<" not in html


def test_no_votes_no_report(tmp_path: Path) -> None:
    """A study without votes is refused in one line."""
    made = small_study(tmp_path)
    empty = StudyData("empty", made.votes.iloc[:0], made.stimuli, made.observers, made.questions, {})
    with pytest.raises(StudyFault, match="no votes yet"):
        report.build(empty)


def test_numbers_carry_no_more_than_they_should() -> None:
    """Two digits, a dash for what is undefined, intervals as value ± half width."""
    assert number(6.4199) == "6.42"
    assert number(float("nan")) == number(None) == "-"
    assert plus_minus(6.419, 6.1, 6.73) == "6.42 ± 0.32"
    assert interval(0.9, None, None, 3) == "0.900"
    assert Table(["a", "b", "c"], [["1.2 ± 0.3", "x", "-"], ["-", "2", "-"]]).numbers == [True, False, False]
