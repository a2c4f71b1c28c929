"""A review window ends without an answer: released only where the client is proved to have been
told.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, queue, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.identity.actors import SYSTEM
from service.domain.states.job_types import JobType
from service.domain.states.names import MessageState, MilestoneState
from service.escrow import milestone_money, refund_asks, states
from service.models import (
    ClientSession,
    Contract,
    Message,
    Milestone,
    SessionGrant,
    Submission,
)
from service.operations.contracts import milestones


def auto_release(ctx: Context, contract: Contract, milestone: Milestone) -> bool:
    """The review window is over.

    Releases only with proof that a notice reached the client; otherwise the window grows.

    After the last extension a person decides. Returns whether the money was released.
    """
    if (
        milestone.state != MilestoneState.SUBMITTED
        or milestone.auto_release_at is None
        or milestone.auto_release_at > ctx.now
    ):
        return False
    if notice_proved(
        ctx, contract, _submitted_at(ctx.session, milestone), ("work_submitted", "review_notice")
    ):
        return _release_rest(ctx.as_(SYSTEM), contract, milestone)
    windows = ctx.policies.windows
    if milestone.extensions >= windows.review_extensions_max:
        staff_tasks.open_task(
            ctx, TaskType.AUTO_RELEASE_WITHOUT_NOTICE, milestone.id, contract=contract.id
        )
        return False
    milestone.extensions += 1
    milestone.auto_release_at = milestone.auto_release_at + timedelta(
        days=windows.review_extension_days
    )
    states.schedule_review(ctx, milestone)
    events.record(
        ctx,
        "milestone.review_extended",
        milestone,
        contract=contract,
        extension=milestone.extensions,
    )
    return False


def _release_rest(ctx: Context, contract: Contract, milestone: Milestone) -> bool:
    """Silence releases what the client has not asked back; that waits for its own answer.

    Returns False when all of it was.
    """
    asked, held = refund_asks.open_request(ctx.session, milestone.id), None
    if asked is not None:
        held = milestone_money.escrowed_minor(milestone) - asked.amount_minor
        if held <= 0:
            queue.enqueue(ctx, JobType.AUTO_RELEASE, milestone.id, asked.answer_by)
            return False
    milestones.approve(ctx, contract, milestone, held)
    return True


def notice_is_due(ctx: Context, milestone: Milestone, days: int) -> bool:
    """Whether the reminder `days` before the window's end still fits: submitted, and the end where
    it was when planned.
    """
    if milestone.state != MilestoneState.SUBMITTED or milestone.auto_release_at is None:
        return False
    return abs(milestone.auto_release_at - timedelta(days=days) - ctx.now) < timedelta(hours=12)


def notice_proved(
    ctx: Context, contract: Contract, since: datetime, templates: tuple[str, ...]
) -> bool:
    """One of these emails was accepted by the mail server a day ago and did not bounce, or the
    page was opened since.
    """
    opened = (
        select(ClientSession.id)
        .join(SessionGrant)
        .where(SessionGrant.contract_id == contract.id, ClientSession.last_seen_at >= since)
    )
    if ctx.session.execute(opened.limit(1)).first():
        return True
    before = ctx.now - timedelta(hours=ctx.policies.windows.proof_of_notice_hours)
    query = select(Message.id).where(
        Message.contract_id == contract.id,
        Message.template.in_(templates),
        Message.state == MessageState.SENT,
        Message.sent_at.between(since, before),
    )
    return ctx.session.execute(query.limit(1)).first() is not None


def _submitted_at(session: Session, milestone: Milestone) -> datetime:
    query = select(Submission.submitted_at).where(
        Submission.milestone_id == milestone.id, Submission.round == milestone.round
    )
    return session.execute(query).scalar_one()
