"""A payout on its way: transfers, the bank, and the way back."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, queue, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.identity.actors import PSP, SYSTEM
from service.domain.states.job_types import JobType
from service.domain.states.names import PayoutAccountState, PayoutState
from service.ledger import entries, post
from service.models import (
    Installation,
    Payout,
    TransferReversal,
)
from service.operations.payouts import payout_accounts


def begin_sending(ctx: Context, payout: Payout) -> bool:
    """Whether the payout may go to Stripe now.

    Decided under its lock; from here on it can no longer be cancelled.
    """
    if payout.state == PayoutState.REQUESTED:
        stopped = _stopped(ctx.session, payout.currency)
        account = payout_accounts.account_of(ctx.session, payout.freelancer_id)
        ready = account is not None and account.state == PayoutAccountState.ACTIVE
        payout.waiting_for = (
            None if ready and not stopped else "payout_account" if not ready else "books"
        )
        if payout.waiting_for:
            return False
        events.transition(
            ctx.as_(SYSTEM), payout, "send", amount=payout.amount_minor, currency=payout.currency
        )
        payout.sent_at = ctx.now
    return payout.state == PayoutState.IN_TRANSIT


def _stopped(session: Session, currency: str) -> bool:
    """The books differ, or the platform's own money in this currency is below its floor."""
    why, below = session.execute(
        select(Installation.payouts_stopped, Installation.below_floor)
    ).one()
    return bool(why) or currency in below


def record_transfer(payout: Payout, number: int, transfer_id: str) -> None:
    """Stripe has made the transfer of one leg."""
    source = payout.sources[number - 1]
    source.transfer_id, source.state = transfer_id, "sent"


def record_reversal(ctx: Context, payout: Payout, number: int, reversed_minor: int) -> None:
    """Stripe's total of what was taken back of one leg; the total, so that hearing it twice changes
    nothing.

    Our own reversals belong to a payout that is failing. One that we did not ask for is a task for
    a person: the charge cannot be drawn from again until the books say whose the money is.
    """
    source = payout.sources[number - 1]
    if reversed_minor > source.reversed_minor and payout.failure_code is None:
        staff_tasks.open_task(
            ctx, TaskType.TRANSFER_REVERSED_OUTSIDE, payout.id, leg=number, reversed=reversed_minor
        )


def record_recall(
    ctx: Context, payout: Payout, number: int, reversals: tuple[tuple[str, int], ...]
) -> None:
    """A leg of a failed payout is reversed in full, by us and perhaps by others before
    (`reversals`: id and minor units of each); its charge can be drawn from again. Hearing it again
    changes nothing.
    """
    source = payout.sources[number - 1]
    source.reversed_minor, source.state = source.amount_minor, "reversed"
    source.reversal_ids = sorted(reversal_id for reversal_id, _ in reversals)
    for reversal_id, amount in reversals:
        if ctx.session.get(TransferReversal, reversal_id) is None:
            made = TransferReversal(
                id=reversal_id,
                payout_id=payout.id,
                number=number,
                amount_minor=amount,
                seen_at=ctx.now,
            )
            ctx.session.add(made)


def record_bank_payout(payout: Payout, stripe_payout_id: str) -> None:
    payout.stripe_payout_id = stripe_payout_id


def mark_paid(ctx: Context, payout: Payout) -> None:
    """The bank has it: out of trust. Hearing it again changes nothing."""
    if payout.state != PayoutState.IN_TRANSIT:
        return
    events.transition(
        ctx.as_(PSP), payout, "arrive", amount=payout.amount_minor, currency=payout.currency
    )
    payout.arrived_at = ctx.now
    post(ctx.as_(PSP), entries.payout_paid(payout))


def begin_return(ctx: Context, payout: Payout, failure_code: str) -> None:
    """The bank refused it.

    The transfers are taken back first (by a job); then the money is the freelancer's again.
    """
    if payout.state in (PayoutState.IN_TRANSIT, PayoutState.PAID) and payout.failure_code is None:
        payout.failure_code = failure_code
        queue.enqueue(ctx, JobType.PAYOUT_UNWIND, payout.id)


def mark_failed(ctx: Context, payout: Payout) -> None:
    """Everything is back: available again, not aged anew, with the reason."""
    if payout.state not in (PayoutState.IN_TRANSIT, PayoutState.PAID, PayoutState.REQUESTED):
        return
    had_arrived = payout.state == PayoutState.PAID
    events.transition(
        ctx.as_(PSP),
        payout,
        "fail",
        amount=payout.amount_minor,
        currency=payout.currency,
        reason=payout.failure_code,
    )
    if had_arrived:
        post(ctx.as_(PSP), entries.payout_bounced(payout))
    else:
        post(ctx.as_(PSP), entries.payout_returned(payout))
