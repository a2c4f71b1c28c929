"""Who is told what by e-mail, as one table. The documents' table of mails is generated from it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.orm import Session

from service.models import Contract, Event, Freelancer, Payment

CLIENT, FREELANCER = "client", "freelancer"

NOTICES: dict[str, tuple[tuple[str, str], ...]] = {
    "contract.sent": ((CLIENT, "offer"),),
    "contract.offer_reminded": ((CLIENT, "offer_reminder"),),
    "contract.reminded": ((CLIENT, "reminder"),),
    "contract.withdrawn": ((CLIENT, "offer_withdrawn"),),
    "contract.declined": ((FREELANCER, "offer_declined"),),
    "contract.expired": ((CLIENT, "offer_expired"), (FREELANCER, "offer_expired_freelancer")),
    "contract.accepted": ((CLIENT, "accepted"), (FREELANCER, "accepted_freelancer")),
    "contract.fund_reminded": ((CLIENT, "fund_reminder"),),
    "contract.cancelled": ((CLIENT, "cancelled"), (FREELANCER, "cancelled_freelancer")),
    "payment.succeeded": ((CLIENT, "payment_received"),),
    "payment.failed": ((CLIENT, "payment_failed"),),
    "payment.quarantined": ((CLIENT, "payment_returning"),),
    "refund.succeeded": ((CLIENT, "refund_sent"),),
    "milestone.funded": ((FREELANCER, "funded_freelancer"),),
    "milestone.submitted": ((CLIENT, "work_submitted"),),
    "milestone.review_reminded": ((CLIENT, "review_notice"),),
    "milestone.review_extended": ((CLIENT, "review_extended"), (FREELANCER, "review_extended_freelancer")),
    "milestone.changes_requested": ((FREELANCER, "changes_requested"),),
    "milestone.released": ((CLIENT, "released"), (FREELANCER, "released_freelancer")),
    "milestone.partly_released": ((CLIENT, "released"), (FREELANCER, "released_freelancer")),
    "code.requested": ((CLIENT, "code"),),
    "link.renewed": ((CLIENT, "new_link"),),
    "payout.paid": ((FREELANCER, "payout_paid"),),
    "payout.failed": ((FREELANCER, "payout_failed"),),
    "payout_account.restricted": ((FREELANCER, "payout_account_restricted"),),
}


def notices_for(session: Session, event: Event) -> Iterator[tuple[str, str]]:
    """(template, address) of every mail that follows from a fact."""
    for audience, template in NOTICES.get(event.type, ()):
        if template == "payment_received" and not _funded(session, event.object_id):
            continue  # money in the wrong place has its own letter
        address = _address(session, event, audience)
        if address:
            yield template, address


def _address(session: Session, event: Event, audience: str) -> str | None:
    if audience == CLIENT:
        contract = session.get(Contract, event.contract_id) if event.contract_id else None
        return contract.client.email if contract else None
    freelancer = session.get(Freelancer, event.freelancer_id) if event.freelancer_id else None
    return freelancer.email if freelancer else None


def _funded(session: Session, payment_id: str) -> bool:
    payment = session.get(Payment, payment_id)
    return payment is not None and payment.judgement == "funded"
