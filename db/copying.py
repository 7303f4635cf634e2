"""Moving a workspace's tables to another database, and comparing two databases row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, Integer, Table, func, insert, select, text
from sqlmodel import SQLModel

import db.models  # noqa: F401
from db.migrate import require_current, upgrade
from workspace.errors import DatabaseFault

CHUNK = 5_000


def tables() -> list[Table]:
    """All tables, each after those that it refers to."""
    return list(SQLModel.metadata.sorted_tables)


def copy_tables(source: Engine, target: Engine) -> Iterator[tuple[str, int]]:
    """Copy every row of `source` into an empty `target`, in one transaction; yields (table, rows) after comparing each.

    Raises DatabaseFault when the target holds rows already or differs afterwards (then nothing of it stays).
    """
    require_current(source)
    upgrade(target)
    with source.connect() as old, target.begin() as new:
        for table in tables():
            if new.execute(select(func.count()).select_from(table)).scalar_one():
                raise DatabaseFault(f"the table {table.name} of the target holds rows already: copy into an empty database")
        for table in tables():
            count = 0
            for rows in _chunks(old, table):
                new.execute(insert(table), rows)
                count += len(rows)
            difference = first_difference(old, new, table)
            if difference:
                raise DatabaseFault(f"the copy of {table.name} differs: {difference}")
            _restart_key(new, table)
            yield table.name, count


def first_difference(old: Connection, new: Connection, table: Table) -> str | None:
    """The first row that differs between two databases, in words; None when all agree."""
    left, right = _rows(old, table), _rows(new, table)
    for one in left:
        other = next(right, None)
        if other is None:
            return f"row {one} is missing"
        if one != other:
            return f"row {one} is {other}"
    extra = next(right, None)
    return f"row {extra} is too much" if extra is not None else None


def _rows(connection: Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    statement = select(table).order_by(*table.primary_key.columns)
    with connection.execute(statement, execution_options={"yield_per": CHUNK}) as result:
        for row in result:
            yield tuple(row)


def _chunks(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    statement = select(table).order_by(*table.primary_key.columns)
    with connection.execute(statement, execution_options={"yield_per": CHUNK}) as result:
        for part in result.mappings().partitions(CHUNK):
            yield [dict(row) for row in part]


def _restart_key(connection: Connection, table: Table) -> None:
    key = list(table.primary_key.columns)
    if connection.dialect.name != "postgresql" or len(key) != 1 or not isinstance(key[0].type, Integer):
        return
    name = key[0].name
    sequence = f"pg_get_serial_sequence('{table.name}', '{name}')"
    connection.execute(text(f"SELECT setval({sequence}, coalesce(max({name}), 0) + 1, false) FROM {table.name}"))
