"""A hold is confirmed, renewed, narrowed, lifted or ends by itself, and what it stopped goes on."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, four_eyes, queue, repository, staff_tasks
from service.core.context import Context
from service.core.repository import EVERYONE, Owner
from service.core.staff_tasks import TaskType
from service.domain.errors import Forbidden, Invalid, StateConflict
from service.domain.identity.actors import SYSTEM
from service.domain.states.calendar import add_business_days
from service.domain.states.job_types import JobType
from service.domain.states.names import HoldState
from service.escrow import freezing
from service.models import (
    Hold,
    Suspension,
    new_id,
)
from service.operations.safety import holds

_KEPT = (
    "subject_kind",
    "subject_id",
    "freelancer_id",
    "amount_minor",
    "currency",
    "reason_code",
    "clause",
    "facts",
    "internal_note",
    "disclosure",
    "automated",
    "rule_id",
    "opened_by",
    "confirm_by",
    "confirmed_by",
    "renewals",
    "renewed_by",
    "starts_at",
    "expires_at",
    "appeal_until",
)


def confirm(ctx: Context, hold: Hold) -> Hold:
    """A second person stands behind it.

    Raises Forbidden for the first one, StateConflict when it is over or confirmed.
    """
    _alive(hold)
    if four_eyes.is_one_of(ctx, hold.opened_by):
        raise Forbidden("Another person has to confirm.")
    if hold.confirm_by is None or hold.confirmed_by is not None:
        raise StateConflict(
            "This hold needs no confirmation.", {"current_state": hold.state, "allowed_actions": []}
        )
    hold.confirmed_by = ctx.actor
    queue.cancel(ctx, [JobType.HOLD_UNCONFIRMED], hold.id)
    events.record(ctx, "hold.confirmed", hold, public=False)
    return hold


def renew(ctx: Context, hold: Hold, days: int) -> Hold:
    """Another person makes it last longer: to 90 days, and 180 at most without a legal ground.

    Raises Forbidden, Invalid, StateConflict.
    """
    _alive(hold)
    if four_eyes.is_one_of(ctx, hold.opened_by, hold.confirmed_by):
        raise Forbidden("Somebody who has not decided about this hold yet has to renew it.")
    if hold.automated or hold.expires_at is None or hold.state == HoldState.CONVERTED:
        raise StateConflict(
            "This hold is not renewed: a rule's ends, a legal one lasts until it is lifted.",
            {"current_state": hold.state, "allowed_actions": []},
        )
    windows = ctx.policies.windows
    most = windows.hold_days_renewed if hold.renewals == 0 else windows.hold_days_max
    wanted = hold.expires_at + timedelta(days=days)
    if wanted > hold.starts_at + timedelta(days=most):
        raise Invalid.one("/days", "too_long", f"{most} days from its start at most.")
    hold.expires_at, hold.renewals = wanted, hold.renewals + 1
    hold.renewed_by = ctx.actor
    queue.enqueue(ctx, JobType.HOLD_EXPIRY, hold.id, wanted)
    events.record(ctx, "hold.renewed", hold, expires_at=wanted.isoformat())
    return hold


def review(ctx: Context, hold: Hold) -> Hold:
    """A person has it in hand. Raises StateConflict."""
    events.transition(ctx, hold, "review")
    queue.cancel(ctx, [JobType.HOLD_REVIEW_DUE], hold.id)
    return hold


def lift(ctx: Context, hold: Hold, reason: str) -> Hold:
    """End this hold and no other.

    What waited for it goes on, if nothing else holds it. Raises StateConflict.
    """
    _end(ctx, hold, "lift", reason)
    return hold


def narrow(ctx: Context, hold: Hold, scopes: tuple[str, ...], reason: str) -> Hold | None:
    """End this hold and go on with less of it, on the same facts; None when nothing is left of it.

    Raises StateConflict, Invalid.
    """
    left = tuple(scope for scope in hold.scopes if scope in scopes)
    if hold.state == HoldState.CONVERTED:
        raise StateConflict(
            "A case needs the whole of its hold; drop the case first.",
            {"current_state": hold.state, "allowed_actions": []},
        )
    if len(left) == len(hold.scopes) or hold.amount_minor is not None:
        raise Invalid.one("/scopes", "nothing_changed", "Name fewer scopes than the hold has.")
    _end(ctx, hold, "lift", reason)
    if not left:
        return None
    ctx.session.flush()
    # The same decision, smaller: whoever opened and confirmed it still did, and no clock begins
    # anew.
    kept = {name: getattr(hold, name) for name in _KEPT}
    fresh = Hold(
        id=new_id("hld"),
        state=HoldState.ACTIVE,
        scopes=list(left),
        review_due_at=add_business_days(
            ctx.now, ctx.policies.windows.first_answer_business_days, ctx.policies.stripe_country
        ),
        ended_at=None,
        ended_by=None,
        end_reason=None,
        **kept,
    )
    return holds.begin(ctx, fresh)


def expire(ctx: Context, hold: Hold, why: str) -> bool:
    """Its time is over, or nobody confirmed it. Returns False when that is not so any more."""
    if hold.state not in (HoldState.ACTIVE, HoldState.IN_REVIEW):
        return False
    if why == "expired" and (hold.expires_at is None or hold.expires_at > ctx.now):
        return False
    if why == "unconfirmed" and hold.confirmed_by is not None:
        return False
    _end(ctx.as_(SYSTEM), hold, "expire", why)
    return True


def _end(ctx: Context, hold: Hold, event: str, reason: str) -> None:
    holds.lock(ctx, hold)
    events.transition(ctx, hold, event, reason=reason)
    hold.ended_at, hold.ended_by, hold.end_reason = ctx.now, ctx.actor, reason
    queue.cancel(
        ctx, [JobType.HOLD_UNCONFIRMED, JobType.HOLD_EXPIRY, JobType.HOLD_REVIEW_DUE], hold.id
    )
    for task in (TaskType.REQUIREMENT_GIVEN, TaskType.HOLD_REVIEW_DUE, TaskType.RULE_FIRED):
        staff_tasks.close_task(ctx, task, hold.id)
    _end_suspension(ctx, hold, reason)
    if hold.amount_minor is not None:
        ctx.session.flush()
        freezing.return_reserve(ctx, hold, hold.freelancer_id or "")
    else:
        freezing.refresh_gates(ctx, hold)
        freezing.resume_reviews(ctx, hold)
    queue.wake_parked(ctx)
    if hold.freelancer_id is not None and "outflow" in hold.scopes:
        queue.enqueue(ctx, JobType.PAYOUTS_RESUME, hold.freelancer_id)


def _end_suspension(ctx: Context, hold: Hold, reason: str) -> None:
    query = select(Suspension).where(Suspension.hold_id == hold.id, Suspension.ended_at.is_(None))
    found = ctx.session.execute(query).scalar_one_or_none()
    if found is not None:
        found.ended_at, found.ended_by, found.end_reason = ctx.now, ctx.actor, reason


def find(session: Session, hold_id: str, *, owner: Owner, lock: bool = False) -> Hold:
    """Staff see all, a freelancer those that concern them. Raises NotFound."""
    found: Hold = repository.owned(
        session, Hold, "hld", hold_id, owner=owner, missing="There is no such hold.", lock=lock
    )
    return found


def listed(
    session: Session, *, owner: Owner, in_force_only: bool, after: str | None, limit: int
) -> list[Hold]:
    """Newest first, one more than `limit` when there are more."""
    query = select(Hold).order_by(Hold.id.desc()).limit(limit + 1)
    for condition in (
        Hold.freelancer_id == owner if owner is not EVERYONE else None,
        Hold.ended_at.is_(None) if in_force_only else None,
        Hold.id < after if after else None,
    ):
        query = query.where(condition) if condition is not None else query
    return list(session.execute(query).scalars())


def _alive(hold: Hold) -> None:
    if hold.ended_at is not None:
        raise StateConflict(
            "This hold is over.", {"current_state": hold.state, "allowed_actions": []}
        )
