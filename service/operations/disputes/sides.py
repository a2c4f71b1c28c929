"""What the steps of a dispute share: who may act now, which numbers are possible, and its clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import queue
from service.core.context import Context
from service.domain.errors import Forbidden, Invalid, StateConflict
from service.domain.states.calendar import add_business_days
from service.domain.states.job_types import JobType
from service.models import Contract, Dispute, Milestone

UNDECIDED = ("open", "answered", "negotiation", "mediation", "proposal", "arbitration")


def answer_by(ctx: Context) -> datetime:
    return add_business_days(
        ctx.now, ctx.policies.windows.dispute_answer_business_days, ctx.policies.stripe_country
    )


def set_deadline(
    ctx: Context, dispute: Dispute, instant: datetime, *, reminded: bool = False
) -> None:
    """`reminded`: silence decides about money then, so whoever has not answered hears of it once
    more.
    """
    dispute.deadline_at = instant
    queue.enqueue(ctx, JobType.DISPUTE_DUE, dispute.id, instant)
    if reminded:
        queue.enqueue(
            ctx,
            JobType.DISPUTE_REMINDER,
            dispute.id,
            instant - timedelta(days=ctx.policies.windows.silence_reminder_days),
        )


def only_side(dispute: Dispute, side: str, *, opener: bool) -> None:
    if (side == dispute.opened_by) != opener:
        raise Forbidden(
            "This is for the side that opened the dispute."
            if opener
            else "This is for the other side to answer."
        )


def check_amount(dispute: Dispute, refund_minor: int) -> None:
    if not 0 <= refund_minor <= dispute.amount_minor:
        raise Invalid.one(
            "/refund",
            "amount_out_of_range",
            "The refund lies between nothing and the disputed amount.",
        )


def not_possible_now(dispute: Dispute) -> StateConflict:
    return StateConflict(
        f"The dispute is in {dispute.state}; this is not possible now.",
        {"current_state": dispute.state, "allowed_actions": []},
    )


def milestone_of(contract: Contract, dispute: Dispute) -> Milestone:
    return next(m for m in contract.milestones if m.id == dispute.milestone_id)


def of_milestone(session: Session, milestone_id: str) -> Dispute | None:
    """The dispute that is not over, if any."""
    return session.execute(
        select(Dispute).where(Dispute.milestone_id == milestone_id, Dispute.closed_at.is_(None))
    ).scalar_one_or_none()


def of_contract(session: Session, contract_id: str) -> list[Dispute]:
    """All disputes of a contract, newest first, at most 100."""
    return list(
        session.execute(
            select(Dispute)
            .where(Dispute.contract_id == contract_id)
            .order_by(Dispute.id.desc())
            .limit(100)
        ).scalars()
    )
