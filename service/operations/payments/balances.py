"""Where the money is, for those whose money it is: a freelancer's balance, a contract's every cent,
a client's receipts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.domain.identity import typeid
from service.domain.money.chart import AccountCode
from service.escrow.milestone_money import escrowed_minor
from service.models import Contract, Milestone, Payment
from service.platform.db import fetch

BALANCE_FIELDS = (
    "escrow",
    "disputed",
    "pending",
    "available",
    "reserved",
    "in_flight",
    "recoverable",
    "held",
)

_BALANCES = text("""
    SELECT a.kind, a.currency,
        sum(CASE a.normal_side WHEN 'credit' THEN b.credits - b.debits ELSE b.debits - b.credits
        END)::bigint AS amount_minor,
           coalesce(sum(b.credits - b.debits)
               FILTER (WHERE b.hold_release + b.hold_refund + b.hold_outflow > 0), 0)::bigint
               AS frozen_minor
      FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
     WHERE a.freelancer_id = :freelancer AND a.kind = ANY (:kinds) GROUP BY a.kind, a.currency
""")
# A chargeback sets aside what a client was owed beside what the freelancer has: only the latter is
# theirs.
_OWED_TO_CLIENTS = text("""
    SELECT b.currency, sum(l.amount_minor)::bigint AS amount_minor
      FROM chargeback b JOIN chargeback_line l ON l.chargeback_id = b.id AND l.round = b.round
          AND l.place = 'unclaimed'
      JOIN contract c ON c.id = b.contract_id
     WHERE c.freelancer_id = :freelancer AND b.locked AND b.closed_at IS NULL GROUP BY b.currency
""")
_SHOWN_AS = {
    AccountCode.ESCROW: "escrow",
    AccountCode.DISPUTED: "disputed",
    AccountCode.PENDING: "pending",
    AccountCode.AVAILABLE: "available",
    AccountCode.RESERVE: "reserved",
    AccountCode.PAYOUT_IN_FLIGHT: "in_flight",
    AccountCode.RECOVERABLE: "recoverable",
}


def freelancer_balance(session: Session, freelancer_id: str) -> list[dict[str, Any]]:
    """Per currency, in minor units: what is in escrow, disputed, pending, available, reserved, in
    flight, owed, held.

    Every account knows whose it is, whatever it belongs to; `held` is what of all that a hold stops
    now.
    """
    whose = {"freelancer": typeid.decode(freelancer_id)}
    by_currency: dict[str, dict[str, Any]] = {}
    for line in session.execute(_BALANCES, whose | {"kinds": [code.value for code in _SHOWN_AS]}):
        row = by_currency.setdefault(
            line.currency, {"currency": line.currency} | dict.fromkeys(BALANCE_FIELDS, 0)
        )
        row[_SHOWN_AS[AccountCode(line.kind)]] += line.amount_minor
        row["held"] += line.frozen_minor
    for line in session.execute(_OWED_TO_CLIENTS, whose):
        by_currency[line.currency]["reserved"] -= line.amount_minor
    return [by_currency[code] for code in sorted(by_currency)]


@dataclass(frozen=True)
class MoneyPlace:
    """Some of a contract's money: where it is, why, and what moves it next."""

    milestone_id: str
    where: str
    amount_minor: int
    why: str


def money_of(session: Session, contract: Contract) -> list[MoneyPlace]:
    """Where every cent of a contract is: the amounts of all places add up to what was paid for it,
    from the books.
    """
    places: list[MoneyPlace] = []
    for milestone in contract.milestones:
        places += _of_milestone(milestone)
    for row in fetch(session, _RELEASED, (typeid.decode(contract.id),)):
        places += _of_released(row)
    return [place for place in places if place.amount_minor]


