"""Attempts to bring money back to the client: what is owed because it was in the wrong place, and
what Stripe says became of each.

`taken_in` brings an attempt to what Stripe says. `failed` and `canceled` mean that the money is
here again, also after `succeeded`; then it is held again where its milestone is open, else owed to
the client, and another attempt is made.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core import events, queue, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import NotFound
from service.domain.identity.actors import PSP, SYSTEM
from service.domain.money.psp import RefundSnapshot
from service.domain.states.job_types import JobType
from service.domain.states.lifecycle import MILESTONE
from service.escrow import money, states
from service.ledger import Account, Entry, accounts, balance, entries, post
from service.models import Contract, Milestone, Payment, Refund, new_id

MAX_ATTEMPTS = 3
_GONE = ("failed", "canceled")
_TRY_AGAIN = timedelta(hours=1)


# Owed because it was in the wrong place


def request_return(ctx: Context, contract: Contract, payment: Payment) -> Refund | None:
    """Start giving suspense money back; None when an attempt is under way or it has gone back.

    Raises OnHold.
    """
    if payment.judgement in (None, "funded"):
        return None
    attempts = _attempts(ctx.session, payment.id)
    if any(r.state not in _GONE for r in attempts):
        return None
    refund = Refund(
        id=new_id("ref"),
        payment_id=payment.id,
        milestone_id=None,
        source="suspense",
        cause=payment.id,
        attempt=len(attempts) + 1,
        state="pending",
        currency=payment.received_currency or payment.currency,
        amount_minor=payment.received_minor or 0,
        reason=payment.judgement,
        stripe_refund_id=None,
        failure_reason=None,
        created_at=ctx.now,
    )
    _send(ctx, contract, refund)
    post(ctx, entries.suspense_refund(contract, payment, refund))
    return refund


def retry(ctx: Context, contract: Contract, failed: Refund) -> Refund | None:
    """Another attempt to deliver what the client is owed; None when one is under way or it has
    arrived.
    """
    attempts = _attempts(ctx.session, failed.cause)
    if any(r.state not in _GONE for r in attempts) or ctx.session.get_one(
        Payment, failed.payment_id
    ).state in ("charged_back", "lost"):
        return None
    refund = Refund(
        id=new_id("ref"),
        payment_id=failed.payment_id,
        milestone_id=failed.milestone_id,
        source="unclaimed",
        cause=failed.cause,
        attempt=len(attempts) + 1,
        state="pending",
        currency=failed.currency,
        amount_minor=failed.amount_minor,
        reason=failed.reason,
        stripe_refund_id=None,
        failure_reason=None,
        created_at=ctx.now,
    )
    _send(ctx, contract, refund)
    post(ctx, entries.refund_retry(contract, refund))
    return refund


def _attempts(session: Session, cause: str) -> list[Refund]:
    return list(
        session.execute(
            select(Refund).where(Refund.cause == cause).order_by(Refund.attempt)
        ).scalars()
    )


def _send(ctx: Context, contract: Contract, refund: Refund) -> None:
    ctx.session.add(refund)
    events.record(
        ctx,
        "refund.created",
        refund,
        contract=contract,
        to_state="pending",
        amount=refund.amount_minor,
        currency=refund.currency,
        reason=refund.reason,
    )
    queue.enqueue(ctx, JobType.REFUND_SEND, refund.id)


# What Stripe says became of an attempt


def unsent(session: Session, payment_id: str) -> list[Refund]:
    """Attempts of which Stripe is not known to have heard."""
    query = select(Refund).where(
        Refund.payment_id == payment_id,
        Refund.state == "pending",
        Refund.stripe_refund_id.is_(None),
    )
    return list(session.execute(query.order_by(Refund.id)).scalars())


def cancel_unsent(ctx: Context, contract: Contract, payment: Payment, refund: Refund) -> None:
    """A bank has taken the payment back before this attempt was sent: sending it would pay the
    client twice.
    """
    if refund.state != "pending" or refund.stripe_refund_id:
        return
    refund.failure_reason = "charge_disputed"
    events.transition(
        ctx.as_(SYSTEM),
        refund,
        "cancel",
        contract=contract,
        amount=refund.amount_minor,
        currency=refund.currency,
        failure="charge_disputed",
    )
    entry = _returned(ctx, contract, payment, refund, bounced=False, retry=False)
    ctx.session.flush()
    post(ctx, entry)


def resume(ctx: Context, contract: Contract, payment: Payment) -> None:
    """The bank has given the payment back: what the client is owed is sent again."""
    for failed in _attempts_of_payment(ctx.session, payment.id):
        if (
            failed.source in ("escrow", "released", "unclaimed", "case")
            and balance(ctx.session, accounts.unclaimed(contract.client_id), failed.currency)
            >= failed.amount_minor
        ):
            retry(ctx, contract, failed)


def _attempts_of_payment(session: Session, payment_id: str) -> list[Refund]:
    query = select(Refund).where(Refund.payment_id == payment_id, Refund.state.in_(_GONE))
    return list(session.execute(query.order_by(Refund.id).limit(100)).scalars())


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
        or refund.state in _GONE
        or (refund.state == "succeeded" and status != "failed")
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
    elif status in _GONE:
        decided = [_returned(psp, contract, payment, refund, bounced=before == "succeeded")]
    else:
        decided = []
    # Flushed, so that the sum below sees this attempt as it is now.
    ctx.session.flush()
    _bring_payment(psp, contract, payment)
    money.post_all(psp, decided)


def _arrived(contract: Contract, refund: Refund) -> Entry:
    milestone = (
        _milestone(contract, refund.milestone_id)
        if refund.milestone_id and refund.source == "escrow"
        else None
    )
    if milestone is not None:
        milestone.refunding_minor -= refund.amount_minor
        milestone.refunded_minor += refund.amount_minor
    return entries.refund_succeeded(contract, refund)


def _returned(
    ctx: Context,
    contract: Contract,
    payment: Payment,
    refund: Refund,
    *,
    bounced: bool,
    retry: bool = True,
) -> Entry:
    """The money is here again: in suspense, held for its milestone, or owed to the client."""
    staff_tasks.open_task(
        ctx,
        TaskType.REFUND_FAILED,
        refund.id,
        payment=payment.id,
        failure=refund.failure_reason,
        attempt=refund.attempt,
    )
    milestone = _milestone(contract, refund.milestone_id) if refund.milestone_id else None
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


def _bring_payment(ctx: Context, contract: Contract, payment: Payment) -> None:
    """The payment's state says how much of it is back with the client."""
    query = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
        Refund.payment_id == payment.id, Refund.state == "succeeded"
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


