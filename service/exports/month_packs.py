"""The pack of a month: whether it may be closed, and every export of it as it was known when it
was.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import text

from service.core.context import Context
from service.exports import generation, registry
from service.exports.definitions import ExportRequest
from service.ledger import fresh_checks, hash_chain
from service.models import PeriodClose
from service.operations.finance import closing, export_requests

_MORE = {"M6": ("beancount", "hledger"), "M8": ("pdf",)}
"""What is frozen besides the CSV of every export."""


def checks(
    ctx: Context, month: str, most: int | None = fresh_checks.AT_A_GLANCE
) -> list[dict[str, Any]]:
    """What has to be right before a month is closed, as far as it can be told at a glance: name,
    whether it is, and what is not.

    The books go on from the last check that found them right, over at most so many entries of the
    chain. Raises Invalid for what is no month.
    """
    last_day = closing.last_day_of(month)
    own = [
        {"name": check.name, "ok": check.ok, "found": check.differences[:5]}
        for check in fresh_checks.look(ctx.session, most).checks
    ]
    three_way = generation.inline(ctx.session, registry.EXPORTS["M8"], _asked(ctx, last_day))
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
    return closing.ask(
        ctx, month, [*checks(ctx, month, None), *_proofs(ctx, closing.last_day_of(month))]
    )


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
    closed = closing.close(ctx, asked, [*checks(ctx, month, None), *_proofs(ctx, asked.last_day)])
    freeze(ctx, closed)
    return closed


def _asked(ctx: Context, last_day: date) -> ExportRequest:
    return ExportRequest(
        last_day.replace(day=1), last_day, ctx.now, zone=ctx.policies.book_zone.key
    )


def _proofs(ctx: Context, last_day: date) -> list[dict[str, Any]]:
    """A file that fails its own check would be frozen as a failure for ever: so each is proved
    before, by sums alone.
    """
    ctx.session.execute(text("SET LOCAL statement_timeout = '5min'"))
    asked = _asked(ctx, last_day)
    found = []
    for export in registry.EXPORTS.values():
        differs = generation.proves(ctx.session, export, asked)
        found += [{"export": export.code, "differs": differs}] if differs else []
    return [{"name": "every export of the month proves itself", "ok": not found, "found": found}]


def freeze(ctx: Context, closed: PeriodClose) -> None:
    """Every export over the closed month, as known at its close: the same bytes for ever.

    The worker makes them.
    """
    first = closed.last_day.replace(day=1)
    made = []
    for export in registry.EXPORTS.values():
        for form in ("csv", *_MORE.get(export.code, ())):
            question = export_requests.ExportQuestion(
                export.code, form, first, closed.last_day, closed.closed_at
            )
            made.append(export_requests.ask(ctx, question))
    closed.export_ids = [one.id for one in made]