def _of_milestone(m: Milestone) -> list[MoneyPlace]:
    fee = m.fee_taken_minor - m.fee_returned_minor
    return [
        MoneyPlace(m.id, "escrow", escrowed_minor(m), _why_escrowed(m.state)),
        MoneyPlace(
            m.id, "disputed", m.disputed_minor, "locked until the dispute or chargeback is decided"
        ),
        MoneyPlace(m.id, "refund_in_flight", m.refunding_minor, "on its way back to the client"),
        MoneyPlace(m.id, "refunded", m.refunded_minor, "back with the client"),
        MoneyPlace(m.id, "charged_back", m.charged_back_minor, "taken back by the client's bank"),
        MoneyPlace(
            m.id, "confiscated", m.confiscated_minor, "taken by a case; the case says where it goes"
        ),
        MoneyPlace(m.id, "fee", fee, "the fee on what was released"),
        MoneyPlace(
            m.id,
            "processing",
            m.processing_taken_minor,
            "the freelancer's part of the processing cost",
        ),
        MoneyPlace(
            m.id,
            "refunded",
            m.refunded_after_release_minor,
            "back with the client, or on its way, after the release",
        ),
    ]


_RELEASED = """
    SELECT l.payment_id, (array_agg(r.milestone_id ORDER BY r.id))[1] AS milestone_id,
        sum(r.net_minor)::bigint AS net, sum(r.recovered_minor)::bigint AS recovered,
           coalesce(sum(r.net_minor - r.recovered_minor - r.taken_minor)
               FILTER (WHERE r.matured_at IS NULL), 0)::bigint AS pending,
           (SELECT coalesce(sum(f.from_freelancer_minor), 0)::bigint FROM refund f
               WHERE f.payment_id = l.payment_id AND f.source = 'released') AS refunded,
           (SELECT coalesce(sum(c.amount_minor), 0)::bigint FROM chargeback_line c JOIN chargeback b
               ON b.id = c.chargeback_id
             WHERE b.payment_id = l.payment_id AND c.round = b.round
                 AND c.place IN ('pending', 'available')) AS locked,
           (SELECT coalesce(sum(s.amount_minor - s.reversed_minor), 0)::bigint FROM payout_source s
               JOIN payout p ON p.id = s.payout_id
             WHERE s.payment_id = l.payment_id AND p.state IN ('requested', 'in_transit'))
                 AS on_its_way,
           (SELECT coalesce(sum(s.amount_minor - s.reversed_minor), 0)::bigint FROM payout_source s
               JOIN payout p ON p.id = s.payout_id
             WHERE s.payment_id = l.payment_id AND p.state = 'paid') AS paid_out
      FROM release r JOIN payment_line l ON l.milestone_id = r.milestone_id AND l.funded
     WHERE r.contract_id = %s GROUP BY l.payment_id ORDER BY min(r.released_at), l.payment_id
"""


def _of_released(row: Any) -> list[MoneyPlace]:
    milestone_id = typeid.encode("mst", row.milestone_id)
    available = (
        row.net
        - row.recovered
        - row.pending
        - row.refunded
        - row.locked
        - row.on_its_way
        - row.paid_out
    )
    return [
        MoneyPlace(milestone_id, "recovered", row.recovered, "paid an old debt of the freelancer"),
        MoneyPlace(milestone_id, "pending", row.pending, "released; in its security period"),
        MoneyPlace(
            milestone_id,
            "reserved",
            row.locked,
            "locked by a chargeback of this payment, or lost to it",
        ),
        MoneyPlace(
            milestone_id, "payout_in_flight", row.on_its_way, "on its way to the freelancer's bank"
        ),
        MoneyPlace(milestone_id, "paid_out", row.paid_out, "at the freelancer's bank"),
        MoneyPlace(
            milestone_id, "available", max(0, available), "the freelancer may have it paid out"
        ),
        MoneyPlace(
            milestone_id,
            "elsewhere",
            min(0, available),
            "given back out of the freelancer's other money, or owed by them",
        ),
    ]


def _why_escrowed(state: str) -> str:
    return {
        "funded": "held until the work is handed over",
        "submitted": "held until the client answers or the review window ends",
        "changes_requested": "held until the changed work is handed over",
        "refund_requested": "held until the freelancer answers the request for a refund",
    }.get(state, "held")


def receipts_of(session: Session, contract: Contract) -> list[Payment]:
    """Payments that arrived, oldest first, at most 100."""
    query = (
        select(Payment)
        .where(Payment.contract_id == contract.id, Payment.succeeded_at.is_not(None))
        .order_by(Payment.succeeded_at)
        .limit(100)
    )
    return list(session.execute(query).scalars())
