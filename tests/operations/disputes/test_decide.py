"""People end a dispute: one proposes, both may refuse, and another one has the last word."""

from __future__ import annotations

from service.domain.errors import Forbidden, StateConflict
from service.models import Dispute
from service.operations.disputes import mediation, negotiation
from tests.operations.arranging import negotiating
from tests.operations.stage import Stage


def _in_mediation(stage: Stage) -> str:
    dispute_id = negotiating(stage)
    with stage.on_dispute(stage.client, dispute_id) as (ctx, contract, dispute):
        mediation.ask_mediation(ctx, contract, dispute)
    return dispute_id


def _proposed(stage: Stage, refund_minor: int = 3_000) -> tuple[str, str]:
    """Hypatia proposes: (dispute, proposal)."""
    dispute_id = _in_mediation(stage)
    with stage.on_dispute(stage.staff("Hypatia"), dispute_id) as (ctx, contract, dispute):
        made = mediation.propose(ctx, contract, dispute, refund_minor, "Two thirds are there.")
    return dispute_id, made.id


def _rejected(stage: Stage) -> str:
    dispute_id, _ = _proposed(stage)
    with stage.on_dispute(stage.freelancer, dispute_id) as (ctx, contract, dispute):
        negotiation.reject_proposal(ctx, contract, dispute, "freelancer")
    return dispute_id


def test_asking_and_proposing_moves_nothing(stage: Stage) -> None:
    """A mediator's number is a proposal: until both agree the amount stays locked."""
    dispute_id = _in_mediation(stage)
    assert stage.state(Dispute, dispute_id) == "mediation"
    with stage.on_dispute(stage.staff("Hypatia"), dispute_id) as (ctx, contract, dispute):
        mediation.propose(ctx, contract, dispute, 3_000, "Two thirds are there.")
    assert stage.state(Dispute, dispute_id) == "proposal"
    assert stage.money() == {"disputed": 10_000}


def test_a_proposal_needs_both(stage: Stage) -> None:
    """The proposal is carried out when the second of the two agrees, and not before."""
    dispute_id, offer_id = _proposed(stage)
    with stage.on_dispute(stage.client, dispute_id) as (ctx, contract, dispute):
        negotiation.agree_to(ctx, contract, dispute, offer_id, "client")
    assert stage.money() == {"disputed": 10_000}
    with stage.on_dispute(stage.freelancer, dispute_id) as (ctx, contract, dispute):
        negotiation.agree_to(ctx, contract, dispute, offer_id, "freelancer")
    # 30.00 back; 5 % of 70.00 is 3.50.
    assert stage.money() == {"refund_in_flight": 3_000, "pending": 6_650, "fee": 350}


def test_a_second_person_has_the_last_word(stage: Stage) -> None:
    """After a refusal somebody else decides, and the decision is carried out at once."""
    dispute_id = _rejected(stage)
    assert stage.state(Dispute, dispute_id) == "arbitration"
    with stage.on_dispute(stage.staff("Mary"), dispute_id) as (ctx, contract, dispute):
        mediation.decide(ctx, contract, dispute, 5_000, "Half of it is there.")
    # 50.00 back; 5 % of 50.00 is 2.50.
    assert stage.money() == {"refund_in_flight": 5_000, "pending": 4_750, "fee": 250}
    assert stage.state(Dispute, dispute_id) == "executed"


def test_who_proposed_does_not_decide(stage: Stage) -> None:
    """The mediator cannot be the judge of their own proposal."""
    dispute_id = _rejected(stage)
    with (
        stage.refused(Forbidden),
        stage.on_dispute(stage.staff("Hypatia"), dispute_id) as (ctx, contract, dispute),
    ):
        mediation.decide(ctx, contract, dispute, 3_000, "As I said.")


def test_nothing_is_decided_before_a_refusal(stage: Stage) -> None:
    """While a proposal waits for its answers nobody decides over the two."""
    dispute_id, _ = _proposed(stage)
    with (
        stage.refused(StateConflict),
        stage.on_dispute(stage.staff("Mary"), dispute_id) as (ctx, contract, dispute),
    ):
        mediation.decide(ctx, contract, dispute, 3_000, "So be it.")
