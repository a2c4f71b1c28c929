"""Escrowed money becomes the freelancer's: the fee, taxes withheld, the counters, the entry."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import queue
from service.core.context import Context
from service.domain.money.fees import cumulative_share
from service.domain.states.job_types import JobType
from service.escrow import fees, milestone_money, withholding
from service.ledger import Entry, accounts, balance, entries
from service.models import Contract, Milestone, Release, new_id
from service.platform.locks import Lock, alone
from service.shared import hold_checks


def release(
    ctx: Context, contract: Contract, milestone: Milestone, gross_minor: int
) -> tuple[Release, Entry]:
    """Escrowed money becomes the freelancer's, less the fee, their part of the processing cost, tax
    that is withheld, and what they owe.
    """
    hold_checks.refuse(ctx, "release", hold_checks.subjects_of(contract, milestone.id))
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
        ctx,
        [
            queue.JobRequest(JobType.SETTLE_PENDING, made.id, made.matures_at),
            queue.JobRequest(JobType.INVOICE, made.id, ctx.now),
        ],
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
        number=milestone_money.next_number(ctx.session, milestone),
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


def _owed(session: Session, contract: Contract) -> int:
    debt = accounts.recoverable(contract.freelancer_id)
    owed = balance(session, debt, contract.currency)
    if owed:
        # Two releases at once must not both pay the same debt: the second one reads what the first
        # one left.
        alone(session, Lock.MONEY, contract.freelancer_id)
        owed = balance(session, debt, contract.currency)
    return owed


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
