"""The sheet that people open: read by another program, cell for cell what XlsxWriter itself would
have written; what a sheet cannot hold is said.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from service.exports.definitions import Column, Export
from service.exports.formats import workbook
from tests.finance.test_exports import ready
from tests.world import World

EXPORT = Export(
    "x",
    "X",
    1,
    (
        Column("t", "text", "A text"),
        Column("n", "number", ""),
        Column("amount", "amount", ""),
        Column("currency", "text", ""),
        Column("d", "day", ""),
    ),
)
DIGITS = {"USD": "0.00", "JPY": "0", "KWD": "0.000"}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["_x0007_", "=1+1", " a ", "a\nb", "<b>&amp;", "\x07", "\ufffe"]
)
amounts = st.sampled_from(
    [("USD", "-1234.50"), ("USD", "0.05"), ("JPY", "500"), ("KWD", "1.005"), ("", ""), ("USD", "")]
)


def sheet(data: Path | io.BytesIO) -> list[list[tuple[Any, str, str]]]:
    return [
        [(cell.value, cell.data_type, cell.number_format) for cell in row]
        for row in openpyxl.load_workbook(data)["Data"].iter_rows()
    ]


def by_the_library(rows: Sequence[Sequence[str]]) -> io.BytesIO:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"constant_memory": True})
    data = book.add_worksheet("Data")
    data.write_row(0, 0, [column.name for column in EXPORT.columns])
    for number, row in enumerate(rows, 1):
        for place, (column, text) in enumerate(zip(EXPORT.columns, row, strict=True)):
            if not text:
                continue
            if column.kind == "amount":
                data.write_number(
                    number, place, float(text), book.add_format({"num_format": DIGITS[row[3]]})
                )
            elif column.kind == "number":
                data.write_number(number, place, float(text))
            else:
                data.write_string(number, place, text)
    book.close()
    return made


@given(st.lists(st.tuples(texts, st.integers(-9, 10**9).map(str), amounts), min_size=1, max_size=8))
def test_it_reads_like_the_librarys_own(rows: list[tuple[str, str, tuple[str, str]]]) -> None:
    whole = [
        (text, number, amount, currency, "2026-03-31") for text, number, (currency, amount) in rows
    ]
    with TemporaryDirectory() as folder:
        target = Path(folder) / "x.xlsx"
        pieces = [list(zip(*part, strict=True)) for part in (whole[:3], whole[3:]) if part]
        workbook.as_xlsx(EXPORT, pieces, target)
        found = sheet(target)
    assert found == sheet(by_the_library(whole))
    assert [row[2][0] for row in found[1:]] == [float(row[2]) if row[2] else None for row in whole]


def test_an_empty_one_has_its_header_and_what_the_columns_mean(tmp_path: Path) -> None:
    workbook.as_xlsx(EXPORT, iter([]), tmp_path / "x.xlsx")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert [cell.value for cell in book["Data"][1]] == [column.name for column in EXPORT.columns]
    assert book["Data"].max_row == 1
    assert book["Data"].freeze_panes == "A2"
    assert [row[0].value for row in book["Definitions"].iter_rows(min_row=2)] == [
        column.name for column in EXPORT.columns
    ]
    assert book["Definitions"]["C2"].value == "A text"


def test_a_longer_text_than_a_cell_holds_is_cut(tmp_path: Path) -> None:
    workbook.as_xlsx(
        EXPORT, [[["x" * 40_000], ["1"], ["1.00"], ["USD"], ["2026-01-01"]]], tmp_path / "x.xlsx"
    )
    assert len(openpyxl.load_workbook(tmp_path / "x.xlsx")["Data"]["A2"].value) == 32_767


@pytest.mark.parametrize(
    ("limit", "said"), [("_ROWS", "1,048,576 rows"), ("_BYTES", "too long for one sheet")]
)
def test_what_no_sheet_holds_is_refused_with_a_sentence(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: str, said: str
) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    monkeypatch.setattr(workbook, limit, 1)
    asked = {"name": "general_journal", "period": world.sandbox.now()[:4], "format": "xlsx"}
    found = ready(world, "finance", asked)
    assert (found["state"], found["files"]) == ("failed", [])
    assert said in found["problem"]
    assert world.program("finance").get("/v1/staff/tasks")["data"] == [], (
        "nobody has to look at the books for it"
    )
    assert ready(world, "finance", asked | {"format": "csv"})["state"] == "ready"
