"""Money goes back to whoever paid: a refund is written, sent, tried again, or taken back before it
left.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, queue
from service.core.context import Context
from service.domain.errors import NotFound
from service.domain.identity.actors import SYSTEM
from service.domain.states.job_types import JobType
from service.domain.states.names import PaymentState, RefundState
from service.ledger import accounts, balance, entries, post
from service.models import Contract, Payment, Refund, new_id
from service.operations.payments import refund_results


def request_return(ctx: Context, contract: Contract, payment: Payment) -> Refund | None:
    """Start giving suspense money back; None when an attempt is under way or it has gone back.

    Raises OnHold.
    """
    if payment.judgement in (None, "funded"):
        return None
    attempts = attempts_at(ctx.session, payment.id)
    if any(r.state not in refund_results.GONE for r in attempts):
        return None
    refund = Refund(
        id=new_id("ref"),
        payment_id=payment.id,
        milestone_id=None,
        source="suspense",
        cause=payment.id,
        attempt=len(attempts) + 1,
        state=RefundState.PENDING,
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
    attempts = attempts_at(ctx.session, failed.cause)
    if any(r.state not in refund_results.GONE for r in attempts) or ctx.session.get_one(
        Payment, failed.payment_id
    ).state in (PaymentState.CHARGED_BACK, PaymentState.LOST):
        return None
    refund = Refund(
        id=new_id("ref"),
        payment_id=failed.payment_id,
        milestone_id=failed.milestone_id,
        source="unclaimed",
        cause=failed.cause,
        attempt=len(attempts) + 1,
        state=RefundState.PENDING,
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


def attempts_at(session: Session, cause: str) -> list[Refund]:
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
        to_state=RefundState.PENDING,
        amount=refund.amount_minor,
        currency=refund.currency,
        reason=refund.reason,
    )
    queue.enqueue(ctx, JobType.REFUND_SEND, refund.id)


def unsent(session: Session, payment_id: str) -> list[Refund]:
    """Attempts of which Stripe is not known to have heard."""
    query = select(Refund).where(
        Refund.payment_id == payment_id,
        Refund.state == RefundState.PENDING,
        Refund.stripe_refund_id.is_(None),
    )
    return list(session.execute(query.order_by(Refund.id)).scalars())


def cancel_unsent(ctx: Context, contract: Contract, payment: Payment, refund: Refund) -> None:
    """A bank has taken the payment back before this attempt was sent: sending it would pay the
    client twice.
    """
    if refund.state != RefundState.PENDING or refund.stripe_refund_id:
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
    entry = refund_results.returned(ctx, contract, payment, refund, bounced=False, retry=False)
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
    query = select(Refund).where(
        Refund.payment_id == payment_id, Refund.state.in_(refund_results.GONE)
    )
    return list(session.execute(query.order_by(Refund.id).limit(100)).scalars())


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
