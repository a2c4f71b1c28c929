"""Payouts that nobody asked for: due by the freelancer's own schedule, or because money has lain
too long.

Money is forced out 90 days after it became available when that much is worth a payout, and 180 days
after it otherwise. How old it is the books say: see `domain.ageing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, repository
from service.core.context import Context
from service.domain.identity import typeid
from service.domain.money import ageing
from service.domain.money.ageing import Change, Lot
from service.models import Event, PayoutAccount
from service.platform.db import fetch

PAGE = 500
REMINDED_EVERY = timedelta(days=30)


@dataclass(frozen=True)
class Candidate:
    """A freelancer with money available in a currency. `cursor` is where the next page begins."""

    freelancer_id: str
    currency: str
    cursor: int


@dataclass(frozen=True)
class Due:
    """A payout to be made now; `why` is `schedule` or `forced`, `None` of an amount means
    everything.
    """

    why: str
    amount_minor: int | None = None


# Young accounts of people without a schedule have nothing that can be due: they cost no job.
_CANDIDATES = """
    SELECT a.id AS cursor, a.owner AS freelancer_id, a.currency
      FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
      LEFT JOIN payout_account s ON s.freelancer_id = a.owner
     WHERE a.kind = 'available' AND b.credits > b.debits AND a.id > %(after)s
       AND (s.schedule = ANY (%(today)s)
            OR (SELECT e.occurred_at FROM posting p JOIN journal_entry e ON e.id = p.entry_id
                 WHERE p.credit_account = a.id ORDER BY p.entry_id LIMIT 1) <= %(old)s)
     ORDER BY a.id LIMIT %(page)s
"""


def candidates(ctx: Context, on: date, after: int) -> list[Candidate]:
    """Whoever may have a payout due on a day, after a cursor (0 at first), at most a page."""
    given = {
        "after": after,
        "today": _schedules_of(on),
        "old": ctx.now - timedelta(days=ctx.policies.windows.payout_forced_days),
        "page": PAGE,
    }
    return [
        Candidate(typeid.encode("frl", row.freelancer_id), row.currency, row.cursor)
        for row in fetch(ctx.session, _CANDIDATES, given)
    ]


def _schedules_of(on: date) -> list[str]:
    return ["weekly"] * (on.weekday() == 0) + ["monthly"] * (on.day == 1)


def due(ctx: Context, freelancer_id: str, currency: str, on: date) -> Due | None:
    """What is to be paid out of somebody's available money by itself; the freelancer is locked from
    here on.
    """
    repository.freelancer(ctx.session, freelancer_id, lock=True)
    here = available_lots(ctx.session, freelancer_id, currency)
    forced = _forced(ctx, here, currency)
    account = ctx.session.get(PayoutAccount, freelancer_id)
    scheduled = account is not None and account.schedule in _schedules_of(on)
    least = ctx.policies.payout_schedule_minimum_minor(currency)
    if scheduled and sum(lot.amount_minor for lot in here) >= least:
        return Due("schedule")
    return Due("forced", forced) if forced else None


def _forced(ctx: Context, here: list[Lot], currency: str) -> int:
    windows = ctx.policies.windows
    lain = _older_than(here, ctx.now - timedelta(days=windows.payout_forced_days))
    if lain >= ctx.policies.payout_minimum_minor(currency):
        return lain
    return _older_than(here, ctx.now - timedelta(days=windows.payout_forced_small_days))


def _older_than(here: list[Lot], instant: datetime) -> int:
    return sum(lot.amount_minor for lot in here if lot.since <= instant)


_CHANGES = """
    SELECT e.occurred_at, p.amount_minor, o.owner AS other_owner, e.kind, e.cause_id
      FROM ledger_account a
     CROSS JOIN LATERAL (
           SELECT entry_id, line_no, amount AS amount_minor, debit_account AS other FROM posting
               WHERE credit_account = a.id
           UNION ALL SELECT entry_id, line_no, -amount, credit_account FROM posting
               WHERE debit_account = a.id) p
      JOIN journal_entry e ON e.id = p.entry_id
      JOIN ledger_account o ON o.id = p.other
     WHERE a.kind = 'available' AND a.owner = %s AND a.currency = %s ORDER BY e.number, p.line_no
"""
_GOES_AND_COMES_BACK = (
    "payout_request",
    "payout_held",
    "payout_returned",
    "hold_reserve",
    "hold_return",
)
"""Entries between the balance and a payout or a hold: what comes back is not aged anew."""


def available_lots(session: Session, freelancer_id: str, currency: str) -> list[Lot]:
    """Since when each part of somebody's available money has been available, oldest first."""
    return ageing.lots(_changes(session, freelancer_id, currency))


def _changes(session: Session, freelancer_id: str, currency: str) -> Iterator[Change]:
    for row in fetch(session, _CHANGES, (typeid.decode(freelancer_id), currency)):
        away = row.other_owner if row.kind in _GOES_AND_COMES_BACK else None
        if row.kind == "payout_bounced":
            away = row.cause_id
        yield Change(
            row.occurred_at, row.amount_minor, away, newest_first=row.kind == "refund_after_release"
        )


def remind(ctx: Context, freelancer_id: str, currency: str) -> None:
    """There is money and no account to pay it to: the freelancer is told, at most once a month."""
    told = select(Event.id).where(
        Event.freelancer_id == freelancer_id,
        Event.type == "payout.waits_for_account",
        Event.data["currency"].astext == currency,
        Event.occurred_at > ctx.now - REMINDED_EVERY,
    )
    if ctx.session.execute(told.limit(1)).first() is None:
        events.record(
            ctx,
            "payout.waits_for_account",
            repository.freelancer(ctx.session, freelancer_id),
            currency=currency,
        )
