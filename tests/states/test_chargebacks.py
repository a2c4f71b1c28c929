"""Chargebacks: exactly the amount is locked, wherever it is; evidence, won, lost, inquiries,
warnings, recovery.
"""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.identity import typeid
from tests.states.test_milestones import ONE, first, page, places
from tests.world import World

row = pytest.mark.row
fault = pytest.mark.fault


def charge(world: World) -> str:
    return next(
        str(o["id"]) for o in reversed(world.sandbox.dump()["objects"]) if o["object"] == "charge"
    )


def contest(world: World, **more: Any) -> str:
    """The client's bank contests the newest charge; returns Stripe's id of the dispute."""
    made = world.sandbox.post("disputes", {"charge": charge(world)} | more)
    world.work()
    return str(made["id"])


def shown(world: World, contract: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = world.program().get(f"/v1/contracts/{contract['id']}/chargebacks")[
        "data"
    ][0]
    return found


def paid_out(world: World) -> dict[str, Any]:
    """A contract of 100.00 whose 95.00 are at the freelancer's bank, released by the system's
    clock: not protected.
    """
    contract, _ = world.submitted_contract(milestones=ONE)
    world.advance("22d")
    world.onboarded()
    world.program().post("/v1/payouts", {"amount": 9_500, "currency": "USD"})
    world.work()
    world.advance("2d")
    return contract


@row("B3", "P6")
@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_money_that_is_still_held(world: World, outcome: str) -> None:
    contract, client = world.submitted_contract(milestones=[("Work", 10_000), ("More", 20_000)])
    dispute = contest(world, amount=25_000, reason="fraudulent")
    found = shown(world, contract)
    assert (found["state"], found["amount"], found["fee"]) == ("evidence_due", 25_000, 1_500)
    assert places(world, contract) == {"escrow": 5_000, "disputed": 25_000}, "exactly that amount"
    assert [m["state"] for m in world.read(contract)["milestones"]] == ["submitted", "disputed"]
    assert world.sql("SELECT state FROM payment")[0].state == "charged_back"
    refused = world.program().call(
        "POST", f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", {"amount": 1_000}
    )
    assert (refused.status, refused.json()["code"]) == (409, "charged_back")
    world.check_books()
    assert client.approve(contract["milestones"][0]["id"]).status == 303, "the rest goes its way"
    world.sandbox.post(f"disputes/{dispute}/{outcome}", {})
    world.work()
    assert shown(world, contract)["state"] == outcome
    if outcome == "won":
        assert places(world, contract) == {"escrow": 25_000, "pending": 4_750, "fee": 250}
        assert [m["state"] for m in world.read(contract)["milestones"]] == [
            "submitted",
            "funded",
        ], "each goes on where it was"
    else:
        assert places(world, contract) == {"charged_back": 25_000, "pending": 4_750, "fee": 250}
        assert [m["state"] for m in world.read(contract)["milestones"]] == [
            "charged_back",
            "charged_back",
        ]
        assert world.read(contract)["state"] == "completed"
    world.check_books()


@row("B4")
@pytest.mark.parametrize("protected", [True, False])
def test_money_that_is_released_and_still_here(world: World, protected: bool) -> None:
    if protected:
        contract, _ = world.released_contract(milestones=ONE)
    else:
        contract, _ = world.submitted_contract(milestones=ONE)
        world.advance("15d")
    assert first(world, contract)["state"] == "released"
    dispute = contest(world)
    assert shown(world, contract)["protected"] is protected
    assert places(world, contract) == {"reserved": 9_500, "fee": 500}
    assert world.balance()["available"] + world.balance()["pending"] == 0
    world.sandbox.post(f"disputes/{dispute}/lost", {})
    world.work()
    balance = world.trial_balance()
    if protected:
        assert (world.balance()["available"], balance["losses"]) == (9_500, 10_000), (
            "the platform bears it"
        )
    else:
        assert (world.balance()["available"], balance["losses"]) == (0, 500), (
            "the fee stays earned, the platform bears it"
        )
    world.check_books()


@row("B5")
@fault("REF-10")
def test_money_that_is_paid_out_is_owed_and_recovered(world: World) -> None:
    contract = paid_out(world)
    dispute = contest(world)
    assert places(world, contract) == {"paid_out": 9_500, "fee": 500}
    assert world.trial_balance()["chargeback_receivable"] == 10_000, (
        "the platform bears it until it is decided"
    )
    world.check_books()
    world.sandbox.post(f"disputes/{dispute}/lost", {})
    world.work()
    assert world.balance()["recoverable"] == 9_500
    assert world.trial_balance()["dispute_fees"] == 1_500
    other, client = world.submitted_contract(milestones=[("Next", 20_000)])
    client.approve(other["milestones"][0]["id"])
    world.work()
    assert (world.balance()["recoverable"], world.balance()["pending"]) == (0, 19_000 - 9_500), (
        "out of the next release"
    )
    world.check_books()


@row("B1")
def test_the_evidence_goes_to_the_bank_by_itself(world: World) -> None:
    contract, _ = world.released_contract(milestones=ONE)
    contest(world, reason="product_not_received")
    found = shown(world, contract)
    assert found["evidence_file"] is not None
    pdf = world.program().call(
        "GET", f"/v1/contracts/{contract['id']}/files/{found['evidence_file']}"
    )
    assert pdf.text.startswith("%PDF-")
    stripe = next(o for o in world.sandbox.dump()["objects"] if o["object"] == "dispute")
    assert (
        stripe["evidence_details"]["has_evidence"],
        stripe["evidence_details"]["submission_count"],
    ) == (True, 0), "staged, not submitted"
    assert "Mailbox proved by code" in stripe["evidence"]["uncategorized_text"]
    world.advance("18d")
    assert shown(world, contract)["state"] == "submitted"
    stripe = next(o for o in world.sandbox.dump()["objects"] if o["object"] == "dispute")
    assert stripe["evidence_details"]["submission_count"] == 1, "a bank takes it once"
    world.advance("61d")
    assert shown(world, contract)["state"] == "won"
    world.check_books()


@row("B6")
@pytest.mark.parametrize("what", ["submit", "accept"])
def test_staff_submit_or_concede(world: World, what: str) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    contest(world)
    staff, path = world.program("safety"), f"/v1/staff/chargebacks/{shown(world, contract)['id']}"
    assert staff.call("POST", f"{path}/{what}", {}).status == 202
    world.work()
    assert shown(world, contract)["state"] == ("submitted" if what == "submit" else "lost")
    world.check_books()


@row("B7")
@pytest.mark.parametrize("escalates", [True, False])
def test_an_inquiry_locks_nothing_until_it_escalates(world: World, escalates: bool) -> None:
    contract, _ = world.funded_contract(milestones=ONE, card="4000 0000 0000 1976")
    world.advance("2h")
    assert shown(world, contract)["state"] == "inquiry"
    assert places(world, contract) == {"escrow": 10_000}
    dispute = next(o for o in world.sandbox.dump()["objects"] if o["object"] == "dispute")["id"]
    world.sandbox.post(f"disputes/{dispute}/{'escalate' if escalates else 'warning_closed'}", {})
    world.work()
    assert shown(world, contract)["state"] == ("evidence_due" if escalates else "closed")
    assert places(world, contract) == ({"disputed": 10_000} if escalates else {"escrow": 10_000})
    world.check_books()


@row("B8")
def test_an_early_fraud_warning_is_told_to_staff(world: World) -> None:
    contract, _ = world.funded_contract(milestones=ONE, card="4000 0000 0000 5423")
    world.advance("2h")
    assert "early_fraud_warning" in [
        t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]
    ]
    assert world.read(contract)["milestones"][0]["state"] == "funded"


