"""Stripe's early fraud warnings: kept, told to staff; what a rule makes of them is safety's."""

from __future__ import annotations

from service.core import events, queue, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.states.job_types import JobType
from service.models import Contract, FraudWarning, Payment


def warned(
    ctx: Context,
    contract: Contract,
    payment: Payment,
    stripe_id: str,
    fraud_type: str,
    *,
    actionable: bool,
) -> bool:
    """Stripe's early fraud warning: kept, told to staff. Returns False when it is known."""
    if ctx.session.get(FraudWarning, stripe_id) is not None:
        return False
    ctx.session.add(
        FraudWarning(
            stripe_id=stripe_id,
            payment_id=payment.id,
            fraud_type=fraud_type,
            actionable=actionable,
            seen_at=ctx.now,
        )
    )
    events.record(
        ctx,
        "payment.fraud_warned",
        payment,
        contract=contract,
        public=False,
        fraud_type=fraud_type,
        actionable=actionable,
    )
    staff_tasks.open_task(
        ctx, TaskType.EARLY_FRAUD_WARNING, payment.id, contract=contract.id, fraud_type=fraud_type
    )
    queue.enqueue(ctx, JobType.RULES_CHECK, payment.id)
    return True
