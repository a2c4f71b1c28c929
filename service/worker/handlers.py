"""Job kind to function. Two kinds of handler and only two.

`database`: the effect and "done" commit together, so it happens exactly once. `outside`: transaction, call with a key
that was stored before, transaction; it happens at least once and the key makes the repeat harmless.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from service import events, queue, rows
from service.act import Act
from service.operations import contracts, milestones, payments
from service.queue import Claimed
from service.runtime import Runtime
from service.worker import nightly, outside_mail, outside_payments, outside_payouts

DatabaseHandler = Callable[[Act, str], None]
OutsideHandler = Callable[[Runtime, Claimed], None]


def _offer_expiry(act: Act, contract_id: str) -> None:
    contracts.expire(act, rows.contract(act.session, contract_id, owner=rows.EVERYONE, lock=True))


def _offer_reminder(act: Act, subject: str) -> None:
    contract = rows.contract(act.session, subject.split("/", maxsplit=1)[0], owner=rows.EVERYONE, lock=True)
    if contract.state == "sent":
        events.record(act, "contract.offer_reminded", contract, day=int(subject.split("/")[1]))


def _fund_expiry(act: Act, contract_id: str) -> None:
    contracts.expire_unfunded(act, rows.contract(act.session, contract_id, owner=rows.EVERYONE, lock=True))


def _fund_reminder(act: Act, subject: str) -> None:
    contract = rows.contract(act.session, subject.split("/", maxsplit=1)[0], owner=rows.EVERYONE, lock=True)
    if contract.state == "accepted":
        events.record(act, "contract.fund_reminded", contract, day=int(subject.split("/")[1]))


def _review_notice(act: Act, subject: str) -> None:
    milestone_id, days = subject.split("/")
    contract, milestone = rows.milestone(act.session, milestone_id, owner=rows.EVERYONE)
    if milestones.notice_is_due(act, milestone, int(days)):
        events.record(act, "milestone.review_reminded", milestone, contract=contract, days=int(days))


def _auto_release(act: Act, milestone_id: str) -> None:
    contract, milestone = rows.milestone(act.session, milestone_id, owner=rows.EVERYONE)
    milestones.auto_release(act, contract, milestone)


def _mature(act: Act, release_id: str) -> None:
    milestones.mature(act, release_id)


def _suspense_return(act: Act, payment_id: str) -> None:
    contract, payment = rows.payment(act.session, payment_id, lock=True)
    payments.request_return(act, contract, payment)


DATABASE: dict[str, DatabaseHandler] = {
    "offer_expiry": _offer_expiry,
    "offer_reminder": _offer_reminder,
    "fund_expiry": _fund_expiry,
    "fund_reminder": _fund_reminder,
    "review_notice": _review_notice,
    "auto_release": _auto_release,
    "mature": _mature,
    "suspense_return": _suspense_return,
}

OUTSIDE: dict[str, OutsideHandler] = {
    "mail_send": outside_mail.send,
    "stripe_event": outside_payments.stripe_event,
    "payment_check": outside_payments.check,
    "payment_close": outside_payments.close,
    "refund_send": outside_payments.send_refund,
    "payout_send": outside_payouts.send,
    "payout_check": outside_payouts.check,
    "payout_unwind": outside_payouts.unwind,
    "nightly": nightly.run,
    "sweep": outside_payments.sweep,
}


def run(ctx: Runtime, job: Claimed) -> None:
    """Do a job and mark it done. Raises whatever went wrong; the loop then decides about the retry."""
    request_id = f"job:{job.id}"
    if job.kind in DATABASE:
        with ctx.act(request_id) as act:
            # What a timer does happened when it was due, however late it runs.
            DATABASE[job.kind](act.at(min(job.due_at, act.now)) if job.attempts == 1 else act, job.subject)
            act.session.flush()
            queue.finish(act.session, job, act.now)
        return
    OUTSIDE[job.kind](ctx, job)
    with ctx.act(request_id) as act:
        queue.finish(act.session, job, act.now)


def ensure_recurring(ctx: Runtime) -> None:
    """The recurring jobs exist, once each, however many workers start."""
    with ctx.act("worker") as act:
        midnight = act.now.replace(hour=0, minute=10, second=0, microsecond=0) + timedelta(days=1)
        for kind, first in (("nightly", midnight), ("sweep", act.now + timedelta(hours=1))):
            queue.enqueue_unless_waiting(act, kind, "platform", first)
