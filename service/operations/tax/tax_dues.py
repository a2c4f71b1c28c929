"""Months of withheld tax: what is owed to which tax office until when, and that it was paid."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core import events, repository
from service.core.context import Context
from service.domain.errors import Conflict, NotFound
from service.domain.identity import typeid
from service.ledger import accounts, balance, entries, post
from service.models import TaxDue, Withholding


@dataclass(frozen=True)
class TaxDebt:
    """A month with what was withheld in it, in minor units, and from how many releases."""

    due: TaxDue
    withheld_minor: int
    releases: int


def listed(session: Session, after: str | None, limit: int) -> list[TaxDebt]:
    """Newest first; one more than `limit`, so that a reader knows whether there are others."""
    sums = func.coalesce(func.sum(Withholding.amount_minor), 0), func.count(Withholding.release_id)
    query = (
        select(TaxDue, *sums)
        .join(Withholding, Withholding.due_id == TaxDue.id)
        .group_by(TaxDue.id)
        .order_by(TaxDue.id.desc())
        .limit(limit + 1)
    )
    if after:
        query = query.where(TaxDue.id < after)
    return [TaxDebt(due, int(minor), count) for due, minor, count in session.execute(query)]


def of_release(session: Session, release_id: str) -> list[Withholding]:
    """What duties did to one release, also where that was nothing."""
    return list(
        session.execute(
            select(Withholding)
            .where(Withholding.release_id == release_id)
            .order_by(Withholding.regime)
        ).scalars()
    )


def remit(ctx: Context, due_id: str, reference: str) -> TaxDebt:
    """The platform has paid the month from its own bank account: the withheld money becomes the
    platform's. Raises NotFound, Conflict.
    """
    due = repository.one_or_none(
        ctx.session,
        select(TaxDue).where(TaxDue.id == due_id) if typeid.is_typeid(due_id, "txd") else None,
        lock=True,
    )
    if due is None:
        raise NotFound("There is no such month of withheld tax.")
    if due.remitted_at is not None:
        raise Conflict("This month was paid already.", {"reference": due.reference})
    if ctx.today.replace(day=1) <= due.month:
        raise Conflict("The month is not over: more may be withheld in it.")
    owed = balance(ctx.session, accounts.tax_withheld(due.id), due.currency)
    if not owed:
        raise Conflict("Nothing was withheld in this month.")
    due.remitted_at, due.reference, due.remitted_by = ctx.now, reference, ctx.actor
    events.record(
        ctx,
        "tax_due.remitted",
        due,
        public=False,
        regime=due.regime,
        amount=owed,
        currency=due.currency,
        reference=reference,
    )
    post(ctx, entries.tax_remit(due, owed, reference))
    count = ctx.session.execute(
        select(func.count()).where(Withholding.due_id == due.id)
    ).scalar_one()
    return TaxDebt(due, owed, count)
