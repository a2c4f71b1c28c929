"""REF-01 to REF-12: what can go wrong on the way back to the client (with chargebacks:
tests/states/test_chargebacks.py).
"""

from __future__ import annotations

from typing import Any

import pytest

from service.platform import failpoint
from tests.faults.test_payments import at_once, deliver, last_event, pay_silently
from tests.states.test_chargebacks import charge, paid_out
from tests.states.test_milestones import ONE, first, places
from tests.world import World

fault = pytest.mark.fault


def back(world: World, contract: dict[str, Any], amount: int | None = None) -> Any:
    body = {} if amount is None else {"amount": amount}
    return world.program().call(
        "POST", f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", body
    )


def refunds(world: World) -> list[dict[str, Any]]:
    return [o for o in world.sandbox.dump()["objects"] if o["object"] == "refund"]


@fault("REF-01")
@pytest.mark.parametrize(("amount", "status"), [(0, 422), (1, 201), (10_000, 201), (10_001, 422)])
def test_never_more_than_is_held(world: World, amount: int, status: int) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    assert back(world, contract, amount).status == status
    world.work()
    assert len(refunds(world)) == (1 if status == 201 else 0)
    world.check_books()


@fault("REF-02")
def test_ten_refunds_of_a_fifth_at_once(world: World) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    answers = at_once(10, lambda _: back(world, contract, 2_000).status)
    assert sorted(answers) == [201] * 5 + [409] * 5  # type: ignore[type-var]
    world.work()
    assert sum(r["amount"] for r in refunds(world)) == 10_000
    assert first(world, contract)["state"] == "refunded"
    world.check_books()


@fault("REF-04")
def test_a_refund_that_fails_days_later(world: World) -> None:
    """The milestone is still open: the money is held for it again.

    It is closed: it is owed to the client, and sent again.
    """
    contract, _ = world.funded_contract(milestones=ONE, card="4000 0000 0000 5126")
    assert back(world, contract, 4_000).status == 201
    world.work()
    assert first(world, contract)["refunded"] == 4_000
    world.advance("2d")
    assert (first(world, contract)["refunded"], places(world, contract)) == (0, {"escrow": 10_000})
    assert any(
        "did not arrive" in m["subject"] for m in world.sandbox.mail("charles@babbage.example")
    )
    world.check_books()
    assert back(world, contract).status == 201
    world.work()
    world.advance("3d")
    assert first(world, contract)["state"] == "refunded"
    assert sum(r["amount"] for r in refunds(world) if r["status"] == "succeeded") == 10_000
    world.check_books()


@fault("REF-04")
def test_a_refund_of_a_closed_milestone_that_fails_is_sent_again(world: World) -> None:
    contract, _ = world.funded_contract(milestones=ONE, card="4000 0000 0000 5126")
    back(world, contract)
    world.work()
    assert world.read(contract)["state"] == "cancelled"
    world.advance("26h")
    states = [
        tuple(r) for r in world.sql("SELECT source, state, attempt FROM refund ORDER BY attempt")
    ]
    assert states == [("escrow", "failed", 1), ("unclaimed", "succeeded", 2)]
    assert world.trial_balance().get("unclaimed", 0) == 0
    world.check_books()


@fault("REF-05")
def test_a_refund_before_the_payment_is_booked(world: World) -> None:
    contract, client = world.accepted_contract(milestones=ONE)
    world.sandbox.post("chaos", {"delay_seconds": 600})
    pay_silently(world, client, [contract["milestones"][0]["id"]])
    answer = back(world, contract)
    assert (answer.status, answer.json()["code"]) == (409, "state_conflict")
    assert refunds(world) == []
    world.advance("15m")
    assert back(world, contract).status == 201


@fault("REF-06")
@pytest.mark.parametrize("amount", [4_000, 10_000])
def test_a_refund_made_in_stripe_s_dashboard(world: World, amount: int) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    world.sandbox.post(f"charges/{charge(world)}/refund", {"amount": amount})
    world.work()
    assert places(world, contract) == (
        {"escrow": 6_000, "refunded": 4_000} if amount == 4_000 else {"refunded": 10_000}
    )
    assert "refund_outside" in [
        t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]
    ]
    world.check_books()


