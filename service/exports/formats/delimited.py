"""From rows to files, one row at a time: CSV for every program, JSON lines for programs, the
columns that importers of Upwork's file know. The same rows give the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import TypedDict, cast
from uuid import UUID

from service.domain.identity import typeid
from service.exports.definitions import Export, Row, plain_amount
from service.exports.reading import Columns

_FORMULA = frozenset(["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
"""A text that begins so gets a ' before it in CSV: no spreadsheet takes it for a formula.

Numbers stay numbers.
"""
_PIECE = 1_000
TextRow = tuple[str, ...]
_SPECIAL = re.compile('[",\r\n]')


def as_texts(export: Export, batches: Iterable[Columns]) -> Iterator[Columns]:
    """What the database wrote, as everybody reads it: ids have their prefix.

    One whose kind depends on its row (a party, a case) says its own.
    """
    for cells in batches:
        yield [
            _ids(column.kind, values, cells[-1]) if column.is_id else values
            for column, values in zip(export.columns, cells, strict=False)
        ]


def _ids(kind: str, values: Sequence[str], prefixes: Sequence[str]) -> Sequence[str]:
    if kind == "any id":
        return [
            typeid.encode_text(prefix, value) if value else ""
            for prefix, value in zip(prefixes, values, strict=True)
        ]
    # The lines of one entry share its id and contract: each is written once.
    known = {value: typeid.encode_text(kind, value) if value else "" for value in set(values)}
    return [known[value] for value in values]


def rows_in(batches: Iterable[Columns]) -> Iterator[TextRow]:
    """The same, a row at a time."""
    for columns in batches:
        yield from zip(*columns, strict=True)


def as_csv(export: Export, batches: Iterable[Columns]) -> Iterator[bytes]:
    """RFC 4180, UTF-8, in pieces of some hundred lines; the header is there also without rows."""
    yield (",".join(column.name for column in export.columns) + "\r\n").encode()
    for columns in batches:
        cells = [
            _quoted(values) if column.kind == "text" else values
            for column, values in zip(export.columns, columns, strict=True)
        ]
        yield ("\r\n".join(map(",".join, zip(*cells, strict=True))) + "\r\n").encode()


def _quoted(values: Sequence[str]) -> Sequence[str]:
    """Texts harmless to spreadsheets and in quotes where they need them; both are seldom, so a
    column is looked at as a whole first.
    """
    if not _FORMULA.isdisjoint([value[:1] for value in values]):
        values = [_harmless(value) for value in values]
    if not _SPECIAL.search("".join(values)):
        return values
    return [
        '"' + value.replace('"', '""') + '"' if _SPECIAL.search(value) else value
        for value in values
    ]


def _harmless(text: str) -> str:
    return "'" + text if text and text[0] in _FORMULA else text


def as_jsonl(export: Export, batches: Iterable[Columns]) -> Iterator[bytes]:
    """One object a line, every value a text as in the CSV; an empty cell is null."""
    names = [column.name for column in export.columns]
    for row in rows_in(batches):
        yield (
            json.dumps(
                {name: text or None for name, text in zip(names, row, strict=True)},
                ensure_ascii=False,
            )
            + "\n"
        ).encode()


_UPWORK = (
    "Date",
    "Ref ID",
    "Type",
    "Description",
    "Agency",
    "Freelancer",
    "Team",
    "Account Name",
    "PO",
    "Amount",
    "ExchangeRate",
    "Currency",
    "Balance",
)
_UPWORK_TYPES = {
    "release": "Fixed Price",
    "platform_fee": "Service Fee",
    "platform_fee_refund": "Service Fee",
    "payout": "Withdrawal",
    "refund_after_release": "Refund",
    "funding": "Payment",
    "refund_from_escrow": "Refund",
    "fee_tax": "VAT",
    "tax_withheld": "Withholding Tax",
    "fee_tax_refund": "VAT",
}


class Transaction(TypedDict):
    """What the file needs of a row of the history; amounts in minor units."""

    event_id: UUID
    line_no: int
    posted_on: date
    type: str
    note: str | None
    counterparty: str | None
    contract_title: str | None
    client_po: str | None
    currency: str
    amount: int
    running_balance: int
    fx_rate: Decimal | None


def as_upwork(rows: Iterable[Row]) -> Iterator[bytes]:
    """The transaction history with the thirteen columns that importers of the market leader's file
    expect.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_UPWORK)
    for number, row in enumerate(rows, 1):
        writer.writerow(_upwork_line(cast("Transaction", row)))
        if number % _PIECE == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _upwork_line(row: Transaction) -> list[str]:
    texts = (row["note"], row["counterparty"], row["contract_title"], row["client_po"])
    note, counterparty, title, order = (_harmless(text or "") for text in texts)
    day = row["posted_on"]
    return [
        f"{day:%b} {day.day}, {day.year}",
        f"{typeid.encode('jnl', row['event_id'])}-{row['line_no']}",
        _UPWORK_TYPES.get(row["type"], "Adjustment"),
        note,
        "",
        counterparty,
        "",
        title,
        order,
        plain_amount(row["amount"], row["currency"]),
        str(row["fx_rate"] or ""),
        row["currency"],
        plain_amount(row["running_balance"], row["currency"]),
    ]
