"""A client pays for milestones: an attempt is made, used again, or replaced by another one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from service.core import events, queue
from service.core.context import Context
from service.domain.errors import Invalid, StateConflict
from service.domain.states.job_types import JobType
from service.domain.states.names import ContractState, MilestoneState, PaymentState
from service.models import Contract, Milestone, Payment, PaymentLine, new_id
from service.policies.processing import METHODS
from service.policies.quotes import client_fee_on, promised, surcharge
from service.shared import hold_checks

CHECK_EVERY = timedelta(minutes=10)


UNFINISHED = (PaymentState.CREATED, PaymentState.REQUIRES_ACTION, PaymentState.PROCESSING)


PAYABLE = (MilestoneState.PLANNED, MilestoneState.AWAITING_FUNDING, MilestoneState.FUNDING)


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
    wanted = _asked_for(ctx, contract, milestone_ids, method)
    hold_checks.refuse(ctx, "inflow", hold_checks.subjects_of(contract, *(m.id for m in wanted)))
    attempts = open_payments(ctx, wanted)
    for milestone in wanted:
        if milestone.state not in PAYABLE or any(
            p.state == PaymentState.PROCESSING for p in attempts
        ):
            raise StateConflict(
                "This milestone is already paid, or its payment is on its way.",
                {"current_state": milestone.state, "allowed_actions": []},
            )
    again = _usable_again(ctx, attempts, wanted, method)
    if again is not None:
        again.payer = ctx.actor
        return StartedPayment(again, [])
    if attempts:
        return StartedPayment(None, attempts)
    return StartedPayment(_create(ctx, contract, wanted, method), [])


def _asked_for(
    ctx: Context, contract: Contract, milestone_ids: list[str], method: str
) -> list[Milestone]:
    """The milestones to be paid, where the contract and the way of paying allow it."""
    if contract.state not in (ContractState.ACCEPTED, ContractState.ACTIVE):
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
    return wanted


def open_payments(ctx: Context, milestones: list[Milestone]) -> list[Payment]:
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
        if milestone.state == MilestoneState.PLANNED:
            events.transition(ctx, milestone, "ask_funding", contract=contract)
        if milestone.state == MilestoneState.AWAITING_FUNDING:
            events.transition(
                ctx, milestone, "start_payment", contract=contract, payment=payment.id
            )
    events.record(
        ctx,
        "payment.created",
        payment,
        contract=contract,
        to_state=PaymentState.CREATED,
        amount=payment.total_minor,
    )
    queue.enqueue(ctx, JobType.PAYMENT_CHECK, payment.id, ctx.now + CHECK_EVERY)
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
        state=PaymentState.CREATED,
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
