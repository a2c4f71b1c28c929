"""Milestones: every move and every time-out of work and its money, through the API, the pages and
the clock.
"""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.identity import typeid
from tests.journey import Person, path_of
from tests.world import World

row = pytest.mark.row
ONE = [("Work", 10_000)]


def first(world: World, contract: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = world.read(contract)["milestones"][0]
    return found


def page(contract: dict[str, Any], what: str, number: int = 0) -> str:
    return f"/c/{contract['id']}/milestones/{contract['milestones'][number]['id']}/{what}"


def places(world: World, contract: dict[str, Any]) -> dict[str, int]:
    """Where the contract's money is; it adds up to what was paid."""
    money = world.program().get(f"/v1/contracts/{contract['id']}/money")
    found: dict[str, int] = {}
    for place in money["places"]:
        found[place["where"]] = found.get(place["where"], 0) + place["amount"]
    assert sum(found.values()) == money["paid"], money
    return found


def ask_back(
    client: Person, contract: dict[str, Any], amount: str = "", reason: str = "Not needed."
) -> int:
    return client.decide(page(contract, "refund"), amount=amount, reason=reason).status


def request_of(world: World) -> str:
    return typeid.encode(
        "rrq", world.sql("SELECT id FROM refund_request ORDER BY id DESC LIMIT 1")[0].id
    )


@row("M1")
def test_the_next_milestone_is_asked_for_reminded_of_and_rests(world: World) -> None:
    contract, client = world.submitted_contract(
        milestones=[("Work", 10_000), ("More", 20_000)], everything=False
    )
    client.approve(contract["milestones"][0]["id"])
    world.work()
    assert world.read(contract)["milestones"][1]["state"] == "awaiting_funding"
    world.advance("8d")
    assert sum("can start" in m["subject"] for m in world.sandbox.mail(client.email)) == 2
    world.advance("23d")
    assert world.read(contract)["milestones"][1]["state"] == "planned"
    world.program().post(f"/v1/contracts/{contract['id']}/links")
    client.open("new link")
    client.pay([contract["milestones"][1]["id"]])
    world.work()
    assert world.read(contract)["milestones"][1]["state"] == "funded", "the client picks it"
    world.check_books()


@row("M2", "M3", "M4", "P1", "P2", "P3")
def test_a_payment_page_runs_out_and_another_is_made(world: World) -> None:
    contract, client = world.accepted_contract(milestones=ONE)
    old = path_of(client.start_payment().headers["location"])
    assert first(world, contract)["state"] == "funding"
    world.advance("2h")
    assert first(world, contract)["state"] == "awaiting_funding"
    assert client.http.request("GET", old).status == 410
    client.open()
    client.pay()
    world.work()
    assert first(world, contract)["state"] == "funded"
    world.check_books()


@row("M5", "M6", "M7")
def test_changes_stop_the_clock_and_a_resubmission_starts_it(world: World) -> None:
    contract, client = world.submitted_contract(milestones=ONE, review_period_days=3)
    world.advance("1d")
    client.open()
    shown = client.through_code(page(contract, "review"))
    check = client.press(
        page(contract, "review"), shown.forms[0], choice="changes", what="The last page is missing."
    )
    assert client.press(page(contract, "review"), check.page.forms[0]).status == 303
    assert (first(world, contract)["state"], first(world, contract)["auto_release_at"]) == (
        "changes_requested",
        None,
    )
    world.advance("8d")
    assert first(world, contract)["state"] == "changes_requested"
    assert any(
        "waits for the changes" in m["subject"] for m in world.sandbox.mail("ada@lovelace.example")
    )
    world.program().post(
        f"/v1/milestones/{contract['milestones'][0]['id']}/submissions", {"note": "Here it is."}
    )
    world.work()
    world.advance("4d")
    assert first(world, contract)["state"] == "submitted", "the new window has at least five days"
    world.advance("2d")
    assert first(world, contract)["state"] == "released"


@row("M8", "M10")
@pytest.mark.parametrize("rest", ["keep", "roll", "refund"])
def test_a_part_is_released_and_the_rest_kept_rolled_on_or_asked_back(
    world: World, rest: str
) -> None:
    contract, client = world.submitted_contract(milestones=ONE)
    shown = client.through_code(page(contract, "review"))
    check = client.press(
        page(contract, "review"), shown.forms[0], choice="part", amount="40.00", rest=rest
    )
    assert client.press(page(contract, "review"), check.page.forms[0]).status == 303
    world.work()
    found = world.read(contract)
    states = [(m["state"], m["amount"], m["released"]) for m in found["milestones"]]
    assert (
        states
        == {
            "keep": [("funded", 10_000, 4_000)],
            "roll": [("released", 4_000, 4_000), ("funded", 6_000, 0)],
            "refund": [("refund_requested", 10_000, 4_000)],
        }[rest]
    )
    assert places(world, contract) == {"escrow": 6_000, "pending": 3_800, "fee": 200}
    if rest == "roll":
        world.program().post(
            f"/v1/milestones/{found['milestones'][1]['id']}/submissions", {"note": "The rest."}
        )
        world.work()
        assert client.approve(found["milestones"][1]["id"]).status == 303
        assert world.read(contract)["state"] == "completed"
        assert world.balance()["pending"] == 9_500, "parts add to the whole"
    world.check_books()


@row("M9")
def test_silence_releases(world: World) -> None:
    contract, _ = world.submitted_contract(milestones=ONE)
    world.advance("15d")
    assert first(world, contract)["state"] == "released"
    assert world.sql("SELECT approved_by FROM release")[0].approved_by == "system"
    world.check_books()


@row("M11")
def test_release_before_anything_was_handed_over(world: World) -> None:
    contract, client = world.funded_contract(milestones=ONE)
    assert "cannot be undone" in client.through_code(page(contract, "review")).text
    assert client.approve(contract["milestones"][0]["id"], "25.00").status == 303
    assert first(world, contract)["state"] == "funded"
    assert client.approve(contract["milestones"][0]["id"]).status == 303
    assert (first(world, contract)["state"], world.balance()["pending"]) == ("released", 9_500)
    world.check_books()


@row("M12", "M13")
@pytest.mark.parametrize("answer", ["agree", "refuse", "withdraw", "silence"])
def test_money_asked_back_before_anything_was_handed_over(world: World, answer: str) -> None:
    contract, client = world.funded_contract(milestones=ONE)
    assert ask_back(client, contract) == 303
    assert first(world, contract)["state"] == "refund_requested"
    ada, request = world.program(), f"/v1/refund-requests/{request_of(world)}"
    assert ada.get(request)["silence_means"] == "refund"
    assert (
        ada.get(f"/v1/contracts/{contract['id']}/deadlines")["data"][0]["silence"]
        == "the money goes back"
    )
    if answer in ("agree", "refuse"):
        ada.post(
            f"{request}/{answer}", {"reason": "It is nearly done."} if answer == "refuse" else {}
        )
    elif answer == "withdraw":
        assert client.decide(page(contract, "refund"), choice="withdraw").status == 303
    else:
        world.advance("8d")
    world.work()
    back = answer in ("agree", "silence")
    assert first(world, contract)["state"] == ("refunded" if back else "funded")
    assert places(world, contract) == ({"refunded": 10_000} if back else {"escrow": 10_000})
    assert world.read(contract)["state"] == ("cancelled" if back else "active")
    world.check_books()


@row("M12")
def test_silence_about_handed_over_work_opens_a_dispute(world: World) -> None:
    contract, client = world.submitted_contract(milestones=ONE)
    assert ask_back(client, contract, "60.00") == 303
    assert first(world, contract)["state"] == "submitted", "the rest goes its way"
    world.advance("8d")
    assert first(world, contract)["disputed"] == 6_000
    assert places(world, contract) == {"escrow": 4_000, "disputed": 6_000}
    world.check_books()


@row("M12")
def test_a_whole_request_about_handed_over_work_becomes_a_dispute(world: World) -> None:
    contract, client = world.submitted_contract(milestones=ONE)
    assert ask_back(client, contract) == 303
    world.advance("8d")
    assert first(world, contract)["state"] == "disputed"
    assert (
        world.program().get(f"/v1/contracts/{contract['id']}/disputes")["data"][0]["claimed_refund"]
        == 10_000
    )
    world.check_books()


@row("M14")
def test_the_freelancer_gives_back_a_part_and_then_the_rest(world: World) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    ada, path = world.program(), f"/v1/milestones/{contract['milestones'][0]['id']}/refunds"
    ada.post(path, {"amount": 2_500, "reason": "It was less work."})
    world.work()
    assert (first(world, contract)["state"], first(world, contract)["refunded"]) == (
        "funded",
        2_500,
    )
    assert world.sql("SELECT state FROM payment")[0].state == "partially_refunded"
    ada.post(path, {})
    world.work()
    assert first(world, contract)["state"] == "refunded"
    assert world.sql("SELECT state FROM payment")[0].state == "refunded"
    assert ada.call("POST", path, {}).status == 409
    world.check_books()


@row("M14")
@pytest.mark.parametrize("when", ["pending", "available", "paid out"])
def test_the_freelancer_gives_back_after_the_release(world: World, when: str) -> None:
    """The platform returns its fee; the freelancer bears the rest, or owes it and pays it out of
    the next release.
    """
    contract, _ = world.released_contract(milestones=[("Work", 10_000)])
    ada, path = world.program(), f"/v1/milestones/{contract['milestones'][0]['id']}/refunds"
    if when != "pending":
        world.advance("6d")
    if when == "paid out":
        world.onboarded()
        ada.post("/v1/payouts", {"amount": 9_500, "currency": "USD"})
        world.work()
        world.advance("2d")
    ada.post(path, {"amount": 4_000, "reason": "One page too few."})
    world.work()
    found = first(world, contract)
    assert (found["state"], found["refunded_after_release"], found["fee_taken"]) == (
        "released",
        4_000,
        500,
    )
    balance = world.balance()
    if when == "paid out":
        assert balance["recoverable"] == 3_800
        assert places(world, contract) == {
            "paid_out": 9_500,
            "refunded": 4_000,
            "fee": 300,
            "elsewhere": -3_800,
        }
        other, client = world.submitted_contract(milestones=[("Next", 10_000)])
        client.approve(other["milestones"][0]["id"])
        world.work()
        assert world.balance()["recoverable"] == 0
        assert places(world, other) == {"recovered": 3_800, "pending": 5_700, "fee": 500}
    else:
        assert balance[when] == 9_500 - 3_800
        assert places(world, contract) == {when: 5_700, "refunded": 4_000, "fee": 300}
    world.check_books()
    world.advance("6d")
    world.check_books()


@row("M15", "M16")
def test_a_dispute_about_a_part_leaves_the_rest_alone(world: World) -> None:
    contract, client = world.submitted_contract(milestones=ONE)
    assert (
        client.decide(
            page(contract, "dispute"), amount="30.00", claim="The index is missing."
        ).status
        == 303
    )
    found = first(world, contract)
    assert (found["state"], found["disputed"]) == ("submitted", 3_000)
    assert client.approve(contract["milestones"][0]["id"]).status == 303
    assert (first(world, contract)["state"], first(world, contract)["released"]) == (
        "disputed",
        7_000,
    )
    dispute = world.program().get(f"/v1/contracts/{contract['id']}/disputes")["data"][0]
    world.program().post(f"/v1/disputes/{dispute['id']}/accept")
    world.work()
    assert first(world, contract)["state"] == "settled"
    assert world.read(contract)["state"] == "completed"
    assert places(world, contract) == {"pending": 6_650, "fee": 350, "refunded": 3_000}
    world.check_books()


@row("M18")
@pytest.mark.parametrize("state", ["funded", "submitted"])
def test_the_law_s_limit_for_holding_money(world: World, state: str) -> None:
    object.__setattr__(world.runtime.policies, "stripe_country", "TH")
    contract, _ = (
        world.funded_contract(milestones=ONE)
        if state == "funded"
        else world.submitted_contract(milestones=ONE)
    )
    assert any(
        "time for which" in m["subject"] for m in world.sandbox.mail("charles@babbage.example")
    )
    world.advance("4d")
    found = first(world, contract)
    assert found["state"] == ("refunded" if state == "funded" else "disputed"), (
        "ten days, less a week"
    )
    world.check_books()


@row("M18")
def test_locked_money_at_the_limit_is_a_person_s(world: World) -> None:
    object.__setattr__(world.runtime.policies, "stripe_country", "TH")
    contract, client = world.funded_contract(milestones=ONE)
    client.decide(page(contract, "dispute"), amount="30.00", claim="It is late.")
    world.advance("4d")
    assert first(world, contract)["disputed"] == 3_000
    assert "holding_limit_reached" in [
        t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]
    ]


