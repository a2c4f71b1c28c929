"""Ending a contract under way: what was not handed over goes back, what was is still answered."""

from __future__ import annotations

from service.domain.errors import StateConflict
from service.models import Contract, Milestone
from service.operations.contracts import contracts, milestones
from service.workflows import contract_end
from tests.operations.arranging import released, submitted
from tests.operations.stage import Stage


def test_the_freelancer_gives_back_what_is_not_done(stage: Stage) -> None:
    """When the freelancer ends it, held money without work is on its way back at once."""
    with stage.on(stage.freelancer) as (ctx, contract, _):
        contracts.end(ctx, contract, "I cannot do it.")
    assert stage.money() == {"refund_in_flight": 10_000}
    assert stage.state(Contract, stage.contract) == "cancelled"


def test_the_client_asks_for_what_is_not_done(stage: Stage) -> None:
    """When the client ends it, the freelancer is asked: nothing moves without their answer."""
    with stage.on(stage.client) as (ctx, contract, _):
        contract_end.by_client(ctx, contract, "I need it no more.")
    assert stage.state(Contract, stage.contract) == "closing"
    assert stage.state(Milestone, stage.milestone) == "refund_requested"
    assert stage.money() == {"escrow": 10_000}


def test_work_that_was_handed_over_is_still_answered(stage: Stage) -> None:
    """Neither side's end takes away the review: approved, it is paid for as ever."""
    submitted(stage)
    with stage.on(stage.client) as (ctx, contract, _):
        contract_end.by_client(ctx, contract, "I need no more of it.")
    assert stage.money() == {"escrow": 10_000}
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)
    # 5 % of 100.00 is 5.00.
    assert stage.money() == {"pending": 9_500, "fee": 500}
    assert stage.state(Contract, stage.contract) == "completed"


def test_a_paid_contract_is_not_cancelled(stage: Stage) -> None:
    """What has money in it is ended, not cancelled: the money would be forgotten."""
    with stage.refused(StateConflict), stage.on(stage.freelancer) as (ctx, contract, _):
        contracts.cancel(ctx, contract)


def test_what_is_over_does_not_end_again(stage: Stage) -> None:
    """A completed contract has no end left."""
    released(stage)
    with stage.refused(StateConflict), stage.on(stage.freelancer) as (ctx, contract, _):
        contracts.end(ctx, contract)
