"""Release, refund, lock, unlock, roll on: amounts, counters and entries.

No states are moved here.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, queue
from service.core.context import Context
from service.domain.errors import ChargedBack, Conflict
from service.domain.money.fees import cumulative_share
from service.escrow import fees, withholding
from service.ledger import Entry, accounts, balance, entries, post
from service.models import Contract, Milestone, Payment, PaymentLine, Refund, Release, new_id
from service.platform.locks import Lock, alone
from service.shared import holds


def held_minor(milestone: Milestone) -> int:
    """What may still be released, refunded or disputed.

    `ledger verify` compares it with the escrow account.
    """
    gone = (
        milestone.released_minor
        + milestone.refunded_minor
        + milestone.refunding_minor
        + milestone.confiscated_minor
        + milestone.charged_back_minor
    )
    return milestone.funded_minor - gone - milestone.disputed_minor


def post_all(ctx: Context, decided: list[Entry]) -> None:
    """Post what an act decided, in order. Raises what `ledger.post` raises."""
    for entry in decided:
        post(ctx, entry)


def release(
    ctx: Context, contract: Contract, milestone: Milestone, gross_minor: int
) -> tuple[Release, Entry]:
    """Held money becomes the freelancer's, less the fee, their part of the processing cost, tax
    that is withheld, and what they owe.
    """
    holds.refuse(ctx, "release", holds.subjects_of(contract, milestone.id))
    fee = fees.take(ctx, contract, milestone, gross_minor)
    released = milestone.released_minor + gross_minor
    processing = (
        cumulative_share(milestone.processing_due_minor, released, milestone.funded_minor)
        - milestone.processing_taken_minor
    )
    processing = min(processing, gross_minor - fee.amount_minor)
    taxes = withholding.shares(
        ctx, contract, gross_minor, gross_minor - fee.amount_minor - processing
    )
    withheld = sum(tax.amount_minor for tax in taxes)
    made = _release_row(ctx, contract, milestone, gross_minor, fee, processing, withheld)
    ctx.session.add(made)
    withholding.keep(ctx, made, taxes)
    milestone.released_minor = released
    milestone.fee_taken_minor += fee.amount_minor
    milestone.fee_tax_taken_minor += fee.tax_minor
    milestone.processing_taken_minor += processing
    queue.enqueue_many(
        ctx, [("mature", made.id, made.matures_at, {}), ("invoice", made.id, ctx.now, {})]
    )
    return made, entries.release(contract, made, [(tax.due_id, tax.amount_minor) for tax in taxes])


def _release_row(
    ctx: Context,
    contract: Contract,
    milestone: Milestone,
    gross_minor: int,
    fee: fees.Fee,
    processing_minor: int,
    withheld_minor: int,
) -> Release:
    net = gross_minor - fee.amount_minor - processing_minor - withheld_minor
    return Release(
        id=new_id("rls"),
        milestone_id=milestone.id,
        contract_id=contract.id,
        freelancer_id=contract.freelancer_id,
        number=_next_number(ctx.session, milestone),
        currency=contract.currency,
        gross_minor=gross_minor,
        fee_minor=fee.amount_minor,
        fee_tax_minor=fee.tax_minor,
        processing_minor=processing_minor,
        withheld_minor=withheld_minor,
        net_minor=net,
        recovered_minor=min(net, _owed(ctx.session, contract)),
        fee_schedule=fees.schedule_id(contract),
        approved_by=ctx.actor,
        released_at=ctx.now,
        matures_at=ctx.now + timedelta(days=milestone.security_days),
        matured_at=None,
    )


def _next_number(session: Session, milestone: Milestone) -> int:
    if milestone.released_minor == 0:
        return 1
    return (
        len(session.execute(select(Release.id).where(Release.milestone_id == milestone.id)).all())
        + 1
    )


def _owed(session: Session, contract: Contract) -> int:
    debt = accounts.recoverable(contract.freelancer_id)
    owed = balance(session, debt, contract.currency)
    if owed:
        # Two releases at once must not both pay the same debt: the second one reads what the first
        # one left.
        alone(session, Lock.MONEY, contract.freelancer_id)
        owed = balance(session, debt, contract.currency)
    return owed


def funding_payment(session: Session, milestone: Milestone) -> Payment:
    """The one payment that funded a milestone."""
    query = (
        select(Payment)
        .join(PaymentLine)
        .where(PaymentLine.milestone_id == milestone.id, PaymentLine.funded)
    )
    return session.execute(query).scalar_one()


def _refundable_payment(ctx: Context, milestone: Milestone) -> Payment:
    payment = funding_payment(ctx.session, milestone)
    if payment.state in ("charged_back", "lost"):
        raise ChargedBack(
            "The client's bank has taken this payment back; a refund would pay it twice."
        )
    return payment


def refund_held(
    ctx: Context, contract: Contract, milestone: Milestone, amount_minor: int, reason: str
) -> tuple[Refund, Entry]:
    """Held money starts its way back by the way it came.

    Raises ChargedBack while a bank has a hand on the payment.
    """
    holds.refuse(ctx, "refund", holds.subjects_of(contract, milestone.id))
    refund = _refund_row(
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
    holds.refuse(ctx, "refund", holds.subjects_of(contract, milestone.id))
    left = milestone.released_minor - milestone.refunded_after_release_minor - amount_minor
    back = fees.give_back(contract, milestone, left)
    fee_back = min(amount_minor, back.amount_minor)
    share = amount_minor - fee_back
    refund = _refund_row(
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
    queue.enqueue(ctx, "invoice", refund.id)
    freelancer, currency = contract.freelancer_id, contract.currency
    available = min(share, balance(ctx.session, accounts.available(freelancer), currency))
    pending = min(share - available, balance(ctx.session, accounts.pending(freelancer), currency))
    take_pending(ctx.session, contract, milestone, pending)
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


def take_pending(
    session: Session, contract: Contract, milestone: Milestone, amount_minor: int
) -> None:
    """Write down from which releases pending money was taken, this milestone's first, so that the
    others age as they would.
    """
    query = select(Release).where(
        Release.freelancer_id == contract.freelancer_id,
        Release.currency == contract.currency,
        Release.matured_at.is_(None),
    )
    waiting = (
        list(session.execute(query.order_by(Release.id.desc()).with_for_update()).scalars())
        if amount_minor
        else []
    )
    for release in sorted(waiting, key=lambda r: r.milestone_id != milestone.id):
        part = min(amount_minor, release.net_minor - release.recovered_minor - release.taken_minor)
        release.taken_minor += part
        amount_minor -= part


def _refund_row(
    ctx: Context,
    contract: Contract,
    payment: Payment,
    milestone: Milestone,
    source: str,
    amount_minor: int,
    reason: str,
) -> Refund:
    refund_id = new_id("ref")
    refund = Refund(
        id=refund_id,
        payment_id=payment.id,
        milestone_id=milestone.id,
        source=source,
        cause=refund_id,
        attempt=1,
        state="pending",
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
        to_state="pending",
    )
    queue.enqueue(ctx, "refund_send", refund.id, _sendable_at(ctx, payment))
    return refund


def _sendable_at(ctx: Context, payment: Payment) -> datetime:
    """A bank debit that could still come back is not refunded before it is final, or the client
    would have it twice.
    """
    if payment.method == "card" or payment.succeeded_at is None:
        return ctx.now
    return max(
        ctx.now, payment.succeeded_at + timedelta(days=ctx.policies.windows.debit_final_days)
    )


def lock(contract: Contract, milestone: Milestone, amount_minor: int, dispute_id: str) -> Entry:
    """Exactly this much is locked; the rest flows on. Raises Conflict when less is held."""
    if amount_minor > held_minor(milestone):
        raise Conflict(
            "Less than that is held for this milestone.", {"held": held_minor(milestone)}
        )
    milestone.disputed_minor += amount_minor
    return entries.dispute_lock(contract, milestone, dispute_id, amount_minor)


def unlock(contract: Contract, milestone: Milestone, amount_minor: int, dispute_id: str) -> Entry:
    """What was locked is held as before."""
    milestone.disputed_minor -= amount_minor
    return entries.dispute_settle(contract, milestone, dispute_id, amount_minor)


def roll_on(ctx: Context, contract: Contract, milestone: Milestone) -> tuple[Milestone, Entry]:
    """What is still held becomes a milestone of its own at the end of the list, paid already by the
    same payment.
    """
    amount = held_minor(milestone)
    # Of the freelancer's processing cost, what was not taken with the released part goes along.
    processing = milestone.processing_due_minor - milestone.processing_taken_minor
    fresh = Milestone(
        id=new_id("mst"),
        contract_id=contract.id,
        number=max(m.number for m in contract.milestones) + 1,
        state="funded",
        title=f"Rest of {milestone.title}"[:140],
        amount_minor=amount,
        due_on=milestone.due_on,
        funded_minor=amount,
        processing_due_minor=processing,
        security_days=milestone.security_days,
        hold_limit_at=milestone.hold_limit_at,
        auto_release_at=None,
        billed_before_minor=None,
    )
    milestone.amount_minor -= amount
    milestone.funded_minor -= amount
    milestone.processing_due_minor -= processing
    contract.milestones.append(fresh)
    # The new milestone's row before the payment's line that refers to it.
    ctx.session.flush()
    _move_payment_line(ctx.session, milestone, fresh, amount, processing)
    return fresh, entries.roll(contract, milestone, fresh, amount)


def _move_payment_line(
    session: Session,
    milestone: Milestone,
    fresh: Milestone,
    amount_minor: int,
    processing_minor: int,
) -> None:
    payment = funding_payment(session, milestone)
    line = next(one for one in payment.lines if one.milestone_id == milestone.id)
    line.amount_minor -= amount_minor
    line.processing_minor -= processing_minor
    payment.lines.append(
        PaymentLine(
            milestone_id=fresh.id,
            amount_minor=amount_minor,
            processing_minor=processing_minor,
            open=False,
            funded=True,
        )
    )
