"""What a milestone holds: locked for a dispute, free again, or carried over to another one."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.context import Context
from service.domain.errors import Conflict
from service.domain.states.names import MilestoneState
from service.ledger import Entry, entries, post
from service.models import Contract, Milestone, Payment, PaymentLine, Release, new_id


def escrowed_minor(milestone: Milestone) -> int:
    """What may still be released, refunded or disputed.

    `ledger verify` compares it with the escrow account.
    """
    gone = (
        milestone.released_minor
        + milestone.refunded_minor
        + milestone.refunding_minor
        + milestone.confiscated_minor
        + milestone.charged_back_minor
    )
    return milestone.funded_minor - gone - milestone.disputed_minor


def post_all(ctx: Context, decided: list[Entry]) -> None:
    """Post what an action decided, in order. Raises what `ledger.post` raises."""
    for entry in decided:
        post(ctx, entry)


def next_number(session: Session, milestone: Milestone) -> int:
    if milestone.released_minor == 0:
        return 1
    return (
        len(session.execute(select(Release.id).where(Release.milestone_id == milestone.id)).all())
        + 1
    )


def funding_payment(session: Session, milestone: Milestone) -> Payment:
    """The one payment that funded a milestone."""
    query = (
        select(Payment)
        .join(PaymentLine)
        .where(PaymentLine.milestone_id == milestone.id, PaymentLine.funded)
    )
    return session.execute(query).scalar_one()


def lock(contract: Contract, milestone: Milestone, amount_minor: int, dispute_id: str) -> Entry:
    """Exactly this much is locked; the rest flows on. Raises Conflict when less is escrowed."""
    if amount_minor > escrowed_minor(milestone):
        raise Conflict(
            "Less than that is held for this milestone.", {"held": escrowed_minor(milestone)}
        )
    milestone.disputed_minor += amount_minor
    return entries.dispute_lock(contract, milestone, dispute_id, amount_minor)


def unlock(contract: Contract, milestone: Milestone, amount_minor: int, dispute_id: str) -> Entry:
    """What was locked is escrowed as before."""
    milestone.disputed_minor -= amount_minor
    return entries.dispute_settle(contract, milestone, dispute_id, amount_minor)


def roll_on(ctx: Context, contract: Contract, milestone: Milestone) -> tuple[Milestone, Entry]:
    """What is still escrowed becomes a milestone of its own at the end of the list, paid already by
    the same payment.
    """
    amount = escrowed_minor(milestone)
    # Of the freelancer's processing cost, what was not taken with the released part goes along.
    processing = milestone.processing_due_minor - milestone.processing_taken_minor
    fresh = Milestone(
        id=new_id("mst"),
        contract_id=contract.id,
        number=max(m.number for m in contract.milestones) + 1,
        state=MilestoneState.FUNDED,
        title=f"Rest of {milestone.title}"[:140],
        amount_minor=amount,
        due_on=milestone.due_on,
        funded_minor=amount,
        processing_due_minor=processing,
        security_days=milestone.security_days,
        hold_limit_at=milestone.hold_limit_at,
        auto_release_at=None,
        billed_before_minor=None,
    )
    milestone.amount_minor -= amount
    milestone.funded_minor -= amount
    milestone.processing_due_minor -= processing
    contract.milestones.append(fresh)
    # The new milestone's row before the payment's line that refers to it.
    ctx.session.flush()
    _move_payment_line(ctx.session, milestone, fresh, amount, processing)
    return fresh, entries.roll(contract, milestone, fresh, amount)


def _move_payment_line(
    session: Session,
    milestone: Milestone,
    fresh: Milestone,
    amount_minor: int,
    processing_minor: int,
) -> None:
    payment = funding_payment(session, milestone)
    line = next(one for one in payment.lines if one.milestone_id == milestone.id)
    line.amount_minor -= amount_minor
    line.processing_minor -= processing_minor
    payment.lines.append(
        PaymentLine(
            milestone_id=fresh.id,
            amount_minor=amount_minor,
            processing_minor=processing_minor,
            open=False,
            funded=True,
        )
    )
