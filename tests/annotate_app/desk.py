"""A curator at a browser without scripts: signs in, reads pages, sends forms with the token of the page."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from fastapi.testclient import TestClient

from annotate_app.app import create_app
from annotate_app.curators import LASTS
from annotate_app.security import CURATOR_COOKIE, hash_password, new_secret, token_hash
from db.engine import writing
from db.models import Curator, CuratorSession
from db.types import now
from tests.annotate_app.house import House

PASSWORD = "correct horse battery"
TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')


class Desk:
    """One browser; `client` never follows redirects."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, path: str, **said: Any) -> Any:
        """A page as a browser asks for it."""
        return self.client.get(path, headers={"accept": "text/html"}, follow_redirects=False, **said)

    def token(self) -> str:
        """The form token of this browser."""
        found = TOKEN.search(self.get("/c/account").text) or TOKEN.search(self.get("/c/login").text)
        assert found is not None
        return found.group(1)

    def post(self, path: str, **fields: Any) -> Any:
        """Send a form with the right token."""
        data = {"form_token": self.token(), **fields}
        return self.client.post(path, data=data, headers={"accept": "text/html"}, follow_redirects=False)

    def sign_in(self, name: str, password: str = PASSWORD) -> Desk:
        """Sign in and say so."""
        answer = self.post("/c/login", name=name, password=password, next="/c/")
        assert answer.status_code == 303, answer.text
        return self


class Office:
    """The application of a house, with one desk for each role."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.app = create_app(house.workspace, house.engine, log=False)
        self.first = TestClient(self.app, raise_server_exceptions=False)

    def browser(self) -> Desk:
        """A browser that nobody has signed in with; shares the running application."""
        return Desk(TestClient(self.app, raise_server_exceptions=False))

    def desk(self, role: str = "administrator", name: str | None = None) -> Desk:
        """A signed-in person of a role, made here; the password is PASSWORD."""
        cookie, found = new_secret(), self.browser()
        with writing(self.house.engine) as session:
            curator = Curator(name=name or f"the {role}", password_hash=_hashed(), role=role)
            session.add(curator)
            session.flush()
            session.add(CuratorSession(curator_id=curator.id or 0, token_hash=token_hash(cookie), expires=now() + LASTS))
        found.client.cookies.set(CURATOR_COOKIE, cookie)
        return found


@lru_cache(maxsize=1)
def _hashed() -> str:
    return hash_password(PASSWORD)