@row("M12", "C13", "C14")
@pytest.mark.parametrize("who", ["client", "freelancer"])
def test_the_contract_ends_while_money_is_asked_back(world: World, who: str) -> None:
    """A part was asked back; then the contract ends: everything goes back once, and no timer
    stumbles over the old question.
    """
    contract, client = world.funded_contract(milestones=ONE)
    assert ask_back(client, contract, "20.00") == 303
    if who == "client":
        assert client.decide(f"/c/{contract['id']}/end", reason="").status == 303
    else:
        world.program().post(f"/v1/contracts/{contract['id']}/end")
    world.advance("9d")
    assert places(world, contract) == {"refunded": 10_000}
    assert world.read(contract)["state"] == "cancelled"
    world.check_books()


@row("M12", "M15")
def test_after_a_refused_refund_the_changes_are_still_asked_for(world: World) -> None:
    contract, client = world.submitted_contract(milestones=ONE)
    shown = client.through_code(page(contract, "review"))
    check = client.press(
        page(contract, "review"), shown.forms[0], choice="changes", what="The last page is missing."
    )
    client.press(page(contract, "review"), check.page.forms[0])
    assert ask_back(client, contract) == 303
    world.program().post(
        f"/v1/refund-requests/{request_of(world)}/refuse", {"reason": "I am writing it."}
    )
    assert first(world, contract)["state"] == "changes_requested"
