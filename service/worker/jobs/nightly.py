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

from service.core import staff_tasks
from service.core.queue import ClaimedJob
from service.core.runtime import Runtime
from service.core.staff_tasks import TaskType
from service.ledger import fresh_checks, hash_chain
from service.operations.finance import closing, reconciliation

_log = structlog.get_logger()
_PURGE = (
    text("DELETE FROM idempotency_record WHERE created_at < :now - interval '30 days'"),
    text("DELETE FROM form_key WHERE used_at < :now - interval '2 days'"),
    text("DELETE FROM job WHERE state = 'done' AND finished_at < :now - interval '14 days'"),
)


def run(runtime: Runtime, job: ClaimedJob) -> None:
    """Every check; a difference stops payouts and opens a task.

    Nothing repairs silently. Raises the first failure, after all steps.
    """
    failures: list[Exception] = []
    for step in STEPS:
        try:
            step(runtime, f"job:{job.id}")
        except Exception as error:
            _log.warning("nightly.step_failed", step=step.__name__, error=type(error).__name__)
            failures.append(error)
    if failures:
        raise failures[0]


def _processor_rows(runtime: Runtime, request_id: str) -> None:
    with runtime.context(request_id) as ctx:
        since = closing.since(ctx)
    told = runtime.stripe.balance_rows(since)
    with runtime.context(request_id) as ctx:
        closing.take_in(ctx, told)
        closing.name_differences(ctx)


def _books(runtime: Runtime, request_id: str) -> None:
    with runtime.context(request_id) as ctx:
        found = fresh_checks.keep(ctx, whole=False).checks
        if reconciliation.stop_payouts(ctx, found):
            staff_tasks.open_task(
                ctx, TaskType.BOOKS_DIFFER, "platform", checks=[c.name for c in found if not c.ok]
            )


def _processor_balance(runtime: Runtime, request_id: str) -> None:
    told = runtime.stripe.balance()
    with runtime.context(request_id) as ctx:
        both = reconciliation.at_stripe(ctx.session, told)
        if not reconciliation.compare_with_stripe(ctx.session, both).ok:
            staff_tasks.open_task(ctx, TaskType.STRIPE_DIFFERS, "platform", stripe=both)


def _sign(runtime: Runtime, request_id: str) -> None:
    with runtime.context(request_id) as ctx:
        hash_chain.sign_head(
            ctx, (ctx.now - timedelta(days=1)).date(), runtime.settings.signing_key
        )


def _purge(runtime: Runtime, request_id: str) -> None:
    with runtime.context(request_id) as ctx:
        for statement in _PURGE:
            ctx.session.execute(statement, {"now": ctx.now})


STEPS: tuple[Callable[[Runtime, str], None], ...] = (
    _processor_rows,
    _books,
    _processor_balance,
    _sign,
    _purge,
)
