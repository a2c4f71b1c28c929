"""Where the money is, for those whose money it is: a freelancer's balance, a contract's every cent, a client's receipts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.domain import typeid
from service.ledger import Balance, balances
from service.models import Contract, Payment, Release

BALANCE_FIELDS = ("escrow", "disputed", "pending", "available", "reserved", "in_flight", "recoverable", "held")

_ESCROW = text("""
    SELECT a.kind, a.owner, a.currency, b.credits - b.debits AS amount_minor, b.hold_release + b.hold_refund + b.hold_outflow > 0 AS held
      FROM contract c JOIN milestone m ON m.contract_id = c.id
      JOIN ledger_account a ON a.owner = m.id AND a.kind IN ('escrow', 'disputed') JOIN ledger_balance b ON b.account_id = a.id
     WHERE c.freelancer_id = :freelancer
""")
_IN_FLIGHT = text("""
    SELECT a.kind, a.owner, a.currency, b.credits - b.debits AS amount_minor, false AS held
      FROM payout p JOIN ledger_account a ON a.owner = p.id AND a.kind = 'payout_in_flight' JOIN ledger_balance b ON b.account_id = a.id
     WHERE p.freelancer_id = :freelancer AND p.state IN ('requested', 'in_transit')
""")
_SHOWN_AS = {"payout_in_flight": "in_flight", "reserve": "reserved"}


def freelancer_balance(session: Session, freelancer_id: str) -> list[dict[str, Any]]:
    """Per currency, in minor units: what is in escrow, disputed, pending, available, reserved, in flight, owed, held."""
    owner = {"freelancer": typeid.decode(freelancer_id)}
    found = balances(session, ["pending", "available", "reserve", "recoverable"], [freelancer_id])
    found += [Balance(*row) for row in session.execute(_ESCROW, owner)]
    found += [Balance(*row) for row in session.execute(_IN_FLIGHT, owner)]
    by_currency: dict[str, dict[str, Any]] = {}
    for line in found:
        row = by_currency.setdefault(line.currency, {"currency": line.currency} | dict.fromkeys(BALANCE_FIELDS, 0))
        row[_SHOWN_AS.get(line.kind, line.kind)] += line.amount_minor
        if line.held:
            row["held"] += line.amount_minor
    return [by_currency[code] for code in sorted(by_currency)]


@dataclass(frozen=True)
class Place:
    """Some of a contract's money: where it is, why, and what moves it next."""

    milestone_id: str
    where: str
    amount_minor: int
    why: str


def money_of(session: Session, contract: Contract) -> list[Place]:
    """Where every cent of a contract is. The amounts of a milestone add up to what was paid for it."""
    held = {b.owner: b for b in balances(session, ["escrow"], [m.id for m in contract.milestones])} if contract.milestones else {}
    releases = list(session.execute(select(Release).where(Release.contract_id == contract.id).order_by(Release.id)).scalars())
    places = []
    for milestone in contract.milestones:
        escrow = held.get(typeid.decode(milestone.id))
        if escrow and escrow.amount_minor:
            places.append(Place(milestone.id, "escrow", escrow.amount_minor, _why_held(milestone.state)))
        for release in (r for r in releases if r.milestone_id == milestone.id):
            where = "available" if release.matured_at else "pending"
            why = "yours to pay out" if release.matured_at else f"security period until {release.matures_at:%Y-%m-%d %H:%M} UTC"
            places.append(Place(milestone.id, where, release.net_minor, why))
            if release.fee_minor:
                places.append(Place(milestone.id, "fee", release.fee_minor, f"fee by schedule {release.fee_schedule}"))
            if release.processing_minor:
                places.append(Place(milestone.id, "processing", release.processing_minor, "your part of the processing cost"))
    return places


def _why_held(state: str) -> str:
    return {
        "funded": "held until the work is handed over",
        "submitted": "held until the client answers or the review window ends",
        "changes_requested": "held until the changed work is handed over",
    }.get(state, "held")


def receipts_of(session: Session, contract: Contract) -> list[Payment]:
    """Payments that arrived, oldest first, at most 100."""
    query = select(Payment).where(Payment.contract_id == contract.id, Payment.succeeded_at.is_not(None)).order_by(Payment.succeeded_at).limit(100)
    return list(session.execute(query).scalars())
