"""Observers' page: links shown once, QR codes without style, lists nobody's spreadsheet runs, replacement, payment, erasure."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from sqlmodel import select

from annotate_app import observers
from annotate_app.invitations import qr_svg
from annotate_app.roster import csv_text, roster, stands
from annotate_app.security import token_hash
from db.engine import reading, writing
from db.models import Audit, Invitation, Observer, Rating
from db.queries import studies as queries
from db.types import now
from tests.annotate_app.desk import Office
from workspace.errors import VoteRefused

LINK = re.compile(r"/i/([\w-]{20,})")


def token_of(office: Office, pseudonym: str) -> str:
    """The opaque name of an observer's row."""
    with reading(office.house.engine) as session:
        return session.exec(select(Observer.token).where(Observer.pseudonym == pseudonym)).one()


def table(text: str) -> list[dict[str, str]]:
    """A CSV's rows."""
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


def test_links_exist_only_in_the_answer_that_makes_them(office: Office) -> None:
    """The sheet shows each link once with its QR code; the list never does, and the table keeps a hash alone."""
    office.house.open()
    desk = office.desk("curator")
    sheet = desk.post("/c/studies/skin/observers", panel="lay", count="3", kind="sheet").text
    codes = sorted(set(LINK.findall(sheet)))
    assert len(codes) == 3
    assert sheet.count("<svg") == 3
    assert "style=" not in sheet
    page = desk.get("/c/studies/skin/observers").text
    assert "3 invited" in page
    assert not LINK.search(page)
    with reading(office.house.engine) as session:
        assert {token_hash(code) for code in codes} == set(session.exec(select(Invitation.code_hash)).all())
    assert all(code not in desk.get(f"/c/{path}").text for code in codes for path in ("studies/skin", "jobs", ""))
    assert len(table(desk.post("/c/studies/skin/observers", panel="lay", count="2", kind="csv").text)) == 2


def test_the_list_sorts_by_a_column_both_ways(office: Office) -> None:
    """The address says the order of the page and of its CSV; who has no due date comes last either way."""
    made = office.house.open().invite(3, simulated=False)
    with writing(office.house.engine) as session:
        for number, one in enumerate(made):
            held = session.exec(select(Observer).where(Observer.pseudonym == one.pseudonym)).one()
            held.created = now() - timedelta(days=(2, 9, 1)[number])
            held.state = "withdrawn" if number == 0 else held.state
            session.add(held)
    names, desk = [one.pseudonym for one in made], office.desk("curator")
    for query, order in (
        ("sort=due", (1, 2, 0)),
        ("sort=due&down=yes", (2, 1, 0)),
        ("sort=code&down=yes", (2, 1, 0)),
        ("", (0, 1, 2)),
    ):
        page = desk.get(f"/c/studies/skin/observers?{query}").text
        assert re.findall(r'<th scope="row">(\w+)', page) == [names[n] for n in order]
        assert ("aria-sort" in page) == bool(query)
        rows = table(desk.get(f"/c/studies/skin/observers.csv?{query}").text)
        assert [row["pseudonym"] for row in rows] == [names[n] for n in order]
    studies = desk.get("/c/?sort=name&down=yes").text
    assert 'aria-sort="descending"' in studies


@pytest.mark.parametrize("count", ["0", "-1", "201", "x", "", "²"])
def test_a_wrong_number_of_people_is_refused(office: Office, count: str) -> None:
    """Nobody is invited by a number outside 1 to 200."""
    office.house.open()
    answer = office.desk("curator").post("/c/studies/skin/observers", panel="lay", count=count, kind="sheet")
    assert answer.status_code == 409
    assert "1 to 200" in answer.text


def test_a_qr_code_is_a_plain_svg() -> None:
    """The code has no style, no script and no fixed size, and as many modules a side as a QR code of its version."""
    svg = qr_svg("https://study.example/i/" + "a" * 32)
    root = ElementTree.fromstring(svg)
    side = int(root.attrib["viewBox"].split()[2])
    assert (side - 8 - 17) % 4 == 0
    assert "style" not in svg
    assert "width" not in root.attrib


def test_an_open_link_lets_in_so_many_people(office: Office) -> None:
    """The quota of an open link holds."""
    office.house.open()
    text = office.desk("curator").post("/c/studies/skin/observers", panel="lay", count="1", kind="open").text
    code = LINK.search(text)
    assert code is not None
    with writing(office.house.engine) as session:
        observers.sign_on(session, code.group(1))
    with pytest.raises(VoteRefused, match="as many people"), writing(office.house.engine) as session:
        observers.sign_on(session, code.group(1))


def test_reminders_go_to_those_who_are_due_and_new_links_end_the_old(office: Office) -> None:
    """due.csv names who may start, with a text in the person's language; only asked-for new links revoke the old ones."""
    first, second = office.house.open().invite(2, simulated=False)
    desk = office.desk("curator")
    with writing(office.house.engine) as session:
        one = session.exec(select(Observer).where(Observer.pseudonym == first.pseudonym)).one()
        key = one.id
        one.created, one.language = now() - timedelta(days=10), "es"
        session.add(one)
    assert "1 late" in desk.get("/c/studies/skin/observers").text
    rows = table(desk.post("/c/studies/skin/due.csv", links="old").text)
    assert [(row["code"], row["link"], row["language"]) for row in rows] == [
        (first.pseudonym, "", "es"),
        (second.pseudonym, "", "en"),
    ]
    rows = table(desk.post("/c/studies/skin/due.csv", links="new").text)
    codes = [row["link"].rsplit("/", 1)[1] for row in rows]
    assert all(row["link"] in row["text"] for row in rows)
    with writing(office.house.engine) as session:
        with pytest.raises(VoteRefused, match="newer"):
            observers.find_invitation(session, first.code)
        assert observers.find_invitation(session, codes[0]).observer_id == key


