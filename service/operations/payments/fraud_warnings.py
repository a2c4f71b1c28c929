"""Stripe's early fraud warnings: kept, told to staff; what a rule makes of them is safety's."""

from __future__ import annotations

from service.core import events, queue
from service.core.context import Act
from service.models import Contract, FraudWarning, Payment


def warned(
    act: Act,
    contract: Contract,
    payment: Payment,
    stripe_id: str,
    fraud_type: str,
    *,
    actionable: bool,
) -> bool:
    """Stripe's early fraud warning: kept, told to staff. Returns False when it is known."""
    if act.session.get(FraudWarning, stripe_id) is not None:
        return False
    act.session.add(
        FraudWarning(
            stripe_id=stripe_id,
            payment_id=payment.id,
            fraud_type=fraud_type,
            actionable=actionable,
            seen_at=act.now,
        )
    )
    events.record(
        act,
        "payment.fraud_warned",
        payment,
        contract=contract,
        public=False,
        fraud_type=fraud_type,
        actionable=actionable,
    )
    queue.open_task(
        act, "early_fraud_warning", payment.id, contract=contract.id, fraud_type=fraud_type
    )
    queue.enqueue(act, "rules_check", payment.id)
    return True
