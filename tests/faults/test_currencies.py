"""CUR-01 to CUR-09: currencies with 0, 2 and 3 decimals and Stripe's special cases, the whole way;
parts that add up.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.money.fees import Schedule, Tier, cumulative_fee, cumulative_share
from service.domain.money.money import (
    CURRENCIES,
    from_stripe,
    plain,
    round_half_up,
    split_by_largest_remainder,
    to_stripe,
)
from tests.journey import contract_body
from tests.world import World

fault = pytest.mark.fault
AMOUNTS = {
    "USD": 120_055,
    "EUR": 99_999,
    "GBP": 5_001,
    "JPY": 10_001,
    "KWD": 18_600,
    "INR": 100_050,
    "ISK": 70_001,
    "UGX": 250_001,
    "HUF": 2_000_100,
    "TWD": 160_100,
}


@fault("CUR-01")
@fault("CUR-02")
@pytest.mark.parametrize("code", sorted(AMOUNTS))
def test_the_whole_way(world: World, code: str) -> None:
    """Paid, a part released, a part given back, the rest released, paid out: the same amount at
    every border, in Stripe's units there.
    """
    object.__setattr__(
        world.runtime.policies, "currencies", (*world.runtime.policies.currencies, code)
    )
    world.runtime.policies.windows.operating_floor_minor[code] = -(10**12)
    row, amount = CURRENCIES[code], AMOUNTS[code]
    contract, client = world.submitted_contract(milestones=[("Work", amount)], currency=code)
    charge = next(o for o in world.sandbox.dump()["objects"] if o["object"] == "charge")
    assert (charge["amount"], charge["currency"]) == (to_stripe(amount, code), code.lower())
    half = amount // 2 // row.step_minor * row.step_minor
    typed = plain(half, code).removeprefix(code).strip()
    assert client.approve(contract["milestones"][0]["id"], typed).status == 303
    back = half // 4 // row.step_minor * row.step_minor
    world.program().post(
        f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", {"amount": back}
    )
    world.work()
    refund = next(o for o in world.sandbox.dump()["objects"] if o["object"] == "refund")
    assert refund["amount"] == to_stripe(back, code)
    assert client.approve(contract["milestones"][0]["id"]).status == 303
    world.work()
    found = world.read(contract)["milestones"][0]
    assert (found["released"], found["refunded"], found["state"]) == (
        amount - back,
        back,
        "released",
    )
    world.check_books()
    world.advance("6d")
    world.onboarded()
    available = world.balance(code)["available"]
    assert available == amount - back - found["fee_taken"]
    asked = available // row.step_minor * row.step_minor
    world.program().post("/v1/payouts", {"amount": asked, "currency": code})
    world.work()
    world.advance("2d")
    sent = sum(o["amount"] for o in world.sandbox.dump()["objects"] if o["object"] == "transfer")
    assert (from_stripe(sent, code), world.balance(code)["available"]) == (asked, available - asked)
    world.check_books()


@fault("CUR-02")
@pytest.mark.parametrize(
    ("code", "amount"), [("KWD", 18_601), ("KWD", 18_609), ("HUF", 2_000_050), ("TWD", 160_001)]
)
def test_amounts_that_stripe_cannot_charge(world: World, code: str, amount: int) -> None:
    object.__setattr__(
        world.runtime.policies, "currencies", (*world.runtime.policies.currencies, code)
    )
    refused = world.program().call(
        "POST", "/v1/contracts", contract_body(milestones=[("Work", amount)], currency=code)
    )
    assert (refused.status, refused.json()["errors"][0]["pointer"]) == (422, "/milestones/0/amount")


@fault("CUR-03")
@settings(max_examples=2_000, deadline=None)
@given(
    total=st.integers(1, 10**12), weights=st.lists(st.integers(1, 10**9), min_size=1, max_size=7)
)
def test_any_split_adds_up(total: int, weights: list[int]) -> None:
    parts = split_by_largest_remainder(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(total * weight, sum(weights)) - part) < 1
    assert parts == split_by_largest_remainder(total, weights)


@fault("CUR-03")
@settings(max_examples=2_000, deadline=None)
@given(
    parts=st.lists(st.integers(1, 10**7), min_size=1, max_size=12),
    rate=st.fractions(min_value=0, max_value=Fraction(99, 100), max_denominator=10_000),
)
def test_fees_of_any_parts_at_any_rate_are_the_fee_of_the_whole(
    parts: list[int], rate: Fraction
) -> None:
    schedule = Schedule("any", "direct", date(2020, 1, 1), (Tier(None, rate),), "made up")
    taken = released = shared = 0
    for part in parts:
        released += part
        fee = cumulative_fee(schedule, schedule, released) - taken
        share = cumulative_share(997, released, sum(parts)) - shared
        assert fee >= 0
        assert share >= 0
        taken, shared = taken + fee, shared + share
    assert taken == cumulative_fee(schedule, schedule, sum(parts))
    assert shared == 997


@fault("CUR-04")
@pytest.mark.parametrize(
    ("top", "bottom", "rounded"),
    [(1, 2, 1), (3, 2, 2), (5, 2, 3), (5, 10, 1), (15, 10, 2), (25, 10, 3), (24, 10, 2), (0, 7, 0)],
)
def test_halves_go_up(top: int, bottom: int, rounded: int) -> None:
    assert round_half_up(top, bottom) == rounded


@fault("CUR-05")
@pytest.mark.parametrize("amount", ["10.1", "1e3", '"100"', "true", "null", "1.0", "[1]", "{}"])
def test_what_is_no_whole_number_is_refused(world: World, amount: str) -> None:
    body = json.dumps(contract_body(milestones=[("Work", 777_777)])).replace("777777", amount)
    headers = {
        "Authorization": f"Bearer {world.keys['ada']}",
        "Content-Type": "application/json",
        "Idempotency-Key": "k" * 16,
    }
    answer = world.program().http.request(
        "POST", "/v1/contracts", body=body.encode(), headers=headers
    )
    assert answer.status == 422, answer.text


@fault("CUR-06")
@pytest.mark.parametrize("amount", [0, -1, 2**53, 2**63 - 1, 2**63, 10**30])
def test_amounts_out_of_every_range(world: World, amount: int) -> None:
    assert (
        world.program()
        .call("POST", "/v1/contracts", contract_body(milestones=[("Work", amount)]))
        .status
        == 422
    )


@fault("CUR-07")
def test_two_currencies_are_never_added(world: World) -> None:
    dollars, one = world.submitted_contract(milestones=[("Work", 10_000)])
    euros, two = world.submitted_contract(
        milestones=[("Work", 10_000)], currency="EUR", client="grace@hopper.example"
    )
    one.approve(dollars["milestones"][0]["id"])
    two.approve(euros["milestones"][0]["id"])
    world.work()
    world.advance("6d")
    world.onboarded()
    assert [world.balance(c)["available"] for c in ("USD", "EUR")] == [9_500, 9_500]
    refused = world.program().call("POST", "/v1/payouts", {"amount": 19_000, "currency": "USD"})
    assert (refused.status, refused.json()["code"]) == (409, "not_enough")
    world.check_books()


@fault("CUR-08")
def test_a_fee_that_changes_between_acceptance_and_release(world: World) -> None:
    contract, client = world.submitted_contract(milestones=[("Work", 10_000)])
    schedules: Any = world.runtime.policies.schedules
    dearer = replace(
        next(s for s in schedules if s.kind == "direct"),
        id="direct-2027",
        tiers=(Tier(None, Fraction(9, 100)),),
    )
    object.__setattr__(world.runtime.policies, "schedules", (*schedules, dearer))
    assert client.approve(contract["milestones"][0]["id"]).status == 303
    assert world.read(contract)["milestones"][0]["fee_taken"] == 500, "what was promised"
    assert world.program().get("/v1/fee-quote?currency=USD&amount=10000")["fee"] == 900
