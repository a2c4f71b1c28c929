"""What may be done now = what the state allows, less what holds take away.

One table, for pages, answers and error messages.

It never decides about money: the ledger reads holds under its own lock. It only says beforehand
what would be refused.
"""

from __future__ import annotations

from functools import cache

from service.domain.states.lifecycle import allowed_actions

STOPPED_BY: dict[tuple[str, str], str] = {
    ("contract", "send"): "contract_create",
    ("contract", "accept"): "accept",
    ("contract", "fund"): "inflow",
    ("milestone", "start_payment"): "inflow",
    ("milestone", "fund"): "inflow",
    ("milestone", "approve"): "release",
    ("milestone", "auto_approve"): "release",
    ("payout", "send"): "outflow",
}
"""The scope that stops an event.

Events that are not here pass every hold: nobody is kept from saying no, or from handing work over.
"""


@cache
def capabilities(
    machine: str, state: str, actor: str, on_hold: frozenset[str] = frozenset()
) -> list[str]:
    """The events that this actor may cause from this state while holds of the scopes `on_hold` are
    active. Not to be changed.
    """
    return [
        event
        for event in allowed_actions(machine, state, actor)
        if STOPPED_BY.get((machine, event)) not in on_hold
    ]
