"""A dispute opens; a refund that was asked for becomes this dispute, whichever side opens it."""

from __future__ import annotations

from service.core.context import Context
from service.domain.identity.actors import SYSTEM
from service.escrow import refund_asks
from service.models import Contract, Dispute, Milestone
from service.operations.disputes import opening
from service.operations.payments import refund_requests


def open_dispute(
    ctx: Context,
    contract: Contract,
    milestone: Milestone,
    side: str,
    amount_minor: int | None,
    refund_minor: int | None,
    claim: str,
) -> Dispute:
    """As `opening.start`, which raises; the milestone is first again what it was before the
    request, so that a dispute that is withdrawn leads back to it. The contract is locked.
    """
    request = refund_asks.open_request(ctx.session, milestone.id)
    if request is not None:
        # Only the client can make a dispute of the request; otherwise it ends in consequence.
        by = ctx if side == "client" else ctx.as_(SYSTEM)
        refund_requests.becomes_dispute(by, contract, request)
        ctx.session.flush()
    return opening.start(ctx, contract, milestone, side, amount_minor, refund_minor, claim)
