"""Payouts as they are read, and one that its owner takes back."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events
from service.core.context import Context
from service.core.repository import EVERYONE, Owner
from service.domain.states.names import PayoutState
from service.ledger import entries, post
from service.models import (
    Payout,
    PayoutSource,
)


def cancel(ctx: Context, payout: Payout) -> Payout:
    """Take a payout back before Stripe has heard of it. Raises StateConflict."""
    was_held = payout.state == PayoutState.HELD
    events.transition(ctx, payout, "cancel", amount=payout.amount_minor, currency=payout.currency)
    for source in payout.sources:
        source.reversed_minor, source.state = source.amount_minor, "reversed"
    if not was_held:
        post(ctx, entries.payout_returned(payout))
    return payout


def on_hold_of(session: Session, freelancer_id: str) -> list[Payout]:
    """Payouts that a hold has stopped, oldest first, locked."""
    query = (
        select(Payout)
        .where(Payout.freelancer_id == freelancer_id, Payout.state == PayoutState.HELD)
        .order_by(Payout.id)
        .limit(1_000)
    )
    return list(session.execute(query.with_for_update()).scalars())


def by_stripe_id(session: Session, stripe_payout_id: str) -> str | None:
    return session.execute(
        select(Payout.id).where(Payout.stripe_payout_id == stripe_payout_id)
    ).scalar_one_or_none()


def by_transfer(session: Session, transfer_id: str) -> tuple[str, int] | None:
    """(payout id, leg number) of a transfer of ours."""
    row = session.execute(
        select(PayoutSource.payout_id, PayoutSource.number).where(
            PayoutSource.transfer_id == transfer_id
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None


def find_many(session: Session, *, owner: Owner, after: str | None, limit: int) -> list[Payout]:
    """Newest first, one more than `limit` when there are more."""
    query = select(Payout).order_by(Payout.id.desc()).limit(limit + 1)
    if owner is not EVERYONE:
        query = query.where(Payout.freelancer_id == owner)
    if after:
        query = query.where(Payout.id < after)
    return list(session.execute(query).scalars())
