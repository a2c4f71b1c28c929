"""What Stripe says of a payment is applied: matched and funded, quarantined, or ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from service.core import events, queue, repository, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.identity.actors import PSP, SYSTEM
from service.domain.money.money import from_stripe, plain, to_stripe
from service.domain.money.psp import CheckoutSnapshot
from service.domain.states.job_types import JobType
from service.domain.states.lifecycle import PAYMENT
from service.domain.states.names import ContractState, MilestoneState, PaymentState
from service.ledger import entries, post
from service.models import Contract, Milestone, Payment, PaymentLine
from service.operations.payments import checkout
from service.shared import billing


def apply_checkout(ctx: Context, snapshot: CheckoutSnapshot) -> None:
    """Bring the payment that a Checkout Session is for to what Stripe says, under its contract's
    lock: for the client who comes back from Stripe, for events and for whoever asks Stripe.

    Repeating it, or an older event, changes nothing; so does a session that is not ours, or is not
    the one that the payment has.
    """
    if snapshot.payment_id is None:
        return
    contract, payment = repository.payment(ctx.session, snapshot.payment_id, lock=True)
    if payment.session_id is None:
        # The process died after Stripe made the session and before we wrote it down.
        checkout.attach(payment, snapshot.session_id, snapshot.url or "", snapshot.expires_at)
    if payment.session_id == snapshot.session_id:
        _apply(ctx, contract, payment, snapshot)


def _apply(ctx: Context, contract: Contract, payment: Payment, snapshot: CheckoutSnapshot) -> None:
    psp = ctx.as_(PSP)
    _remember(payment, snapshot)
    if snapshot.paid:
        if payment.state in (
            PaymentState.CREATED,
            PaymentState.REQUIRES_ACTION,
            PaymentState.PROCESSING,
            PaymentState.FAILED,
            PaymentState.CANCELED,
            PaymentState.EXPIRED,
        ):
            events.transition(psp, payment, "succeed", contract=contract)
            payment.succeeded_at = ctx.now
            _match_payment(psp, contract, payment, snapshot)
        _post_fee(psp, payment)
        return
    before = payment.state
    event = _unpaid_event(snapshot)
    if event and payment.state in PAYMENT.states and _possible(payment.state, event):
        events.transition(psp, payment, event, contract=contract, decline_code=payment.decline_code)
    if (
        payment.state in (PaymentState.FAILED, PaymentState.CANCELED, PaymentState.EXPIRED)
        and before != payment.state
    ):
        _free_milestones(psp, contract, payment)


def abandon(ctx: Context, contract: Contract, payment: Payment) -> None:
    """An attempt for which no payment page was ever handed out.

    Should one exist and be paid all the same, the money goes back.
    """
    if payment.state in (PaymentState.CREATED, PaymentState.REQUIRES_ACTION):
        events.transition(ctx.as_(SYSTEM), payment, "expire", contract=contract)
        _free_milestones(ctx.as_(SYSTEM), contract, payment)


def _possible(state: str, event: str) -> bool:
    return any(m.event == event and state in m.sources for m in PAYMENT.moves)


def _unpaid_event(snapshot: CheckoutSnapshot) -> str | None:
    if snapshot.session_status == "expired":
        return "expire"
    if snapshot.session_status == "complete":
        # Complete but not paid: a bank debit is on its way, or has come back.
        return (
            "fail"
            if snapshot.intent_status in ("requires_payment_method", "canceled")
            else "process"
        )
    return {"requires_action": "require_action", "canceled": "cancel"}.get(
        snapshot.intent_status or ""
    )


def _remember(payment: Payment, snapshot: CheckoutSnapshot) -> None:
    payment.payment_intent_id = snapshot.payment_intent_id or payment.payment_intent_id
    payment.charge_id = snapshot.charge_id or payment.charge_id
    payment.card_last4 = snapshot.card_last4 or payment.card_last4
    payment.instrument = snapshot.instrument or payment.instrument
    payment.decline_code = snapshot.decline_code
    if snapshot.received is not None and snapshot.currency:
        payment.received_minor = from_stripe(snapshot.received, snapshot.currency)
        payment.received_currency = snapshot.currency
    if snapshot.fee is not None and snapshot.currency:
        payment.stripe_fee_minor = from_stripe(snapshot.fee, snapshot.currency)


def _match_payment(
    ctx: Context, contract: Contract, payment: Payment, snapshot: CheckoutSnapshot
) -> None:
    milestones = {m.id: m for m in contract.milestones}
    mine = [milestones[line.milestone_id] for line in payment.lines]
    if snapshot.currency != payment.currency:
        _quarantine(ctx, contract, payment, "wrong_currency")
    elif snapshot.received != to_stripe(payment.total_minor, payment.currency):
        _quarantine(ctx, contract, payment, "wrong_amount")
    elif contract.state not in (ContractState.ACCEPTED, ContractState.ACTIVE):
        _quarantine(ctx, contract, payment, "closed")
    elif any(m.state not in checkout.PAYABLE or m.funded_minor for m in mine) or _others_open(
        ctx, payment, "processing"
    ):
        # A newer attempt may be on its way through a bank already: this late one then goes back.
        _quarantine(ctx, contract, payment, "double")
    else:
        _fund(ctx, contract, payment, mine)
    for line in payment.lines:
        line.open = False


def _others_open(ctx: Context, payment: Payment, *states: str) -> bool:
    """Whether another attempt over the same milestones is open in one of the states."""
    ids = [line.milestone_id for line in payment.lines]
    query = (
        select(Payment.id)
        .join(PaymentLine)
        .where(PaymentLine.open, PaymentLine.milestone_id.in_(ids), Payment.id != payment.id)
    )
    return ctx.session.execute(query.where(Payment.state.in_(states))).first() is not None


def _fund(ctx: Context, contract: Contract, payment: Payment, milestones: list[Milestone]) -> None:
    payment.judgement = "funded"
    by_id = {line.milestone_id: line for line in payment.lines}
    hold_limit_at = ctx.now + timedelta(days=ctx.policies.holding_limit_days())
    for milestone in milestones:
        line = by_id[milestone.id]
        line.funded, line.open = True, False
        milestone.funded_minor = line.amount_minor
        milestone.processing_due_minor = line.processing_minor
        milestone.security_days = ctx.policies.windows.security_days[payment.method]
        milestone.hold_limit_at = hold_limit_at
        events.transition(
            ctx, milestone, "fund", contract=contract, amount=line.amount_minor, payment=payment.id
        )
    if contract.state == ContractState.ACCEPTED:
        events.transition(ctx, contract, "fund")
    _plan(ctx, contract, milestones, hold_limit_at)
    queue.enqueue(ctx, JobType.RULES_CHECK, payment.id)
    contract.version += 1
    contract.updated_at = ctx.now
    _close_older(ctx, payment, milestones)
    billing.write_receipt(ctx, contract, payment)
    post(ctx, entries.fund(payment, contract, [(m, by_id[m.id].amount_minor) for m in milestones]))


def _plan(
    ctx: Context, contract: Contract, milestones: list[Milestone], hold_limit_at: datetime
) -> None:
    """What happens by itself if nothing else does: the law's holding limit, and the look whether
    anybody still cares.
    """
    windows = ctx.policies.windows
    due: list[queue.JobRequest] = [
        queue.JobRequest(
            JobType.DORMANCY, contract.id, ctx.now + timedelta(days=windows.dormant_after_days)
        )
    ]
    for milestone in milestones:
        due.append(
            queue.JobRequest(
                JobType.HOLDING_ALARM,
                milestone.id,
                hold_limit_at - timedelta(days=windows.holding_alarm_days),
            )
        )
        due.append(
            queue.JobRequest(
                JobType.HOLDING_LIMIT,
                milestone.id,
                hold_limit_at - timedelta(days=windows.holding_refund_days),
            )
        )
    queue.enqueue_many(ctx, due)


def _close_older(ctx: Context, payment: Payment, milestones: list[Milestone]) -> None:
    """An open attempt that a late success has overtaken is closed at Stripe; if it is paid all the
    same, it goes back.
    """
    for other in checkout.open_payments(ctx, milestones):
        if other.id != payment.id:
            queue.enqueue(ctx, JobType.PAYMENT_CLOSE, other.id)


def _quarantine(ctx: Context, contract: Contract, payment: Payment, why: str) -> None:
    payment.judgement = why
    received, currency = payment.received_minor or 0, payment.received_currency or payment.currency
    billing.write_receipt(ctx, contract, payment)
    post(ctx, entries.suspend_receipt(payment, contract, currency, received, why))
    events.record(
        ctx,
        "payment.quarantined",
        payment,
        contract=contract,
        why=why,
        amount=received,
        currency=currency,
    )
    if why in ("wrong_amount", "wrong_currency"):
        expected = plain(payment.total_minor, payment.currency)
        staff_tasks.open_task(
            ctx,
            TaskType(f"payment_{why}"),
            payment.id,
            contract=contract.id,
            expected=expected,
            received=plain(received, currency),
        )
    _free_milestones(ctx, contract, payment)
    queue.enqueue(ctx, JobType.SUSPENSE_RETURN, payment.id)


def _free_milestones(ctx: Context, contract: Contract, payment: Payment) -> None:
    for line in payment.lines:
        line.open = False
        milestone = next(m for m in contract.milestones if m.id == line.milestone_id)
        if milestone.state == MilestoneState.FUNDING and not _others_open(
            ctx, payment, *checkout.UNFINISHED
        ):
            events.transition(
                ctx, milestone, "payment_ended", contract=contract, payment=payment.id
            )


def _post_fee(ctx: Context, payment: Payment) -> None:
    """Stripe's fee hits operating, never trust; it may be known only some time after the charge."""
    if payment.stripe_fee_minor is None or payment.fee_posted:
        return
    payment.fee_posted = True
    currency = payment.received_currency or payment.currency
    post(ctx, entries.fund_processing_fee(payment, currency, payment.stripe_fee_minor))


def payments_of(ctx: Context, contract: Contract) -> list[Payment]:
    """Every attempt on a contract, newest first, at most 100."""
    return list(
        ctx.session.execute(
            select(Payment)
            .where(Payment.contract_id == contract.id)
            .order_by(Payment.id.desc())
            .limit(100)
        ).scalars()
    )


def by_intent(ctx: Context, payment_intent_id: str) -> str | None:
    """The id of the payment behind a PaymentIntent of ours."""
    return ctx.session.execute(
        select(Payment.id).where(Payment.payment_intent_id == payment_intent_id)
    ).scalar_one_or_none()
