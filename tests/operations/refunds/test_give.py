"""The freelancer gives money back: held money wholly, released money with the platform's fee on
it.
"""

from __future__ import annotations

import pytest

from service.domain.errors import Invalid, StateConflict
from service.domain.money.chart import AccountCode
from service.models import Milestone
from service.operations.payments import refund_requests
from tests.operations.arranging import asked_back, available, payout, released, with_account
from tests.operations.stage import Stage


def test_held_money_goes_back_whole(stage: Stage) -> None:
    """The client gets back every cent that is held: no fee was earned on it."""
    assert stage.money() == {"escrow": 10_000}
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        refund_requests.give(ctx, contract, milestone, None, "I cannot do it.")
    assert stage.money() == {"refund_in_flight": 10_000}
    assert stage.state(Milestone, stage.milestone) == "refunded"


def test_a_part_goes_back_and_the_rest_stays_held(stage: Stage) -> None:
    """Giving a part back leaves the rest where it was, to be released as before."""
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        refund_requests.give(ctx, contract, milestone, 2_500, "A discount.")
    assert stage.money() == {"escrow": 7_500, "refund_in_flight": 2_500}
    assert stage.state(Milestone, stage.milestone) == "funded"


def test_released_money_takes_its_fee_back_with_it(stage: Stage) -> None:
    """Of a refund after the release the platform returns its fee; the freelancer bears the rest."""
    released(stage)
    assert stage.balance() == {"pending": 9_500}
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        refund_requests.give(ctx, contract, milestone, 4_000, "Part of it was late.")
    # 40.00 are 38.00 of the freelancer's and the fee of 2.00 on them.
    assert stage.balance() == {"pending": 5_700}
    assert stage.money() == {"pending": 5_700, "fee": 300, "refunded": 4_000}


def test_what_was_paid_out_already_is_owed(stage: Stage) -> None:
    """Money that the freelancer no longer has here is given back all the same, and owed by them."""
    available(stage)
    with_account(stage)
    payout(stage)
    assert stage.balance() == {"in_flight": 9_500}
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        refund_requests.give(ctx, contract, milestone, None, "It did not work.")
    # The client gets 100.00: 5.00 of them from the platform, 95.00 owed by the freelancer.
    assert stage.balance() == {"in_flight": 9_500, "recoverable": 9_500}
    assert stage.books(AccountCode.REFUND_IN_FLIGHT, AccountCode.PLATFORM_FEES) == {
        "refund_in_flight": 10_000
    }


def test_giving_what_was_asked_for_answers_the_request(stage: Stage) -> None:
    """Whoever gives as much as was asked back has agreed: the request is no longer open."""
    request_id = asked_back(stage, 4_000)
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        refund_requests.give(ctx, contract, milestone, 4_000, "All right.")
    assert stage.states()[request_id] == "agreed"
    assert stage.money() == {"escrow": 6_000, "refund_in_flight": 4_000}


@pytest.mark.parametrize("amount_minor", [0, 10_001])
def test_no_more_than_there_is(stage: Stage, amount_minor: int) -> None:
    """An amount outside what is held is refused and moves nothing."""
    with (
        stage.refused(Invalid, "amount_out_of_range"),
        stage.on(stage.freelancer) as (ctx, contract, milestone),
    ):
        refund_requests.give(ctx, contract, milestone, amount_minor, "A discount.")


def test_nothing_goes_back_twice(stage: Stage) -> None:
    """Once all of it is on its way back there is nothing left to give."""
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        refund_requests.give(ctx, contract, milestone, None, "I cannot do it.")
    with stage.refused(StateConflict), stage.on(stage.freelancer) as (ctx, contract, milestone):
        refund_requests.give(ctx, contract, milestone, None, "Once more.")
