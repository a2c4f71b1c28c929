"""Once a day: are the books right, does Stripe agree, sign the chain's head, throw away what has served."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from service import queue
from service.domain.money import from_stripe
from service.ledger import seals
from service.operations import closing, reconcile
from service.queue import Claimed
from service.runtime import Runtime

_PURGE = (
    text("DELETE FROM idempotency_record WHERE created_at < :now - interval '30 days'"),
    text("DELETE FROM form_key WHERE used_at < :now - interval '2 days'"),
    text("DELETE FROM job WHERE state = 'done' AND finished_at < :now - interval '14 days'"),
)


def run(ctx: Runtime, job: Claimed) -> None:
    """Every check; a difference stops payouts and opens a task. Nothing repairs silently."""
    at_stripe = {code: from_stripe(amount, code) for code, amount in ctx.stripe.balance().items()}
    with ctx.act(f"job:{job.id}") as act:
        since = closing.since(act)
    told = ctx.stripe.balance_rows(since)
    with ctx.act(f"job:{job.id}") as act:
        closing.take_in(act, told)
        closing.name_differences(act)
        checks = reconcile.verify(act.session)
        if reconcile.stop_payouts(act, checks):
            queue.open_task(act, "books_differ", "platform", checks=[c.name for c in checks if not c.ok])
        in_motion = reconcile.at_stripe_but_not_platform(act.session)
        both = {code: at_stripe.get(code, 0) + in_motion.get(code, 0) for code in {*at_stripe, *in_motion}}
        if not reconcile.compare_with_stripe(act.session, both).ok:
            queue.open_task(act, "stripe_differs", "platform", stripe=both)
        seals.sign_head(act, (act.now - timedelta(days=1)).date(), ctx.settings.signing_key)
        for statement in _PURGE:
            act.session.execute(statement, {"now": act.now})
        queue.enqueue(act, "nightly", "platform", act.now.replace(hour=0, minute=10, second=0, microsecond=0) + timedelta(days=1))
