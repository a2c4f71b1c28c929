"""What happens by itself in each state, as one table: served with the processes, printed in the
documents, each row with its test.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.states.job_types import JobType


@dataclass(frozen=True)
class Timeout:
    """`job` is the kind of timer; `window` the policy that says when (`windows.yaml`)."""

    code: str
    machine: str
    states: tuple[str, ...]
    window: str
    job: JobType | None
    then: str


def _row(code: str, machine: str, states: str, window: str, job: str, then: str) -> Timeout:
    return Timeout(
        code, machine, tuple(states.split()), window, JobType(job) if job else None, then
    )


TIMEOUTS = (
    _row("C1", "contract", "draft", "draft_days", "draft_forget", "the draft is deleted"),
    _row("C2", "contract", "sent", "offer_reminder_days", "offer_reminder", "the client is reminded"),
    _row("C4", "contract", "change_requested", "change_request_days", "change_lapse", "the offer stands again as it was"),
    _row("C8", "contract", "sent change_requested", "offer_days", "offer_expiry", "the offer ends"),
    _row("C9", "contract", "accepted", "fund_reminder_days", "fund_reminder", "the client is reminded to pay"),
    _row("C11", "contract", "accepted", "fund_within_days", "fund_expiry", "the contract ends unfunded"),
    _row("C12", "amendment", "proposed", "amendment_days", "amendment_expiry", "everything stays as it is"),
    _row("C18", "contract", "active closing", "dormant_after_days", "dormancy", "client told, then freelancer, then what was not handed over goes back"),
    _row("C19", "contract", "sent accepted active", "email_change_days", "email_change_due", "the contract moves to the new address unless the old one objects"),
    _row("M1", "milestone", "awaiting_funding", "funding_rests_after_days", "funding_lapse", "the milestone rests until somebody picks it"),
    _row("M1r", "milestone", "awaiting_funding", "fund_reminder_days", "funding_reminder", "the client is reminded"),
    _row("M2", "payment", "created requires_action", "checkout_minutes", "payment_check", "the payment page is closed, the milestone is free again"),
    _row("M6", "milestone", "changes_requested", "refund_answer_days", "changes_reminder", "the freelancer is reminded"),
    _row("M9n", "milestone", "submitted", "review_notice_days", "review_notice", "the client is reminded"),
    _row("M9", "milestone", "submitted", "review_days_default", "auto_release", "released with proof of notice, else a week longer, at most twice, then a person"),
    _row("M12", "refund_request", "open", "refund_answer_days", "refund_request_due", "not handed over: refunded; handed over: dispute; released: nothing"),
    _row("M12r", "refund_request", "open", "silence_reminder_days", "refund_request_reminder", "the freelancer is reminded, where silence moves money"),
    _row("M18a", "milestone", "funded submitted changes_requested", "holding_alarm_days", "holding_alarm", "both and a person are told"),
    _row("M18", "milestone", "funded submitted changes_requested", "holding_refund_days", "holding_limit", "refunded; handed-over work: dispute; locked money: a person"),
    _row("O2", "payout", "", "security_days", "mature", "pending money becomes available"),
    _row("O3", "payout", "", "payout_forced_days", "payout_by_itself", "available money is paid out by itself"),
    _row("O8", "payout_account", "active", "payout_cooldown_hours_after_bank_change", "", "payouts can be asked for again"),
    _row("D4", "dispute", "open", "dispute_answer_business_days", "dispute_due", "the claim applies with proof of notice, else a mediator comes"),
    _row("D4r", "dispute", "open", "silence_reminder_days", "dispute_reminder", "whoever has to answer is reminded"),
    _row("D6", "dispute", "negotiation", "dispute_negotiation_days", "dispute_due", "a mediator comes"),
    _row("D7", "dispute", "mediation", "dispute_proposal_business_days", "dispute_due", "whoever is responsible is told"),
    _row("D10", "dispute", "proposal", "dispute_answer_to_proposal_business_days", "dispute_due", "it applies with proof of notice, else a second person decides"),
    _row("D10r", "dispute", "proposal", "silence_reminder_days", "dispute_reminder", "whoever has not agreed is reminded"),
    _row("D13", "dispute", "arbitration", "dispute_decision_business_days", "dispute_due", "whoever is responsible is told"),
    _row("D0", "dispute", "open negotiation mediation proposal arbitration", "dispute_hard_stop_days", "dispute_hard_stop", "it is put before whoever is responsible"),
    _row("B1", "chargeback", "inquiry evidence_due prearb", "chargeback_submit_days_before", "chargeback_submit", "the evidence goes to the bank by itself"),
    _row("B2", "chargeback", "evidence_due submitted", "chargeback_reserve_days", "chargeback_reserve_over", "what was reserved is free again"),
    _row("O4", "payout", "held", "payout_held_alarm_days", "payout_held_alarm", "whoever is responsible is told; it goes on when the last hold is lifted"),
    _row("H1", "hold", "active in_review", "rule_hold_hours", "hold_expiry", "a rule's hold ends"),
    _row("H2", "hold", "active in_review", "confirm_hours", "hold_unconfirmed", "a person's hold that nobody else confirmed ends"),
    _row("H3", "hold", "active", "first_answer_business_days", "hold_review_due", "whoever is responsible is told"),
    _row("H5", "hold", "active in_review", "hold_days_max", "hold_expiry", "it ends, unless the law or a case keeps it"),
    _row("H6", "milestone", "submitted", "release_pause_days", "auto_release", "a release that waits for a hold is put before a person"),
    _row("S1", "hold", "active in_review", "suspension_alarm_days", "suspension_long", "staff open a case or end the suspension"),
    _row("A1", "appeal", "submitted", "first_answer_business_days", "appeal_first_answer", "whoever is responsible is told"),
    _row("A3", "confiscation", "executed", "appeal_days", "case_final", "what was forfeited becomes the platform's; until then it is nobody's"),
    _row("A2", "appeal", "submitted in_review", "appeal_final_days", "appeal_overdue", "our fault: releases go on, unless the law holds them"),
)  # fmt: skip
