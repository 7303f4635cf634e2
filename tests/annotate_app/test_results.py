"""A study's tables as scores, exports and reports take them."""

from __future__ import annotations

from sqlmodel import Session

from annotate_app.results import study_data
from mos import report
from mos.report_html import render
from tests.annotate_app.house import House


def test_the_report_tells_what_observers_read(house: House) -> None:
    """Without texts of its own a study's instructions and question are the project's, places filled, in each language."""
    house.open()
    house.sit_down().finish(5)
    with Session(house.engine) as session:
        data = study_data(session, house.workspace, house.study)
    assert data.meta["texts"]["en"]["instructions"].startswith("You will see images one after the other. ")
    assert "from 1 (bad) to 10 (excellent)" in data.meta["texts"]["en"]["instructions"]
    assert "desde 1 (bad) hasta 10 (excellent)" in data.meta["texts"]["es"]["instructions"]
    assert data.questions["text"].tolist() == ["How good is the quality of this image?"]
    html = render(report.build(data, draws=20))
    assert "The same skin may come again" in html
    assert "not recorded with these votes" not in html


def test_a_studys_own_texts_go_first(house: House) -> None:
    """Own instructions replace the project's; other texts of the study are told too."""
    house.open(texts={"en": {"instructions": "Look from {low_label} up.", "contacts": "Ask us."}})
    with Session(house.engine) as session:
        texts = study_data(session, house.workspace, house.study).meta["texts"]
    assert texts["en"] == {"instructions": "Look from 1 (bad) up.", "contacts": "Ask us."}
    assert texts["es"] == {"instructions": "Look from 1 (bad) up."}
