"""Work that is due: jobs, timers and retries in one table, read by the service's own clock.

A job is written in the transaction that makes it necessary, so it exists exactly when its reason
does. One waiting job per (kind, subject): asking again moves its date. A job that is asked for
again while it runs stays waiting and runs once more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from service.core.context import Context
from service.domain.states.job_types import JobType
from service.models import Job
from service.platform import clock
from service.platform.db import fetch

MAX_ATTEMPTS = 12
LEASE_SECONDS = 30
"""How long a job waits for a process that died with it.

A handler that takes longer may run twice at once: its keys and locks make that harmless, and only
the holder of the newest lease can finish the job.
"""
_FIRST_DELAY = timedelta(seconds=5)
_LONGEST_DELAY = timedelta(hours=6)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class JobRequest:
    """Have `type` done for `subject` (an id of ours) at `due_at`."""

    type: JobType
    subject: str
    due_at: datetime
    args: Mapping[str, str] = field(default_factory=dict)
    """What the subject alone does not say; ids only."""


@dataclass(frozen=True)
class ClaimedJob:
    """A job that this process holds until its lease ends.

    `due_at` is the business instant it stands for.
    """

    id: int
    code: str
    subject: str
    args: dict[str, str]
    due_at: datetime
    attempts: int
    lease: datetime

    @property
    def type(self) -> JobType:
        """Raises ValueError for a code that a newer release has written."""
        return JobType(self.code)


_ENQUEUE = """
    INSERT INTO job (kind, subject, due_at, args) SELECT *
        FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::jsonb[])
    ON CONFLICT (kind, subject) WHERE state = 'waiting'
    DO UPDATE SET due_at = excluded.due_at, args = excluded.args, leased_until = NULL,
        attempts = 0, parked = false
