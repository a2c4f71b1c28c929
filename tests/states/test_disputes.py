"""Disputes: claim, answer, offers, mediation, decision, and what silence does, through the API, the
pages and the clock.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.journey import Person
from tests.states.test_milestones import ONE, first, page, places
from tests.world import World

row = pytest.mark.row


def by_client(
    world: World, amount: str = "", refund: str = ""
) -> tuple[dict[str, Any], Person, str]:
    """A dispute that the client opened about handed-over work: (contract, client, its address in
    the API).
    """
    contract, client = world.submitted_contract(milestones=ONE)
    assert (
        client.decide(
            page(contract, "dispute"), amount=amount, refund=refund, claim="Half of it is missing."
        ).status
        == 303
    )
    world.work()
    return contract, client, _address(world, contract)


def by_freelancer(world: World, refund: int = 0) -> tuple[dict[str, Any], Person, str]:
    contract, client = world.submitted_contract(milestones=ONE)
    world.program().post(
        "/v1/disputes",
        {
            "milestone": contract["milestones"][0]["id"],
            "refund": refund,
            "claim": "They do not answer.",
        },
    )
    world.work()
    return contract, client, _address(world, contract)


def _address(world: World, contract: dict[str, Any]) -> str:
    newest = world.program().get(f"/v1/contracts/{contract['id']}/disputes")["data"][0]
    return f"/v1/disputes/{newest['id']}"


def client_page(contract: dict[str, Any], address: str) -> str:
    return f"/c/{contract['id']}/disputes/{address.rpartition('/')[2]}"


def negotiating(world: World) -> tuple[dict[str, Any], Person, str]:
    contract, client, address = by_client(world)
    world.program().post(f"{address}/answer", {"words": "All of it is there.", "refund": 0})
    return contract, client, address


def proposed(world: World, refund: int = 4_000) -> tuple[dict[str, Any], Person, str]:
    contract, client, address = negotiating(world)
    world.program().post(f"{address}/mediation")
    world.program("safety").post(
        f"/v1/staff/disputes/{address.rpartition('/')[2]}/proposal",
        {"refund": refund, "reasons": "Two of five parts."},
    )
    world.work()
    return contract, client, address


@row("D1", "D2")
@pytest.mark.parametrize("who", ["client", "freelancer"])
def test_the_other_side_agrees_to_the_claim(world: World, who: str) -> None:
    if who == "freelancer":
        contract, client, address = by_freelancer(world, refund=2_500)
        assert world.program().call("POST", f"{address}/accept", {}).status == 403, (
            "not one's own claim"
        )
        assert client.decide(client_page(contract, address), choice="accept").status == 303
        expected = {"refunded": 2_500, "pending": 7_125, "fee": 375}
    else:
        contract, _, address = by_client(world)
        world.program().post(f"{address}/accept")
        expected = {"refunded": 10_000}
    world.work()
    assert world.program().get(address)["state"] == "settled"
    assert first(world, contract)["state"] == "settled"
    assert places(world, contract) == expected
    world.check_books()


@row("D3", "D5")
@pytest.mark.parametrize("blind", [False, True])
def test_offers_that_meet_settle_in_the_middle(world: World, blind: bool) -> None:
    contract, client, address = negotiating(world)
    ada = world.program()
    ada.post(
        f"{address}/proposals",
        {"refund": 3_000, "reasons": "Three parts are done.", "blind": blind},
    )
    extra = {"blind": "yes"} if blind else {}
    if blind:
        assert "30.00" not in client.get(client_page(contract, address)).text, (
            "a blind offer is not shown"
        )
    client.decide(
        client_page(contract, address), choice="offer", refund="50.00", reasons="", **extra
    )
    assert ada.get(address)["state"] == "negotiation", (
        "fifty is more than thirty: they have not met"
    )
    client.decide(
        client_page(contract, address), choice="offer", refund="20.01", reasons="", **extra
    )
    world.work()
    assert (ada.get(address)["state"], ada.get(address)["refund"]) == ("settled", 2_500)
    assert places(world, contract) == {"refunded": 2_500, "pending": 7_125, "fee": 375}
    world.check_books()


@row("D5")
def test_an_open_offer_is_agreed_to(world: World) -> None:
    contract, client, address = negotiating(world)
    offer = world.program().post(f"{address}/proposals", {"refund": 3_000})["offers"][0]
    assert (
        client.decide(client_page(contract, address), choice="agree", offer=offer["id"]).status
        == 303
    )
    assert world.program().get(address)["refund"] == 3_000
    world.check_books()


@row("D4")
@pytest.mark.parametrize("heard", [True, False])
def test_a_client_who_does_not_answer(world: World, heard: bool) -> None:
    """The claim applies only when a letter is proved to have come; else a mediator looks at it."""
    contract, _, address = by_freelancer(world)
    if not heard:
        world.sql_owner("UPDATE message SET state = 'bounced' WHERE template = 'dispute_opened'")
        world.sql_owner("UPDATE client_session SET last_seen_at = last_seen_at - interval '1 day'")
    # Five working days have passed, but not yet the five days after a release.
    world.advance("9d")
    found = world.program().get(address)
    assert found["state"] == ("executed" if heard else "mediation")
    assert places(world, contract) == (
        {"pending": 9_500, "fee": 500} if heard else {"disputed": 10_000}
    )
    world.check_books()


@row("D4")
def test_a_freelancer_who_does_not_answer(world: World) -> None:
    contract, _, address = by_client(world, refund="60.00")
    world.advance("10d")
    assert world.program().get(address)["state"] == "executed"
    assert places(world, contract)["refunded"] == 6_000
    world.check_books()


@row("D6", "D7")
def test_negotiation_runs_out_and_a_mediator_is_called(world: World) -> None:
    _, _, address = negotiating(world)
    world.advance("8d")
    assert world.program().get(address)["state"] == "mediation"
    tasks = [t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]]
    assert "dispute_mediation" in tasks
    world.advance("6d")
    tasks = [t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]]
    assert "dispute_mediation_overdue" in tasks


@row("D7", "D8")
def test_both_accept_the_proposal(world: World) -> None:
    contract, client, address = proposed(world)
    offer = world.program().get(address)["offers"][-1]
    world.program().post(f"{address}/proposals/{offer['id']}/accept")
    assert world.program().get(address)["state"] == "proposal", "one is not both"
    assert (
        client.decide(client_page(contract, address), choice="agree", offer=offer["id"]).status
        == 303
    )
    world.work()
    assert places(world, contract) == {"refunded": 4_000, "pending": 5_700, "fee": 300}
    world.check_books()


@row("D9", "D13")
def test_one_rejects_and_a_second_person_decides(world: World) -> None:
    contract, client, address = proposed(world)
    assert client.decide(client_page(contract, address), choice="reject").status == 303
    assert world.program().get(address)["state"] == "arbitration"
    ruling, path = (
        {"refund": 1_000, "reasons": "Nine of ten parts."},
        f"/v1/staff/disputes/{address.rpartition('/')[2]}/decision",
    )
    assert world.program("safety").call("POST", path, ruling).status == 403, (
        "who proposed cannot decide"
    )
    assert world.program("reviewer").post(path, ruling)["state"] == "executed"
    world.work()
    assert places(world, contract) == {"refunded": 1_000, "pending": 8_550, "fee": 450}
    assert "Nine of ten" in client.get(client_page(contract, address)).text
    world.check_books()


@row("D9", "D10")
@pytest.mark.parametrize("one_says_yes", [True, False])
def test_silence_about_the_proposal(world: World, one_says_yes: bool) -> None:
    contract, _, address = proposed(world)
    if one_says_yes:
        offer = world.program().get(address)["offers"][-1]
        world.program().post(f"{address}/proposals/{offer['id']}/accept")
    world.advance("10d")
    assert world.program().get(address)["state"] == ("arbitration" if one_says_yes else "executed")
    if one_says_yes:
        world.advance("20d")
        assert "dispute_decision_overdue" in [
            t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]
        ]
    else:
        assert places(world, contract)["refunded"] == 4_000
    world.check_books()


@row("D14")
@pytest.mark.parametrize("who", ["client", "freelancer"])
def test_the_opener_withdraws(world: World, who: str) -> None:
    contract, client, address = by_client(world) if who == "client" else by_freelancer(world)
    if who == "client":
        assert world.program().call("POST", f"{address}/withdraw", {}).status == 403
        assert client.decide(client_page(contract, address), choice="withdraw").status == 303
    else:
        world.program().post(f"{address}/withdraw")
    found = first(world, contract)
    assert (found["state"], found["disputed"]) == ("submitted", 0)
    assert found["auto_release_at"] is not None, "the review goes on"
    world.check_books()


@row("D0")
def test_after_sixty_days_whoever_is_responsible_hears(world: World) -> None:
    _, _, address = proposed(world)
    world.program().post(f"{address}/reject")
    world.advance("61d")
    assert "dispute_hard_stop" in [
        t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]
    ]


@row("D3")
def test_evidence_is_hashed_checked_and_stays(world: World) -> None:
    contract, client, address = by_client(world)
    ada, content = world.program(), b"%PDF-1.7 a letter"
    file = ada.upload(f"/v1/contracts/{contract['id']}/files", "letter.pdf", content).json()
    assert (file["media_type"], file["sha256"]) == (
        "application/pdf",
        hashlib.sha256(content).hexdigest(),
    )
    shown = ada.post(f"{address}/evidence", {"words": "This letter.", "file": file["id"]})[
        "evidence"
    ]
    assert (
        shown[0]["sha256"] == hashlib.sha256(b"This letter." + file["sha256"].encode()).hexdigest()
    )
    assert "This letter." in client.get(client_page(contract, address)).text
    download = client.http.request("GET", f"/c/{contract['id']}/files/{file['id']}")
    assert (
        download.headers["content-disposition"],
        download.headers["x-content-type-options"],
    ) == ("attachment; filename=letter.pdf", "nosniff")
    refused = [
        ada.upload(f"/v1/contracts/{contract['id']}/files", "x.pdf", c).status
        for c in (b"<html>", b"<svg/>", b"MZ\x00\x01", b"")
    ]
    assert refused == [422] * 4, "the type is read from the bytes"
    with pytest.raises(Exception, match="forbidden"):
        world.sql_owner("UPDATE evidence SET words = 'another'")
    assert (
        world.program("mary")
        .call("GET", f"/v1/contracts/{contract['id']}/files/{file['id']}")
        .status
        == 404
    )
    form = next(
        f for f in client.get(client_page(contract, address)).forms if "Show something" in f.text
    )
    assert (
        client.press(client_page(contract, address), form, words="I counted the pages.").status
        == 303
    )
    assert [e["shown_by"] for e in ada.get(address)["evidence"]] == ["freelancer", "client"]


@row("D1")
def test_only_held_money_can_be_disputed(world: World) -> None:
    contract, _ = world.released_contract(milestones=ONE)
    refused = world.program().call(
        "POST", "/v1/disputes", {"milestone": contract["milestones"][0]["id"], "claim": "x"}
    )
    assert (refused.status, refused.json()["code"]) == (409, "state_conflict")
