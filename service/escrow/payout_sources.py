"""From which client's charge money comes: what a payment brought the freelancer, what of it is
still here, what may be paid out of it.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from service.domain.identity import typeid
from service.domain.states.names import PayoutSourceState
from service.models import PayoutSource
from service.platform.db import fetch

# Per charge: what its releases brought, less what refunds and open or lost chargebacks took of it,
# less what payouts took.
_LEFT = """
    SELECT l.payment_id, min(r.released_at) AS since, sum(r.net_minor - r.recovered_minor)::bigint
        AS net,
           coalesce(sum(r.net_minor - r.recovered_minor - r.taken_minor)
               FILTER (WHERE r.matured_at IS NULL), 0)::bigint AS pending,
           coalesce(sum(r.net_minor - r.recovered_minor) FILTER (WHERE r.matured_at IS NOT NULL),
               0)::bigint AS matured,
           (SELECT coalesce(sum(s.amount_minor - s.reversed_minor), 0)::bigint FROM payout_source s
               JOIN payout p ON p.id = s.payout_id
             WHERE s.payment_id = l.payment_id AND p.state NOT IN ('canceled', 'held')) AS used,
           (SELECT coalesce(sum(f.from_freelancer_minor), 0)::bigint FROM refund f
               WHERE f.payment_id = l.payment_id AND f.source = 'released') AS refunded,
           (SELECT coalesce(sum(c.amount_minor), 0)::bigint FROM chargeback_line c JOIN chargeback b
               ON b.id = c.chargeback_id
             WHERE b.payment_id = l.payment_id AND c.round = b.round
                 AND c.place IN ('pending', 'available')) AS locked
      FROM release r JOIN payment_line l ON l.milestone_id = r.milestone_id AND l.funded
"""
_OF_FREELANCER = (
    f"{_LEFT} WHERE r.freelancer_id = %s AND r.currency = %s GROUP BY l.payment_id "
    "ORDER BY min(r.released_at), l.payment_id"
)
_OF_PAYMENT = f"{_LEFT} WHERE l.payment_id = %s GROUP BY l.payment_id"


def choose(
    session: Session, freelancer_id: str, amount_minor: int, currency: str
) -> list[PayoutSource]:
    """Legs for a payout, first released first; fewer than `amount_minor` when part is on its way
    back from a failed payout.
    """
    chosen: list[PayoutSource] = []
    for row in fetch(session, _OF_FREELANCER, (typeid.decode(freelancer_id), currency)):
        part = min(amount_minor, row.matured - row.used - row.refunded - row.locked)
        if part > 0:
            payment_id = typeid.encode("pay", row.payment_id)
            chosen.append(
                PayoutSource(
                    number=len(chosen) + 1,
                    payment_id=payment_id,
                    amount_minor=part,
                    state=PayoutSourceState.PLANNED,
                    transfer_id=None,
                )
            )
            amount_minor -= part
    return chosen


def net_of(session: Session, payment_id: str) -> int:
    """What the freelancer got for a payment, less what was given back of it."""
    rows = fetch(session, _OF_PAYMENT, (typeid.decode(payment_id),))
    return rows[0].net - rows[0].refunded - rows[0].locked if rows else 0


def left_of(session: Session, payment_id: str) -> int:
    """What of it has not been paid out."""
    rows = fetch(session, _OF_PAYMENT, (typeid.decode(payment_id),))
    return max(0, rows[0].net - rows[0].used - rows[0].refunded - rows[0].locked) if rows else 0


def pending_of(session: Session, payment_id: str) -> int:
    """What of it is still in its security period."""
    rows = fetch(session, _OF_PAYMENT, (typeid.decode(payment_id),))
    return int(rows[0].pending) if rows else 0
