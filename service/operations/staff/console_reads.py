"""What the console shows: what waits for a person and why it is near the top, everything about a
person, and search.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from service.core.context import Context
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.models import (
    Appeal,
    Client,
    Confiscation,
    Contract,
    Event,
    Freelancer,
    Hold,
    Payment,
    Payout,
    Requirement,
    Suspension,
)
from service.platform.db import fetch

MOST = 50


@dataclass
class QueueItem:
    """One thing in the queue. Its score is the sum of `parts`, each of which is shown."""

    subject: str
    kind: str
    what: str
    since: datetime
    due_at: datetime | None
    hold_id: str | None = None
    parts: dict[str, int] = field(default_factory=dict)

    @property
    def score(self) -> int:
        return sum(self.parts.values())


def waiting(ctx: Context) -> list[QueueItem]:
    """Holds to confirm or to look at, answers to judge, appeals and cases, the most urgent first;
    at most 200.
    """
    found = [*_holds(ctx), *_answers(ctx), *_appeals(ctx), *_cases(ctx)]
    for one in found:
        one.parts = _parts(ctx.now, one)
    return sorted(found, key=lambda w: (-w.score, w.since))


def _parts(now: datetime, one: QueueItem) -> dict[str, int]:
    """Overdue before nearly due before old: a promise with a date comes first."""
    parts = {"days waiting": min((now - one.since).days, 30)}
    if one.due_at is not None and one.due_at <= now:
        parts["overdue"] = 100
    elif one.due_at is not None and one.due_at <= now + timedelta(hours=24):
        parts["due within a day"] = 50
    if one.kind == "appeals":
        parts["appeal"] = 20
    return {name: points for name, points in parts.items() if points}


def _holds(ctx: Context) -> list[QueueItem]:
    unconfirmed = Hold.confirm_by.is_not(None) & Hold.confirmed_by.is_(None)
    query = (
        select(Hold)
        .where(Hold.state.in_(("active", "in_review")), or_(unconfirmed, Hold.state == "active"))
        .order_by(Hold.id)
        .limit(MOST)
    )
    out = []
    for hold in ctx.session.execute(query).scalars():
        confirm = hold.confirm_by is not None and hold.confirmed_by is None
        what = (
            "A second person has to confirm this hold"
            if confirm
            else "Nobody has looked at this hold yet"
        )
        out.append(
            QueueItem(
                hold.id,
                "holds",
                what,
                hold.starts_at,
                hold.confirm_by if confirm else hold.review_due_at,
                hold.id,
            )
        )
    return out


def _answers(ctx: Context) -> list[QueueItem]:
    query = (
        select(Requirement)
        .join(Hold)
        .where(Requirement.state == "given", Hold.ended_at.is_(None))
        .order_by(Requirement.answered_at)
        .limit(MOST)
    )
    return [
        QueueItem(
            r.hold_id,
            "holds",
            f"An answer came: {r.kind.replace('_', ' ')}",
            r.answered_at or ctx.now,
            None,
            r.hold_id,
        )
        for r in ctx.session.execute(query).scalars()
    ]


def _appeals(ctx: Context) -> list[QueueItem]:
    query = select(Appeal).where(Appeal.decided_at.is_(None)).order_by(Appeal.filed_at).limit(MOST)
    return [
        QueueItem(
            a.id,
            "appeals",
            "Decide this appeal" if a.reviewed_by else "Take this appeal in hand",
            a.filed_at,
            a.decide_by if a.reviewed_by else a.first_answer_by,
            a.hold_id,
        )
        for a in ctx.session.execute(query).scalars()
    ]


def _cases(ctx: Context) -> list[QueueItem]:
    query = (
        select(Confiscation)
        .where(Confiscation.state.in_(("drafted", "noticed", "answered", "approved")))
        .order_by(Confiscation.id)
        .limit(MOST)
    )
    out = []
    for case in ctx.session.execute(query).scalars():
        heard = case.answer_until is not None and case.answer_until <= ctx.now
        what = {
            "drafted": "Send the notice of this case, or drop it",
            "approved": "Carry this case out" if heard else "Approved; the time to answer runs",
        }.get(case.state, f"{2 - len(case.agreed)} more people have to agree to this case")
        out.append(
            QueueItem(
                case.id,
                "cases",
                what,
                case.opened_at,
                None if heard else case.answer_until,
                case.hold_id,
            )
        )
    return out


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
            select(Contract).where(column == person_id).order_by(Contract.id.desc()).limit(MOST)
        ).scalars()
    )


def holds_about(session: Session, subjects: list[str]) -> list[Hold]:
    """Holds on any of these objects, in force or over, newest first, at most 50."""
    query = (
        select(Hold)
        .where(Hold.subject_id.in_([typeid.decode(one) for one in subjects]))
        .order_by(Hold.id.desc())
        .limit(MOST)
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
            .limit(MOST)
        ).scalars()
    )


def payments_of(session: Session, contract_id: str) -> list[Payment]:
    """Newest first, at most 50."""
    return list(
        session.execute(
            select(Payment)
            .where(Payment.contract_id == contract_id)
            .order_by(Payment.id.desc())
            .limit(MOST)
        ).scalars()
    )


def timeline(session: Session, person_id: str) -> list[Event]:
    """The newest 50 facts about a person, a contract or a hold."""
    query = select(Event).order_by(Event.number.desc()).limit(MOST)
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
