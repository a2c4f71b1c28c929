"""The pack of a month: whether it may be closed, and every export of it as it was known when it was."""

from __future__ import annotations

from typing import Any

from service.act import Act
from service.exports import making, registry
from service.exports.shapes import Asked
from service.models import PeriodClose
from service.operations import closing, finance_exports, reconcile

_MORE = {"M6": ("beancount", "hledger"), "M8": ("pdf",)}
"""What is frozen besides the CSV of every export."""


def checks(act: Act, month: str) -> list[dict[str, Any]]:
    """Everything that has to be right before a month is closed: name, whether it is, and what is not. Raises Invalid."""
    last_day = closing.last_day_of(month)
    books = [{"name": check.name, "ok": check.ok, "found": check.differences[:5]} for check in reconcile.verify(act.session)]
    three_way = making.inline(act.session, registry.EXPORTS["M8"], Asked(last_day.replace(day=1), last_day, act.now))
    wrong = [row for row in three_way if any(row[name].strip("-0.") for name in ("difference_bank_book", "difference_book_sub"))]
    unnamed = closing.differences(act.session, act.now, last_day)
    return [
        *books, {"name": "the three ways agree in every currency", "ok": not wrong, "found": wrong},
        {"name": "every row of Stripe's that is older than a day is matched", "ok": not unnamed, "found": [{k: str(v) for k, v in one.items()} for one in unnamed[:5]]},
    ]  # fmt: skip


def freeze(act: Act, closed: PeriodClose) -> None:
    """Every export over the closed month, as known at its close: the same bytes for ever. The worker makes them."""
    first = closed.last_day.replace(day=1)
    made = [
        finance_exports.ask(act, finance_exports.Question(export.code, form, first, closed.last_day, closed.closed_at))
        for export in registry.EXPORTS.values() for form in ("csv", *_MORE.get(export.code, ()))
    ]  # fmt: skip
    closed.export_ids = [one.id for one in made]
