"""XLSX for people: XlsxWriter makes the book with its styles and definitions; the rows of its sheet
Data are written here, a column at a time.

XlsxWriter writes a cell at a time, which was nine tenths of an export's time (decision 0020).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from service.domain.errors import Invalid
from service.domain.money.money import CURRENCIES
from service.exports.definitions import Column, Export
from service.exports.reading import Columns

_CREATED = datetime(2020, 1, 1)  # noqa: DTZ001
"""A fixed date inside the file, so that the same rows give the same bytes."""
_DATA = "xl/worksheets/sheet1.xml"
_ROWS = 1_048_575
_CELL_CHARACTERS = 32_767
"""Limits of the format, from Excel's specifications."""
_WIDTHS = {"text": 28, "instant": 27, "day": 12, "amount": 14, "number": 12, "decimal": 14}
_ID_WIDTH = 33
_PATTERNS = {0: "0", 2: "0.00", 3: "0.000"}
_BYTES = 2_000_000_000
"""What one file of a ZIP archive holds that every program reads."""
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""What XML has no sign for, and what would be read as the format's own way to write that: _x0007_.
"""


def as_xlsx(export: Export, batches: Iterable[Columns], target: Path) -> None:
    """Sheets Data and Definitions; amounts are numbers with the row's currency's digits, texts are
    never formulas. Raises Invalid beyond a sheet's limits.
    """
    with ZipFile(_template(export)) as template, ZipFile(target, "w") as book:
        for part in template.namelist():
            # A fixed date for every part, as XlsxWriter's own.
            with book.open(_part(part), "w") as out:
                if part == _DATA:
                    _fill(export, batches, template.read(part).decode(), out)
                else:
                    out.write(template.read(part))


def _part(name: str) -> ZipInfo:
    part = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    part.compress_type = ZIP_DEFLATED
    return part


def _template(export: Export) -> io.BytesIO:
    """The book with everything but its rows; its second row has a cell in every style that amounts
    take.
    """
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    book.set_properties({"created": _CREATED, "title": export.title})
    bold = book.add_format({"bold": True})
    data = book.add_worksheet("Data")
    data.freeze_panes(1, 0)
    data.write_row(0, 0, [column.name for column in export.columns], bold)
    for place, column in enumerate(export.columns):
        data.set_column(place, place, _WIDTHS.get(column.kind, _ID_WIDTH))
    for place, pattern in enumerate(_PATTERNS.values()):
        data.write_blank(1, place, None, book.add_format({"num_format": pattern}))
    meanings = book.add_worksheet("Definitions")
    meanings.set_column(0, 2, 28)
    meanings.write_row(0, 0, ["column", "kind", "meaning"], bold)
    for number, column in enumerate(export.columns, 1):
        meanings.write_row(number, 0, [column.name, column.kind, column.meaning])
    book.close()
    return made


def _fill(export: Export, batches: Iterable[Columns], sheet: str, out: IO[bytes]) -> None:
    head, _, rest = sheet.partition('<row r="2"')
    patterns, _, tail = rest.partition("</sheetData>")
    styles = dict(zip(_PATTERNS, re.findall(r' s="(\d+)"', patterns), strict=True))
    # The size of the sheet is optional, and not known yet.
    out.write(re.sub("<dimension[^>]*>", "", head).encode())
    size = 0
    for piece in _rows(export, batches, styles):
        size += out.write(piece.encode())
        if size > _BYTES:
            raise Invalid.one(
                "/format",
                "too_large",
                "The texts are too long for one sheet; take CSV, or a shorter period.",
            )
    out.write(f"</sheetData>{tail}".encode())


def _rows(export: Export, batches: Iterable[Columns], styles: dict[int, str]) -> Iterator[str]:
    letters = [xl_col_to_name(place) for place in range(len(export.columns))]
    money = next(
        (place for place, column in enumerate(export.columns) if column.name == "currency"), None
    )
    done = 0
    for columns in batches:
        numbers = range(done + 2, done + 2 + len(columns[0]))
        done += len(numbers)
        if done > _ROWS:
            raise Invalid.one(
                "/format", "too_large", "A sheet has 1,048,576 rows; take CSV, or a shorter period."
            )
        of = (
            {code: styles[CURRENCIES[code].exponent] for code in set(columns[money]) - {""}}
            | {"": "0"}
            if money is not None
            else {}
        )
        style = [of[code] for code in columns[money]] if money is not None else ["0"] * len(numbers)
        cells = [
            _cells(column, letter, values, numbers, style)
            for column, letter, values in zip(export.columns, letters, columns, strict=True)
        ]
        yield "".join(
            [
                f'<row r="{number}">{"".join(row)}</row>'
                for number, row in zip(numbers, zip(*cells, strict=True), strict=True)
            ]
        )


def _cells(
    column: Column, letter: str, values: Sequence[str], numbers: range, styles: Sequence[str]
) -> list[str]:
    """The cells of one column as the format writes them; nothing where there is nothing."""
    if column.is_amount:
        each = zip(values, numbers, styles, strict=True)
        return [
            f'<c r="{letter}{number}" s="{style}"><v>{value}</v></c>' if value else ""
            for value, number, style in each
        ]
    if column.kind in ("number", "decimal"):
        return [
            f'<c r="{letter}{number}"><v>{value}</v></c>' if value else ""
            for value, number in zip(values, numbers, strict=True)
        ]
    if column.kind == "text":
        known = {value: _inline(value) for value in set(values)}
        values = [known[value] for value in values]
    return [
        f'<c r="{letter}{number}" t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'
        if value
        else ""
        for value, number in zip(values, numbers, strict=True)
    ]


def _inline(text: str) -> str:
    """As the format writes a text: no markup, no sign that XML lacks, no more than a cell holds."""
    return escape(_UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text[:_CELL_CHARACTERS]))
