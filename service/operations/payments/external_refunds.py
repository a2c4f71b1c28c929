"""A refund that somebody made at Stripe, past this service: the books follow it."""

from __future__ import annotations

from service.core import events, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.identity.actors import PSP, SYSTEM
from service.domain.money.psp import RefundSnapshot
from service.domain.states.lifecycle import MILESTONE
from service.domain.states.names import RefundState
from service.escrow import milestone_money, states
from service.ledger import Account, accounts, entries, post
from service.models import Contract, Payment, Refund, new_id
from service.operations.payments import refund_results, refunds


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
    taken = _taken_from(psp, contract, payment, refund)
    left = amount_minor - sum(part for _, part in taken)
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
    refund_results.bring_payment(psp, contract, payment)
    post(psp, entries.refund_outside(contract, refund, currency, taken, left))
    return refund


def _taken_from(
    ctx: Context, contract: Contract, payment: Payment, refund: Refund
) -> list[tuple[Account, int]]:
    """Where the money was: in suspense, or in what the payment's milestones still hold."""
    if payment.judgement in (None, "funded"):
        return _take_escrowed(ctx, contract, payment, refund.amount_minor)
    # Counted among the attempts, so that it is not sent a second time.
    refund.source, refund.cause, refund.attempt = (
        "suspense",
        payment.id,
        len(refunds.attempts_at(ctx.session, payment.id)) + 1,
    )
    return [(accounts.suspense(payment.id), refund.amount_minor)]


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
        state=RefundState.PENDING,
        currency=currency,
        amount_minor=amount_minor,
        reason="outside",
        stripe_refund_id=snapshot.id,
        failure_reason=None,
        created_at=ctx.now,
    )


def _take_escrowed(
    ctx: Context, contract: Contract, payment: Payment, most_minor: int
) -> list[tuple[Account, int]]:
    """Up to so much of what this payment's milestones still hold, by account."""
    taken: list[tuple[Account, int]] = []
    left = most_minor
    for line in payment.lines:
        milestone = refund_results.milestone_of(contract, line.milestone_id)
        part = (
            min(left, milestone_money.escrowed_minor(milestone))
            if line.funded and milestone.state not in MILESTONE.final
            else 0
        )
        if part:
            milestone.refunded_minor += part
            taken.append((accounts.escrow(milestone.id), part))
            states.emptied(ctx.as_(SYSTEM), contract, milestone, "refund", amount=part)
            left -= part
    return taken