def record_external_refund(
    ctx: Context,
    contract: Contract,
    payment: Payment,
    snapshot: RefundSnapshot,
    amount_minor: int,
    currency: str,
) -> Refund:
    """Somebody refunded at Stripe without us: the money has gone.

    It is taken from what this payment still holds, else it is a loss.
    """
    refund = _external_refund(ctx, payment, snapshot, amount_minor, currency)
    ctx.session.add(refund)
    psp = ctx.as_(PSP)
    ctx.session.flush()
    events.transition(
        psp, refund, "succeed", contract=contract, amount=amount_minor, currency=currency
    )
    taken: list[tuple[Account, int]] = []
    left = amount_minor
    if payment.judgement not in (None, "funded"):
        # Counted among the attempts, so that it is not sent a second time.
        refund.source, refund.cause, refund.attempt = (
            "suspense",
            payment.id,
            len(_attempts(ctx.session, payment.id)) + 1,
        )
        taken.append((accounts.suspense(payment.id), amount_minor))
        left = 0
    held = _take_held(psp, contract, payment, left)
    taken += held
    left -= sum(part for _, part in held)
    staff_tasks.open_task(
        ctx,
        TaskType.REFUND_OUTSIDE,
        snapshot.id,
        contract=contract.id,
        amount=amount_minor,
        lost=left,
    )
    states.after_change(psp, contract)
    ctx.session.flush()
    _bring_payment(psp, contract, payment)
    post(psp, entries.refund_outside(contract, refund, currency, taken, left))
    return refund


def _external_refund(
    ctx: Context,
    payment: Payment,
    snapshot: RefundSnapshot,
    amount_minor: int,
    currency: str,
) -> Refund:
    refund_id = new_id("ref")
    return Refund(
        id=refund_id,
        payment_id=payment.id,
        milestone_id=None,
        source="outside",
        cause=refund_id,
        attempt=1,
        state="pending",
        currency=currency,
        amount_minor=amount_minor,
        reason="outside",
        stripe_refund_id=snapshot.id,
        failure_reason=None,
        created_at=ctx.now,
    )


def _take_held(
    ctx: Context, contract: Contract, payment: Payment, most_minor: int
) -> list[tuple[Account, int]]:
    """Up to so much of what this payment's milestones still hold, by account."""
    taken: list[tuple[Account, int]] = []
    left = most_minor
    for line in payment.lines:
        milestone = _milestone(contract, line.milestone_id)
        part = (
            min(left, money.held_minor(milestone))
            if line.funded and milestone.state not in MILESTONE.final
            else 0
        )
        if part:
            milestone.refunded_minor += part
            taken.append((accounts.escrow(milestone.id), part))
            states.emptied(ctx.as_(SYSTEM), contract, milestone, "refund", amount=part)
            left -= part
    return taken


def _milestone(contract: Contract, milestone_id: str | None) -> Milestone:
    return next(m for m in contract.milestones if m.id == milestone_id)


def by_stripe_id(session: Session, stripe_refund_id: str) -> str | None:
    return session.execute(
        select(Refund.id).where(Refund.stripe_refund_id == stripe_refund_id)
    ).scalar_one_or_none()


def find(session: Session, refund_id: str) -> Refund:
    """Raises NotFound."""
    found = session.get(Refund, refund_id)
    if found is None:
        raise NotFound("There is no such refund.")
    return found
