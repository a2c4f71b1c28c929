"""What became of a refund at Stripe: arrived, failed, or bounced, and where its money is then."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from service.core import events, queue, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.identity.actors import PSP
from service.domain.money.psp import RefundSnapshot
from service.domain.states.job_types import JobType
from service.domain.states.lifecycle import MILESTONE
from service.domain.states.names import RefundState
from service.escrow import milestone_money, states
from service.ledger import Entry, accounts, entries
from service.models import Contract, Milestone, Payment, Refund

MAX_ATTEMPTS = 3


GONE = (RefundState.FAILED, RefundState.CANCELED)


_TRY_AGAIN = timedelta(hours=1)


_EVENTS = {
    "requires_action": "require_action",
    "succeeded": "succeed",
    "failed": "fail",
    "canceled": "cancel",
}


def apply_refund(
    ctx: Context, contract: Contract, payment: Payment, refund: Refund, snapshot: RefundSnapshot
) -> None:
    """Bring an attempt to what Stripe says; hearing it again, or something older, changes
    nothing.
    """
    refund.stripe_refund_id, status = snapshot.id, snapshot.status
    event = _EVENTS.get(status)
    if (
        event is None
        or status == refund.state
        or refund.state in GONE
        or (refund.state == RefundState.SUCCEEDED and status != "failed")
    ):
        return
    psp, before = ctx.as_(PSP), refund.state
    refund.failure_reason = snapshot.failure_reason
    events.transition(
        psp,
        refund,
        event,
        contract=contract,
        amount=refund.amount_minor,
        currency=refund.currency,
        failure=snapshot.failure_reason,
    )
    if status == "succeeded":
        decided = [_arrived(contract, refund)]
    elif status in GONE:
        decided = [returned(psp, contract, payment, refund, bounced=before == "succeeded")]
    else:
        decided = []
    # Flushed, so that the sum below sees this attempt as it is now.
    ctx.session.flush()
    bring_payment(psp, contract, payment)
    milestone_money.post_all(psp, decided)


def _arrived(contract: Contract, refund: Refund) -> Entry:
    milestone = (
        milestone_of(contract, refund.milestone_id)
        if refund.milestone_id and refund.source == "escrow"
        else None
    )
    if milestone is not None:
        milestone.refunding_minor -= refund.amount_minor
        milestone.refunded_minor += refund.amount_minor
    return entries.refund_succeeded(contract, refund)


def returned(
    ctx: Context,
    contract: Contract,
    payment: Payment,
    refund: Refund,
    *,
    bounced: bool,
    retry: bool = True,
) -> Entry:
    """The money is here again: in suspense, escrowed for its milestone, or owed to the client."""
    staff_tasks.open_task(
        ctx,
        TaskType.REFUND_FAILED,
        refund.id,
        payment=payment.id,
        failure=refund.failure_reason,
        attempt=refund.attempt,
    )
    milestone = milestone_of(contract, refund.milestone_id) if refund.milestone_id else None
    again: tuple[JobType, str] | None = (JobType.REFUND_RETRY, refund.id)
    if milestone is None:
        back, again = accounts.suspense(payment.id), (JobType.SUSPENSE_RETURN, payment.id)
    elif refund.source == "escrow" and milestone.state not in MILESTONE.final:
        back, again = accounts.escrow(milestone.id), None
    else:
        back = accounts.unclaimed(contract.client_id)
    if milestone is not None and refund.source == "escrow":
        if bounced:
            milestone.refunded_minor -= refund.amount_minor
        else:
            milestone.refunding_minor -= refund.amount_minor
        if back == accounts.unclaimed(contract.client_id):
            # Its claim has left the milestone all the same: the client's, whatever becomes of the
            # attempts.
            milestone.refunded_minor += refund.amount_minor
        states.touch(ctx, contract)
    if retry and again and refund.attempt < MAX_ATTEMPTS:
        queue.enqueue(ctx, *again, ctx.now + _TRY_AGAIN)
    return entries.refund_came_back(contract, refund, back, bounced=bounced)


_PAYMENT_EVENTS = {
    ("succeeded", "partially_refunded"): "refund_part",
    ("won", "partially_refunded"): "refund_part",
    ("succeeded", "refunded"): "refund",
    ("partially_refunded", "refunded"): "refund",
    ("won", "refunded"): "refund",
    ("refunded", "partially_refunded"): "refund_part_failed",
    ("refunded", "succeeded"): "refund_failed",
    ("partially_refunded", "succeeded"): "refund_failed",
}


def bring_payment(ctx: Context, contract: Contract, payment: Payment) -> None:
    """The payment's state says how much of it is back with the client."""
    query = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
        Refund.payment_id == payment.id, Refund.state == RefundState.SUCCEEDED
    )
    back = int(ctx.session.execute(query).scalar_one())
    wanted = (
        "succeeded"
        if not back
        else "refunded"
        if back >= (payment.received_minor or 0)
        else "partially_refunded"
    )
    event = _PAYMENT_EVENTS.get((payment.state, wanted))
    if event:
        events.transition(ctx, payment, event, contract=contract, amount=back)


def milestone_of(contract: Contract, milestone_id: str | None) -> Milestone:
    return next(m for m in contract.milestones if m.id == milestone_id)
