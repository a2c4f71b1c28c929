"""Who is told what by e-mail, as one table. The documents' table of mails is generated from it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.orm import Session

from service.models import ClientLink, Contract, Event, Freelancer, Payment

CLIENT, FREELANCER = "client", "freelancer"
OTHER_CLIENT, OTHER_FREELANCER = "client, when the freelancer did it", "freelancer, when the client did it"
COLLEAGUE, OLD_ADDRESS = "colleague", "the client's old address"

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
    "contract.revised": ((CLIENT, "offer_revised"),),
    "contract.change_requested": ((FREELANCER, "change_requested_freelancer"),),
    "contract.change_refused": ((CLIENT, "change_refused"),),
    "contract.closing": ((CLIENT, "closing"), (FREELANCER, "closing_freelancer")),
    "contract.ended_empty": ((CLIENT, "ended_empty"), (FREELANCER, "ended_empty_freelancer")),
    "contract.dormant": ((CLIENT, "dormant"),),
    "contract.dormant_again": ((FREELANCER, "dormant_freelancer"),),
    "contract.client_email_changed": ((CLIENT, "new_link"), (OLD_ADDRESS, "email_changed_old")),
    "contract.email_change_asked": ((CLIENT, "email_change_asked"),),
    "contract.carried_over": ((CLIENT, "carried_over"), (FREELANCER, "carried_over_freelancer")),
    "amendment.proposed": ((OTHER_CLIENT, "amendment_proposed"), (OTHER_FREELANCER, "amendment_proposed_freelancer")),
    "amendment.accepted": ((CLIENT, "amendment_accepted"), (FREELANCER, "amendment_accepted_freelancer")),
    "amendment.rejected": ((CLIENT, "amendment_ended"), (FREELANCER, "amendment_ended_freelancer")),
    "amendment.expired": ((CLIENT, "amendment_ended"), (FREELANCER, "amendment_ended_freelancer")),
    "amendment.withdrawn": ((CLIENT, "amendment_ended"), (FREELANCER, "amendment_ended_freelancer")),
    "payment.succeeded": ((CLIENT, "payment_received"),),
    "payment.failed": ((CLIENT, "payment_failed"),),
    "payment.quarantined": ((CLIENT, "payment_returning"),),
    "refund.succeeded": ((CLIENT, "refund_sent"),),
    "refund.failed": ((CLIENT, "refund_failed"),),
    "refund_request.opened": ((FREELANCER, "refund_requested"),),
    "refund_request.refused": ((CLIENT, "refund_refused"),),
    "milestone.funding_reminded": ((CLIENT, "funding_reminder"),),
    "milestone.changes_reminded": ((FREELANCER, "changes_reminded"),),
    "milestone.holding_limit_near": ((CLIENT, "holding_near"), (FREELANCER, "holding_near_freelancer")),
    "milestone.share_released": ((CLIENT, "released"), (FREELANCER, "released_freelancer")),
    "dispute.opened": ((OTHER_CLIENT, "dispute_opened"), (OTHER_FREELANCER, "dispute_opened_freelancer")),
    "dispute.answered": ((OTHER_CLIENT, "dispute_news"), (OTHER_FREELANCER, "dispute_news_freelancer")),
    "dispute.offer_made": ((OTHER_CLIENT, "dispute_news"), (OTHER_FREELANCER, "dispute_news_freelancer")),
    "dispute.mediation_opened": ((CLIENT, "dispute_news"), (FREELANCER, "dispute_news_freelancer")),
    "dispute.arbitration_opened": ((CLIENT, "dispute_news"), (FREELANCER, "dispute_news_freelancer")),
    "dispute.proposed": ((CLIENT, "dispute_proposed"), (FREELANCER, "dispute_proposed_freelancer")),
    "dispute.settled": ((CLIENT, "dispute_over"), (FREELANCER, "dispute_over_freelancer")),
    "dispute.executed": ((CLIENT, "dispute_over"), (FREELANCER, "dispute_over_freelancer")),
    "dispute.withdrawn": ((CLIENT, "dispute_withdrawn"), (FREELANCER, "dispute_withdrawn_freelancer")),
    "hold.placed": ((FREELANCER, "hold_placed"),),
    "hold.renewed": ((FREELANCER, "hold_renewed"),),
    "hold.lifted": ((FREELANCER, "hold_ended"),),
    "hold.expired": ((FREELANCER, "hold_ended"),),
    "contract.client_on_hold": ((CLIENT, "hold_own"),),
    "contract.on_hold": ((OTHER_CLIENT, "on_hold"), (OTHER_FREELANCER, "on_hold_freelancer")),
    "case.noticed": ((FREELANCER, "case_noticed"),),
    "case.executed": ((FREELANCER, "case_executed"),),
    "case.dropped": ((FREELANCER, "case_dropped"),),
    "case.reversed": ((FREELANCER, "case_reversed"),),
    "milestone.confiscated_from": ((CLIENT, "case_client"),),
    "appeal.filed": ((FREELANCER, "appeal_filed"),),
    "appeal.decided": ((FREELANCER, "appeal_decided"),),
    "chargeback.opened": ((FREELANCER, "chargeback_opened"),),
    "chargeback.won": ((FREELANCER, "chargeback_won"),),
    "chargeback.lost": ((FREELANCER, "chargeback_lost"),),
    "milestone.funded": ((FREELANCER, "funded_freelancer"),),
    "milestone.submitted": ((CLIENT, "work_submitted"),),
    "milestone.review_reminded": ((CLIENT, "review_notice"),),
    "milestone.review_extended": ((CLIENT, "review_extended"), (FREELANCER, "review_extended_freelancer")),
    "milestone.changes_requested": ((FREELANCER, "changes_requested"),),
    "milestone.released": ((CLIENT, "released"), (FREELANCER, "released_freelancer")),
    "milestone.partly_released": ((CLIENT, "released"), (FREELANCER, "released_freelancer")),
    "code.requested": ((CLIENT, "code"),),
    "link.renewed": ((COLLEAGUE, "new_link"),),
    "link.passed_on": ((COLLEAGUE, "passed_on"),),
    "payout_account.bank_changed": ((FREELANCER, "bank_changed"),),
    "payout.waits_for_account": ((FREELANCER, "payout_waits"),),
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
    """Where a letter goes; None when it is nobody's to read: the other side's own act, or a person who is not there."""
    if audience in (OTHER_CLIENT, OTHER_FREELANCER):
        audience = CLIENT if audience == OTHER_CLIENT else FREELANCER
        if event.data.get("by") == audience:
            return None
    if audience == OLD_ADDRESS:
        return str(event.data["old_address"])
    if audience == COLLEAGUE and "link" in event.data:
        link = session.get_one(ClientLink, event.data["link"])
        if link.passed_to:
            return link.passed_to
    if audience in (CLIENT, COLLEAGUE):
        contract = session.get(Contract, event.contract_id) if event.contract_id else None
        return contract.client.email if contract else None
    freelancer = session.get(Freelancer, event.freelancer_id) if event.freelancer_id else None
    return freelancer.email if freelancer else None


def _funded(session: Session, payment_id: str) -> bool:
    payment = session.get(Payment, payment_id)
    return payment is not None and payment.judgement == "funded"
