"""Everything that the console shows of a person or a contract: money, holds, payouts, payments,
history.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.models import (
    Contract,
    Event,
    Hold,
    Payment,
    Payout,
    Suspension,
)
from service.operations.staff import lookup
from service.platform.db import fetch

_PLACES = """
    SELECT a.currency, a.kind, sum(b.credits - b.debits)::bigint AS amount_minor,
        bool_or(b.hold_release + b.hold_refund + b.hold_outflow > 0) AS stopped
      FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
     WHERE (%(of)s IN (a.owner, a.freelancer_id, a.client_id, a.contract_id)
         OR a.owner IN (SELECT hold_owners(%(of)s)))
       AND b.normal_side = 'credit' AND b.credits > b.debits GROUP BY 1, 2 ORDER BY 1, 2
"""


def money(session: Session, subject_id: str) -> list[Any]:
    """Where the money of a person, contract, milestone, payment or payout lies (kind), and whether
    a gate stops any of it.

    Every account knows whose it is, so what a hold or a chargeback has set aside, and what is on
    its way, is there too.
    """
    return fetch(session, _PLACES, {"of": typeid.decode(subject_id)})


def contracts_of(session: Session, person_id: str) -> list[Contract]:
    """Newest first, at most 50."""
    is_freelancer = typeid.kind_of(person_id) is ObjectKind.FREELANCER
    column = Contract.freelancer_id if is_freelancer else Contract.client_id
    return list(
        session.execute(
            select(Contract)
            .where(column == person_id)
            .order_by(Contract.id.desc())
            .limit(lookup.MOST)
        ).scalars()
    )


def holds_about(session: Session, subjects: list[str]) -> list[Hold]:
    """Holds on any of these objects, in force or over, newest first, at most 50."""
    query = (
        select(Hold)
        .where(Hold.subject_id.in_([typeid.decode(one) for one in subjects]))
        .order_by(Hold.id.desc())
        .limit(lookup.MOST)
    )
    return list(session.execute(query).scalars())


def suspension_of(session: Session, person_id: str) -> Suspension | None:
    query = select(Suspension).where(
        Suspension.person_id == typeid.decode(person_id), Suspension.ended_at.is_(None)
    )
    return session.execute(query).scalar_one_or_none()


def payouts_of(session: Session, freelancer_id: str) -> list[Payout]:
    """Newest first, at most 50."""
    return list(
        session.execute(
            select(Payout)
            .where(Payout.freelancer_id == freelancer_id)
            .order_by(Payout.id.desc())
            .limit(lookup.MOST)
        ).scalars()
    )


def payments_of(session: Session, contract_id: str) -> list[Payment]:
    """Newest first, at most 50."""
    return list(
        session.execute(
            select(Payment)
            .where(Payment.contract_id == contract_id)
            .order_by(Payment.id.desc())
            .limit(lookup.MOST)
        ).scalars()
    )


def timeline(session: Session, person_id: str) -> list[Event]:
    """The newest 50 facts about a person, a contract or a hold."""
    query = select(Event).order_by(Event.number.desc()).limit(lookup.MOST)
    kind = typeid.kind_of(person_id)
    if kind is ObjectKind.FREELANCER:
        query = query.where(Event.freelancer_id == person_id)
    elif kind is ObjectKind.CONTRACT:
        query = query.where(Event.contract_id == person_id)
    elif kind is ObjectKind.CLIENT:
        query = query.where(
            Event.contract_id.in_(select(Contract.id).where(Contract.client_id == person_id))
        )
    else:
        query = query.where(Event.object_id == person_id)
    return list(session.execute(query).scalars())