"""


def enqueue(ctx: Context, job: JobType, subject: str, due_at: datetime | None = None) -> None:
    """Have the job done for `subject` at `due_at` (now when left out)."""
    enqueue_many(ctx, [JobRequest(job, subject, due_at or ctx.now)])


def enqueue_many(ctx: Context, requests: Sequence[JobRequest]) -> None:
    """Several jobs in one statement; one that already waits moves to the new instant."""
    if requests:
        columns = (
            [one.type for one in requests],
            [one.subject for one in requests],
            [one.due_at for one in requests],
            [json.dumps(dict(one.args)) for one in requests],
        )
        fetch(ctx.session, _ENQUEUE, columns)


_CANCEL = text(
    "UPDATE job SET state = 'done', finished_at = :now WHERE state = 'waiting' AND subject = "
    ":subject AND kind = ANY (:types)"
)


def cancel(ctx: Context, types: Sequence[JobType], subject: str) -> None:
    """Take back timers that have lost their reason.

    One that is running right now sees the new state under its lock.
    """
    ctx.session.execute(_CANCEL, {"now": ctx.now, "subject": subject, "types": list(types)})


_CLAIM = text(f"""
    UPDATE job SET leased_until = clock_timestamp() + make_interval(secs => :lease),
        attempts = attempts + 1, parked = false
     WHERE id = (SELECT id FROM job
                  WHERE state = 'waiting' AND due_at <= (SELECT {clock.NOW} FROM installation)
                      AND (leased_until IS NULL OR leased_until < clock_timestamp())
                  ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, kind, subject, args, due_at, attempts, leased_until
""")


def claim(session: Session) -> ClaimedJob | None:
    """The job that has been due longest and that nobody holds, or None."""
    row = session.execute(_CLAIM, {"lease": LEASE_SECONDS}).one_or_none()
    return ClaimedJob(*row) if row else None


_FINISH = text(
    "UPDATE job SET state = 'done', finished_at = :now, leased_until = NULL, last_error = NULL "
    "WHERE id = :id AND leased_until = :lease"
)


def finish(session: Session, job: ClaimedJob, now: datetime) -> None:
    """The job is done, unless it was asked for again meanwhile: then it stays and runs once
    more.
    """
    session.execute(_FINISH, {"id": job.id, "lease": job.lease, "now": now})


_RETRY = text("""
    UPDATE job SET state = :state, due_at = :due_at, leased_until = NULL, last_error = :error,
                   finished_at = CASE WHEN :state = 'dead' THEN CAST(:now AS timestamptz) END
     WHERE id = :id AND leased_until = :lease
""")


def fail(
    session: Session,
    job: ClaimedJob,
    now: datetime,
    error: str,
    retry_after: timedelta | None = None,
) -> bool:
    """Try again later, or put the job aside for a person after the last try.

    Returns whether it is dead.
    """
    dead = job.attempts >= MAX_ATTEMPTS
    delay = retry_after or min(_FIRST_DELAY * 2 ** (job.attempts - 1), _LONGEST_DELAY)
    due_at = job.due_at if dead else now + delay
    parameters = {
        "state": "dead" if dead else "waiting",
        "due_at": due_at,
        "error": error[:500],
        "now": now,
        "id": job.id,
        "lease": job.lease,
    }
    session.execute(_RETRY, parameters)
    return dead


_PARK = text("""
    UPDATE job SET due_at = :due_at, leased_until = NULL, attempts = 0, last_error = :error,
                   parked = true
        WHERE id = :id AND leased_until = :lease
""")
_WAKE = text("UPDATE job SET due_at = :now WHERE state = 'waiting' AND parked AND due_at > :now")
_HELD_LOOKS_EVERY = timedelta(hours=6)


def park(session: Session, job: ClaimedJob, now: datetime, error: str) -> None:
    """A hold stops it: it waits without using up its tries, and is looked at now and then even if
    nobody wakes it.
    """
    session.execute(
        _PARK,
        {"due_at": now + _HELD_LOOKS_EVERY, "error": error[:500], "id": job.id, "lease": job.lease},
    )


def wake_parked(ctx: Context) -> None:
    """A hold has ended: whatever waited for one looks again now."""
    ctx.session.execute(_WAKE, {"now": ctx.now})


_FIGURES = text("""
    SELECT count(*) FILTER (WHERE state = 'dead') AS dead,
           count(*) FILTER (WHERE state = 'waiting' AND due_at <= :now) AS overdue,
           coalesce(extract(epoch FROM :now - min(due_at)
               FILTER (WHERE state = 'waiting' AND due_at <= :now)), 0)::float AS oldest_seconds
      FROM job WHERE state <> 'done'
""")


@dataclass(frozen=True)
class QueueFigures:
    """How the queue stands: dead jobs wait for a person."""

    dead: int
    overdue: int
    oldest_seconds: float


def figures(session: Session, now: datetime) -> QueueFigures:
    return QueueFigures(*session.execute(_FIGURES, {"now": now}).one())


_DEAD = text(
    "SELECT id, kind, subject, last_error, finished_at FROM job WHERE state = 'dead' ORDER BY id "
    "LIMIT :limit"
)
_REVIVE = text(
    "UPDATE job SET state = 'waiting', attempts = 0, due_at = :now, finished_at = NULL WHERE id "
    "= :id AND state = 'dead' RETURNING id"
)


def dead_jobs(session: Session, limit: int = 100) -> list[dict[str, Any]]:
    """Jobs that used up their tries, with their last error."""
    return [dict(row) for row in session.execute(_DEAD, {"limit": limit}).mappings()]


def revive(session: Session, job_id: int, now: datetime) -> bool:
    """Give a dead job a fresh set of tries. Returns whether there was one."""
    return session.execute(_REVIVE, {"id": job_id, "now": now}).one_or_none() is not None


def enqueue_unless_waiting(ctx: Context, job: JobType, subject: str, due_at: datetime) -> None:
    """For recurring work: the date that is planned already stays."""
    statement = insert(Job).values(kind=job, subject=subject, due_at=due_at, args={})
    ctx.session.execute(statement.on_conflict_do_nothing())
