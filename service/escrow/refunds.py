"""Escrowed or released money goes back to the client: the row, the counters, the entry."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from service.core import events, queue, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import ChargedBack
from service.domain.states.job_types import JobType
from service.domain.states.names import PaymentState, RefundState
from service.escrow import fees, milestone_money, releases
from service.ledger import Entry, accounts, balance, entries, post
from service.models import Contract, Milestone, Payment, Refund, new_id
from service.shared import hold_checks

_WITH_THE_BANK = (PaymentState.CHARGED_BACK, PaymentState.LOST)


def _refundable_payment(ctx: Context, milestone: Milestone) -> Payment:
    payment = milestone_money.funding_payment(ctx.session, milestone)
    if payment.state in _WITH_THE_BANK:
        raise ChargedBack(
            "The client's bank has taken this payment back; a refund would pay it twice."
        )
    return payment


def left_of_payment(ctx: Context, milestone: Milestone) -> int:
    """What Stripe can still give back of the payment that funded a milestone: also what somebody
    refunded there, past this service, is gone.
    """
    payment = milestone_money.funding_payment(ctx.session, milestone)
    gone = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
        Refund.payment_id == payment.id,
        Refund.state.not_in((RefundState.FAILED, RefundState.CANCELED)),
    )
    went = int(ctx.session.execute(gone).scalar_one())
    return max(0, (payment.received_minor or payment.total_minor) - went)


def refund_escrowed(
    ctx: Context, contract: Contract, milestone: Milestone, amount_minor: int, reason: str
) -> tuple[Refund, Entry]:
    """Escrowed money starts its way back by the way it came.

    Raises ChargedBack while a bank has a hand on the payment.
    """
    hold_checks.refuse(ctx, "refund", hold_checks.subjects_of(contract, milestone.id))
    refund = new_refund(
        ctx,
        contract,
        _refundable_payment(ctx, milestone),
        milestone,
        "escrow",
        amount_minor,
        reason,
    )
    milestone.refunding_minor += amount_minor
    return refund, entries.refund_request(contract, milestone, refund)


def refund_released(
    ctx: Context, contract: Contract, milestone: Milestone, amount_minor: int, reason: str
) -> tuple[Refund, Entry]:
    """Released money goes back: the platform returns its fee on it, the freelancer bears the rest
    or owes it. The freelancer is locked.
    """
    hold_checks.refuse(ctx, "refund", hold_checks.subjects_of(contract, milestone.id))
    left = milestone.released_minor - milestone.refunded_after_release_minor - amount_minor
    back = fees.give_back(contract, milestone, left)
    fee_back = min(amount_minor, back.amount_minor)
    share = amount_minor - fee_back
    refund = new_refund(
        ctx,
        contract,
        _refundable_payment(ctx, milestone),
        milestone,
        "released",
        amount_minor,
        reason,
    )
    refund.from_freelancer_minor = share
    milestone.refunded_after_release_minor += amount_minor
    milestone.fee_returned_minor += fee_back
    milestone.fee_tax_returned_minor += back.tax_minor
    queue.enqueue(ctx, JobType.INVOICE, refund.id)
    freelancer, currency = contract.freelancer_id, contract.currency
    available = min(share, balance(ctx.session, accounts.available(freelancer), currency))
    pending = min(share - available, balance(ctx.session, accounts.pending(freelancer), currency))
    releases.take_pending(ctx.session, contract, milestone, pending)
    entry = entries.refund_after_release(
        contract,
        milestone,
        refund,
        available_minor=available,
        pending_minor=pending,
        owed_minor=share - available - pending,
        fee_minor=fee_back,
        fee_tax_minor=back.tax_minor,
    )
    return refund, entry


def new_refund(
    ctx: Context,
    contract: Contract,
    payment: Payment,
    milestone: Milestone,
    source: str,
    amount_minor: int,
    reason: str,
) -> Refund:
    """The first attempt at giving something back, with its event and the job that sends it."""
    refund_id = new_id("ref")
    refund = Refund(
        id=refund_id,
        payment_id=payment.id,
        milestone_id=milestone.id,
        source=source,
        cause=refund_id,
        attempt=1,
        state=RefundState.PENDING,
        currency=contract.currency,
        amount_minor=amount_minor,
        reason=reason,
        stripe_refund_id=None,
        failure_reason=None,
        created_at=ctx.now,
    )
    ctx.session.add(refund)
    events.record(
        ctx,
        "refund.created",
        refund,
        contract=contract,
        amount=amount_minor,
        currency=contract.currency,
        reason=reason,
        to_state=RefundState.PENDING,
    )
    queue.enqueue(ctx, JobType.REFUND_SEND, refund.id, _sendable_at(ctx, payment))
    return refund


def return_owed(
    ctx: Context, contract: Contract, milestone: Milestone, amount_minor: int, reason: str
) -> bool:
    """What the client is owed (`unclaimed`) for a milestone that is over goes back by the way they
    paid. False when it cannot: then it stays theirs, and a task says so to a person.

    An attempt is written down even then, so that it is sent when the bank gives the payment back.
    """
    payment = milestone_money.funding_payment(ctx.session, milestone)
    left = left_of_payment(ctx, milestone)
    refund = new_refund(ctx, contract, payment, milestone, "case", amount_minor, reason)
    post(ctx, entries.refund_retry(contract, refund))
    if payment.state in _WITH_THE_BANK:
        _call_off(ctx, contract, refund, "charge_disputed")
    elif amount_minor > left:
        _call_off(ctx, contract, refund, "payment_given_back_already")
    return refund.state == RefundState.PENDING


def _call_off(ctx: Context, contract: Contract, refund: Refund, why: str) -> None:
    """It is known before it is sent that it cannot arrive."""
    queue.cancel(ctx, [JobType.REFUND_SEND], refund.id)
    refund.failure_reason = why
    events.transition(
        ctx.as_("system"),
        refund,
        "cancel",
        contract=contract,
        amount=refund.amount_minor,
        currency=refund.currency,
        failure=why,
    )
    staff_tasks.open_task(
        ctx,
        TaskType.REFUND_FAILED,
        refund.id,
        payment=refund.payment_id,
        failure=why,
        attempt=refund.attempt,
    )
    owed = accounts.unclaimed(contract.client_id)
    post(ctx, entries.refund_came_back(contract, refund, owed, bounced=False))


def _sendable_at(ctx: Context, payment: Payment) -> datetime:
    """A bank debit that could still come back is not refunded before it is final, or the client
    would have it twice.
    """
    if payment.method == "card" or payment.succeeded_at is None:
        return ctx.now
    return max(
        ctx.now, payment.succeeded_at + timedelta(days=ctx.policies.windows.debit_final_days)
    )
