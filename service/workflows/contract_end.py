"""A client ends a contract that is under way: the contract and requests for refunds together."""

from __future__ import annotations

from service.core.context import Act
from service.models import Contract
from service.operations.contracts import contracts
from service.operations.payments import refund_requests


def by_client(act: Act, contract: Contract, reason: str) -> None:
    """What is not paid is cancelled; for what is held and was not handed over a refund is asked,
    in place of one that was asked before; handed-over work stays to be answered.

    `contract` is locked. Raises StateConflict.
    """
    for milestone in contracts.end(act, contract, reason):
        asked = refund_requests.open_request(act.session, milestone.id)
        if asked is not None:
            refund_requests.withdraw(act, contract, asked)
            act.session.flush()
        refund_requests.ask(
            act, contract, milestone, None, reason or "The client ended the contract."
        )
