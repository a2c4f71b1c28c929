"""Money from the client: starting a payment, and taking in what Stripe says became of it.

`take_in` is the one place that decides what money that arrived is: funding, or money in the wrong
place that goes back. It reads a snapshot of Stripe's present truth, so events may come late, twice,
or in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from service.core import events, queue
from service.core.context import Context
from service.domain.errors import Invalid, StateConflict
from service.domain.identity.actors import PSP, SYSTEM
from service.domain.money.money import from_stripe, plain, to_stripe
from service.domain.money.psp import CheckoutSnapshot
from service.domain.states.lifecycle import PAYMENT
from service.ledger import entries, post
from service.models import Contract, Milestone, Payment, PaymentLine, new_id
from service.policies.processing import METHODS
from service.policies.quotes import client_fee_on, promised, surcharge
from service.shared import billing, holds

CHECK_EVERY = timedelta(minutes=10)
UNFINISHED = ("created", "requires_action", "processing")
_PAYABLE = ("planned", "awaiting_funding", "funding")


@dataclass(frozen=True)
class StartedPayment:
    """`payment` to go on with; `in_the_way` are open payments over some of the same milestones that
    must be closed first.
    """

    payment: Payment | None
    in_the_way: list[Payment]


def start(
    ctx: Context, contract: Contract, milestone_ids: list[str], method: str = "card"
) -> StartedPayment:
    """A payment over one, several or all unpaid milestones.

    The open one is used again when it is the same.

    Raises StateConflict, Invalid.
    """
    if contract.state not in ("accepted", "active"):
        raise StateConflict(
            "This contract takes no payment now.",
            {"current_state": contract.state, "allowed_actions": []},
        )
    if method != "card" and not (
        method == "us_bank_account"
        and ctx.policies.bank_debit
        and contract.currency in METHODS[method]
    ):
        raise Invalid.one("/method", "method_not_offered", "This way of paying is not offered.")
    wanted = [m for m in contract.milestones if m.id in set(milestone_ids)]
    if not wanted or len(wanted) != len(set(milestone_ids)):
        raise Invalid.one(
            "/milestones", "unknown_milestone", "Choose at least one milestone of this contract."
        )
    holds.refuse(ctx, "inflow", holds.subjects_of(contract, *(m.id for m in wanted)))
    open_payments = _open_payments(ctx, wanted)
    for milestone in wanted:
        if milestone.state not in _PAYABLE or any(p.state == "processing" for p in open_payments):
            raise StateConflict(
                "This milestone is already paid, or its payment is on its way.",
                {"current_state": milestone.state, "allowed_actions": []},
            )
    again = _usable_again(ctx, open_payments, wanted, method)
    if again is not None:
        again.payer = ctx.actor
        return StartedPayment(again, [])
    if open_payments:
        return StartedPayment(None, open_payments)
    return StartedPayment(_create(ctx, contract, wanted, method), [])


def _open_payments(ctx: Context, milestones: list[Milestone]) -> list[Payment]:
    lines = select(PaymentLine.payment_id).where(
        PaymentLine.open, PaymentLine.milestone_id.in_([m.id for m in milestones])
    )
    return list(
        ctx.session.execute(
            select(Payment).where(Payment.id.in_(lines)).order_by(Payment.id)
        ).scalars()
    )


def _usable_again(
    ctx: Context, open_payments: list[Payment], milestones: list[Milestone], method: str
) -> Payment | None:
    """The open payment, where it is the only one, is over the same, and its page has not ended."""
    same = [
        p
        for p in open_payments
        if p.method == method
        and {line.milestone_id for line in p.lines} == {m.id for m in milestones}
    ]
    if (
        same
        and len(open_payments) == 1
        and (same[0].session_expires_at is None or same[0].session_expires_at > ctx.now)
    ):
        return same[0]
    return None


def _create(ctx: Context, contract: Contract, milestones: list[Milestone], method: str) -> Payment:
    payment = _attempt(ctx, contract, milestones, method)
    ctx.session.add(payment)
    for milestone in milestones:
        if milestone.state == "planned":
            events.transition(ctx, milestone, "ask_funding", contract=contract)
        if milestone.state == "awaiting_funding":
            events.transition(
                ctx, milestone, "start_payment", contract=contract, payment=payment.id
            )
    events.record(
        ctx,
        "payment.created",
        payment,
        contract=contract,
        to_state="created",
        amount=payment.total_minor,
    )
    queue.enqueue(ctx, "payment_check", payment.id, ctx.now + CHECK_EVERY)
    return payment


def _attempt(ctx: Context, contract: Contract, milestones: list[Milestone], method: str) -> Payment:
    """The payment's row and its lines, one for each milestone."""
    amounts = [m.amount_minor for m in milestones]
    cost, extra, shares = surcharge(
        ctx.policies, contract.currency, amounts, contract.processing_borne_by, method
    )
    payment = Payment(
        id=new_id("pay"),
        contract_id=contract.id,
        state="created",
        payer=ctx.actor,
        method=method,
        currency=contract.currency,
        amount_minor=sum(amounts),
        surcharge_minor=extra,
        client_fee_minor=client_fee_on(promised(contract.quote).own, sum(amounts)),
        processing_cost_minor=cost,
        judgement=None,
        created_at=ctx.now,
        session_id=None,
        session_url=None,
        session_expires_at=None,
        payment_intent_id=None,
        charge_id=None,
        received_minor=None,
        received_currency=None,
        stripe_fee_minor=None,
        card_last4=None,
        instrument=None,
        decline_code=None,
        succeeded_at=None,
    )
    payment.lines = [
        PaymentLine(
            milestone_id=m.id, amount_minor=m.amount_minor, processing_minor=share, open=True
        )
        for m, share in zip(milestones, shares, strict=True)
    ]
    return payment


