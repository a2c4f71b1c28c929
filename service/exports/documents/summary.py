"""A summary as a paper: one table for each row of the export, every amount in words and figures.

PDF/A, tagged, the same bytes for the same question.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from service.documents import Document, Table
from service.documents.wording import day, money, say
from service.domain.errors import Invalid
from service.domain.money.money import CURRENCIES
from service.exports.definitions import Export, ExportRequest

MOST = 200
_NAMES = ("payee", "client")


def render(export: Export, asked: ExportRequest, rows: Iterator[Any]) -> bytes:
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
        say(export.code, language),
        f"{export.code} {asked.first_day}–{asked.last_day}",
        facts=[
            (say("period", language), period),
            (say("as_of", language), f"{asked.as_of:%Y-%m-%d %H:%M:%S} UTC"),
        ],
        tables=[_table(export, row, language) for row in found],
        notes=[say("nothing", language)] * (not found)
        + [note for row in found for note in _transit(export, row, language)]
        + [say("not_advice", language)],
    ).pdf(asked.as_of)


def _table(export: Export, row: Any, language: str) -> Table:
    heading = next((str(getattr(row, name)) for name in _NAMES if hasattr(row, name)), "") or str(
        getattr(row, "as_of", "")
    )
    lines = [
        [say(c.name, language), money(getattr(row, c.name), row.currency, language)]
        for c in export.columns
        if c.is_amount and getattr(row, c.name) is not None
    ]
    if getattr(row, "home_currency", None) and row.home_net is not None:
        digits = CURRENCIES[row.home_currency].exponent
        names = (
            ("home_gross", "gross_released"),
            ("home_refunds", "refunds_after_release"),
            ("home_fees", "platform_fees"),
            ("home_net", "net_credited"),
        )
        lines.append([say("home", language, currency=row.home_currency), ""])
        lines += [
            [
                say(word, language),
                money(int(getattr(row, name).scaleb(digits)), row.home_currency, language),
            ]
            for name, word in names
        ]
    return Table(
        f"{heading} · {row.currency}", [say("what", language), say("amount", language)], lines, (1,)
    )


def _transit(export: Export, row: Any, language: str) -> list[str]:
    """Income counts on release and cash on arrival: where they differ, the paper says why."""
    if export.name != "earnings" or row.payouts_initiated == row.payouts_arrived:
        return []
    return [
        say(
            "transit",
            language,
            amount=money(abs(row.payouts_initiated - row.payouts_arrived), row.currency, language),
        )
    ]
