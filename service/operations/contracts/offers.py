"""An offer on its way: sent, asked to be changed, declined, withdrawn, reminded of, expired."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from service.core import events, queue
from service.core.context import Context
from service.domain.errors import Invalid, StateConflict
from service.domain.identity.actors import SYSTEM
from service.domain.states.job_types import JobType
from service.domain.states.names import ContractState
from service.escrow.states import touch
from service.models import ChangeRequest, Contract, Event, new_id
from service.shared import agreement, hold_checks, outreach
from service.shared.outreach import EmailKind

UNKNOWN_PERSON = "unknown_person"


CHANGE_TOPICS = ("price", "dates", "scope", "terms", "my_details", "other")


def start_clock(ctx: Context, contract: Contract) -> None:
    windows = ctx.policies.windows
    contract.offer_expires_at = ctx.now + timedelta(days=windows.offer_days)
    due: list[queue.JobRequest] = [
        queue.JobRequest(
            JobType.OFFER_REMINDER, f"{contract.id}/{day}", ctx.now + timedelta(days=day)
        )
        for day in windows.offer_reminder_days
    ]
    queue.enqueue_many(
        ctx, [*due, queue.JobRequest(JobType.OFFER_EXPIRY, contract.id, contract.offer_expires_at)]
    )


def send(ctx: Context, contract: Contract) -> Contract:
    """Offer the contract: the text gets its hash, the fee is quoted, the offer's clock starts.

    Raises StateConflict.
    """
    hold_checks.refuse(ctx, "contract_create", [contract.freelancer_id])
    outreach.require_no_pause(ctx.session, contract.freelancer_id)
    events.transition(ctx, contract, "send")
    outreach.count(ctx, contract, EmailKind.OFFER)
    contract.quote = agreement.quote_of(ctx, contract)
    agreement.new_version(ctx, contract)
    contract.sent_at = ctx.now
    touch(ctx, contract)
    start_clock(ctx, contract)
    return contract


def ask_change(ctx: Context, contract: Contract, topics: list[str], words: str) -> ChangeRequest:
    """The client would agree to something else.

    Without an answer the offer stands again as it was. Raises StateConflict, Invalid.
    """
    if not topics or not set(topics) <= set(CHANGE_TOPICS):
        raise Invalid.one("topics", "unknown_topic", "Choose what should be different.")
    events.transition(ctx, contract, "ask_change", topics=topics, words=words)
    asked = ChangeRequest(
        id=new_id("chr"),
        contract_id=contract.id,
        text_version=contract.text_version,
        topics=topics,
        words=words,
        asked_at=ctx.now,
        answered_at=None,
        answer=None,
    )
    ctx.session.add(asked)
    queue.enqueue(
        ctx,
        JobType.CHANGE_LAPSE,
        contract.id,
        ctx.now + timedelta(days=ctx.policies.windows.change_request_days),
    )
    touch(ctx, contract)
    return asked


def refuse_change(ctx: Context, contract: Contract, reason: str = "") -> Contract:
    """The freelancer keeps the offer as it is; it stands again. Raises StateConflict."""
    events.transition(ctx, contract, "refuse_change", reason=reason)
    answer_change(ctx, contract, "refused")
    touch(ctx, contract)
    return contract


def change_lapse(ctx: Context, contract: Contract) -> bool:
    """Nobody answered the client's wish: the offer stands again as it was.

    Returns False when it was answered.
    """
    asked = _open_change(ctx, contract)
    if (
        contract.state != ContractState.CHANGE_REQUESTED
        or asked is None
        or ctx.now < asked.asked_at + timedelta(days=ctx.policies.windows.change_request_days)
    ):
        return False
    events.transition(ctx.as_(SYSTEM), contract, "change_lapse")
    answer_change(ctx, contract, "lapsed")
    touch(ctx.as_(SYSTEM), contract)
    return True


def _open_change(ctx: Context, contract: Contract) -> ChangeRequest | None:
    query = select(ChangeRequest).where(
        ChangeRequest.contract_id == contract.id, ChangeRequest.answered_at.is_(None)
    )
    return ctx.session.execute(
        query.order_by(ChangeRequest.id.desc()).limit(1)
    ).scalar_one_or_none()


def answer_change(ctx: Context, contract: Contract, answer: str) -> None:
    asked = _open_change(ctx, contract)
    if asked is not None:
        asked.answered_at, asked.answer = ctx.now, answer


def decline(ctx: Context, contract: Contract, reason: str, note: str = "") -> Contract:
    """The client does not want it.

    Nothing is owed; whoever does not know the sender pauses their new offers. Raises StateConflict.
    """
    events.transition(ctx, contract, "decline", reason=reason, note=note)
    if reason == UNKNOWN_PERSON:
        outreach.pause(ctx, contract)
    return _close(ctx, contract)


def withdraw(ctx: Context, contract: Contract) -> Contract:
    """The freelancer takes the offer back. Raises StateConflict."""
    events.transition(ctx, contract, "withdraw")
    return _close(ctx, contract)


def expire(ctx: Context, contract: Contract) -> bool:
    """The offer's time is over. Returns False when it was answered meanwhile."""
    if (
        contract.state not in (ContractState.SENT, ContractState.CHANGE_REQUESTED)
        or contract.offer_expires_at is None
        or contract.offer_expires_at > ctx.now
    ):
        return False
    events.transition(ctx, contract, "expire")
    _close(ctx, contract)
    return True


def remind(ctx: Context, contract: Contract) -> None:
    """Send the client the present step once more. At most once a day. Raises StateConflict."""
    if contract.state not in (ContractState.SENT, ContractState.ACCEPTED, ContractState.ACTIVE):
        raise StateConflict(
            "There is nothing to remind of.",
            {"current_state": contract.state, "allowed_actions": []},
        )
    recent = select(Event.id).where(
        Event.contract_id == contract.id,
        Event.type == "contract.reminded",
        Event.occurred_at > ctx.now - timedelta(days=1),
    )
    if ctx.session.execute(recent).first():
        raise StateConflict(
            "The client was reminded within the last day.",
            {"current_state": contract.state, "allowed_actions": []},
        )
    outreach.count(ctx, contract, EmailKind.REMINDER)
    events.record(ctx, "contract.reminded", contract, step=contract.state)


def _close(ctx: Context, contract: Contract) -> Contract:
    contract.closed_at = ctx.now
    touch(ctx, contract)
    return contract
