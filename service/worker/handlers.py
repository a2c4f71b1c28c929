"""Job kind to function.

Two kinds of handler and only two.

`database`: the effect and "done" commit together, so it happens exactly once. `outside`:
transaction, call with a key that was stored before, transaction; it happens at least once and the
key makes the repeat harmless.
"""

from __future__ import annotations

from collections.abc import Callable

from service.core import queue
from service.core.context import Context
from service.core.queue import ClaimedJob
from service.core.runtime import Runtime
from service.domain.states.job_types import JobType
from service.operations.finance import invoicing
from service.worker import recurring
from service.worker.jobs import (
    chargebacks,
    contracts,
    disputes,
    exports,
    mail,
    milestones,
    nightly,
    payments,
    payout_schedules,
    payouts,
    safety,
)

DatabaseHandler = Callable[[Context, str], None]
OutsideHandler = Callable[[Runtime, ClaimedJob], None]


DATABASE: dict[JobType, DatabaseHandler] = {
    JobType.AMENDMENT_EXPIRY: contracts.amendment_expiry,
    JobType.APPEAL_FIRST_ANSWER: safety.appeal_first_answer,
    JobType.APPEAL_OVERDUE: safety.appeal_overdue,
    JobType.AUTO_RELEASE: milestones.auto_release,
    JobType.CASE_FINAL: safety.case_final,
    JobType.CHANGE_LAPSE: contracts.change_lapse,
    JobType.CHANGES_REMINDER: milestones.changes_reminder,
    JobType.CHARGEBACK_RESERVE_OVER: chargebacks.reserve_over,
    JobType.DISPUTE_DUE: disputes.dispute_due,
    JobType.DISPUTE_HARD_STOP: disputes.dispute_hard_stop,
    JobType.DISPUTE_REMINDER: disputes.dispute_reminder,
    JobType.DORMANCY: contracts.dormancy,
    JobType.DRAFT_DELETION: contracts.draft_deletion,
    JobType.EMAIL_CHANGE_DUE: contracts.email_change_due,
    JobType.FUND_EXPIRY: contracts.fund_expiry,
    JobType.FUND_REMINDER: contracts.fund_reminder,
    JobType.FUNDING_LAPSE: milestones.funding_lapse,
    JobType.FUNDING_REMINDER: milestones.funding_reminder,
    JobType.HOLD_EXPIRY: safety.hold_expiry,
    JobType.HOLD_REVIEW_DUE: safety.hold_review_due,
    JobType.HOLD_UNCONFIRMED: safety.hold_unconfirmed,
    JobType.HOLDING_ALARM: milestones.holding_alarm,
    JobType.HOLDING_LIMIT: milestones.holding_limit,
    JobType.HOUSEKEEPING: payout_schedules.housekeeping,
    JobType.INVOICE: invoicing.issue,
    JobType.OFFER_EXPIRY: contracts.offer_expiry,
    JobType.OFFER_REMINDER: contracts.offer_reminder,
    JobType.PAYOUT_CANDIDATES: payout_schedules.payout_candidates,
    JobType.PAYOUT_HELD_ALARM: payout_schedules.payout_held_alarm,
    JobType.PAYOUTS_RESUME: payout_schedules.payouts_resume,
    JobType.REFUND_REQUEST_DUE: disputes.refund_request_due,
    JobType.REFUND_REQUEST_REMINDER: disputes.refund_request_reminder,
    JobType.REFUND_RETRY: payments.refund_retry,
    JobType.REFUNDS_RESUME: payments.refunds_resume,
    JobType.REVIEW_NOTICE: milestones.review_notice,
    JobType.RULES_CHECK: safety.rules_check,
    JobType.SCHEDULED_PAYOUT: payout_schedules.scheduled_payout,
    JobType.SETTLE_PENDING: milestones.settle_pending,
    JobType.SUSPENSE_RETURN: payments.suspense_return,
    JobType.SUSPENSION_REVIEW: safety.suspension_long,
}

OUTSIDE: dict[JobType, OutsideHandler] = {
    JobType.ACCOUNT_CHECK: lambda runtime, job: payouts.account_event(runtime, job, job.subject),
    JobType.CHARGEBACK_ACCEPT: chargebacks.accept_dispute,
    JobType.CHARGEBACK_PACK: chargebacks.pack,
    JobType.CHARGEBACK_SUBMIT: chargebacks.submit,
    JobType.EXPORT_MAKE: exports.make,
    JobType.MAIL_SEND: mail.send,
    JobType.NIGHTLY: nightly.run,
    JobType.PAYMENT_CHECK: payments.check,
    JobType.PAYMENT_CLOSE: payments.close,
    JobType.PAYOUT_CHECK: payouts.check,
    JobType.PAYOUT_RECALL: payouts.recall,
    JobType.PAYOUT_SEND: payouts.send,
    JobType.PAYOUT_UNWIND: payouts.unwind,
    JobType.REFUND_SEND: payments.send_refund,
    JobType.STRIPE_EVENT: payments.stripe_event,
    JobType.SWEEP: payments.sweep,
}


def run(runtime: Runtime, job: ClaimedJob) -> None:
    """Do a job and mark it done.

    Raises whatever went wrong; the loop then decides about the retry.
    """
    request_id = f"job:{job.id}"
    if job.type in DATABASE:
        with runtime.context(request_id) as ctx:
            # What a timer does happened when it was due, however late it runs.
            on_time = ctx.at(min(job.due_at, ctx.now)) if job.attempts == 1 else ctx
            DATABASE[job.type](on_time, job.subject)
            ctx.session.flush()
            if job.type in recurring.NEXT:
                recurring.plan(on_time, job.type)
            queue.finish(ctx.session, job, ctx.now)
        return
    OUTSIDE[job.type](runtime, job)
    with runtime.context(request_id) as ctx:
        if job.type in recurring.NEXT:
            recurring.plan(ctx, job.type)
        queue.finish(ctx.session, job, ctx.now)


def ensure_recurring(runtime: Runtime) -> None:
    """The recurring jobs exist, once each, however many workers start."""
    with runtime.context("worker") as ctx:
        recurring.ensure(ctx)
