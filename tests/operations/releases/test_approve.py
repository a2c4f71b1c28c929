"""Approving work: held money becomes the freelancer's, less the fee, and nothing else moves.

The fee on a direct contract is 5 %, taken with each release in proportion to what it releases.
"""

from __future__ import annotations

import pytest

from service.domain.errors import Invalid, StateConflict
from service.models import Contract, Milestone
from service.operations.contracts import milestones
from service.operations.payments import refund_requests
from tests.operations.arranging import released, submitted
from tests.operations.stage import Stage


def test_the_whole_amount_is_the_freelancers_less_the_fee(stage: Stage) -> None:
    """Approving all of it leaves nothing in escrow: 95.00 pending, 5.00 fee."""
    submitted(stage)
    assert stage.money() == {"escrow": 10_000}
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)
    # 5 % of 100.00 is 5.00.
    assert stage.money() == {"pending": 9_500, "fee": 500}
    assert stage.state(Milestone, stage.milestone) == "released"
    assert stage.state(Contract, stage.contract) == "completed"


def test_work_can_be_approved_before_it_is_handed_over(stage: Stage) -> None:
    """The client may release early: the money is the same, whoever was faster."""
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)
    assert stage.money() == {"pending": 9_500, "fee": 500}


def test_the_system_releases_when_the_review_window_ends(stage: Stage) -> None:
    """Silence for the review window releases the same amount as the client would."""
    submitted(stage)
    stage.later(days=14)
    with stage.on(stage.system) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)
    assert stage.money() == {"pending": 9_500, "fee": 500}


def test_a_part_is_released_and_the_rest_stays_held(stage: Stage) -> None:
    """What a partial approval leaves is held for the same milestone until it is released too."""
    submitted(stage)
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone, 4_000, rest="keep")
    # 5 % of 40.00 is 2.00.
    assert stage.money() == {"escrow": 6_000, "pending": 3_800, "fee": 200}
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)
    assert stage.money() == {"pending": 9_500, "fee": 500}, "as if it had been released at once"


def test_the_rest_can_become_a_milestone_of_its_own(stage: Stage) -> None:
    """A rest that is rolled on is held for a new milestone, which is paid already."""
    submitted(stage)
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone, 4_000, rest="roll")
        old, fresh = contract.milestones
        assert (old.amount_minor, old.state) == (4_000, "released")
        assert (fresh.amount_minor, fresh.state) == (6_000, "funded")
    assert stage.money() == {"escrow": 6_000, "pending": 3_800, "fee": 200}


def test_the_rest_can_be_asked_back(stage: Stage) -> None:
    """A rest that the client wants back is asked for: it stays held until the freelancer answers."""
    submitted(stage)
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone, 4_000, rest="refund")
        asked = refund_requests.ask(ctx, contract, milestone, None, "It is enough.").id
    assert stage.money() == {"escrow": 6_000, "pending": 3_800, "fee": 200}
    with stage.on_request(stage.freelancer, asked) as (ctx, contract, request):
        refund_requests.agree(ctx, contract, request)
    assert stage.money() == {"refund_in_flight": 6_000, "pending": 3_800, "fee": 200}


@pytest.mark.parametrize("amount_minor", [0, -1, 10_001])
def test_no_more_than_is_held_and_no_less_than_a_cent(stage: Stage, amount_minor: int) -> None:
    """An amount outside what is held is refused and moves nothing."""
    submitted(stage)
    with (
        stage.refused(Invalid, "amount_out_of_range"),
        stage.on(stage.client) as (ctx, contract, milestone),
    ):
        milestones.approve(ctx, contract, milestone, amount_minor)


def test_nothing_is_released_twice(stage: Stage) -> None:
    """A second approval of a released milestone is refused and moves nothing."""
    released(stage)
    with stage.refused(StateConflict), stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)


def test_the_freelancer_does_not_approve_their_own_work(stage: Stage) -> None:
    """Only the client, or the end of the review window, releases money."""
    submitted(stage)
    with stage.refused(StateConflict), stage.on(stage.freelancer) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)
