"""Payouts: maturing once, by hand, by schedule, by force; failed, cancelled, the bank account
changed, the floor.
"""

from __future__ import annotations

import pytest

from tests.states.test_milestones import ONE
from tests.world import World

row = pytest.mark.row


def payouts(world: World) -> list[dict[str, object]]:
    found: list[dict[str, object]] = world.program().get("/v1/payouts")["data"]
    return found


@row("O1", "O2")
def test_released_money_ages_once(world: World) -> None:
    world.released_contract(milestones=ONE)
    assert (world.balance()["pending"], world.balance()["available"]) == (9_500, 0)
    world.advance("5d")
    assert (world.balance()["pending"], world.balance()["available"]) == (0, 9_500)
    assert world.sql("SELECT count(*) AS n FROM journal_entry WHERE kind = 'mature'")[0].n == 1


@row("O3")
def test_by_schedule_when_there_is_enough(world: World) -> None:
    world.onboarded()
    world.program().post("/v1/payout-account/schedule", {"schedule": "weekly"})
    world.released_contract(milestones=ONE)
    world.advance("14d")
    assert payouts(world) == [], "95.00 is under the 100.00 of a schedule"
    world.released_contract(milestones=[("More", 20_000)])
    world.advance("14d")
    assert [(p["amount"], p["asked_by"], p["state"]) for p in payouts(world)] == [
        (28_500, "schedule", "paid")
    ]
    world.check_books()


@row("O3")
@pytest.mark.parametrize("ready", [True, False])
def test_money_that_has_lain_for_ninety_days(world: World, ready: bool) -> None:
    world.released_contract(milestones=ONE)
    if ready:
        world.onboarded()
    world.advance("98d")
    if ready:
        assert [(p["amount"], p["asked_by"], p["state"]) for p in payouts(world)] == [
            (9_500, "forced", "paid")
        ]
    else:
        assert payouts(world) == []
        assert any(
            "Money is waiting" in m["subject"] for m in world.sandbox.mail("ada@lovelace.example")
        )
    world.check_books()


@row("O6", "O7")
def test_a_payout_that_comes_back_is_available_at_once(world: World) -> None:
    world.released_contract(milestones=ONE)
    world.advance("6d")
    world.onboarded(outcome="bank_fails")
    made = world.program().post("/v1/payouts", {"amount": 9_500, "currency": "USD"})
    world.work()
    world.advance("3d")
    assert world.program().get(f"/v1/payouts/{made['id']}")["state"] == "failed"
    assert (world.balance()["available"], world.balance()["pending"]) == (9_500, 0), "not aged anew"
    world.check_books()


@row("O8")
def test_another_bank_account_takes_payouts_back_and_cools_down(world: World) -> None:
    world.released_contract(milestones=ONE)
    world.advance("6d")
    world.onboarded()
    ada = world.program()
    made = ada.post("/v1/payouts", {"amount": 5_000, "currency": "USD"})
    account = world.sql("SELECT stripe_account_id FROM payout_account")[0].stripe_account_id
    world.sandbox.post(f"accounts/{account}", {"bank": "ba_another"})
    world.sql_owner("UPDATE job SET due_at = due_at + interval '1 hour' WHERE kind = 'payout_send'")
    world.work()
    assert ada.get(f"/v1/payouts/{made['id']}")["state"] == "canceled"
    assert world.balance()["available"] == 9_500
    early = ada.call("POST", "/v1/payouts", {"amount": 5_000, "currency": "USD"})
    assert (early.status, early.json()["code"]) == (409, "payout_cooldown")
    assert any(
        "bank account for payouts was changed" in m["subject"]
        for m in world.sandbox.mail("ada@lovelace.example")
    )
    world.advance("73h")
    assert ada.call("POST", "/v1/payouts", {"amount": 5_000, "currency": "USD"}).status == 201
    world.check_books()


@row("O8")
def test_the_freelancer_takes_a_payout_back(world: World) -> None:
    world.released_contract(milestones=ONE)
    world.advance("6d")
    world.onboarded()
    made = world.program().post("/v1/payouts", {"amount": 5_000, "currency": "USD"})
    assert world.program().post(f"/v1/payouts/{made['id']}/cancel")["state"] == "canceled"
    assert world.balance()["available"] == 9_500
    world.check_books()


def test_below_the_floor_payouts_wait(world: World) -> None:
    """The platform's own money is short: a person is called, payouts wait, and go on when it is
    there again.
    """
    world.released_contract(milestones=ONE)
    world.funded_contract(milestones=[("Large", 200_000)], client="grace@hopper.example")
    world.advance("7d")
    world.onboarded()
    made = world.program().post("/v1/payouts", {"amount": 9_500, "currency": "USD"})
    world.work()
    assert world.program().get(f"/v1/payouts/{made['id']}")["state"] == "requested"
    tasks = [t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]]
    assert "operating_below_floor" in tasks
    world.sql_owner("SELECT 1")
    world.runtime.stripe.top_up(1_000_000, "USD", "test")
    asked = world.program("finance").post(
        "/v1/staff/operating-float",
        {"currency": "USD", "amount": 1_000_000, "direction": "in", "reference": "Transfer 7"},
    )
    path = f"/v1/staff/operating-float/{asked['id']}/approve"
    assert world.program("finance").call("POST", path, {}).status == 403, "another person approves"
    assert world.program("approver").post(path)["approved_by"] is not None
    world.advance("9h")
    world.advance("2d")
    assert world.program().get(f"/v1/payouts/{made['id']}")["state"] == "paid"
    world.check_books()


def test_the_news_that_an_account_is_ready_is_lost(world: World) -> None:
    world.sandbox.post("chaos", {"drop": 20})
    world.onboarded()
    assert world.program().get("/v1/payout-account")["state"] == "onboarding"
    world.advance("7h")
    assert world.program().get("/v1/payout-account")["state"] == "active", (
        "the sweep asks about accounts that are not ready"
    )
