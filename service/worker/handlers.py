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
from service.operations.finance import invoicing
from service.worker import recurring
from service.worker.jobs import (
    chargebacks,
    exports,
    mail,
    nightly,
    payments,
    payouts,
    safety_deadlines,
)
from service.worker.jobs.deadlines import TIMERS

DatabaseHandler = Callable[[Context, str], None]
OutsideHandler = Callable[[Runtime, ClaimedJob], None]


DATABASE: dict[str, DatabaseHandler] = (
    TIMERS | safety_deadlines.TIMERS | {"invoice": invoicing.issue}
)

OUTSIDE: dict[str, OutsideHandler] = {
    "mail_send": mail.send,
    "stripe_event": payments.stripe_event,
    "payment_check": payments.check,
    "payment_close": payments.close,
    "refund_send": payments.send_refund,
    "chargeback_pack": chargebacks.pack,
    "chargeback_submit": chargebacks.submit,
    "chargeback_concede": chargebacks.accept_dispute,
    "payout_send": payouts.send,
    "payout_check": payouts.check,
    "payout_recall": payouts.recall,
    "account_check": lambda runtime, job: payouts.account_event(runtime, job, job.subject),
    "payout_unwind": payouts.unwind,
    "export_make": exports.make,
    "nightly": nightly.run,
    "sweep": payments.sweep,
}


def run(runtime: Runtime, job: ClaimedJob) -> None:
    """Do a job and mark it done.

    Raises whatever went wrong; the loop then decides about the retry.
    """
    request_id = f"job:{job.id}"
    if job.kind in DATABASE:
        with runtime.context(request_id) as ctx:
            # What a timer does happened when it was due, however late it runs.
            on_time = ctx.at(min(job.due_at, ctx.now)) if job.attempts == 1 else ctx
            DATABASE[job.kind](on_time, job.subject)
            ctx.session.flush()
            if job.kind in recurring.NEXT:
                recurring.plan(on_time, job.kind)
            queue.finish(ctx.session, job, ctx.now)
        return
    OUTSIDE[job.kind](runtime, job)
    with runtime.context(request_id) as ctx:
        if job.kind in recurring.NEXT:
            recurring.plan(ctx, job.kind)
        queue.finish(ctx.session, job, ctx.now)


def ensure_recurring(runtime: Runtime) -> None:
    """The recurring jobs exist, once each, however many workers start."""
    with runtime.context("worker") as ctx:
        recurring.ensure(ctx)
