"""The data map says what the tables are."""

from __future__ import annotations

from sqlmodel import SQLModel

import db.models  # noqa: F401
from db.datamap import NOBODY, OBSERVER, PERSONAL, PURPOSE, data_map

TECHNICAL = {
    "id", "token", "token_hash", "code_hash", "state", "step", "created", "ended", "revoked", "expires", "disabled", "failures",
    "locked_until", "role", "simulated", "key", "low", "high", "quota", "number", "from_position", "to_position", "kind", "at",
    "verdict", "rules", "action", "object_kind", "detail", "previous", "sha256", "replication",
}  # fmt: skip


def test_every_table_is_stated_and_no_other() -> None:
    """A new table without its purpose fails here, and so does one that is gone."""
    assert set(PURPOSE) == set(SQLModel.metadata.tables)
    assert {e.table for e in data_map()} == set(PURPOSE)


def test_every_column_about_a_person_is_stated() -> None:
    """In tables about people each column is a key, a technical word, or stated with what it tells."""
    unsaid = [
        f"{e.table}.{e.column}"
        for e in data_map()
        if e.about == OBSERVER and not e.personal and not e.column.endswith("_id") and e.column not in TECHNICAL
    ]
    assert unsaid == []


def test_what_is_stated_exists() -> None:
    """Nothing is stated about a column that is not there, nor in a table about nobody."""
    known = {f"{e.table}.{e.column}": e.about for e in data_map()}
    assert set(PERSONAL) <= set(known)
    assert [name for name in PERSONAL if known[name] == NOBODY] == []


def test_no_column_holds_an_address_or_a_name_of_an_observer() -> None:
    """No column is called after what is promised not to be kept."""
    words = ("ip", "mail", "email", "address", "first_name", "last_name", "phone")
    assert [e for e in data_map() if e.column in words] == []
