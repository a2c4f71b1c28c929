"""One unit more in one row of any figure of any export, and the export's own check refuses the
file.

Generated: every export times every column of amounts, decimals and numbers. In two worlds, since no
one year has a row of everything; a column that neither shows is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import pytest

from service.exports import generation, proofs, registry
from service.exports.definitions import Export, ExportRequest
from tests.databases import clone
from tests.faults.test_releases import release
from tests.finance.golden import Golden
from tests.finance.reading import now_of
from tests.finance.test_closing import all_kinds
from tests.finance.test_withholding import decide, living_in, rupees, work
from tests.world import World

FIGURES = [
    (export.name, figure) for export in registry.EXPORTS.values() for figure in export.figures
]
WITHOUT_ROWS = {"tds_194o", "withheld_tax"}
"""Nobody of the year and of the week lives in India or had tax withheld: they have a world of their
own.
"""


def mutant(export: Export, figure: str) -> Export:
    """The same statement, but for one unit more of `figure` in its first row."""
    names = [column.name for column in export.columns]
    more = [
        f"CASE WHEN m.nth = 1 THEN coalesce(m.{name}, 0) + 1 ELSE m.{name} END AS {name}"
        if name == figure
        else f"m.{name}"
        for name in names
    ]
    extra = [
        name for name in ("prefix",) if any(column.kind == "any id" for column in export.columns)
    ]
    extra += ["currency"] if "currency" not in names else []
    changed = ", ".join([*more, *(f"m.{name}" for name in extra)])
    statement = (
        f"SELECT {changed} FROM (SELECT row_number() OVER () AS nth, s.* FROM "
        f"({export.statement}) AS s) AS m"
    )
    return type("Mutant", (Export,), {"statement": property(lambda _: statement)})(**vars(export))


def refused(world: World, export: Export, asked: ExportRequest, figure: str) -> bool:
    with world.db.transaction() as session:
        assert proofs.proves(session, export, asked) is None, "as it is, it proves itself"
    with world.db.transaction() as session:
        return proofs.proves(session, mutant(export, figure), asked) is not None


def question(export: Export, last: date, as_of: datetime, zone: str) -> ExportRequest:
    return ExportRequest(
        date(2020, 1, 1), last, as_of, None, "INR" if export.converts else None, zone=zone
    )


def test_how_many_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(
            f"\n{len(registry.EXPORTS)} exports, {len(FIGURES)} numeric columns, {len(FIGURES)} "
            "mutants"
        )
    assert [
        export.name for export in registry.EXPORTS.values() if export.figures and not export.control
    ] == []


@pytest.fixture(scope="module")
def busy_week() -> Iterator[World]:
    with clone() as world:
        all_kinds(world)
        yield world


LAST = {"escrow_balances": date(2026, 2, 15)}
"""At the end of the year nothing is held for anybody."""


@pytest.mark.parametrize("code", sorted({code for code, _ in FIGURES} - WITHOUT_ROWS))
def test_a_figure_of_the_year_that_is_one_unit_more_stops_its_export(
    year: Golden, code: str
) -> None:
    export = registry.EXPORTS[code]
    year.world.sql_owner("UPDATE freelancer SET country = 'IN' WHERE display_name = 'Ada Lovelace'")
    asked = question(
        export, LAST.get(code, date(2026, 12, 31)), now_of(year), year.world.settings.book_zone
    )
    survived = [
        figure for figure in export.figures if not refused(year.world, export, asked, figure)
    ]
    assert survived == []


@pytest.mark.parametrize(
    "code", sorted({code for code, _ in FIGURES} - WITHOUT_ROWS - {"india_statement", "fx_rates"})
)
def test_and_of_a_busy_week(busy_week: World, code: str) -> None:
    """A payout that failed, one that arrived, a refund, a chargeback: other rows, the same
    refusals.
    """
    export = registry.EXPORTS[code]
    now = datetime.fromisoformat(busy_week.sandbox.now())
    asked = question(export, now.date(), now, busy_week.settings.book_zone)
    assert [
        figure for figure in export.figures if not refused(busy_week, export, asked, figure)
    ] == []


@pytest.fixture(scope="module")
def withheld() -> Iterator[World]:
    """Tax withheld from two releases of somebody in India."""
    with clone() as world:
        living_in(world, "IN")
        rupees(world, "83.5")
        decide(world, "in_194o")
        for milestone in work(world, 100_010, 50_000):
            assert release(world, milestone) == "ok"
        world.work()
        yield world


@pytest.mark.parametrize("code", sorted(WITHOUT_ROWS))
def test_and_of_tax_that_was_withheld(withheld: World, code: str) -> None:
    export = registry.EXPORTS[code]
    now = datetime.fromisoformat(withheld.sandbox.now())
    asked = question(export, now.date(), now, withheld.settings.book_zone)
    survived = [one for one in export.figures if not refused(withheld, export, asked, one)]
    assert survived == []


def test_a_file_is_refused_and_not_only_its_sums(year: Golden, tmp_path: object) -> None:
    """What is written is what is proved: the same by the cells of the file, in each of two
    forms.
    """
    assert tmp_path
    for code in ("transactions", "earnings", "form_1099k"):
        export = registry.EXPORTS[code]
        asked = question(export, date(2026, 12, 31), now_of(year), "UTC")
        for form in ("csv", "jsonl"):
            with year.world.db.transaction() as session, pytest.raises(generation.CheckFailed):
                generation.make(
                    session, mutant(export, export.figures[0]), asked, form, tmp_path, "07" * 32
                )  # type: ignore[arg-type]
