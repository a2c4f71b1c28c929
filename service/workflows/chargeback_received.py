"""A bank takes a payment back: what the two were arguing about ends, then the chargeback is taken
in.
"""

from __future__ import annotations

from service.core.context import Context
from service.domain.identity.actors import SYSTEM
from service.domain.money.psp import ChargebackSnapshot
from service.escrow import refund_asks
from service.models import Contract, Payment
from service.operations.disputes import chargebacks, outcome, sides
from service.operations.payments import refund_requests


def take_in(
    ctx: Context, contract: Contract, payment: Payment, snapshot: ChargebackSnapshot
) -> None:
    """Bring our side to what the bank's dispute says. Both rows are locked, and refunds of this
    payment have been settled with Stripe before.
    """
    if snapshot.status not in chargebacks.INQUIRIES:
        # What the bank decides goes before what the two were arguing about.
        for milestone_id in [line.milestone_id for line in payment.lines]:
            dispute = sides.of_milestone(ctx.session, milestone_id)
            if dispute is not None:
                outcome.superseded(ctx, contract, dispute)
            request = refund_asks.open_request(ctx.session, milestone_id)
            if request is not None:
                refund_requests.withdraw(ctx.as_(SYSTEM), contract, request)
    chargebacks.apply_dispute(ctx, contract, payment, snapshot)
