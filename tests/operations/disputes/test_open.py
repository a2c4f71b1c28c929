"""Opening a dispute: exactly the disputed amount is locked, and the rest flows on."""

from __future__ import annotations

import pytest

from service.domain.errors import Forbidden, Invalid, StateConflict
from service.models import Dispute, Milestone, RefundRequest
from service.operations.contracts import milestones
from service.operations.disputes import opening, outcome
from service.operations.payments import refund_requests
from service.workflows import dispute_opened
from tests.operations.arranging import disputed, released, submitted
from tests.operations.stage import Stage


@pytest.mark.parametrize("side", ["client", "freelancer"])
def test_the_whole_is_locked(stage: Stage, side: str) -> None:
    """A dispute over all of it locks all of it, whoever of the two opens it."""
    dispute_id = disputed(stage, side)
    assert stage.money() == {"disputed": 10_000}
    assert stage.state(Dispute, dispute_id) == "open"
    assert stage.state(Milestone, stage.milestone) == "disputed"


def test_a_part_is_locked_and_the_rest_can_be_released(stage: Stage) -> None:
    """What is not disputed is still the client's to release."""
    submitted(stage)
    disputed(stage, amount_minor=4_000)
    assert stage.money() == {"escrow": 6_000, "disputed": 4_000}
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)
    # 5 % of 60.00 is 3.00.
    assert stage.money() == {"disputed": 4_000, "pending": 5_700, "fee": 300}


def test_taking_it_back_leaves_everything_as_it_was(stage: Stage) -> None:
    """A dispute that its opener withdraws unlocks what it locked, and the milestone goes on."""
    submitted(stage)
    dispute_id = disputed(stage)
    with stage.on_dispute(stage.client, dispute_id) as (ctx, contract, dispute):
        outcome.withdraw(ctx, contract, dispute, "client")
    assert stage.money() == {"escrow": 10_000}
    assert stage.state(Dispute, dispute_id) == "withdrawn"
    assert stage.state(Milestone, stage.milestone) == "submitted"


def test_only_the_opener_takes_it_back(stage: Stage) -> None:
    """The other side cannot withdraw a claim that is not theirs."""
    dispute_id = disputed(stage)
    with (
        stage.refused(Forbidden),
        stage.on_dispute(stage.freelancer, dispute_id) as (ctx, contract, dispute),
    ):
        outcome.withdraw(ctx, contract, dispute, "freelancer")


@pytest.mark.parametrize(
    ("amount_minor", "refund_minor"), [(0, 0), (10_001, 0), (4_000, 4_001), (4_000, -1)]
)
def test_no_more_than_is_held(stage: Stage, amount_minor: int, refund_minor: int) -> None:
    """Neither more than is held can be disputed, nor more than is disputed claimed."""
    with (
        stage.refused(Invalid, "amount_out_of_range"),
        stage.on(stage.client) as (ctx, contract, milestone),
    ):
        opening.start(ctx, contract, milestone, "client", amount_minor, refund_minor, "It is bad.")


def test_released_money_is_not_disputed(stage: Stage) -> None:
    """A dispute is about held money: after the release there is none."""
    released(stage)
    with stage.refused(StateConflict), stage.on(stage.client) as (ctx, contract, milestone):
        opening.start(ctx, contract, milestone, "client", None, None, "It is bad.")


def test_one_dispute_at_a_time(stage: Stage) -> None:
    """While a part is in dispute no second dispute is opened over the rest."""
    disputed(stage, amount_minor=4_000)
    with stage.refused(StateConflict), stage.on(stage.freelancer) as (ctx, contract, milestone):
        opening.start(ctx, contract, milestone, "freelancer", None, None, "It is good.")


@pytest.mark.parametrize("side", ["client", "freelancer"])
def test_a_request_for_a_refund_becomes_the_dispute(stage: Stage, side: str) -> None:
    """Handed-over work for which a refund was asked stays handed over, whoever of the two makes a
    dispute of it and then takes the dispute back.
    """
    submitted(stage)
    with stage.on(stage.client) as (ctx, contract, milestone):
        request_id = refund_requests.ask(ctx, contract, milestone, None, "It does not run.").id
    assert stage.state(Milestone, stage.milestone) == "refund_requested"
    opener = stage.client if side == "client" else stage.freelancer
    with stage.on(opener) as (ctx, contract, milestone):
        dispute_id = dispute_opened.open_dispute(
            ctx, contract, milestone, side, None, None, "It does."
        ).id
    assert stage.state(RefundRequest, request_id) == "disputed"
    assert stage.money() == {"disputed": 10_000}
    with stage.on_dispute(opener, dispute_id) as (ctx, contract, dispute):
        outcome.withdraw(ctx, contract, dispute, side)
    assert stage.state(Milestone, stage.milestone) == "submitted"
    with stage.on(stage.client) as (_, _, milestone):
        assert milestone.auto_release_at is not None, "the review goes on"
    assert stage.money() == {"escrow": 10_000}
