"""Rows of an export, some hundred at a time: as the database types them, or as it writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import psycopg
from psycopg.abc import Buffer
from psycopg.rows import TupleRow, dict_row
from sqlalchemy import text
from sqlalchemy.orm import Session

from service.domain.money.money import CURRENCIES
from service.domain.states.instants import known_at
from service.exports.definitions import Column, Export, ExportRequest, Parameters, Row
from service.ledger import hash_chain
from service.platform import clock

BATCH = 250
"""About what waits between PostgreSQL and us, so that it writes the next rows while these are
worked on.
"""
Columns = list[Sequence[str]]
"""Some hundred rows, a column at a time, since there may be a million: every cell a text, nothing
the empty one.
"""
_FETCHED = 2_000
_INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
"""As PostgreSQL is told it."""
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def parameters(session: Session, asked: ExportRequest) -> Parameters:
    """Of every statement of an export: the same figures for the same question for ever, whatever is
    being written meanwhile.

    Raises Invalid for an `as_of` in the future, whoever asks.
    """
    known_at(asked.as_of, clock.now(session))
    return asked.parameters(hash_chain.position_at(session, asked.as_of))


def typed_rows(session: Session, export: Export, asked: ExportRequest) -> Iterator[Row]:
    """Rows by column name, for forms that reckon with them."""
    # All rows are wanted: without this PostgreSQL plans a cursor for its first tenth.
    session.execute(text("SET LOCAL cursor_tuple_fraction = 1"))
    with _connection(session).cursor(name="export", row_factory=dict_row) as cursor:
        cursor.itersize = _FETCHED
        yield from cursor.execute(export.statement, parameters(session, asked))


@contextmanager
def written(session: Session, export: Export, asked: ExportRequest) -> Iterator[Iterator[Columns]]:
    """The cells as PostgreSQL writes them, in the order of the export's columns; after them the
    rows' `prefix`, where they have one.

    By COPY, which is cheaper for both sides than a cursor. The session can be asked for nothing
    else until its end, and for nothing at all once it was left before the last row.
    """
    cells = [_cell(column) for column in export.columns] + ["coalesce(prefix, '')"] * any(
        column.kind == "any id" for column in export.columns
    )
    # A subquery keeps its order where nothing above it sorts, groups or joins.
    query = f"SELECT {', '.join(cells)} FROM ({export.statement}) cells"
    connection = _connection(session)
    # COPY takes no parameters, so the driver writes them into the statement.
    query = psycopg.ClientCursor(connection).mogrify(query, parameters(session, asked))
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT") as lines:
        yield _batches(iter(lines), len(cells))


def _batches(lines: Iterator[Buffer], width: int) -> Iterator[Columns]:
    while batch := b"".join(islice(lines, BATCH)).decode():
        flat = batch.replace("\n", "\t").split("\t")
        columns: Columns = [flat[place:-1:width] for place in range(width)]
        yield (
            [[_plain(cell) for cell in column] for column in columns] if "\\" in batch else columns
        )


def _plain(cell: str) -> str:
    """Without what COPY writes for line ends, tabs and its own escape sign."""
    return (
        _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), cell) if "\\" in cell else cell
    )


def _cell(column: Column) -> str:
    """Instants in ISO form, UTC; amounts in the row's currency; days are in ISO form by
    themselves.
    """
    if column.kind == "instant":
        return f"coalesce(to_char({column.name} AT TIME ZONE 'UTC', '{_INSTANT}'), '')"
    if column.is_amount:
        return (
            f"CASE WHEN {column.name} IS NULL OR currency IS NULL THEN '' "
            f"{_other_digits(column.name)} ELSE ({column.name} * 0.01)::text END"
        )
    return f"coalesce({column.name}::text, '')"


def _other_digits(name: str) -> str:
    """For currencies without two digits.

    A whole number times 0.001 has exactly three in PostgreSQL.
    """
    factors = {0: "1", 3: "0.001"}
    codes = {
        digits: "','".join(code for code, known in CURRENCIES.items() if known.exponent == digits)
        for digits in factors
    }
    return " ".join(
        f"WHEN currency IN ('{codes[digits]}') THEN ({name} * {factor})::text"
        for digits, factor in factors.items()
    )


def all_rows(session: Session, statement: str, asked: ExportRequest) -> Sequence[Row]:
    """The rows of a statement with the parameters of an export, at once."""
    with _connection(session).cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, parameters(session, asked)).fetchall()


def _connection(session: Session) -> psycopg.Connection[TupleRow]:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection), "a connection in use has its driver"
    return connection
