"""From rows to files, one row at a time: CSV for every program, XLSX for people, JSON lines for programs. The same rows give the same bytes."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from service.domain import typeid
from service.domain.money import CURRENCIES
from service.exports.reading import Columns
from service.exports.shapes import Export, plain_amount, printed

_FORMULA = frozenset(["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
"""A text that begins so gets a ' before it in CSV: no spreadsheet takes it for a formula. Numbers stay numbers."""
_CREATED = datetime(2020, 1, 1)  # noqa: DTZ001  a fixed date inside the file, so that the same rows give the same bytes
_XLSX_ROWS = 1_048_575
_PIECE = 1_000
Row = tuple[str, ...]
_SPECIAL = re.compile('[",\r\n]')


def as_texts(export: Export, batches: Iterable[Columns]) -> Iterator[Columns]:
    """What the database wrote, as everybody reads it. An id whose kind depends on its row (a party, a case) says its own prefix."""
    money = next((place for place, column in enumerate(export.columns) if column.name == "currency"), None)
    for cells in batches:
        currencies = cells[money] if money is not None else [""] * len(cells[0])
        texts: Columns = [printed(column, values, currencies) for column, values in zip(export.columns, cells, strict=False)]
        for place, column in enumerate(export.columns):
            if column.kind == "any id":
                texts[place] = [typeid.encode_text(prefix, value) if value else "" for prefix, value in zip(cells[-1], cells[place], strict=True)]
        yield texts


def rows_in(batches: Iterable[Columns]) -> Iterator[Row]:
    """The same, a row at a time."""
    for columns in batches:
        yield from zip(*columns, strict=True)


def as_csv(export: Export, batches: Iterable[Columns]) -> Iterator[bytes]:
    """RFC 4180, UTF-8, in pieces of some thousand lines; the header is there also without rows."""
    yield (",".join(column.name for column in export.columns) + "\r\n").encode()
    for columns in batches:
        cells = [_quoted(values) if column.kind == "text" else values for column, values in zip(export.columns, columns, strict=True)]
        yield ("\r\n".join(map(",".join, zip(*cells, strict=True))) + "\r\n").encode()


def _quoted(values: Sequence[str]) -> Sequence[str]:
    """Texts harmless to spreadsheets and in quotes where they need them; both are seldom, so a column is looked at as a whole first."""
    if not _FORMULA.isdisjoint([value[:1] for value in values]):
        values = [_harmless(value) for value in values]
    if not _SPECIAL.search("".join(values)):
        return values
    return ['"' + value.replace('"', '""') + '"' if _SPECIAL.search(value) else value for value in values]


def _harmless(text: str) -> str:
    return "'" + text if text and text[0] in _FORMULA else text


def as_jsonl(export: Export, batches: Iterable[Columns]) -> Iterator[bytes]:
    """One object a line, every value a text as in the CSV; an empty cell is null."""
    names = [column.name for column in export.columns]
    for row in rows_in(batches):
        yield (json.dumps({name: text or None for name, text in zip(names, row, strict=True)}, ensure_ascii=False) + "\n").encode()


def as_xlsx(export: Export, batches: Iterable[Columns], target: Path) -> None:
    """Sheets Data and Definitions; amounts are numbers, texts are never formulas. Raises ValueError beyond a sheet's rows."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(target), options)
    book.set_properties({"created": _CREATED, "title": export.title})
    bold = book.add_format({"bold": True})
    money = {digits: book.add_format({"num_format": "0." + "0" * digits if digits else "0"}) for digits in (0, 2, 3)}
    data = book.add_worksheet("Data")
    data.freeze_panes(1, 0)
    data.write_row(0, 0, [column.name for column in export.columns], bold)
    at = [column.name for column in export.columns].index("currency") if any(c.name == "currency" for c in export.columns) else None
    for number, row in enumerate(rows_in(batches), 1):
        if number > _XLSX_ROWS:
            raise ValueError("a sheet has 1,048,576 rows; take CSV, or a shorter period")
        digits = CURRENCIES[row[at]].exponent if at is not None and row[at] else 2
        for place, (column, text) in enumerate(zip(export.columns, row, strict=True)):
            if not text:
                continue
            if column.is_amount or column.kind in ("number", "decimal"):
                data.write_number(number, place, Decimal(text), money[digits] if column.is_amount else None)
            else:
                data.write_string(number, place, text)
    meanings = book.add_worksheet("Definitions")
    meanings.write_row(0, 0, ["column", "kind", "meaning"], bold)
    for number, column in enumerate(export.columns, 1):
        meanings.write_row(number, 0, [column.name, column.kind, column.meaning])
    book.close()


_UPWORK = ("Date", "Ref ID", "Type", "Description", "Agency", "Freelancer", "Team", "Account Name", "PO", "Amount", "ExchangeRate", "Currency", "Balance")
_UPWORK_TYPES = {
    "release": "Fixed Price", "platform_fee": "Service Fee", "platform_fee_refund": "Service Fee", "payout": "Withdrawal", "refund_after_release": "Refund",
    "funding": "Payment", "refund_from_escrow": "Refund", "fee_tax": "VAT", "tax_withheld": "Withholding Tax", "fee_tax_refund": "VAT",
}  # fmt: skip


def as_upwork(rows: Iterable[Any]) -> Iterator[bytes]:
    """The transaction history with the thirteen columns that importers of the market leader's file expect."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_UPWORK)
    for number, row in enumerate(rows, 1):
        texts = [row.note or "", row.counterparty or "", row.contract_title or "", row.client_po or ""]
        note, counterparty, title, order = map(_harmless, texts)
        money = (plain_amount(row.amount, row.currency), row.fx_rate or "", row.currency, plain_amount(row.running_balance, row.currency))
        day = f"{row.posted_on:%b} {row.posted_on.day}, {row.posted_on.year}"
        writer.writerow(
            [
                day,
                f"{typeid.encode('jnl', row.event_id)}-{row.line_no}",
                _UPWORK_TYPES.get(row.type, "Adjustment"),
                note,
                "",
                counterparty,
                "",
                title,
                order,
                *money,
            ]
        )
        if number % _PIECE == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()
