"""What silence decides in a dispute, and that nobody loses money by a letter that did not
arrive.
"""

from __future__ import annotations

import pytest

from service.models import Dispute
from service.operations.disputes import deadlines, mediation, negotiation
from tests.operations.arranging import disputed, negotiating
from tests.operations.stage import Money, Stage


def _due(stage: Stage, dispute_id: str, *, heard: bool) -> None:
    with stage.on_dispute(stage.system, dispute_id) as (ctx, contract, dispute):
        deadlines.due(ctx, contract, dispute, heard=heard)


@pytest.mark.parametrize(
    ("heard", "state", "money"),
    [
        (True, "executed", {"refund_in_flight": 10_000}),
        (False, "mediation", {"disputed": 10_000}),
    ],
)
def test_no_answer_to_a_claim(stage: Stage, heard: bool, state: str, money: Money) -> None:
    """Silence grants the claim only when the notice is proved to have arrived; else people look."""
    dispute_id = disputed(stage)
    stage.later(days=8)
    _due(stage, dispute_id, heard=heard)
    assert stage.state(Dispute, dispute_id) == state
    assert stage.money() == money


def test_not_before_the_deadline(stage: Stage) -> None:
    """A timer that comes early decides nothing."""
    dispute_id = disputed(stage)
    stage.later(days=2)
    _due(stage, dispute_id, heard=True)
    assert stage.state(Dispute, dispute_id) == "open"
    assert stage.money() == {"disputed": 10_000}


def test_a_negotiation_without_a_result_goes_to_a_person(stage: Stage) -> None:
    """After a week of talking nobody has won: a mediator is asked, and nothing moves."""
    dispute_id = negotiating(stage)
    stage.later(days=7)
    _due(stage, dispute_id, heard=True)
    assert stage.state(Dispute, dispute_id) == "mediation"
    assert stage.money() == {"disputed": 10_000}


@pytest.mark.parametrize(
    ("answered", "heard", "state", "money"),
    [
        # 30.00 back; 5 % of 70.00 is 3.50.
        (False, True, "executed", {"refund_in_flight": 3_000, "pending": 6_650, "fee": 350}),
        (False, False, "arbitration", {"disputed": 10_000}),
        (True, True, "arbitration", {"disputed": 10_000}),
    ],
)
def test_no_answer_to_a_proposal(
    stage: Stage, answered: bool, heard: bool, state: str, money: Money
) -> None:
    """Silence of both carries the proposal out when it was heard of; else a second person decides."""
    dispute_id = negotiating(stage)
    with stage.on_dispute(stage.client, dispute_id) as (ctx, contract, dispute):
        mediation.ask_mediation(ctx, contract, dispute)
    with stage.on_dispute(stage.staff("Hypatia"), dispute_id) as (ctx, contract, dispute):
        proposal = mediation.propose(ctx, contract, dispute, 3_000, "Two thirds are there.").id
    if answered:
        with stage.on_dispute(stage.client, dispute_id) as (ctx, contract, dispute):
            negotiation.agree_to(ctx, contract, dispute, proposal, "client")
    stage.later(days=8)
    _due(stage, dispute_id, heard=heard)
    assert stage.state(Dispute, dispute_id) == state
    assert stage.money() == money
