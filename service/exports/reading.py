"""Rows of an export from a cursor that stays on the database's side: as the database types them, or as it writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row, tuple_row
from sqlalchemy import text
from sqlalchemy.orm import Session

from service.exports.shapes import Asked, Column, Export

BATCH = 2_000
Columns = list[Sequence[str]]
"""Some thousand rows, a column at a time, since there may be a million: every cell a text, nothing the empty one."""


def typed_rows(session: Session, export: Export, asked: Asked) -> Iterator[Any]:
    """Rows by column name, for forms that reckon with them."""
    with _cursor(session, namedtuple_row) as cursor:
        cursor.itersize = BATCH
        yield from cursor.execute(export.statement, asked.parameters())


def written(session: Session, export: Export, asked: Asked) -> Iterator[Columns]:
    """The cells as PostgreSQL writes them, in the order of the export's columns; after them the rows' `prefix`, where they have one.

    While a batch is worked on here, PostgreSQL is at the next one: both take about as long.
    """
    with _cursor(session, tuple_row) as cursor, ThreadPoolExecutor(1, "export") as ahead:
        cursor.execute(_as_texts(export), asked.parameters())
        coming = ahead.submit(cursor.fetchmany, BATCH)
        while batch := coming.result():
            coming = ahead.submit(cursor.fetchmany, BATCH)
            yield list(zip(*batch, strict=True))


def _as_texts(export: Export) -> str:
    cells = [_cell(column) for column in export.columns] + ["prefix"] * any(column.kind == "any id" for column in export.columns)
    # A subquery keeps its order where nothing above it sorts, groups or joins.
    return f"SELECT {', '.join(cells)} FROM ({export.statement}) cells"


def _cell(column: Column) -> str:
    """Instants in ISO form, UTC; days are in it by themselves."""
    if column.kind == "instant":
        return f"""coalesce(to_char({column.name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '')"""
    return f"coalesce({column.name}::text, '')"


def _cursor(session: Session, factory: Any) -> psycopg.ServerCursor[Any]:
    connection: psycopg.Connection[Any] = session.connection().connection.dbapi_connection  # type: ignore[assignment]
    # All rows are wanted: without this PostgreSQL plans a cursor for its first tenth.
    session.execute(text("SET LOCAL cursor_tuple_fraction = 1"))
    return connection.cursor(name="export", row_factory=factory)
