"""Money back by agreement: the client asks, the freelancer answers or is silent, or gives without
being asked.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, queue
from service.core.context import Act
from service.domain.errors import Invalid, StateConflict
from service.domain.identity.actors import SYSTEM
from service.domain.money.money import plain
from service.escrow import money, states
from service.ledger import post
from service.models import Contract, Milestone, Refund, RefundRequest, new_id

# Asked for by the client


def ask(
    act: Act, contract: Contract, milestone: Milestone, amount_minor: int | None, reason: str
) -> RefundRequest:
    """The client asks for held money, or after the release for released money.

    Raises StateConflict, Invalid.

    Silence: what was not handed over goes back; about what was handed over a dispute opens;
    released money stays.
    """
    most = _refundable_minor(milestone)
    amount = most if amount_minor is None else amount_minor
    _check_ask(act.session, contract, milestone, amount, most)
    request = _opened(act, contract, milestone, amount, reason)
    if not request.after_release and amount == most and not milestone.disputed_minor:
        states.pause(act, contract, milestone, "ask_refund", amount=amount)
    act.session.add(request)
    events.record(
        act,
        "refund_request.opened",
        request,
        contract=contract,
        amount=amount,
        currency=contract.currency,
        reason=reason,
        milestone=milestone.id,
    )
    reminder = request.answer_by - timedelta(days=act.policies.windows.silence_reminder_days)
    queue.enqueue_many(
        act,
        [
            ("refund_request_due", request.id, request.answer_by, {}),
            ("refund_request_reminder", request.id, reminder, {}),
        ],
    )
    states.touch(act, contract)
    return request


def _refundable_minor(milestone: Milestone) -> int:
    """What can go back at most: of what was released, or of what is held."""
    return (
        milestone.released_minor - milestone.refunded_after_release_minor
        if milestone.state == "released"
        else money.held_minor(milestone)
    )


def _check_ask(
    session: Session,
    contract: Contract,
    milestone: Milestone,
    amount_minor: int,
    most_minor: int,
) -> None:
    if milestone.state not in (*states.OPEN_TO_THE_CLIENT, "released"):
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
    if open_request(session, milestone.id) is not None:
        raise StateConflict(
            "A refund was asked for already.",
            {"current_state": milestone.state, "allowed_actions": ["withdraw"]},
        )


def _opened(
    act: Act,
    contract: Contract,
    milestone: Milestone,
    amount_minor: int,
    reason: str,
) -> RefundRequest:
    after_release = milestone.state == "released"
    silence = (
        "nothing" if after_release else "dispute" if milestone.state == "submitted" else "refund"
    )
    return RefundRequest(
        id=new_id("rrq"),
        contract_id=contract.id,
        milestone_id=milestone.id,
        state="open",
        amount_minor=amount_minor,
        reason=reason,
        after_release=after_release,
        silence_means=silence,
        milestone_was=milestone.state,
        review_left_seconds=states.review_left(act.now, milestone),
        asked_at=act.now,
        answer_by=act.now + timedelta(days=act.policies.windows.refund_answer_days),
        answered_at=None,
    )


def agree(act: Act, contract: Contract, request: RefundRequest) -> Refund | None:
    """The freelancer agrees, or their silence does (`act` is then the system's).

    Raises StateConflict, ChargedBack.

    None when the money has gone its way meanwhile: then the request has lost its meaning.
    """
    milestone = _milestone(contract, request.milestone_id)
    if nothing_left(contract, request):
        withdraw(act.as_(SYSTEM), contract, request)
        return None
    events.move(
        act,
        request,
        "lapse" if act.role == "system" else "agree",
        contract=contract,
        amount=request.amount_minor,
        currency=contract.currency,
    )
    request.answered_at = act.now
    if request.after_release:
        refund, entry = money.refund_released(
            act, contract, milestone, request.amount_minor, request.reason
        )
    else:
        refund, entry = money.refund_held(
            act,
            contract,
            milestone,
            min(request.amount_minor, money.held_minor(milestone)),
            request.reason,
        )
        states.emptied(act, contract, milestone, "refund", amount=refund.amount_minor)
    states.after_change(act, contract)
    post(act, entry)
    return refund


def nothing_left(contract: Contract, request: RefundRequest) -> bool:
    """Whether what was asked back is no longer held: released, refunded by the end of the contract,
    taken by a bank.
    """
    return (
        not request.after_release
        and money.held_minor(_milestone(contract, request.milestone_id)) == 0
    )


def refuse(act: Act, contract: Contract, request: RefundRequest, why: str) -> None:
    """The freelancer says no: everything is as before, and the client may open a dispute.

    Raises StateConflict.
    """
    events.move(act, request, "refuse", contract=contract, why=why, amount=request.amount_minor)
    _back(act, contract, request)


def withdraw(act: Act, contract: Contract, request: RefundRequest) -> None:
    """The client no longer asks. Raises StateConflict."""
    events.move(act, request, "withdraw", contract=contract)
    _back(act, contract, request)


def becomes_dispute(act: Act, contract: Contract, request: RefundRequest) -> Milestone:
    """The request ends in a dispute, which the caller opens over the milestone that this
    returns.
    """
    events.move(act, request, "dispute", contract=contract)
    _back(act, contract, request)
    return _milestone(contract, request.milestone_id)


def _back(act: Act, contract: Contract, request: RefundRequest) -> None:
    request.answered_at = act.now
    milestone = _milestone(contract, request.milestone_id)
    if milestone.state == "refund_requested":
        states.resume(act, contract, milestone, request.milestone_was, request.review_left_seconds)
    states.touch(act, contract)


def open_request(session: Session, milestone_id: str) -> RefundRequest | None:
    """The request that waits for the freelancer's answer, if any."""
    return session.execute(
        select(RefundRequest).where(
            RefundRequest.milestone_id == milestone_id, RefundRequest.state == "open"
        )
    ).scalar_one_or_none()


# Given by the freelancer


def give(
    act: Act, contract: Contract, milestone: Milestone, amount_minor: int | None, reason: str
) -> Refund:
    """The freelancer sends money back, held or released.

    The freelancer's row is locked. Raises StateConflict, Invalid, ChargedBack.
    """
    released = milestone.state == "released"
    most = _refundable_minor(milestone)
    amount = most if amount_minor is None else amount_minor
    if not released and milestone.state not in (*states.OPEN_TO_THE_CLIENT, "refund_requested"):
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
    _answer_open_request(act, contract, milestone, amount)
    if released:
        refund, entry = money.refund_released(act, contract, milestone, amount, reason)
    else:
        refund, entry = money.refund_held(act, contract, milestone, amount, reason)
        states.emptied(act, contract, milestone, "refund", amount=amount)
    states.after_change(act, contract)
    post(act, entry)
    return refund


def _answer_open_request(
    act: Act, contract: Contract, milestone: Milestone, amount_minor: int
) -> None:
    """Giving at least what was asked answers the request; giving less leaves it open over what is
    still held.
    """
    request = open_request(act.session, milestone.id)
    if request is None:
        return
    left = money.held_minor(milestone) - amount_minor
    if amount_minor >= request.amount_minor or left <= 0:
        events.move(
            act,
            request,
            "agree" if act.role == "freelancer" else "withdraw",
            contract=contract,
            amount=amount_minor,
        )
        request.answered_at = act.now
        if milestone.state == "refund_requested" and left > 0:
            states.resume(
                act, contract, milestone, request.milestone_was, request.review_left_seconds
            )
    else:
        request.amount_minor = min(request.amount_minor, left)


def _milestone(contract: Contract, milestone_id: str) -> Milestone:
    return next(m for m in contract.milestones if m.id == milestone_id)
