"""How staff find something: by an id of ours or of Stripe's, by words, by an amount."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.models import (
    Client,
    Contract,
    Freelancer,
    Payment,
    Payout,
)
from service.platform.db import fetch

MOST = 50


_STRIPE = """
    SELECT contract_id, id FROM payment WHERE payment_intent_id = %(q)s OR charge_id = %(q)s
        OR session_id = %(q)s
    UNION ALL SELECT p.contract_id, p.id FROM refund r JOIN payment p ON p.id = r.payment_id
        WHERE r.stripe_refund_id = %(q)s
    UNION ALL SELECT b.contract_id, b.payment_id FROM chargeback b WHERE b.stripe_dispute_id = %(q)s
        LIMIT 5
"""


_STRIPE_PEOPLE = """
    SELECT freelancer_id FROM payout_account WHERE stripe_account_id = %(q)s
    UNION SELECT freelancer_id FROM payout WHERE stripe_payout_id = %(q)s
    UNION SELECT p.freelancer_id FROM payout_source s JOIN payout p ON p.id = s.payout_id
        WHERE s.transfer_id = %(q)s LIMIT 5
"""


def by_stripe_id(session: Session, text: str) -> list[str]:
    """Contracts and freelancers that something of Stripe's belongs to: pi_, ch_, cs_, re_, dp_,
    acct_, po_, tr_.
    """
    contracts = [
        typeid.encode("ctr", row.contract_id) for row in fetch(session, _STRIPE, {"q": text})
    ]
    return [
        *contracts,
        *(
            typeid.encode("frl", row.freelancer_id)
            for row in fetch(session, _STRIPE_PEOPLE, {"q": text})
        ),
    ]


def by_words(session: Session, text: str) -> list[tuple[str, str]]:
    """(id, label) of people and contracts by e-mail, name, reference or title, at most 50 of
    each.
    """
    like = f"%{text.replace('%', '').replace('_', '')}%"
    people = (
        select(Freelancer)
        .where(
            or_(
                Freelancer.display_name.ilike(like),
                Freelancer.email.ilike(like),
                Freelancer.external_ref == text,
            )
        )
        .limit(MOST)
    )
    clients = select(Client).where(Client.email.ilike(like)).limit(MOST)
    contracts = (
        select(Contract)
        .where(or_(Contract.title.ilike(like), Contract.client_name.ilike(like)))
        .order_by(Contract.id.desc())
        .limit(MOST)
    )
    return [
        *((f.id, f"{f.display_name}, freelancer") for f in session.execute(people).scalars()),
        *((c.id, f"{c.email}, client") for c in session.execute(clients).scalars()),
        *(
            (c.id, f"{c.title}, contract with {c.client_name}")
            for c in session.execute(contracts).scalars()
        ),
    ]


def by_amount(session: Session, amount_minor: int, currency: str) -> list[tuple[str, str]]:
    """(id, label) of contracts with a payment of exactly this much, newest first, at most 50."""
    total = Payment.amount_minor + Payment.surcharge_minor + Payment.client_fee_minor
    query = select(Payment).where(
        Payment.currency == currency,
        or_(total == amount_minor, Payment.amount_minor == amount_minor),
    )
    return [
        (p.contract_id, f"{p.id}, {p.state}")
        for p in session.execute(query.order_by(Payment.id.desc()).limit(MOST)).scalars()
    ]


_PARENTS = {
    ObjectKind.MILESTONE: "SELECT contract_id AS found FROM milestone WHERE id = %s",
    ObjectKind.PAYMENT: "SELECT contract_id AS found FROM payment WHERE id = %s",
    ObjectKind.REFUND: "SELECT p.contract_id AS found FROM refund r JOIN payment p ON p.id = "
    "r.payment_id WHERE r.id = %s",
    ObjectKind.DISPUTE: "SELECT contract_id AS found FROM dispute WHERE id = %s",
    ObjectKind.CHARGEBACK: "SELECT contract_id AS found FROM chargeback WHERE id = %s",
    ObjectKind.RELEASE: "SELECT contract_id AS found FROM release WHERE id = %s",
}


_OWN_PAGE = (
    ObjectKind.FREELANCER,
    ObjectKind.CLIENT,
    ObjectKind.CONTRACT,
    ObjectKind.HOLD,
    ObjectKind.CASE,
    ObjectKind.APPEAL,
)


def page_of(session: Session, object_id: str) -> str | None:
    """The id whose page shows this object: a person, contract, hold, case or appeal is its own; a
    payment is its contract's. None for others.
    """
    if not typeid.is_typeid(object_id, *ObjectKind):
        return None
    kind = typeid.kind_of(object_id)
    if kind in _OWN_PAGE:
        return object_id
    if kind is ObjectKind.PAYOUT:
        payout = session.get(Payout, object_id)
        return payout.freelancer_id if payout else None
    rows = fetch(session, _PARENTS[kind], (typeid.decode(object_id),)) if kind in _PARENTS else []
    return typeid.encode("ctr", rows[0].found) if rows else None
