"""A dispute over escrowed money begins: exactly the disputed amount is locked."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from service.core import events, queue
from service.core.context import Context
from service.domain.errors import Invalid, StateConflict
from service.domain.money.money import plain
from service.domain.states.job_types import JobType
from service.domain.states.names import DisputeState, MilestoneState
from service.escrow import milestone_money, states
from service.models import Contract, Dispute, Milestone, new_id
from service.operations.disputes import sides


def start(
    ctx: Context,
    contract: Contract,
    milestone: Milestone,
    side: str,
    amount_minor: int | None,
    refund_minor: int | None,
    claim: str,
) -> Dispute:
    """Lock `amount_minor` of what is escrowed (all of it when left out) and claim that
    `refund_minor` of it goes to the client.

    Raises StateConflict when nothing is escrowed, Invalid for an amount out of range.
    """
    _check_disputable(ctx.session, milestone)
    amount, wanted = _disputed_and_claimed(contract, milestone, side, amount_minor, refund_minor)
    dispute = _opened(ctx, contract, milestone, side, amount, wanted, claim)
    entry = milestone_money.lock(contract, milestone, amount, dispute.id)
    if milestone_money.escrowed_minor(milestone) == 0:
        dispute.milestone_was, dispute.review_left_seconds = states.pause(
            ctx, contract, milestone, "dispute", dispute=dispute.id
        )
    ctx.session.add(dispute)
    events.record(
        ctx,
        "dispute.opened",
        dispute,
        contract=contract,
        to_state=DisputeState.OPEN,
        amount=amount,
        currency=contract.currency,
        refund=wanted,
        by=side,
        milestone=milestone.id,
    )
    queue.enqueue(ctx, JobType.DISPUTE_HARD_STOP, dispute.id, dispute.hard_stop_at)
    sides.set_deadline(ctx, dispute, sides.answer_by(ctx), reminded=True)
    states.touch(ctx, contract)
    milestone_money.post_all(ctx, [entry])
    return dispute


def _check_disputable(session: Session, milestone: Milestone) -> None:
    if (
        milestone.state not in (*states.OPEN_TO_THE_CLIENT, MilestoneState.REFUND_REQUESTED)
        or milestone_money.escrowed_minor(milestone) == 0
    ):
        raise StateConflict(
            "Only money that is still held can be disputed.",
            {"current_state": milestone.state, "allowed_actions": []},
        )
    if sides.of_milestone(session, milestone.id) is not None:
        raise StateConflict(
            "This milestone is in dispute already.",
            {"current_state": milestone.state, "allowed_actions": []},
        )


def _disputed_and_claimed(
    contract: Contract,
    milestone: Milestone,
    side: str,
    amount_minor: int | None,
    refund_minor: int | None,
) -> tuple[int, int]:
    """How much is disputed, and how much of it the claim sends back to the client."""
    escrowed = milestone_money.escrowed_minor(milestone)
    amount = escrowed if amount_minor is None else amount_minor
    wanted = (amount if side == "client" else 0) if refund_minor is None else refund_minor
    if not 1 <= amount <= escrowed:
        raise Invalid.one(
            "/amount",
            "amount_out_of_range",
            f"Up to {plain(escrowed, contract.currency)} can be disputed.",
        )
    if not 0 <= wanted <= amount:
        raise Invalid.one(
            "/refund",
            "amount_out_of_range",
            "The refund that you claim lies between nothing and the disputed amount.",
        )
    return amount, wanted


def _opened(
    ctx: Context,
    contract: Contract,
    milestone: Milestone,
    side: str,
    amount_minor: int,
    claimed_minor: int,
    claim: str,
) -> Dispute:
    return Dispute(
        id=new_id("dsp"),
        contract_id=contract.id,
        milestone_id=milestone.id,
        state=DisputeState.OPEN,
        opened_by=side,
        amount_minor=amount_minor,
        claimed_refund_minor=claimed_minor,
        claim=claim,
        answer=None,
        answered_refund_minor=None,
        milestone_was=milestone.state,
        review_left_seconds=states.review_left(ctx.now, milestone),
        refund_minor=None,
        reasons=None,
        mediator=None,
        decider=None,
        opened_at=ctx.now,
        deadline_at=sides.answer_by(ctx),
        hard_stop_at=ctx.now + timedelta(days=ctx.policies.windows.dispute_hard_stop_days),
        closed_at=None,
    )