@fault("REF-07")
def test_money_asked_back_after_it_left(world: World) -> None:
    """By the client: the freelancer has to agree, and owes it.

    Nothing is taken from anybody else.
    """
    contract, client = world.released_contract(milestones=ONE)
    path = f"/c/{contract['id']}/milestones/{contract['milestones'][0]['id']}/refund"
    assert client.decide(path, amount="50.00", reason="It stopped working.").status == 303
    world.advance("8d")
    assert places(world, contract) == {"available": 9_500, "fee": 500}, "silence changes nothing"
    world.check_books()


@fault("REF-11")
def test_the_fee_goes_back_once(world: World) -> None:
    contract, _ = world.released_contract(milestones=ONE)
    for amount in (3_333, 3_333, 3_334):
        assert back(world, contract, amount).status == 201
    world.work()
    assert world.trial_balance().get("platform_fees", 0) == 0
    assert back(world, contract, 1).status == 422
    assert places(world, contract) == {"refunded": 10_000}
    world.check_books()


@fault("REF-12")
def test_a_freelancer_who_has_nothing_left_owes_it(world: World) -> None:
    contract = paid_out(world)
    assert back(world, contract).status == 201
    world.work()
    assert (world.balance()["recoverable"], len(refunds(world))) == (9_500, 1), (
        "the client has it, the platform waits"
    )
    world.check_books()


@pytest.mark.parametrize("fault_kind", ["timeout_after", "reset_before", "500"])
def test_a_refund_whose_answer_is_lost_is_made_once(world: World, fault_kind: str) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    world.sandbox.post(
        "faults", {"method": "POST", "path": "/v1/refunds", "kind": fault_kind, "times": 3}
    )
    back(world, contract)
    world.work()
    world.advance("2h")
    assert [r["amount"] for r in refunds(world)] == [10_000]
    assert first(world, contract)["refunded"] == 10_000
    world.check_books()


def test_a_crash_after_stripe_made_the_refund(world: World) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    back(world, contract)
    failpoint.arm("after_refund_created=raise")
    try:
        world.worker.run_one()
        world.worker.run_one()
        world.worker.run_one()
    finally:
        failpoint.arm("")
    world.advance("1h")
    assert len(refunds(world)) == 1
    assert first(world, contract)["refunded"] == 10_000
    event = last_event(world, "refund.created")
    assert deliver(world, event | {"id": "evt_again"}).status == 200
    world.sql_owner("UPDATE job SET last_error = NULL")
    world.check_books()


def test_one_charge_that_funded_several_milestones(world: World) -> None:
    contract, _ = world.funded_contract()
    ada = world.program()
    for milestone in contract["milestones"]:
        ada.post(f"/v1/milestones/{milestone['id']}/refunds", {"amount": 1_000})
    world.work()
    assert world.sql("SELECT state FROM payment")[0].state == "partially_refunded"
    assert [m["refunded"] for m in world.read(contract)["milestones"]] == [1_000] * 3
    for milestone in contract["milestones"]:
        ada.post(f"/v1/milestones/{milestone['id']}/refunds", {})
    world.work()
    assert world.sql("SELECT state FROM payment")[0].state == "refunded"
    assert world.read(contract)["state"] == "cancelled"
    world.check_books()


def test_one_of_two_refunds_fails_after_everything_was_back(world: World) -> None:
    contract, _ = world.funded_contract(milestones=ONE, card="4000 0000 0000 5126")
    back(world, contract, 4_000)
    back(world, contract)
    world.work()
    assert world.sql("SELECT state FROM payment")[0].state == "refunded"
    world.advance("25h")
    assert (
        world.sql(
            "SELECT count(*) AS n FROM event WHERE type = 'payment.refund_failed' AND to_state = "
            "'partially_refunded'"
        )[0].n
        == 1
    )
    world.advance("3h")
    assert world.sql("SELECT state FROM payment")[0].state == "refunded", "the next attempt arrived"
    world.check_books()
