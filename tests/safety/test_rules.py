"""Automatic rules hold shortly, explain themselves, do not chain, and can be tried on the past
before they are switched on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from service.policies import FOLDER, PolicyError
from service.policies.reading import read
from service.policies.rules import rules_of
from tests.faults.test_payments import debit
from tests.states.test_chargebacks import charge
from tests.world import World


def switch_on(world: World, name: str, **more: Any) -> None:
    rules = world.runtime.policies.rules
    rules[name] = replace(rules[name], enabled=True, **more)


def holds_of(world: World) -> list[tuple[str, bool, list[str], str]]:
    return [
        (h["rule"], h["automated"], h["scopes"], h["facts"])
        for h in world.program().get("/v1/holds")["data"]
    ]


@pytest.mark.row("H1")
def test_a_warning_of_the_card_s_bank_holds_that_payment_only(world: World) -> None:
    contract, client = world.submitted_contract(milestones=[("Work", 10_000)])
    world.sandbox.post(f"charges/{charge(world)}/warn", {})
    world.work()
    assert holds_of(world) == [
        (
            "early_fraud_warning",
            True,
            ["release"],
            "The card's bank has warned us about this payment.",
        )
    ]
    assert client.approve(contract["milestones"][0]["id"]).status == 403
    hold = world.program().get("/v1/holds")["data"][0]
    page = client.get(f"/c/{contract['id']}/hold")
    assert "approving work and releasing money" in page.text, (
        "a hold on the payment reaches the contract's page"
    )
    assert "bank has warned" not in page.text
    assert hold["money"] == [{"currency": "USD", "where": "escrow", "amount": 10_000}]
    other, another = world.submitted_contract(
        milestones=[("Other", 10_000)], client="grace@hopper.example"
    )
    assert another.approve(other["milestones"][0]["id"]).status == 303, "nothing else is touched"
    world.advance("73h")
    assert world.program().get("/v1/holds")["data"][0]["state"] == "expired", (
        "no person confirmed it within 72 hours"
    )
    assert len(holds_of(world)) == 1, "and it does not fire again by itself"
    client.open("sent you a contract")
    assert client.approve(contract["milestones"][0]["id"]).status == 303


@pytest.mark.parametrize("payout_account_first", [True, False])
def test_the_payer_is_the_payee(world: World, payout_account_first: bool) -> None:
    """A debit of the bank account that payouts go to is held, whichever of the two became known
    first; another one is not.
    """
    object.__setattr__(world.runtime.policies, "bank_debit", True)

    def own_account() -> None:
        world.onboarded()
        account = world.sql("SELECT stripe_account_id FROM payout_account")[0].stripe_account_id
        world.sandbox.post(f"accounts/{account}", {"bank": "ba_000123456789"})
        world.work()

    if payout_account_first:
        own_account()
    debit(world, "000987654321")
    debit(world, "000123456789")
    world.advance("5d")
    if not payout_account_first:
        assert holds_of(world) == [], "nothing is known of the freelancer's bank account yet"
        own_account()
    fact = "The payment came from the bank account or card that your payouts go to."
    assert holds_of(world) == [("payer_is_payee", True, ["release"], fact)]
    held = world.sql(
        "SELECT p.instrument = ANY (SELECT jsonb_array_elements_text(a.instruments) FROM "
        "payout_account a) AS own"
        " FROM hold h JOIN payment p ON p.id = h.subject_id"
    )
    assert [row.own for row in held] == [True]


def test_a_first_payment_that_is_large(world: World) -> None:
    switch_on(world, "first_payment_size", at_least_minor=50_000)
    world.funded_contract(milestones=[("Large", 60_000)])
    assert [h[0] for h in holds_of(world)] == ["first_payment_size"]
    world.funded_contract(milestones=[("Large again", 60_000)])
    assert len(holds_of(world)) == 1, "not the first one any more"
    world.funded_contract(milestones=[("Small", 40_000)], client="grace@hopper.example")
    assert len(holds_of(world)) == 1


def test_many_payments_at_once_and_many_taken_back(world: World) -> None:
    switch_on(world, "velocity", at_least_count=3)
    switch_on(world, "chargeback_ratio", at_least_count=1, at_least_percent=20)
    for number in range(3):
        world.funded_contract(milestones=[("Work", 10_000)], client=f"c{number}@babbage.example")
    assert [h[0] for h in holds_of(world)] == ["velocity"]
    world.sandbox.post("disputes", {"charge": charge(world)})
    world.work()
    assert sorted(h[0] for h in holds_of(world)) == ["chargeback_ratio", "velocity"]
    assert "1 of 3" in next(h[3] for h in holds_of(world) if h[0] == "chargeback_ratio")


def test_a_rule_is_tried_on_the_past_first(world: World) -> None:
    world.funded_contract(milestones=[("Large", 600_000)])
    world.sandbox.post("disputes", {"charge": charge(world)})
    world.work()
    world.funded_contract(milestones=[("Small", 10_000)], client="grace@hopper.example")
    assert holds_of(world) == [], "it is off"
    report = world.program("safety").get("/v1/staff/rules/first_payment_size/report")
    assert (report["payments_looked_at"], report["would_hold"], report["taken_back_later"]) == (
        2,
        1,
        1,
    )
    assert "USD 6,000.00" in report["payments"][0]["why"]
    assert world.program("safety").call("GET", "/v1/staff/rules/because/report").status == 404


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("enabled: true", "enabled: perhaps", "enabled is true or false"),
        ("holds: payment", "holds: everybody", "holds is payment"),
        ("scopes: [release]", "scopes: [everything]", "reason_code and scopes"),
        ("velocity:", "speed:", "missing key velocity"),
        ("at_least_minor: 500000", "at_least_minor: -1", "whole number"),
    ],
)
def test_a_hostile_rule_file(right: str, wrong: str, complaint: str) -> None:
    text = (FOLDER / "rules.yaml").read_text().replace(right, wrong, 1)
    with pytest.raises(PolicyError, match=complaint):
        rules_of(
            read(text, "rules.yaml"), ["payment_dispute_likely", "account_security", "self_payment"]
        )
