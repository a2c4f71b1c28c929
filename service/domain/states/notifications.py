"""Who is told what by e-mail, as one table: a fact, and the emails that follow from it.

The documents' table of mails is generated from it.
"""

from __future__ import annotations

CLIENT, FREELANCER = "client", "freelancer"
OTHER_CLIENT, OTHER_FREELANCER = (
    "client, when the freelancer did it",
    "freelancer, when the client did it",
)
COLLEAGUE, OLD_ADDRESS = "colleague", "the client's old address"
PAYER = "colleague who paid"

NOTICES: dict[str, tuple[tuple[str, str], ...]] = {
    "offers.paused": ((FREELANCER, "offers_paused"),),
    "offers.resumed": ((FREELANCER, "offers_resumed"),),
    "offers.kept_paused": ((FREELANCER, "offers_kept_paused"),),
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
    "amendment.proposed": (
        (OTHER_CLIENT, "amendment_proposed"),
        (OTHER_FREELANCER, "amendment_proposed_freelancer"),
    ),
    "amendment.accepted": (
        (CLIENT, "amendment_accepted"),
        (FREELANCER, "amendment_accepted_freelancer"),
    ),
    "amendment.rejected": ((CLIENT, "amendment_ended"), (FREELANCER, "amendment_ended_freelancer")),
    "amendment.expired": ((CLIENT, "amendment_ended"), (FREELANCER, "amendment_ended_freelancer")),
    "amendment.withdrawn": (
        (CLIENT, "amendment_ended"),
        (FREELANCER, "amendment_ended_freelancer"),
    ),
    "payment.succeeded": ((CLIENT, "payment_received"), (PAYER, "payment_received_colleague")),
    "payment.failed": ((CLIENT, "payment_failed"), (PAYER, "payment_failed_colleague")),
    "payment.quarantined": ((CLIENT, "payment_returning"), (PAYER, "payment_returning_colleague")),
    "refund.succeeded": ((CLIENT, "refund_sent"), (PAYER, "refund_sent_colleague")),
    "refund.failed": ((CLIENT, "refund_failed"), (PAYER, "refund_failed_colleague")),
    "refund_request.opened": ((FREELANCER, "refund_requested"),),
    "refund_request.reminded": ((FREELANCER, "refund_request_reminded"),),
    "refund_request.refused": ((CLIENT, "refund_refused"),),
    "milestone.funding_reminded": ((CLIENT, "funding_reminder"),),
    "milestone.changes_reminded": ((FREELANCER, "changes_reminded"),),
    "milestone.holding_limit_near": (
        (CLIENT, "holding_near"),
        (FREELANCER, "holding_near_freelancer"),
    ),
    "milestone.share_released": ((CLIENT, "released"), (FREELANCER, "released_freelancer")),
    "dispute.opened": (
        (OTHER_CLIENT, "dispute_opened"),
        (OTHER_FREELANCER, "dispute_opened_freelancer"),
    ),
    "dispute.answered": (
        (OTHER_CLIENT, "dispute_news"),
        (OTHER_FREELANCER, "dispute_news_freelancer"),
    ),
    "dispute.offer_made": (
        (OTHER_CLIENT, "dispute_news"),
        (OTHER_FREELANCER, "dispute_news_freelancer"),
    ),
    "dispute.mediation_opened": ((CLIENT, "dispute_news"), (FREELANCER, "dispute_news_freelancer")),
    "dispute.arbitration_opened": (
        (CLIENT, "dispute_news"),
        (FREELANCER, "dispute_news_freelancer"),
    ),
    "dispute.proposed": ((CLIENT, "dispute_proposed"), (FREELANCER, "dispute_proposed_freelancer")),
    "dispute.reminded": (
        (OTHER_CLIENT, "dispute_reminded"),
        (OTHER_FREELANCER, "dispute_reminded_freelancer"),
    ),
    "dispute.settled": ((CLIENT, "dispute_over"), (FREELANCER, "dispute_over_freelancer")),
    "dispute.executed": ((CLIENT, "dispute_over"), (FREELANCER, "dispute_over_freelancer")),
    "dispute.withdrawn": (
        (CLIENT, "dispute_withdrawn"),
        (FREELANCER, "dispute_withdrawn_freelancer"),
    ),
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
    "milestone.review_extended": (
        (CLIENT, "review_extended"),
        (FREELANCER, "review_extended_freelancer"),
    ),
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
