"""The two settle a dispute themselves: the number goes back to the client, the rest is released.

What is released of it bears the fee of 5 %; what goes back bears none.
"""

from __future__ import annotations

import pytest

from service.domain.errors import Forbidden, Invalid, NotFound, StateConflict
from service.models import Contract, Dispute
from service.operations.disputes import negotiation
from tests.operations.arranging import disputed, negotiating
from tests.operations.stage import Money, Stage


def _offer(stage: Stage, dispute_id: str, side: str, refund_minor: int, *, blind: bool) -> str:
    actor = stage.client if side == "client" else stage.freelancer
    with stage.on_dispute(actor, dispute_id) as (ctx, contract, dispute):
        return negotiation.offer(
            ctx, contract, dispute, side, refund_minor, "To end it.", blind=blind
        ).id


@pytest.mark.parametrize(
    ("claimed", "money", "end"),
    [
        (10_000, {"refund_in_flight": 10_000}, "cancelled"),
        # 70.00 back; 5 % of the other 30.00 is 1.50.
        (7_000, {"refund_in_flight": 7_000, "pending": 2_850, "fee": 150}, "completed"),
        (0, {"pending": 9_500, "fee": 500}, "completed"),
    ],
)
def test_accepting_the_claim_settles_it(stage: Stage, claimed: int, money: Money, end: str) -> None:
    """The other side may agree at once: what was claimed goes back, the rest is released."""
    dispute_id = disputed(stage, refund_minor=claimed)
    assert stage.money() == {"disputed": 10_000}
    with stage.on_dispute(stage.freelancer, dispute_id) as (ctx, contract, dispute):
        negotiation.accept_claim(ctx, contract, dispute, "freelancer")
    assert stage.money() == money
    assert stage.state(Contract, stage.contract) == end


def test_nobody_accepts_their_own_claim(stage: Stage) -> None:
    """Only the other side settles a dispute by agreeing to its claim."""
    dispute_id = disputed(stage)
    with (
        stage.refused(Forbidden),
        stage.on_dispute(stage.client, dispute_id) as (ctx, contract, dispute),
    ):
        negotiation.accept_claim(ctx, contract, dispute, "client")


def test_an_answer_opens_the_negotiation(stage: Stage) -> None:
    """An answer names a number and moves nothing: from here on both make offers."""
    dispute_id = negotiating(stage)
    assert stage.state(Dispute, dispute_id) == "negotiation"
    assert stage.money() == {"disputed": 10_000}


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize(
    ("client", "freelancer", "money"),
    [
        # Met: 40.00 back; 5 % of 60.00 is 3.00.
        (4_000, 4_000, {"refund_in_flight": 4_000, "pending": 5_700, "fee": 300}),
        # Crossed, so in the middle: 30.00 and 50.00 make 40.00.
        (3_000, 5_000, {"refund_in_flight": 4_000, "pending": 5_700, "fee": 300}),
        # Apart still: nothing moves.
        (5_000, 3_000, {"disputed": 10_000}),
    ],
)
def test_offers_that_meet_or_cross_settle_it(
    stage: Stage, client: int, freelancer: int, money: Money, blind: bool
) -> None:
    """Two offers that meet are carried out; two that cross are carried out in the middle."""
    dispute_id = negotiating(stage)
    _offer(stage, dispute_id, "client", client, blind=blind)
    assert stage.money() == {"disputed": 10_000}, "one offer alone settles nothing"
    _offer(stage, dispute_id, "freelancer", freelancer, blind=blind)
    assert stage.money() == money


def test_a_blind_offer_does_not_meet_an_open_one(stage: Stage) -> None:
    """What was said blindly is only compared with what was said blindly."""
    dispute_id = negotiating(stage)
    _offer(stage, dispute_id, "client", 4_000, blind=True)
    _offer(stage, dispute_id, "freelancer", 4_000, blind=False)
    assert stage.money() == {"disputed": 10_000}


def test_saying_yes_to_an_open_offer(stage: Stage) -> None:
    """Agreeing to the other side's number carries out exactly that number."""
    dispute_id = negotiating(stage)
    offer_id = _offer(stage, dispute_id, "freelancer", 2_000, blind=False)
    with stage.on_dispute(stage.client, dispute_id) as (ctx, contract, dispute):
        negotiation.agree_to(ctx, contract, dispute, offer_id, "client")
    # 20.00 back; 5 % of 80.00 is 4.00.
    assert stage.money() == {"refund_in_flight": 2_000, "pending": 7_600, "fee": 400}


def test_only_the_newest_offer_counts(stage: Stage) -> None:
    """An offer that was replaced by a newer one can no longer be agreed to."""
    dispute_id = negotiating(stage)
    old = _offer(stage, dispute_id, "freelancer", 2_000, blind=False)
    _offer(stage, dispute_id, "freelancer", 1_000, blind=False)
    with (
        stage.refused(StateConflict),
        stage.on_dispute(stage.client, dispute_id) as (ctx, contract, dispute),
    ):
        negotiation.agree_to(ctx, contract, dispute, old, "client")


def test_a_blind_offer_is_not_there_for_the_other_side(stage: Stage) -> None:
    """Agreeing to the other side's blind offer is refused as if there were none."""
    dispute_id = negotiating(stage)
    offer_id = _offer(stage, dispute_id, "freelancer", 2_000, blind=True)
    with (
        stage.refused(NotFound),
        stage.on_dispute(stage.client, dispute_id) as (ctx, contract, dispute),
    ):
        negotiation.agree_to(ctx, contract, dispute, offer_id, "client")


def test_an_offer_is_about_what_is_disputed(stage: Stage) -> None:
    """No offer gives back more than is disputed."""
    dispute_id = negotiating(stage)
    with stage.refused(Invalid, "amount_out_of_range"):
        _offer(stage, dispute_id, "client", 10_001, blind=False)


def test_no_offer_before_the_answer(stage: Stage) -> None:
    """Offers are made once both have said what they have to say."""
    dispute_id = disputed(stage)
    with stage.refused(StateConflict):
        _offer(stage, dispute_id, "client", 4_000, blind=False)
