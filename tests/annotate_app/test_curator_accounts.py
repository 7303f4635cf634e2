"""Accounts: the one-time link, roles, ended sessions, lock-out, forged and foreign forms, the audit trail."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from annotate_app import accounts
from annotate_app.security import CURATOR_COOKIE
from annotate_app.verify import database_faults
from db.engine import reading, writing
from db.models import Audit, Curator, CuratorSession
from tests.annotate_app.desk import PASSWORD, Office


def token_of(office: Office, name: str) -> str:
    """The opaque name of a curator's row."""
    with reading(office.house.engine) as session:
        return session.exec(select(Curator.token).where(Curator.name == name)).one()


def test_the_set_up_link_makes_one_administrator_and_dies(office: Office) -> None:
    """The link of the first start signs its user in once; used, replaced or guessed it is dead."""
    old = accounts.make_setup_code(office.house.workspace)
    code = accounts.make_setup_code(office.house.workspace)
    desk = office.browser()
    assert desk.get(f"/c/setup/{old}").status_code == 410
    assert desk.get(f"/c/setup/{code}").status_code == 200
    short = desk.post(f"/c/setup/{code}", name="ana", password="short", again="short")
    assert short.status_code == 422
    assert "10 or more" in short.text
    made = desk.post(f"/c/setup/{code}", name="ana", password=PASSWORD, again=PASSWORD)
    assert made.status_code == 303
    assert desk.get("/c/curators").status_code == 200
    assert office.browser().post(f"/c/setup/{code}", name="eve", password=PASSWORD, again=PASSWORD).status_code == 422
    assert not (office.house.workspace.root / ".setup").exists()


