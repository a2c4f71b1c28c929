"""Appeals: free, within 180 days, decided by somebody who has not decided before, with reasons and
clocks that the person sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, four_eyes, queue, repository
from service.core.context import Context
from service.core.repository import Owner
from service.domain.errors import Forbidden, StateConflict
from service.domain.identity.actors import Actor
from service.domain.states.calendar import add_business_days
from service.domain.states.job_types import JobType
from service.domain.states.names import AppealState
from service.models import Appeal, File, Hold, new_id

OUTCOMES = {"upheld": "uphold", "changed": "change", "reversed": "reverse"}


def file(ctx: Context, hold: Hold, statement: str, files: Sequence[File] = ()) -> Appeal:
    """Ask for another decision.

    It lifts nothing by itself. Raises StateConflict when one is open, too late, or used up.
    """
    _check_open(ctx, hold)
    appeal = _filed(ctx, hold, statement, files)
    ctx.session.add(appeal)
    events.record(
        ctx,
        "appeal.filed",
        appeal,
        to_state=AppealState.SUBMITTED,
        hold=hold.id,
        decide_by=appeal.decide_by.isoformat(),
    )
    queue.enqueue(ctx, JobType.APPEAL_FIRST_ANSWER, appeal.id, appeal.first_answer_by)
    queue.enqueue(ctx, JobType.APPEAL_OVERDUE, appeal.id, appeal.decide_by)
    return appeal


def _check_open(ctx: Context, hold: Hold) -> None:
    """Raises StateConflict when no appeal can be filed against a hold."""
    found = (
        ctx.session.execute(select(Appeal.state).where(Appeal.hold_id == hold.id)).scalars().all()
    )
    problem = (
        "An appeal against this hold is being looked at."
        if {"submitted", "in_review"} & set(found)
        else "The time for an appeal is over."
        if ctx.now > hold.appeal_until
        else "There was an appeal, and one more with something new."
        if len(found) >= ctx.policies.windows.appeals_max
        else None
    )
    if problem:
        raise StateConflict(problem, {"current_state": hold.state, "allowed_actions": []})


def _filed(ctx: Context, hold: Hold, statement: str, files: Sequence[File]) -> Appeal:
    windows = ctx.policies.windows
    return Appeal(
        id=new_id("apl"),
        hold_id=hold.id,
        freelancer_id=hold.freelancer_id,
        state=AppealState.SUBMITTED,
        statement=statement,
        file_ids=[f.id for f in files],
        filed_at=ctx.now,
        first_answer_by=add_business_days(
            ctx.now, windows.first_answer_business_days, ctx.policies.stripe_country
        ),
        decide_by=ctx.now + timedelta(days=windows.appeal_final_days),
        reviewed_by=None,
        reasons=None,
        decided_at=None,
    )


def review(ctx: Context, appeal: Appeal, hold: Hold, others: list[Actor]) -> Appeal:
    """Somebody has it in hand.

    Raises Forbidden for whoever decided about the hold or (`others`) its case, StateConflict.
    """
    _another(ctx, hold, others)
    events.transition(ctx, appeal, "review")
    appeal.reviewed_by = ctx.actor
    queue.cancel(ctx, [JobType.APPEAL_FIRST_ANSWER], appeal.id)
    return appeal


def decide(
    ctx: Context, appeal: Appeal, hold: Hold, outcome: str, reasons: str, others: list[Actor]
) -> Appeal:
    """Upheld, changed or reversed, with reasons; what follows for the hold happens in the same
    transaction. Raises Forbidden, StateConflict.
    """
    _another(ctx, hold, others)
    appeal.reasons, appeal.reviewed_by, appeal.decided_at = reasons, ctx.actor, ctx.now
    events.transition(
        ctx, appeal, OUTCOMES[outcome], hold=hold.id, outcome=outcome, reasons=reasons
    )
    queue.cancel(ctx, [JobType.APPEAL_FIRST_ANSWER, JobType.APPEAL_OVERDUE], appeal.id)
    return appeal


def withdraw(ctx: Context, appeal: Appeal) -> Appeal:
    """The person takes it back. Raises StateConflict."""
    events.transition(ctx, appeal, "withdraw")
    appeal.decided_at = ctx.now
    queue.cancel(ctx, [JobType.APPEAL_FIRST_ANSWER, JobType.APPEAL_OVERDUE], appeal.id)
    return appeal


def _another(ctx: Context, hold: Hold, others: list[Actor]) -> None:
    if four_eyes.is_one_of(ctx, hold.opened_by, hold.confirmed_by, *others):
        raise Forbidden(
            "Somebody who has not decided about this hold has to decide about the appeal."
        )


def find(session: Session, appeal_id: str, *, owner: Owner, lock: bool = False) -> Appeal:
    """Raises NotFound."""
    found: Appeal = repository.owned(
        session,
        Appeal,
        "apl",
        appeal_id,
        owner=owner,
        missing="There is no such appeal.",
        lock=lock,
    )
    return found


def of_hold(session: Session, hold_id: str) -> Appeal | None:
    """The newest one against a hold."""
    return session.execute(
        select(Appeal).where(Appeal.hold_id == hold_id).order_by(Appeal.id.desc()).limit(1)
    ).scalar_one_or_none()


def waiting(session: Session, limit: int = 100) -> list[Appeal]:
    """The queue: open appeals, oldest first."""
    query = (
        select(Appeal)
        .where(Appeal.decided_at.is_(None))
        .order_by(Appeal.filed_at, Appeal.id)
        .limit(limit)
    )
    return list(session.execute(query).scalars())


def shown(appeal: Appeal) -> dict[str, Any]:
    """As the person and staff read it, clocks included."""
    return {
        "id": appeal.id,
        "object": "appeal",
        "hold": appeal.hold_id,
        "state": appeal.state,
        "statement": appeal.statement,
        "files": appeal.file_ids,
        "filed_at": appeal.filed_at.isoformat(),
        "first_answer_by": appeal.first_answer_by.isoformat(),
        "decide_by": appeal.decide_by.isoformat(),
        "reasons": appeal.reasons,
        "decided_at": appeal.decided_at.isoformat() if appeal.decided_at else None,
    }
