"""Money back by agreement: the client asks, the freelancer answers or is silent, or gives without
being asked.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from service.core import events, queue
from service.core.context import Context
from service.domain.errors import Invalid, StateConflict
from service.domain.identity.actors import SYSTEM
from service.domain.money.money import plain
from service.domain.states.job_types import JobType
from service.domain.states.names import MilestoneState, RefundRequestState
from service.escrow import milestone_money, refund_asks, refunds, states
from service.ledger import post
from service.models import Contract, Milestone, Refund, RefundRequest, new_id

# Asked for by the client


def ask(
    ctx: Context, contract: Contract, milestone: Milestone, amount_minor: int | None, reason: str
) -> RefundRequest:
    """The client asks for escrowed money, or after the release for released money.

    Raises StateConflict, Invalid.

    Silence: what was not handed over goes back; about what was handed over a dispute opens;
    released money stays.
    """
    most = refundable_minor(ctx, milestone)
    amount = most if amount_minor is None else amount_minor
    _check_ask(ctx.session, contract, milestone, amount, most)
    request = _opened(ctx, contract, milestone, amount, reason)
    if not request.after_release and amount == most and not milestone.disputed_minor:
        states.pause(ctx, contract, milestone, "ask_refund", amount=amount)
    ctx.session.add(request)
    events.record(
        ctx,
        "refund_request.opened",
        request,
        contract=contract,
        amount=amount,
        currency=contract.currency,
        reason=reason,
        milestone=milestone.id,
    )
    reminder = request.answer_by - timedelta(days=ctx.policies.windows.silence_reminder_days)
    queue.enqueue_many(
        ctx,
        [
            queue.JobRequest(JobType.REFUND_REQUEST_DUE, request.id, request.answer_by),
            queue.JobRequest(JobType.REFUND_REQUEST_REMINDER, request.id, reminder),
        ],
    )
    states.touch(ctx, contract)
    return request


def ask_instead(
    ctx: Context, contract: Contract, milestone: Milestone, amount_minor: int | None, reason: str
) -> RefundRequest:
    """As `ask`, in place of what was asked before: the client knows better now what they want back,
    and one question at a time is open. Raises StateConflict, Invalid.
    """
    before = refund_asks.open_request(ctx.session, milestone.id)
    if before is not None:
        withdraw(ctx, contract, before)
        # The old row is closed before the new one: the database takes one open request at a time.
        ctx.session.flush()
    return ask(ctx, contract, milestone, amount_minor, reason)


def refundable_minor(ctx: Context, milestone: Milestone) -> int:
    """What can go back at most: of what was released and is left of its payment, or of what is
    escrowed.
    """
    if milestone.state != MilestoneState.RELEASED:
        return milestone_money.escrowed_minor(milestone)
    released = milestone.released_minor - milestone.refunded_after_release_minor
    return min(released, refunds.left_of_payment(ctx, milestone))


def _check_ask(
    session: Session,
    contract: Contract,
    milestone: Milestone,
    amount_minor: int,
    most_minor: int,
) -> None:
    if milestone.state not in (*states.OPEN_TO_THE_CLIENT, MilestoneState.RELEASED):
        raise StateConflict(
            "There is no money here to ask back.",
            {"current_state": milestone.state, "allowed_actions": []},
        )
    if not 1 <= amount_minor <= most_minor:
        raise Invalid.one(
            "/amount",
            "amount_out_of_range",
            f"Up to {plain(most_minor, contract.currency)} can be asked back.",
        )
    if refund_asks.open_request(session, milestone.id) is not None:
        raise StateConflict(
            "A refund was asked for already.",
            {"current_state": milestone.state, "allowed_actions": ["withdraw"]},
        )


def _opened(
    ctx: Context,
    contract: Contract,
    milestone: Milestone,
    amount_minor: int,
    reason: str,
) -> RefundRequest:
    after_release = milestone.state == MilestoneState.RELEASED
    silence = (
        "nothing"
        if after_release
        else "dispute"
        if milestone.state == MilestoneState.SUBMITTED
        else "refund"
    )
    return RefundRequest(
        id=new_id("rrq"),
        contract_id=contract.id,
        milestone_id=milestone.id,
        state=RefundRequestState.OPEN,
        amount_minor=amount_minor,
        reason=reason,
        after_release=after_release,
        silence_means=silence,
        milestone_was=milestone.state,
        review_left_seconds=states.review_left(ctx.now, milestone),
        asked_at=ctx.now,
        answer_by=ctx.now + timedelta(days=ctx.policies.windows.refund_answer_days),
        answered_at=None,
    )


def agree(ctx: Context, contract: Contract, request: RefundRequest) -> Refund | None:
    """The freelancer agrees, or their silence does (the context is then the system's).

    Raises StateConflict, ChargedBack.

    None when the money has gone its way meanwhile: then the request has lost its meaning.
    """
    milestone = _milestone(contract, request.milestone_id)
    if nothing_left(contract, request):
        withdraw(ctx.as_(SYSTEM), contract, request)
        return None
    refund_asks.agreed(ctx, contract, request, request.amount_minor)
    if request.after_release:
        refund, entry = refunds.refund_released(
            ctx, contract, milestone, request.amount_minor, request.reason
        )
    else:
        refund, entry = refunds.refund_escrowed(
            ctx,
            contract,
            milestone,
            min(request.amount_minor, milestone_money.escrowed_minor(milestone)),
            request.reason,
        )
        states.emptied(ctx, contract, milestone, "refund", amount=refund.amount_minor)
        # More may be held than when it was asked: what a failed refund or a reversed case brought.
        _back(ctx, contract, request)
    states.after_change(ctx, contract)
    post(ctx, entry)
    return refund


def nothing_left(contract: Contract, request: RefundRequest) -> bool:
    """Whether what was asked back is no longer escrowed: released, refunded by the end of the
    contract, taken by a bank.
    """
    return (
        not request.after_release
        and milestone_money.escrowed_minor(_milestone(contract, request.milestone_id)) == 0
    )


def refuse(ctx: Context, contract: Contract, request: RefundRequest, why: str) -> None:
    """The freelancer says no: everything is as before, and the client may open a dispute.

    Raises StateConflict.
    """
    refund_asks.end(ctx, contract, request, "refuse", why=why, amount=request.amount_minor)
    _back(ctx, contract, request)


def withdraw(ctx: Context, contract: Contract, request: RefundRequest) -> None:
    """The client no longer asks. Raises StateConflict."""
    refund_asks.end(ctx, contract, request, "withdraw", amount=request.amount_minor)
    _back(ctx, contract, request)


def becomes_dispute(ctx: Context, contract: Contract, request: RefundRequest) -> Milestone:
    """The request ends in a dispute, which the caller opens over the milestone that this
    returns.
    """
    refund_asks.end(ctx, contract, request, "dispute")
    _back(ctx, contract, request)
    return _milestone(contract, request.milestone_id)


def _back(ctx: Context, contract: Contract, request: RefundRequest) -> None:
    milestone = _milestone(contract, request.milestone_id)
    if milestone.state == MilestoneState.REFUND_REQUESTED:
        states.resume(ctx, contract, milestone, request.milestone_was, request.review_left_seconds)
    states.touch(ctx, contract)


# Given by the freelancer


def give(
    ctx: Context, contract: Contract, milestone: Milestone, amount_minor: int | None, reason: str
) -> Refund:
    """The freelancer sends money back, escrowed or released.

    The freelancer's row is locked. Raises StateConflict, Invalid, ChargedBack.
    """
    released = milestone.state == MilestoneState.RELEASED
    most = refundable_minor(ctx, milestone)
    amount = most if amount_minor is None else amount_minor
    if not released and milestone.state not in (
        *states.OPEN_TO_THE_CLIENT,
        MilestoneState.REFUND_REQUESTED,
    ):
        raise StateConflict(
            "There is no money here to give back.",
            {"current_state": milestone.state, "allowed_actions": []},
        )
    if not 1 <= amount <= most:
        raise Invalid.one(
            "/amount",
            "amount_out_of_range",
            f"Up to {plain(most, contract.currency)} can be given back.",
        )
    _answer_open_request(ctx, contract, milestone, amount)
    if released:
        refund, entry = refunds.refund_released(ctx, contract, milestone, amount, reason)
    else:
        refund, entry = refunds.refund_escrowed(ctx, contract, milestone, amount, reason)
        states.emptied(ctx, contract, milestone, "refund", amount=amount)
    states.after_change(ctx, contract)
    post(ctx, entry)
    return refund


def _answer_open_request(
    ctx: Context, contract: Contract, milestone: Milestone, amount_minor: int
) -> None:
    """Giving at least what was asked answers the request; giving less leaves it open over what is
    still escrowed.
    """
    request = refund_asks.open_request(ctx.session, milestone.id)
    if request is None:
        return
    left = milestone_money.escrowed_minor(milestone) - amount_minor
    if amount_minor >= request.amount_minor or left <= 0:
        event = "agree" if ctx.role == "freelancer" else "withdraw"
        refund_asks.end(ctx, contract, request, event, amount=amount_minor)
        if milestone.state == MilestoneState.REFUND_REQUESTED and left > 0:
            states.resume(
                ctx, contract, milestone, request.milestone_was, request.review_left_seconds
            )
    else:
        request.amount_minor = min(request.amount_minor, left)


def _milestone(contract: Contract, milestone_id: str) -> Milestone:
    return next(m for m in contract.milestones if m.id == milestone_id)
