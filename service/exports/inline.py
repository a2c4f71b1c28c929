"""The rows of an export for an answer on the spot, without a file and a manifest."""

from __future__ import annotations

from itertools import islice

from sqlalchemy.orm import Session

from service.domain.errors import Invalid
from service.exports.definitions import Export, ExportRequest, Row
from service.exports.formats.delimited import as_texts, rows_in
from service.exports.reading import BATCH, Columns, typed_rows, written
from service.ledger import hash_chain

INLINE_ROWS = 10_000


def records(session: Session, export: Export, asked: ExportRequest) -> list[dict[str, str]]:
    """The rows as texts by column, for an answer on the spot.

    Raises Invalid when there are more than 10,000.
    """
    names = [column.name for column in export.columns]
    return [
        dict(zip(names, texts, strict=True)) for texts in rows_in(columns(session, export, asked))
    ]


def all_records(session: Session, export: Export, asked: ExportRequest) -> list[dict[str, str]]:
    """All rows as texts by column, however many: for files that are made of them here."""
    names = [column.name for column in export.columns]
    hash_chain.await_sequencer(session)
    with written(session, export, asked) as batches:
        return [
            dict(zip(names, texts, strict=True)) for texts in rows_in(as_texts(export, batches))
        ]


def columns(session: Session, export: Export, asked: ExportRequest) -> list[Columns]:
    """All rows as texts, for an answer on the spot.

    Raises Invalid when there are more than 10,000.
    """
    hash_chain.await_sequencer(session)
    with written(session, export, asked) as batches:
        found = list(islice(as_texts(export, batches), INLINE_ROWS // BATCH + 1))
        _on_the_spot(sum(len(batch[0]) for batch in found))
    return found


def typed(session: Session, export: Export, asked: ExportRequest) -> list[Row]:
    """The same for forms that reckon with the rows."""
    hash_chain.await_sequencer(session)
    found = list(islice(typed_rows(session, export, asked), INLINE_ROWS + 1))
    _on_the_spot(len(found))
    return found


def _on_the_spot(rows: int) -> None:
    if rows > INLINE_ROWS:
        raise Invalid.one(
            "/period",
            "too_many_rows",
            f"There are more than {INLINE_ROWS:,} rows; ask for an export, or a shorter period.",
        )
