"""Money that is set aside belongs to a hold or a chargeback, and to a person all the same:
everybody who looks sees it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.console import colleague
from tests.safety.test_holds import freeze, lift, with_money
from tests.states.test_chargebacks import contest
from tests.world import World


def shown(world: World) -> dict[str, int]:
    """What every reader says is set aside: the freelancer, staff, the public."""
    staff = colleague(world, "safety").get(f"/staff/people/{world.ada_id}").text
    public = world.program().get("/v1/transparency")["held_now"]
    return {
        "freelancer": world.balance().get("reserved", 0),
        "staff": 1 if "set aside" in staff else 0,
        "public": next((one["amount"] for one in public if one["currency"] == "USD"), 0),
    }


def everything(world: World) -> int:
    """All that the books owe to somebody, less what is the platform's: the sum of every place that
    a person can look at.
    """
    mine: dict[str, Any] = world.balance()
    return sum(
        mine.get(place, 0)
        for place in ("escrow", "disputed", "pending", "available", "reserved", "in_flight")
    )


def test_an_amount_that_a_hold_sets_aside(world: World) -> None:
    with_money(world)
    before = everything(world)
    hold = freeze(world, world.ada_id, amount=6_000, currency="USD")
    assert shown(world) == {"freelancer": 6_000, "staff": 1, "public": 6_000}
    assert everything(world) == before, "no money is nowhere"
    assert world.program("safety").get(f"/v1/holds/{hold['id']}")["money"] == [
        {"currency": "USD", "where": "reserve", "amount": 6_000}
    ]
    lift(world, hold)
    assert shown(world) == {"freelancer": 0, "staff": 0, "public": 0}
    assert world.program("safety").get(f"/v1/holds/{hold['id']}")["money"] == []


@pytest.mark.parametrize("aged", [False, True])
def test_what_a_chargeback_sets_aside_is_no_hold_of_ours(world: World, aged: bool) -> None:
    """Of pending or of available money: the freelancer's, set aside, and not among what the
    platform holds.
    """
    world.released_contract(milestones=[("Work", 10_000)])
    if aged:
        world.advance("6d")
    contest(world)
    assert shown(world) == {"freelancer": 9_500, "staff": 1, "public": 0}
    assert everything(world) == 9_500


def test_both_at_once_and_a_payout_on_its_way(world: World) -> None:
    with_money(world)
    freeze(world, world.ada_id, amount=1_000, currency="USD")
    world.program().post("/v1/payouts", {"amount": 2_000, "currency": "USD"})
    mine = world.balance()
    assert (mine["available"], mine["reserved"], mine["in_flight"], mine["escrow"]) == (
        6_500,
        1_000,
        2_000,
        2_000,
    )
    page = colleague(world, "safety").get(f"/staff/people/{world.ada_id}").text
    assert all(
        words in page for words in ("set aside", "payout on its way", "in protection", "available")
    )


def test_what_a_client_is_owed_is_not_the_freelancer_s(world: World) -> None:
    """A refund that could not leave is set aside when the bank takes the payment back: the
    client's, not Ada's.
    """
    contract, _ = world.funded_contract(milestones=[("Work", 10_000)])
    world.sandbox.post(
        "faults", {"method": "POST", "path": "/v1/refunds", "kind": "429", "times": 40}
    )
    world.program().post(f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", {})
    contest(world)
    world.sandbox.http.request("DELETE", "/_sandbox/faults")
    assert world.trial_balance()["reserve"] == 10_000
    assert world.balance().get("reserved", 0) == 0
