"""From a fact to the e-mails that follow from it, with their addresses; the table is
`domain.states.notifications`.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.orm import Session

from service.domain.states.notifications import (
    CLIENT,
    COLLEAGUE,
    FREELANCER,
    NOTICES,
    OLD_ADDRESS,
    OTHER_CLIENT,
    OTHER_FREELANCER,
    PAYER,
)
from service.models import ClientLink, Contract, Event, Freelancer, Payment, Refund
from service.shared import clients


def notices_for(session: Session, event: Event) -> Iterator[tuple[str, str]]:
    """(template, address) of every mail that follows from a fact."""
    for audience, template in NOTICES.get(event.type, ()):
        if event.type == "payment.succeeded" and not _funded(session, event.object_id):
            continue  # money in the wrong place has its own e-mail
        address = _address(session, event, audience)
        if address:
            yield template, address


def _address(session: Session, event: Event, audience: str) -> str | None:
    """Where an e-mail goes; None when it is nobody's to read: the other side's own action, or a
    person who is not there.
    """
    if audience in (OTHER_CLIENT, OTHER_FREELANCER):
        audience = CLIENT if audience == OTHER_CLIENT else FREELANCER
        # A mediator's offer has an e-mail of its own, with its reasons and the date by which it
        # applies.
        if event.data.get("by") in (audience, "mediator"):
            return None
    if audience == OLD_ADDRESS:
        return str(event.data["old_address"])
    if audience == PAYER:
        return _payer_address(session, event)
    if audience == COLLEAGUE and "link" in event.data:
        link = session.get_one(ClientLink, event.data["link"])
        if link.passed_to:
            return link.passed_to
    if audience in (CLIENT, COLLEAGUE):
        contract = session.get(Contract, event.contract_id) if event.contract_id else None
        return contract.client.email if contract else None
    freelancer = session.get(Freelancer, event.freelancer_id) if event.freelancer_id else None
    return freelancer.email if freelancer else None


def _payer_address(session: Session, event: Event) -> str | None:
    """The mailbox of the colleague who paid, for news of a payment or of its refund; None where the
    client paid.
    """
    refund = session.get(Refund, event.object_id) if event.type.startswith("refund.") else None
    payment = session.get_one(Payment, refund.payment_id if refund else event.object_id)
    link = clients.link_of_payer(session, payment.payer)
    return link.passed_to if link else None


def _funded(session: Session, payment_id: str) -> bool:
    payment = session.get(Payment, payment_id)
    return payment is not None and payment.judgement == "funded"
