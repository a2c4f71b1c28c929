"""Once a day: are the books right, does Stripe agree, sign the chain's head, throw away what has
served.

Each step has a transaction of its own, and one that fails stops no other: the job is then tried
again as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy import text

from service.core import queue
from service.core.queue import Claimed
from service.core.runtime import Runtime
from service.ledger import checks, hash_chain
from service.operations.finance import closing, reconciliation

_log = structlog.get_logger()
_PURGE = (
    text("DELETE FROM idempotency_record WHERE created_at < :now - interval '30 days'"),
    text("DELETE FROM form_key WHERE used_at < :now - interval '2 days'"),
    text("DELETE FROM job WHERE state = 'done' AND finished_at < :now - interval '14 days'"),
)


def run(ctx: Runtime, job: Claimed) -> None:
    """Every check; a difference stops payouts and opens a task.

    Nothing repairs silently. Raises the first failure, after all steps.
    """
    failures: list[Exception] = []
    for step in STEPS:
        try:
            step(ctx, f"job:{job.id}")
        except Exception as error:
            _log.warning("nightly.step_failed", step=step.__name__, error=type(error).__name__)
            failures.append(error)
    if failures:
        raise failures[0]


def _processor_rows(ctx: Runtime, request_id: str) -> None:
    with ctx.act(request_id) as act:
        since = closing.since(act)
    told = ctx.stripe.balance_rows(since)
    with ctx.act(request_id) as act:
        closing.take_in(act, told)
        closing.name_differences(act)


def _books(ctx: Runtime, request_id: str) -> None:
    with ctx.act(request_id) as act:
        found = checks.keep(act, whole=False).checks
        if reconciliation.stop_payouts(act, found):
            queue.open_task(
                act, "books_differ", "platform", checks=[c.name for c in found if not c.ok]
            )


def _processor_balance(ctx: Runtime, request_id: str) -> None:
    told = ctx.stripe.balance()
    with ctx.act(request_id) as act:
        both = reconciliation.at_stripe(act.session, told)
        if not reconciliation.compare_with_stripe(act.session, both).ok:
            queue.open_task(act, "stripe_differs", "platform", stripe=both)


def _sign(ctx: Runtime, request_id: str) -> None:
    with ctx.act(request_id) as act:
        hash_chain.sign_head(act, (act.now - timedelta(days=1)).date(), ctx.settings.signing_key)


def _purge(ctx: Runtime, request_id: str) -> None:
    with ctx.act(request_id) as act:
        for statement in _PURGE:
            act.session.execute(statement, {"now": act.now})


STEPS: tuple[Callable[[Runtime, str], None], ...] = (
    _processor_rows,
    _books,
    _processor_balance,
    _sign,
    _purge,
)