@row("B9")
def test_a_won_case_is_taken_up_again_and_lost(world: World) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    dispute = contest(world)
    world.sandbox.post(f"disputes/{dispute}/won", {})
    world.work()
    assert places(world, contract) == {"escrow": 10_000}
    world.sandbox.post(f"disputes/{dispute}/reopen", {})
    world.work()
    assert (shown(world, contract)["state"], places(world, contract)) == (
        "prearb",
        {"disputed": 10_000},
    )
    world.check_books()
    world.sandbox.post(f"disputes/{dispute}/lost", {})
    world.work()
    assert places(world, contract) == {"charged_back": 10_000}
    world.check_books()


@row("B2")
def test_what_is_reserved_is_free_again_after_120_days(world: World) -> None:
    contract, _ = world.released_contract(milestones=ONE)
    contest(world)
    world.program("safety").call(
        "POST", f"/v1/staff/chargebacks/{shown(world, contract)['id']}/submit", {}
    )
    world.sandbox.post("chaos", {"bank_decides": "lost"})
    world.sql_owner(
        "UPDATE sandbox.timer SET due_at = due_at + interval '300 days' WHERE kind = "
        "'dispute.decide'"
    )
    world.advance("1h")
    world.sql_owner(
        "UPDATE sandbox.timer SET due_at = due_at + interval '300 days' WHERE kind = "
        "'dispute.decide'"
    )
    world.advance("121d")
    assert world.balance()["available"] == 9_500
    world.check_books()


