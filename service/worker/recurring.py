"""Work that comes again by itself: when each is due next, whatever became of it this time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from service.core import queue
from service.core.context import Context
from service.domain.states.job_types import JobType

SUBJECT = "platform"


def _next_night(now: datetime) -> datetime:
    return now.replace(hour=0, minute=10, second=0, microsecond=0) + timedelta(days=1)


NEXT: dict[JobType, Callable[[datetime], datetime]] = {
    JobType.NIGHTLY: _next_night,
    JobType.HOUSEKEEPING: _next_night,
    JobType.SWEEP: lambda now: now + timedelta(hours=6),
}
_FIRST = {JobType.SWEEP: timedelta(hours=1)}
"""Sooner than usual after the start: what was missed while nothing ran."""


def plan(ctx: Context, job: JobType) -> None:
    """Have it done again at its next date; a date that is planned already moves."""
    queue.enqueue(ctx, job, SUBJECT, NEXT[job](ctx.now))


def ensure(ctx: Context) -> None:
    """Each exists, once, however many workers start; what is planned stays."""
    for job, next_date in NEXT.items():
        first = ctx.now + _FIRST[job] if job in _FIRST else next_date(ctx.now)
        queue.enqueue_unless_waiting(ctx, job, SUBJECT, first)
