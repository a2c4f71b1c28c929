"""A person's status: restricted or blocked.

It makes one hold with the scopes of its level, and nothing else.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, queue
from service.core.context import Context
from service.domain.errors import NotFound, StateConflict
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.states.job_types import JobType
from service.domain.states.restrictions import LEVELS
from service.models import Hold, Suspension, new_id


def scopes_of(person: str, level: str) -> tuple[str, ...]:
    """What a level stops for a person, by their id."""
    return LEVELS[
        ("freelancer" if typeid.is_typeid(person, ObjectKind.FREELANCER) else "client", level)
    ]


def start(ctx: Context, hold: Hold, level: str, until: datetime | None) -> Suspension:
    """The status that goes with a hold just placed.

    Raises StateConflict while another suspension lasts.
    """
    running = select(Suspension.id).where(
        Suspension.person_id == hold.subject_id, Suspension.ended_at.is_(None)
    )
    if ctx.session.execute(running).first():
        raise StateConflict(
            "This person is suspended already; end that suspension first.",
            {"current_state": "suspended", "allowed_actions": ["end"]},
        )
    made = Suspension(
        id=new_id("sus"),
        person_kind=hold.subject_kind,
        person_id=hold.subject_id,
        level=level,
        hold_id=hold.id,
        started_by=ctx.actor,
        started_at=ctx.now,
        until=until,
        ended_at=None,
        ended_by=None,
        end_reason=None,
    )
    ctx.session.add(made)
    events.record(ctx, "suspension.started", hold, level=level, suspension=made.id)
    queue.enqueue(
        ctx,
        JobType.SUSPENSION_REVIEW,
        made.id,
        ctx.now + timedelta(days=ctx.policies.windows.suspension_alarm_days),
    )
    return made


def find(session: Session, suspension_id: str) -> Suspension:
    """Raises NotFound."""
    found = (
        session.get(Suspension, suspension_id) if typeid.is_typeid(suspension_id, "sus") else None
    )
    if found is None:
        raise NotFound("There is no such suspension.")
    return found