def test_a_drop_out_is_replaced_paid_and_erased(office: Office) -> None:
    """Another person takes over the rest; a payment is dated; erasing asks for the code and what happens to the votes."""
    invited = office.house.open().invite(1, simulated=False)[0]
    with writing(office.house.engine) as session:
        one = session.exec(select(Observer)).one()
        one.consented = now()
        session.add(one)
    sitter = office.house.sit_down(invited.code)
    sitter.finish()
    desk, token = office.desk("curator"), token_of(office, "P001")
    money = table(desk.get("/c/studies/skin/payments.csv?per_session=12.5").text)
    assert [(row["code"], row["sessions"], row["amount"], row["paid_on"]) for row in money] == [("P001", "1", "12.50", "")]
    assert desk.post(f"/c/studies/skin/observers/{token}", action="paid").status_code == 303
    assert table(desk.get("/c/studies/skin/payments.csv").text)[0]["paid_on"] == f"{now():%Y-%m-%d}"
    for wrong in ({"confirm": "P002", "votes": "keep"}, {"confirm": "P001", "votes": ""}):
        assert desk.post(f"/c/studies/skin/observers/{token}", action="erase", **wrong).status_code == 409
    votes = len(office.house.votes())
    assert desk.post(f"/c/studies/skin/observers/{token}", action="erase", confirm="P001", votes="keep").status_code == 303
    assert len(office.house.votes()) == votes
    assert (office.house.workspace.root / "erasures.jsonl").is_file()
    with reading(office.house.engine) as session:
        assert "P001" not in str([row.detail for row in session.exec(select(Audit))])
    other = office.house.invite(1, simulated=False)[0]
    sheet = desk.post(f"/c/studies/skin/observers/{token_of(office, other.pseudonym)}", action="replace").text
    assert LINK.search(sheet)
    assert "1 replaced" in desk.get("/c/studies/skin/observers").text


def test_sittings_of_those_who_are_done_are_read_where_they_are_shown(office: Office) -> None:
    """Where everybody stands is told without them; a list that shows sessions has them, of one person as of all."""
    office.house.open()
    office.house.sit_down().finish()
    office.house.sit_down().vote()
    with reading(office.house.engine) as session:
        version = queries.frozen_version(session, queries.named(session, "skin"))
        found = [(one.word, len(one.sittings)) for one in stands(session, version)]
        assert found == [("done", 0), ("at work", 1)]
        assert [(one.word, len(one.sittings)) for one in stands(session, version, whole=True)] == [("done", 1), ("at work", 1)]
        everybody = roster(session, version)
        assert [(line.word, line.sessions) for line in everybody] == [("done", 1), ("at work", 0)]
        keys = [one.key for one in stands(session, version)]
        assert [roster(session, version, only=[key]) for key in keys] == [[line] for line in everybody]


def test_votes_and_lines_are_the_same_however_many_are_asked_for(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Votes are those in the table, of every sitting and from the moment they are given, whether the ids are named or not."""
    office.house.open()
    office.house.sit_down().finish()
    sitter = office.house.sit_down()
    office.house.invite(1)
    for _ in range(2):
        sitter.vote()
        with reading(office.house.engine) as session:
            version = queries.frozen_version(session, queries.named(session, "skin"))
            everybody = roster(session, version)
            given = Counter(session.exec(select(Rating.observer_id)).all())
            keys = [one.key for one in stands(session, version)]
            assert [line.votes for line in everybody] == [given[key] for key in keys]
            for named in (500, 0):
                monkeypatch.setattr("annotate_app.roster.NAMED", named)
                assert roster(session, version, only=keys[1:]) == everybody[1:]
                assert roster(session, version, only=[]) == []


def test_cells_that_a_spreadsheet_would_run_are_defused() -> None:
    """A cell that begins with = + - @ or a control character is led by an apostrophe."""
    text = csv_text(("a",), [{"a": cell} for cell in ("=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", "plain")])
    assert [row["a"] for row in table(text)] == ["'=cmd|' /C calc'!A0", "'+1", "'-1", "'@x", "'\tx", "plain"]


def test_only_curators_see_who_is_who(office: Office) -> None:
    """Viewers and reviewers see no list of observers; another study's observer is not found; a study that is not there neither."""
    office.house.open()
    office.house.invite(1)
    for role in ("viewer", "reviewer"):
        desk = office.desk(role)
        for path in ("observers", "observers.csv", "payments.csv"):
            assert desk.get(f"/c/studies/skin/{path}").status_code == 403
        assert desk.post(f"/c/studies/skin/observers/{token_of(office, 'S001')}", action="reissue").status_code == 403
    desk = office.desk("curator")
    desk.post("/c/new-study", name="other")
    assert desk.post(f"/c/studies/other/observers/{token_of(office, 'S001')}", action="reissue").status_code == 404
    assert desk.get("/c/studies/none/observers").status_code == 404
    assert "Nothing is frozen yet" in desk.get("/c/studies/other/observers").text
