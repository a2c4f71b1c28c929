"""A client ends a contract that is under way: the contract and requests for refunds together."""

from __future__ import annotations

from service.core.context import Context
from service.models import Contract
from service.operations.contracts import contracts
from service.operations.payments import refund_requests


def by_client(ctx: Context, contract: Contract, reason: str) -> None:
    """What is not paid is cancelled; for what is escrowed and was not handed over a refund is
    asked, in place of one that was asked before; handed-over work stays to be answered.

    `contract` is locked. Raises StateConflict.
    """
    for milestone in contracts.end(ctx, contract, reason):
        refund_requests.ask_instead(
            ctx, contract, milestone, None, reason or "The client ended the contract."
        )
