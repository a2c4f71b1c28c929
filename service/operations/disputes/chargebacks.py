"""A bank takes a payment back: its money is found and set aside, and the bank's dispute is
followed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, queue, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.identity.actors import PSP, ActorKind
from service.domain.money.money import from_stripe
from service.domain.money.psp import ChargebackSnapshot
from service.domain.states.job_types import JobType
from service.domain.states.lifecycle import CHARGEBACK
from service.domain.states.names import ChargebackState, PaymentState
from service.escrow import milestone_money, states, withdrawn_funds
from service.ledger import Entry, entries
from service.models import (
    Chargeback,
    Contract,
    Payment,
    Release,
    Submission,
    new_id,
)
from service.operations.disputes import chargeback_outcomes

_CAN_BE_TAKEN_BACK = (
    PaymentState.SUCCEEDED,
    PaymentState.PARTIALLY_REFUNDED,
    PaymentState.REFUNDED,
    PaymentState.WON,
)
INQUIRIES = ("warning_needs_response", "warning_under_review", "warning_closed")


_EVENTS = {
    "warning_closed": "close_inquiry",
    "needs_response": "escalate",
    "under_review": "submit",
    "warning_under_review": "submit",
    "won": "win",
    "lost": "lose",
    "appeal_needs_response": "reopen",
    "appeal_under_review": "submit",
}


_FINAL = (ChargebackState.WON, ChargebackState.LOST, ChargebackState.CLOSED)


def apply_dispute(
    ctx: Context, contract: Contract, payment: Payment, snapshot: ChargebackSnapshot
) -> Chargeback:
    """Bring a chargeback to what Stripe says. Payment and contract are locked."""
    psp = ctx.as_(PSP)
    found = by_stripe_id(ctx.session, snapshot.id, lock=True)
    chargeback = found or _open(psp, contract, payment, snapshot)
    if found is not None and snapshot.status == found.stripe_status:
        return found
    chargeback.stripe_status = snapshot.status
    chargeback.fee_minor = from_stripe(snapshot.fee, snapshot.currency)
    entries: list[Entry] = []
    if not chargeback.locked and _funds_withdrawn(chargeback, snapshot.status):
        entries += _lock(psp, contract, payment, chargeback)
    entries += _apply_status(psp, contract, payment, chargeback, snapshot.status)
    states.after_change(psp, contract)
    milestone_money.post_all(psp, entries)
    return chargeback


def _funds_withdrawn(chargeback: Chargeback, status: str) -> bool:
    """Whether the bank has the money by this status.

    What two workers heard may arrive here in the wrong order: a case that was won is opened again
    only by the bank's own appeal.
    """
    if chargeback.state in _FINAL:
        return (chargeback.state, status) == ("won", "appeal_needs_response") or (
            chargeback.state == ChargebackState.CLOSED and status not in INQUIRIES
        )
    return status in _EVENTS and status not in INQUIRIES


def _open(
    ctx: Context, contract: Contract, payment: Payment, snapshot: ChargebackSnapshot
) -> Chargeback:
    chargeback = _opened(ctx, contract, payment, snapshot)
    ctx.session.add(chargeback)
    fact = (
        "chargeback.inquiry_opened"
        if chargeback.state == ChargebackState.INQUIRY
        else "chargeback.opened"
    )
    data: dict[str, Any] = {
        "amount": chargeback.amount_minor,
        "currency": snapshot.currency,
        "reason": snapshot.reason,
        "payment": payment.id,
    }
    events.record(ctx, fact, chargeback, contract=contract, to_state=chargeback.state, **data)
    staff_tasks.open_task(
        ctx, TaskType.CHARGEBACK, chargeback.id, contract=contract.id, reason=snapshot.reason
    )
    queue.enqueue(ctx, JobType.CHARGEBACK_PACK, chargeback.id)
    queue.enqueue(ctx, JobType.RULES_CHECK, payment.id)
    if chargeback.submit_by:
        queue.enqueue(
            ctx, JobType.CHARGEBACK_SUBMIT, chargeback.id, max(chargeback.submit_by, ctx.now)
        )
    return chargeback


def _opened(
    ctx: Context, contract: Contract, payment: Payment, snapshot: ChargebackSnapshot
) -> Chargeback:
    due = snapshot.evidence_due_at
    submit_by = (
        due - timedelta(days=ctx.policies.windows.chargeback_submit_days_before) if due else None
    )
    return Chargeback(
        id=new_id("cbk"),
        payment_id=payment.id,
        contract_id=contract.id,
        stripe_dispute_id=snapshot.id,
        state=(
            ChargebackState.INQUIRY
            if snapshot.status in INQUIRIES
            else ChargebackState.EVIDENCE_DUE
        ),
        stripe_status="",
        reason=snapshot.reason,
        currency=snapshot.currency,
        amount_minor=from_stripe(snapshot.amount, snapshot.currency),
        fee_minor=from_stripe(snapshot.fee, snapshot.currency),
        locked=False,
        round=1,
        protected=None,
        evidence_due_at=due,
        submit_by=submit_by,
        pack_file_id=None,
        stripe_file_id=None,
        submitted_at=None,
        opened_at=ctx.now,
        closed_at=None,
    )


def _lock(
    ctx: Context, contract: Contract, payment: Payment, chargeback: Chargeback
) -> list[Entry]:
    """The bank has pulled the money: from escrow what is there, then what is released and here,
    then what is gone.
    """
    chargeback.locked = True
    chargeback.protected = _protected(ctx.session, contract, payment)
    found_money = withdrawn_funds.find(ctx, contract, payment, chargeback)
    if payment.state in _CAN_BE_TAKEN_BACK:
        events.transition(
            ctx,
            payment,
            "charge_back",
            contract=contract,
            amount=chargeback.amount_minor,
            chargeback=chargeback.id,
        )
    queue.enqueue(
        ctx,
        JobType.CHARGEBACK_RESERVE_OVER,
        chargeback.id,
        ctx.now + timedelta(days=ctx.policies.windows.chargeback_reserve_days),
    )
    found = [entries.chargeback_open(chargeback)]
    if chargeback.fee_minor and chargeback.round == 1:
        found.append(entries.chargeback_fee(chargeback))
    if found_money.escrowed or found_money.taken:
        found.append(entries.chargeback_lock(chargeback, found_money.escrowed, found_money.taken))
    return found


def _protected(session: Session, contract: Contract, payment: Payment) -> bool:
    """The checklist: paid here, handed over, and released by the client with a code from their
    mailbox.
    """
    mine = [line.milestone_id for line in payment.lines if line.funded]
    released = [m for m in contract.milestones if m.id in mine and m.released_minor]
    for milestone in released:
        handed_over = session.execute(
            select(Submission.id).where(Submission.milestone_id == milestone.id).limit(1)
        ).first()
        approved_by = session.execute(
            select(Release.approved_by).where(Release.milestone_id == milestone.id).distinct()
        ).scalars()
        if not handed_over or any(actor.kind is not ActorKind.CLIENT for actor in approved_by):
            return False
    return bool(released)


def _apply_status(
    ctx: Context, contract: Contract, payment: Payment, chargeback: Chargeback, status: str
) -> list[Entry]:
    event = _EVENTS.get(status)
    if event is None:
        if status != "warning_needs_response":
            staff_tasks.open_task(
                ctx, TaskType.CHARGEBACK_UNKNOWN_STATUS, chargeback.id, status=status
            )
        return []
    _escalate_unheard(ctx, contract, chargeback, status)
    possible = any(m.event == event and chargeback.state in m.sources for m in CHARGEBACK.moves)
    if not possible:
        return []
    actor = "system" if event == "submit" else "psp"
    events.transition(
        ctx,
        chargeback,
        event,
        contract=contract,
        actor=actor,
        amount=chargeback.amount_minor,
        currency=chargeback.currency,
        reason=chargeback.reason,
    )
    if chargeback.state in _FINAL:
        chargeback.closed_at = ctx.now
        staff_tasks.close_task(ctx, TaskType.CHARGEBACK, chargeback.id)
    if event == "win":
        return chargeback_outcomes.won(ctx, contract, payment, chargeback)
    if event == "lose":
        return chargeback_outcomes.lost(ctx, contract, payment, chargeback)
    return []


def _escalate_unheard(
    ctx: Context, contract: Contract, chargeback: Chargeback, status: str
) -> None:
    """Where an inquiry has become a dispute, and that it did was never heard of."""
    if (
        chargeback.state in (ChargebackState.INQUIRY, ChargebackState.CLOSED)
        and status not in INQUIRIES
        and _EVENTS[status] != "escalate"
    ):
        events.transition(
            ctx,
            chargeback,
            "escalate",
            contract=contract,
            amount=chargeback.amount_minor,
            currency=chargeback.currency,
            reason=chargeback.reason,
        )


def mark_submitted(ctx: Context, contract: Contract, chargeback: Chargeback) -> None:
    """The evidence has gone to the bank, which takes it once. Raises StateConflict."""
    events.transition(ctx, chargeback, "submit", contract=contract)
    chargeback.submitted_at = ctx.now
    states.touch(ctx, contract)


def mark_accepted(ctx: Context, contract: Contract, chargeback: Chargeback) -> None:
    """Staff will not contest it; the bank then closes it as lost. Raises StateConflict."""
    events.transition(ctx, chargeback, "accept", contract=contract)
    states.touch(ctx, contract)


def by_stripe_id(
    session: Session, stripe_dispute_id: str, *, lock: bool = False
) -> Chargeback | None:
    query = select(Chargeback).where(Chargeback.stripe_dispute_id == stripe_dispute_id)
    return session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
