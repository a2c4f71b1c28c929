"""The pack of a month: whether it may be closed, and every export of it as it was known when it
was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypedDict

from sqlalchemy import text

from service.core.context import Context
from service.exports import inline, proofs, registry
from service.exports.definitions import ExportRequest
from service.exports.registry.books import GENERAL_JOURNAL, RECONCILIATION
from service.ledger import fresh_checks, hash_chain
from service.models import PeriodClose
from service.operations.finance import closing, export_requests


class MonthCheck(TypedDict):
    """One thing that has to be right: `found` is what is not, at most a handful."""

    name: str
    ok: bool
    found: Sequence[Mapping[str, object]]


_MORE = {GENERAL_JOURNAL.name: ("beancount", "hledger"), RECONCILIATION.name: ("pdf",)}
"""What is frozen besides the CSV of every export."""


def checks(
    ctx: Context, month: str, most: int | None = fresh_checks.AT_A_GLANCE
) -> list[MonthCheck]:
    """What has to be right before a month is closed, as far as it can be told at a glance: name,
    whether it is, and what is not.

    The books go on from the last check that found them right, over at most so many entries of the
    chain. Raises Invalid for what is no month.
    """
    last_day = closing.last_day_of(month)
    own: list[MonthCheck] = [
        {"name": check.name, "ok": check.ok, "found": check.differences[:5]}
        for check in fresh_checks.look(ctx.session, most).checks
    ]
    three_way = inline.records(ctx.session, RECONCILIATION, _asked(ctx, last_day))
    wrong = [
        row
        for row in three_way
        if any(row[name].strip("-0.") for name in ("difference_bank_book", "difference_book_sub"))
    ]
    unnamed = closing.differences(ctx, last_day)
    late = closing.not_done(ctx, last_day)
    return [
        *own,
        {"name": "the three ways agree in every currency", "ok": not wrong, "found": wrong},
        {
            "name": "every row of Stripe's that is older than a day is matched",
            "ok": not unnamed,
            "found": [{k: str(v) for k, v in one.items()} for one in unnamed[:5]],
        },
        {
            "name": "everything that was due in the month has been done",
            "ok": not late,
            "found": late,
        },
    ]


def request_pack(ctx: Context, month: str) -> PeriodClose:
    """The first person finds the month right. Raises Invalid, StateConflict."""
    return closing.ask(ctx, month, _everything(ctx, month, closing.last_day_of(month)))


def close(ctx: Context, month: str) -> PeriodClose:
    """The second person closes it, with every export as it is known at that instant.

    Raises Forbidden, NotFound, StateConflict.

    The month is locked first: postings that are under way in it come to their end, later ones go to
    the next open day, so what is checked here is what stays for ever.
    """
    closing.lock(ctx, month)
    asked = closing.find(ctx.session, month, lock=True)
    ctx = ctx.again()
    hash_chain.seal_all(ctx)
    closed = closing.close(ctx, asked, _everything(ctx, month, asked.last_day))
    freeze(ctx, closed)
    return closed


def _everything(ctx: Context, month: str, last_day: date) -> list[dict[str, object]]:
    """Every check, as it is kept with the month."""
    return [dict(one) for one in (*checks(ctx, month, None), *_proofs(ctx, last_day))]


def _asked(ctx: Context, last_day: date) -> ExportRequest:
    return ExportRequest(
        last_day.replace(day=1), last_day, ctx.now, zone=ctx.policies.book_zone.key
    )


def _proofs(ctx: Context, last_day: date) -> list[MonthCheck]:
    """A file that fails its own check would be frozen as a failure for ever: so each is proved
    before, by sums alone.
    """
    ctx.session.execute(text("SET LOCAL statement_timeout = '5min'"))
    asked = _asked(ctx, last_day)
    found = []
    for export in registry.EXPORTS.values():
        differs = proofs.proves(ctx.session, export, asked)
        found += [{"export": export.name, "differs": differs}] if differs else []
    return [{"name": "every export of the month proves itself", "ok": not found, "found": found}]


def freeze(ctx: Context, closed: PeriodClose) -> None:
    """Every export over the closed month, as known at its close: the same bytes for ever.

    The worker makes them.
    """
    first = closed.last_day.replace(day=1)
    made = []
    for export in registry.EXPORTS.values():
        for form in ("csv", *_MORE.get(export.name, ())):
            question = export_requests.ExportQuestion(
                export.name, form, first, closed.last_day, closed.closed_at
            )
            made.append(export_requests.ask(ctx, question))
    closed.export_ids = [one.id for one in made]
