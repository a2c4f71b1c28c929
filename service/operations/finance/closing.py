"""The processor's rows beside our own, and closing a month: zero differences, two people, and then
nothing changes any more.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from service.core import four_eyes, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import Forbidden, Invalid, NotFound, StateConflict
from service.domain.money.money import from_stripe, sayable
from service.domain.money.psp import BalanceRow
from service.models import PeriodClose
from service.platform.db import fetch

GRACE = timedelta(hours=24)
_MONTH = re.compile("(20[0-9]{2})-(0[1-9]|1[0-2])")

_INSERT = """
    INSERT INTO psp_row (id, type, source, currency, amount_minor, fee_minor, created_at, seen_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id
"""
_NEWEST = "SELECT max(created_at) AS at FROM psp_row"
_OVERLAP = timedelta(days=3)
_UNNAMED = """
    SELECT source, currency, our_minor, psp_minor, since, result FROM psp_match
     WHERE result <> 'equal' AND since <= %s AND (since AT TIME ZONE %s)::date <= %s ORDER BY since,
         source LIMIT 200
"""
_NOT_DONE = """
    SELECT kind, subject, due_at FROM job
     WHERE state = 'waiting' AND (due_at AT TIME ZONE %s)::date <= %s ORDER BY due_at, id LIMIT 5
"""
_LOCK = "SELECT pg_advisory_xact_lock(7002, %s)"
"""`ledger_open_day` holds the same key, shared, for every entry of the month until its transaction
ends.
"""


def since(ctx: Context) -> datetime:
    """From where to ask for rows: a few days before the newest that is known, since some appear
    late.
    """
    newest: datetime | None = fetch(ctx.session, _NEWEST)[0].at
    return newest - _OVERLAP if newest else datetime(2000, 1, 1, tzinfo=ctx.now.tzinfo)


def take_in(ctx: Context, found: list[BalanceRow]) -> int:
    """Keep rows that are new.

    Returns how many. A row in money that we cannot say is a task, and stops no other.
    """
    fresh = 0
    for row in found:
        if not sayable(row.amount, row.currency) or not sayable(row.fee, row.currency):
            staff_tasks.open_task(
                ctx,
                TaskType.PSP_ROW_UNSAYABLE,
                row.id,
                currency=row.currency,
                amount=row.amount,
                fee=row.fee,
                source=row.source,
            )
            continue
        amounts = (from_stripe(row.amount, row.currency), from_stripe(row.fee, row.currency))
        fresh += len(
            fetch(
                ctx.session,
                _INSERT,
                (
                    row.id,
                    row.type,
                    row.source or row.id,
                    row.currency,
                    *amounts,
                    row.created_at,
                    ctx.now,
                ),
            )
        )
    return fresh


def differences(ctx: Context, last_day: date | None = None) -> list[dict[str, Any]]:
    """Every thing at the processor that differs from ours and is older than a day (younger ones may
    be on their way), named; at most 200.
    """
    rows = fetch(
        ctx.session, _UNNAMED, (ctx.now - GRACE, ctx.policies.book_zone.key, last_day or ctx.today)
    )
    return [row._asdict() for row in rows]


def not_done(ctx: Context, last_day: date) -> list[dict[str, str]]:
    """What was due until the end of a day, in the books' zone, and waits for the worker still; at
    most five.
    """
    rows = fetch(ctx.session, _NOT_DONE, (ctx.policies.book_zone.key, last_day))
    return [
        {"job": row.kind, "subject": row.subject, "due_at": row.due_at.isoformat()} for row in rows
    ]


def lock(ctx: Context, month: str) -> None:
    """Nobody posts in the month until this transaction has ended; who does at the moment is waited
    for.

    Raises Unavailable when that takes too long.
    """
    last_day = last_day_of(month)
    fetch(ctx.session, _LOCK, (last_day.year * 100 + last_day.month,))


def name_differences(ctx: Context) -> None:
    """A task for each difference, and none for those that are gone."""
    wrong = differences(ctx)
    for one in wrong:
        staff_tasks.open_task(
            ctx,
            TaskType.PSP_ROW_DIFFERS,
            one["source"],
            result=one["result"],
            ours=one["our_minor"],
            theirs=one["psp_minor"],
            currency=one["currency"],
        )
    open_ones = {
        t["subject"] for t in staff_tasks.open_tasks(ctx.session) if t["kind"] == "psp_row_differs"
    }
    for gone in open_ones - {one["source"] for one in wrong}:
        staff_tasks.close_task(ctx, TaskType.PSP_ROW_DIFFERS, gone)


def ask(ctx: Context, month: str, checks: list[dict[str, Any]]) -> PeriodClose:
    """The first person finds the month right.

    Raises Invalid for a month that is not over, StateConflict when something differs or it was
    asked for.
    """
    last_day = last_day_of(month)
    if ctx.today <= last_day:
        raise Invalid.one("/month", "not_over", "The month is not over yet.")
    _must_be_right(checks)
    if ctx.session.get(PeriodClose, month) is not None:
        raise StateConflict(
            "This month was asked to be closed already.",
            {"current_state": "asked", "allowed_actions": ["approve"]},
        )
    before = ctx.session.execute(
        text("SELECT 1 FROM journal_entry WHERE posted_on <= :day LIMIT 1"), {"day": last_day}
    ).first()
    if before is None:
        raise Invalid.one("/month", "nothing_there", "Nothing was posted until then.")
    asked = PeriodClose(
        month=month,
        last_day=last_day,
        asked_by=ctx.actor,
        asked_at=ctx.now,
        closed_by=None,
        closed_at=None,
        checks=checks,
        export_ids=[],
    )
    ctx.session.add(asked)
    staff_tasks.open_task(ctx, TaskType.APPROVE_CLOSE, month, asked_by=str(ctx.actor))
    return asked


def close(ctx: Context, asked: PeriodClose, checks: list[dict[str, Any]]) -> PeriodClose:
    """The second person closes it.

    Raises Forbidden for the first one, StateConflict when it is closed or something differs
    meanwhile.
    """
    if asked.closed_at is not None:
        raise StateConflict(
            "This month is closed.", {"current_state": "closed", "allowed_actions": []}
        )
    if four_eyes.is_one_of(ctx, asked.asked_by):
        raise Forbidden("Another person has to close it.")
    _must_be_right(checks)
    asked.closed_by, asked.closed_at, asked.checks = ctx.actor, ctx.now, checks
    staff_tasks.close_task(ctx, TaskType.APPROVE_CLOSE, asked.month)
    return asked


def _must_be_right(checks: list[dict[str, Any]]) -> None:
    wrong = [check["name"] for check in checks if not check["ok"]]
    if wrong:
        raise StateConflict(
            f"The month cannot be closed: {'; '.join(wrong)}.",
            {"current_state": "open", "allowed_actions": [], "checks": checks},
        )


def find(session: Session, month: str, *, lock: bool = False) -> PeriodClose:
    """Raises NotFound for a month that nobody asked to close."""
    found = (
        session.get(PeriodClose, month, with_for_update=lock or None, populate_existing=lock)
        if _MONTH.fullmatch(month)
        else None
    )
    if found is None:
        raise NotFound("Nobody has asked to close this month.")
    return found


def last_day_of(month: str) -> date:
    """Raises Invalid for what is no month."""
    match = _MONTH.fullmatch(month)
    if match is None:
        raise Invalid.one("/month", "month", "Say a month as 2025-12.")
    first = date(int(match[1]), int(match[2]), 28) + timedelta(days=4)
    return first.replace(day=1) - timedelta(days=1)