def attach(payment: Payment, session_id: str, url: str, expires_at: datetime) -> None:
    """Remember the Checkout Session that Stripe made for this payment."""
    payment.session_id, payment.session_url, payment.session_expires_at = (
        session_id,
        url,
        expires_at,
    )


def apply_checkout(
    ctx: Context, contract: Contract, payment: Payment, snapshot: CheckoutSnapshot
) -> None:
    """Bring the payment to what Stripe says.

    Both are locked. Repeating it, or an older event, changes nothing.
    """
    psp = ctx.as_(PSP)
    _remember(payment, snapshot)
    if snapshot.paid:
        if payment.state in (
            "created",
            "requires_action",
            "processing",
            "failed",
            "canceled",
            "expired",
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
    if payment.state in ("failed", "canceled", "expired") and before != payment.state:
        _free_milestones(psp, contract, payment)


def abandon(ctx: Context, contract: Contract, payment: Payment) -> None:
    """An attempt for which no payment page was ever handed out.

    Should one exist and be paid all the same, the money goes back.
    """
    if payment.state in ("created", "requires_action"):
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
    elif contract.state not in ("accepted", "active"):
        _quarantine(ctx, contract, payment, "closed")
    elif any(m.state not in _PAYABLE or m.funded_minor for m in mine) or _others_open(
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
    if contract.state == "accepted":
        events.transition(ctx, contract, "fund")
    _plan(ctx, contract, milestones, hold_limit_at)
    queue.enqueue(ctx, "rules_check", payment.id)
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
        ("dormancy", contract.id, ctx.now + timedelta(days=windows.dormant_after_days), {})
    ]
    for milestone in milestones:
        due.append(
            (
                "holding_alarm",
                milestone.id,
                hold_limit_at - timedelta(days=windows.holding_alarm_days),
                {},
            )
        )
        due.append(
            (
                "holding_limit",
                milestone.id,
                hold_limit_at - timedelta(days=windows.holding_refund_days),
                {},
            )
        )
    queue.enqueue_many(ctx, due)


def _close_older(ctx: Context, payment: Payment, milestones: list[Milestone]) -> None:
    """An open attempt that a late success has overtaken is closed at Stripe; if it is paid all the
    same, it goes back.
    """
    for other in _open_payments(ctx, milestones):
        if other.id != payment.id:
            queue.enqueue(ctx, "payment_close", other.id)


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
        queue.open_task(
            ctx,
            f"payment_{why}",
            payment.id,
            contract=contract.id,
            expected=expected,
            received=plain(received, currency),
        )
    _free_milestones(ctx, contract, payment)
    queue.enqueue(ctx, "suspense_return", payment.id)


def _free_milestones(ctx: Context, contract: Contract, payment: Payment) -> None:
    for line in payment.lines:
        line.open = False
        milestone = next(m for m in contract.milestones if m.id == line.milestone_id)
        if milestone.state == "funding" and not _others_open(ctx, payment, *UNFINISHED):
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
