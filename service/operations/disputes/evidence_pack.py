"""What we can show a bank about a payment: who agreed to what, when the mailbox was proved, what
was delivered and released.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.domain.identity import typeid
from service.domain.identity.actors import ActorKind
from service.domain.money.money import plain
from service.domain.text.texts import printable
from service.models import (
    Acceptance,
    Chargeback,
    ClientLink,
    Contract,
    Event,
    Message,
    Milestone,
    Payment,
    Release,
    Submission,
)
from service.platform.db import fetch
from service.shared import clients
from service.shared.agreement import TERMS_HASH

_MOST = 200


def values_of(
    session: Session, contract: Contract, payment: Payment, chargeback: Chargeback, platform: str
) -> dict[str, Any]:
    """Everything of the paper, as plain values; each part has a maximum."""
    milestones = [
        m for m in contract.milestones if m.id in {line.milestone_id for line in payment.lines}
    ]
    accepted = _acceptances(session, contract)
    amount = plain(chargeback.amount_minor, chargeback.currency)
    colleague = clients.link_of_payer(session, payment.payer)
    who = f"A colleague of {contract.client_name}" if colleague else contract.client_name
    releases = _releases(session, milestones)
    proofs = _proofs(session, contract)
    return {
        "platform": platform,
        "chargeback": chargeback.id,
        "summary": f"{who} paid {amount} for work that {contract.freelancer.display_name} was to "
        f"do under a contract that {contract.client_name} agreed to.",
        "dispute": _dispute(chargeback, payment, colleague),
        "agreement": [row for one in accepted for row in _acceptance(one)]
        or [["Accepted", "not recorded"]],
        "deliveries": [_delivery(m, s) for m in milestones for s in _submissions(session, m)],
        "releases": [_release(r, proofs.get(r.id)) for r in releases],
        "releases_by_client": sum(1 for r in releases if _by_client(r)),
        "letters": [
            [m.template.replace("_", " "), _when(m.sent_at), m.state]
            for m in _emails(session, contract, colleague)
        ],
        "events": [
            [_when(e.occurred_at), e.type, str(e.actor.kind)] for e in _events(session, contract)
        ],
    }


def text_of(values: dict[str, Any]) -> str:
    """The same in short, for the bank's text field."""
    facts = [f"{name}: {value}" for name, value in [*values["dispute"], *values["agreement"]]]
    counts = (
        f"Deliveries: {len(values['deliveries'])}. Releases by the client: "
        f"{values['releases_by_client']}. Letters: {len(values['letters'])}."
    )
    return printable("\n".join([values["summary"], *facts, counts]))


def _dispute(
    chargeback: Chargeback, payment: Payment, colleague: ClientLink | None
) -> list[list[str]]:
    return [
        ["Stripe's dispute", chargeback.stripe_dispute_id],
        ["Reason given", chargeback.reason.replace("_", " ")],
        ["Amount", plain(chargeback.amount_minor, chargeback.currency)],
        ["Payment", f"{payment.id}, charge {payment.charge_id}"],
        ["Paid", _when(payment.succeeded_at)],
        *_paid_by(payment, colleague),
    ]


def _paid_by(payment: Payment, colleague: ClientLink | None) -> list[list[str]]:
    """Nothing where it was not noted: a bank is told what is known."""
    if colleague is not None:
        passed = f"{colleague.passed_to}, a colleague to whom the client passed the contract on"
        return [["Paid by", passed], ["Passed on", _when(colleague.created_at)]]
    return (
        [["Paid by", "the client, from the link in their mailbox"]]
        if payment.payer is not None
        else []
    )


def _acceptance(accepted: Acceptance) -> list[list[str]]:
    return [
        [f"Version {accepted.text_version} agreed by", f"{accepted.full_name}, {accepted.email}"],
        ["On", _when(accepted.accepted_at)],
        ["Mailbox proved by code", _when(accepted.code_verified_at)],
        ["From address", accepted.ip_address],
        ["Browser", accepted.user_agent],
        ["SHA-256 of the text", accepted.text_hash],
        ["SHA-256 of the terms", TERMS_HASH],
    ]


def _delivery(milestone: Milestone, submission: Submission) -> dict[str, Any]:
    facts = [
        ["Handed over", _when(submission.submitted_at)],
        ["Round", str(submission.round)],
        ["SHA-256 of the note", submission.note_hash],
    ]
    return {
        "title": f"{milestone.number}. {milestone.title}",
        "facts": facts,
        "note": submission.note[:3_000],
    }


_PROOFS = """
    SELECT DISTINCT ON (e.data->>'release') e.data->>'release' AS release_id, p.data AS proof
      FROM event e JOIN event p ON p.contract_id = e.contract_id AND p.request_id = e.request_id
          AND p.type = 'code.relied_on' AND p.number < e.number
     WHERE e.contract_id = %s AND e.data ? 'release' ORDER BY e.data->>'release', p.number DESC
"""


def _proofs(session: Session, contract: Contract) -> dict[str, dict[str, str]]:
    """By release: when the mailbox was proved of whoever decided it, and from where."""
    return {
        row.release_id: row.proof for row in fetch(session, _PROOFS, (typeid.decode(contract.id),))
    }


def _release(release: Release, proof: dict[str, str] | None) -> list[list[str]]:
    by = (
        "the client, with a code from their mailbox"
        if _by_client(release)
        else str(release.approved_by)
    )
    facts = [
        ["Released", plain(release.gross_minor, release.currency)],
        ["On", _when(release.released_at)],
        ["By", by],
    ]
    if proof is not None:
        proved = datetime.fromisoformat(proof["code_verified_at"])
        facts += [
            ["Mailbox proved by code", _when(proved)],
            ["From address", proof["ip_address"]],
            ["Browser", proof["user_agent"]],
        ]
    return facts


def _by_client(release: Release) -> bool:
    return release.approved_by.kind is ActorKind.CLIENT


def _acceptances(session: Session, contract: Contract) -> list[Acceptance]:
    return list(
        session.execute(
            select(Acceptance)
            .where(Acceptance.contract_id == contract.id)
            .order_by(Acceptance.text_version)
        ).scalars()
    )


def _submissions(session: Session, milestone: Milestone) -> list[Submission]:
    return list(
        session.execute(
            select(Submission)
            .where(Submission.milestone_id == milestone.id)
            .order_by(Submission.round)
            .limit(20)
        ).scalars()
    )


def _releases(session: Session, milestones: list[Milestone]) -> list[Release]:
    ids = [m.id for m in milestones]
    return list(
        session.execute(
            select(Release).where(Release.milestone_id.in_(ids)).order_by(Release.id).limit(_MOST)
        ).scalars()
    )


def _emails(session: Session, contract: Contract, colleague: ClientLink | None) -> list[Message]:
    readers = {contract.client.email} | (
        {colleague.passed_to} if colleague and colleague.passed_to else set()
    )
    query = select(Message).where(
        Message.contract_id == contract.id, Message.recipient.in_(readers)
    )
    return list(session.execute(query.order_by(Message.id).limit(_MOST)).scalars())


def _events(session: Session, contract: Contract) -> list[Event]:
    return list(
        session.execute(
            select(Event)
            .where(Event.contract_id == contract.id, Event.public)
            .order_by(Event.number)
            .limit(_MOST)
        ).scalars()
    )


def _when(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC" if instant else "not yet"