@row("B3")
def test_a_bank_s_dispute_goes_before_the_two_s_own(world: World) -> None:
    contract, client = world.submitted_contract(milestones=ONE)
    client.decide(page(contract, "dispute"), claim="Nothing works.")
    contest(world)
    assert (
        world.program().get(f"/v1/contracts/{contract['id']}/disputes")["data"][0]["state"]
        == "withdrawn"
    )
    assert places(world, contract) == {"disputed": 10_000}
    world.check_books()


@row("B3")
def test_never_another_client_s_money(world: World) -> None:
    other, _ = world.funded_contract(milestones=[("Other", 50_000)], client="grace@hopper.example")
    contract = paid_out(world)
    dispute = contest(world)
    world.sandbox.post(f"disputes/{dispute}/lost", {})
    world.work()
    assert places(world, other) == {"escrow": 50_000}
    assert world.balance()["recoverable"] == 9_500
    assert shown(world, contract)["state"] == "lost"
    world.check_books()


@fault("REF-03")
@pytest.mark.parametrize("first_comes", ["refund", "chargeback"])
def test_a_refund_and_a_chargeback_pay_once(world: World, first_comes: str) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    ada, path = world.program(), f"/v1/milestones/{contract['milestones'][0]['id']}/refunds"
    if first_comes == "refund":
        ada.post(path, {})
        world.work()
        refused = world.sandbox.http.request(
            "POST",
            "/_sandbox/disputes",
            body=b'{"charge": "' + charge(world).encode() + b'"}',
            headers={"Content-Type": "application/json"},
        )
        assert refused.status == 400, "nothing is left to dispute"
    else:
        contest(world)
        assert ada.call("POST", path, {}).json()["code"] == "state_conflict"
    world.check_books()


@fault("REF-08")
def test_the_end_of_a_dispute_is_heard_before_its_beginning(world: World) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    world.sandbox.post("chaos", {"drop": 2})
    dispute = contest(world)
    assert world.program().get(f"/v1/contracts/{contract['id']}/chargebacks")["data"] == []
    world.sandbox.post(f"disputes/{dispute}/lost", {})
    world.work()
    assert (shown(world, contract)["state"], places(world, contract)) == (
        "lost",
        {"charged_back": 10_000},
    )
    world.advance("7h")
    assert len(world.program().get(f"/v1/contracts/{contract['id']}/chargebacks")["data"]) == 1, (
        "the lost events come by the sweep and change nothing"
    )
    world.check_books()


@fault("REF-09")
def test_withdrawn_and_reinstated_each_twice(world: World) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    world.sandbox.post("chaos", {"duplicate": 1})
    dispute = contest(world)
    world.sandbox.post(f"disputes/{dispute}/won", {})
    world.work()
    kinds = [
        r.kind
        for r in world.sql(
            "SELECT kind FROM journal_entry WHERE kind LIKE 'chargeback%' ORDER BY kind"
        )
    ]
    assert kinds == ["chargeback_fee", "chargeback_lock", "chargeback_open", "chargeback_won"]
    assert places(world, contract) == {"escrow": 10_000}
    world.check_books()


@fault("PAY-20")
def test_a_debit_that_comes_back_after_the_release(world: World) -> None:
    """Banks take a debit back weeks after it succeeded as a dispute that cannot be won: the
    freelancer owes it.
    """
    contract = paid_out(world)
    dispute = contest(world, reason="debit_not_authorized")
    world.sandbox.post(f"disputes/{dispute}/lost", {})
    world.work()
    assert world.balance()["recoverable"] == 9_500
    assert typeid.is_typeid(shown(world, contract)["id"], "cbk")
    world.check_books()


@fault("REF-03")
@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_chargeback_overtakes_a_refund_that_was_not_sent_yet(world: World, outcome: str) -> None:
    """The refund is called off: the client is paid by the bank, or, when the bank gives it back, by
    us. Never by both.
    """
    contract, _ = world.funded_contract(milestones=ONE)
    world.sandbox.post(
        "faults", {"method": "POST", "path": "/v1/refunds", "kind": "429", "times": 40}
    )
    world.program().post(f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", {})
    dispute = contest(world)
    world.sandbox.http.request("DELETE", "/_sandbox/faults")
    assert places(world, contract) == {"refunded": 10_000}
    assert world.sql("SELECT state FROM refund")[0].state == "canceled"
    assert world.trial_balance()["reserve"] == 10_000, (
        "kept for the client until the bank has decided"
    )
    world.check_books()
    world.sandbox.post(f"disputes/{dispute}/{outcome}", {})
    world.work()
    world.advance("2h")
    sent = sum(o["amount"] for o in world.sandbox.dump()["objects"] if o["object"] == "refund")
    assert sent == (10_000 if outcome == "won" else 0)
    assert world.trial_balance().get("losses", 0) == 0
    assert world.trial_balance().get("reserve", 0) == 0
    world.check_books()