def test_a_forged_form_a_foreign_origin_and_a_json_form_are_refused(office: Office) -> None:
    """A form without this browser's token, from another site, or of another kind changes nothing."""
    desk = office.desk()
    form = {"name": "eve", "password": PASSWORD, "role": "administrator"}
    assert desk.client.post("/c/curators", data=form).status_code == 403
    other = office.desk("viewer").token()
    assert desk.client.post("/c/curators", data={**form, "form_token": other}).status_code == 403
    mine = {**form, "form_token": desk.token()}
    assert desk.client.post("/c/curators", data=mine, headers={"origin": "https://evil.example"}).status_code == 403
    assert desk.client.post("/c/curators", data=mine, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert desk.client.post("/c/curators", json=mine).status_code == 415
    with reading(office.house.engine) as session:
        assert session.exec(select(Curator).where(Curator.name == "eve")).first() is None


@pytest.mark.parametrize(
    "goal", ["https://evil.example/", "//evil.example", "/c/../..//evil", "/c/\\evil", "/o/", "/c/x\r\nSet-Cookie: a=b"]
)
def test_signing_in_leads_to_this_servers_pages_alone(office: Office, goal: str) -> None:
    """Whatever `next` says, the answer leads to a curator's page here and carries no header of its own."""
    office.desk(name="ana")
    answer = office.browser().post("/c/login", name="ana", password=PASSWORD, next=goal)
    assert answer.headers["location"] == "/c/"
    assert "a=b" not in str(answer.headers)


def test_a_session_is_new_at_sign_in_and_ends_at_sign_out(office: Office) -> None:
    """A cookie that was put into the browser before is never taken over, and a signed-out one is worth nothing."""
    office.desk(name="ana")
    desk = office.browser()
    desk.client.cookies.set(CURATOR_COOKIE, "planted")
    assert desk.get("/c/").status_code == 303
    desk.client.cookies.clear()
    desk.sign_in("ana")
    cookie = desk.client.cookies[CURATOR_COOKIE]
    assert cookie != "planted"
    assert desk.post("/c/logout").status_code == 303
    late = office.browser()
    late.client.cookies.set(CURATOR_COOKIE, cookie)
    assert late.get("/c/").headers["location"] == "/c/login?next=/c/"


def test_a_password_change_ends_other_sessions(office: Office) -> None:
    """The browser that changed it stays signed in, every other one is out; the old password is needed and then dead."""
    here, there = office.desk(name="ana"), office.browser().sign_in("ana")
    wrong = here.post("/c/account", old="not the one", password="another long one", again="another long one")
    assert wrong.status_code == 422
    assert "nothing was changed" in wrong.text
    assert here.post("/c/account", old=PASSWORD, password="another long one", again="another long one").status_code == 200
    assert here.get("/c/").status_code == 200
    assert there.get("/c/").status_code == 303
    assert office.browser().post("/c/login", name="ana", password=PASSWORD).status_code == 401
    office.browser().sign_in("ana", "another long one")


def test_an_administrator_adds_demotes_disables_and_ends_sessions(office: Office) -> None:
    """A disabled curator is out at once; the last administrator can be neither demoted nor disabled."""
    boss = office.desk(name="ana")
    assert boss.post("/c/curators", name="bo", password=PASSWORD, role="curator").status_code == 303
    bo, key = office.browser().sign_in("bo"), token_of(office, "bo")
    assert boss.post(f"/c/curators/{key}", action="end").status_code == 303
    assert bo.get("/c/").status_code == 303
    bo.sign_in("bo")
    boss.post(f"/c/curators/{key}", action="role", role="viewer")
    assert bo.get("/c/jobs").status_code == 200
    assert bo.post("/c/jobs", kind="backup").status_code == 403
    boss.post(f"/c/curators/{key}", action="disable")
    assert bo.get("/c/").status_code == 303
    assert office.browser().post("/c/login", name="bo", password=PASSWORD).status_code == 401
    for action in ("disable", "role"):
        refused = boss.post(f"/c/curators/{token_of(office, 'ana')}", action=action, role="viewer")
        assert refused.status_code == 422
        assert "only administrator" in refused.text


def test_wrong_passwords_lock_a_name_for_a_while(office: Office) -> None:
    """After five wrong passwords further ones lock the name, also for the right password, and the page says for how long."""
    office.desk(name="ana")
    for _ in range(6):
        assert office.browser().post("/c/login", name="ana", password="wrong").status_code == 401
    locked = office.browser().post("/c/login", name="ana", password=PASSWORD)
    assert locked.status_code == 429
    assert "try again in" in locked.text


def test_names_are_shown_as_text(office: Office) -> None:
    """A name that looks like markup is shown, never run."""
    boss = office.desk()
    boss.post("/c/curators", name="<script>alert(1)</script>", password=PASSWORD, role="viewer")
    page = boss.get("/c/curators").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_trail_tells_who_did_what_and_a_changed_row_shows(office: Office) -> None:
    """Sign-ins, wrong passwords and account actions stand in the trail; a row changed by hand is named on the page."""
    boss = office.desk(name="ana")
    office.browser().post("/c/login", name="ana", password="wrong")
    office.browser().sign_in("ana")
    boss.post("/c/curators", name="bo", password=PASSWORD, role="reviewer")
    page = boss.get("/c/audit").text
    assert all(word in page for word in ("signed in", "wrong password", "curator added", "chain of hashes is whole"))
    assert PASSWORD not in page
    with Session(office.house.engine) as session:
        assert all("bo" not in str(row.detail) for row in session.exec(select(Audit)))
        assert session.exec(select(CuratorSession)).first() is not None
    with writing(office.house.engine) as session:
        session.execute(text("UPDATE audit SET action = 'nothing' WHERE id = 1"))
    assert "was changed after it was written" in boss.get("/c/audit").text
    assert office.desk("curator").get("/c/audit").status_code == 403


def test_verify_finds_a_break_in_the_chain(office: Office) -> None:
    """A removed row of the trail is one line of `dermiqa verify`."""
    boss = office.desk(name="ana")
    for name in ("bo", "cy"):
        boss.post("/c/curators", name=name, password=PASSWORD, role="viewer")
    assert list(database_faults(office.house.workspace)) == []
    with writing(office.house.engine) as session:
        session.execute(text("DELETE FROM audit WHERE id = 1"))
    assert ["row 2 does not follow" in fault for fault in database_faults(office.house.workspace)] == [True]
