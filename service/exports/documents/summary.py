"""A summary as a paper: one table for each row of the export, every amount in words and figures.

PDF/A, tagged, the same bytes for the same question.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice

from service.documents import Document, Table
from service.documents.wording import day, money, say
from service.domain.errors import Invalid
from service.domain.money.money import CURRENCIES
from service.exports.definitions import Export, ExportRequest, Row
from service.exports.proofs import number

MOST = 200
_NAMES = ("payee", "client")
_HOME = (
    ("home_gross", "gross_released"),
    ("home_refunds", "refunds_after_release"),
    ("home_fees", "platform_fees"),
    ("home_net", "net_credited"),
)
"""Figures in another currency, and the words of what they are."""


def render(export: Export, asked: ExportRequest, rows: Iterable[Row]) -> bytes:
    """Raises Invalid beyond 200 rows: a paper is read by people."""
    found = list(islice(rows, MOST + 1))
    if len(found) > MOST:
        raise Invalid.one(
            "/format",
            "too_many_rows",
            f"A paper has at most {MOST} parts; name one person, or take CSV.",
        )
    language = asked.language
    period = f"{day(asked.first_day, language)} – {day(asked.last_day, language)}"
    return Document(
        asked.platform,
        language,
        say(export.name, language),
        f"{export.name} {asked.first_day}–{asked.last_day}",
        facts=[
            (say("period", language), period),
            (say("as_of", language), f"{asked.as_of:%Y-%m-%d %H:%M:%S} UTC"),
        ],
        tables=[_table(export, row, language) for row in found],
        notes=[say("nothing", language)] * (not found)
        + [note for row in found for note in _transit(export, row, language)]
        + [say("not_advice", language)],
    ).pdf(asked.as_of)


def _table(export: Export, row: Row, language: str) -> Table:
    heading = next((str(row[name]) for name in _NAMES if name in row), "") or str(
        row.get("as_of", "")
    )
    currency = str(row["currency"])
    lines = [
        [say(c.name, language), _money(row, c.name, language)]
        for c in export.columns
        if c.is_amount and row[c.name] is not None
    ]
    return Table(
        f"{heading} · {currency}",
        [say("what", language), say("amount", language)],
        lines + _home_lines(row, language),
        (1,),
    )


def _home_lines(row: Row, language: str) -> list[list[str]]:
    """The same figures in the currency that was asked for as well, if one was."""
    if not row.get("home_currency") or row["home_net"] is None:
        return []
    currency = str(row["home_currency"])
    digits = CURRENCIES[currency].exponent
    return [
        [say("home", language, currency=currency), ""],
        *(
            [say(word, language), money(int(_exact(row, name).scaleb(digits)), currency, language)]
            for name, word in _HOME
        ),
    ]


def _exact(row: Row, name: str) -> Decimal:
    return Decimal(number(row[name]))


def _money(row: Row, name: str, language: str) -> str:
    return money(int(number(row[name])), str(row["currency"]), language)


def _transit(export: Export, row: Row, language: str) -> list[str]:
    """Income counts on release and cash on arrival: where they differ, the paper says why."""
    if export.name != "earnings":
        return []
    under_way = int(number(row["payouts_initiated"]) - number(row["payouts_arrived"]))
    if not under_way:
        return []
    amount = money(abs(under_way), str(row["currency"]), language)
    return [say("transit", language, amount=amount)]
