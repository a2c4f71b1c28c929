"""Appeals, and what everybody is told: the person with the reason, the other side neutrally."""

from __future__ import annotations

import pytest

from tests.safety.test_holds import WHY, freeze
from tests.world import World


def mails(world: World, to: str) -> list[str]:
    world.work()
    return [m["subject"] for m in world.sandbox.mail(to)]


def test_everybody_is_told_what_they_need(world: World) -> None:
    contract, _ = world.funded_contract(milestones=[("Work", 10_000)])
    hold = freeze(
        world,
        world.ada_id,
        reason_code="identity",
        scopes=["release", "outflow"],
        facts="The passport has expired.",
    )
    assert "Something of yours is on hold: identity" in mails(world, "ada@lovelace.example")
    letter = next(
        m for m in world.sandbox.mail("ada@lovelace.example") if "on hold" in m["subject"]
    )
    for part in (
        "The passport has expired.",
        "Terms 7.2",
        "identity document",
        hold["id"],
        "You can appeal until",
    ):
        assert part in letter["text"], part
    other = next(
        m for m in world.sandbox.mail("charles@babbage.example") if "on hold" in m["subject"]
    )
    assert "USD 100.00" in other["text"]
    assert "The next decision is made by" in other["text"]
    for private in ("passport", "Terms 7.2", "identity"):
        assert private not in other["text"], "never what is nobody else's business"
    world.program("safety").post(f"/v1/staff/holds/{hold['id']}/lift", {"reason": "Seen."})
    assert "The hold has ended" in mails(world, "ada@lovelace.example")
    timeline = world.program().get(f"/v1/contracts/{contract['id']}/timeline")["data"]
    assert "contract.on_hold" in [e["type"] for e in timeline]


def test_what_the_law_forbids_to_say_is_not_said(world: World) -> None:
    freeze(
        world,
        world.ada_id,
        reason_code="legal_order",
        disclosure="restricted",
        facts="Order 12 of the court.",
        clause="s. 330",
    )
    world.work()
    letter = next(
        m for m in world.sandbox.mail("ada@lovelace.example") if "on hold" in m["subject"]
    )
    assert "Order 12" not in letter["text"] + letter["subject"]
    assert "s. 330" not in letter["text"]
    assert "does not allow us to say more" in letter["text"]


def test_an_appeal_that_is_right_ends_the_hold(world: World) -> None:
    contract, client = world.submitted_contract(milestones=[("Work", 10_000)])
    hold = freeze(world, world.ada_id, scopes=["release", "outflow"])
    world.program("approver").post(f"/v1/staff/holds/{hold['id']}/confirm")
    ada, reviewer = world.program(), world.program("reviewer")
    filed = ada.post(
        f"/v1/holds/{hold['id']}/appeals", {"statement": "The client exists; here is her letter."}
    )
    assert (
        ada.call("POST", f"/v1/holds/{hold['id']}/appeals", {"statement": "Again."}).status == 409
    ), "one at a time"
    assert world.program("mary").call("GET", f"/v1/appeals/{filed['id']}").status == 404
    waiting = reviewer.get("/v1/staff/appeals")["data"]
    assert [(a["id"], a["money"]) for a in waiting] == [
        (filed["id"], [{"currency": "USD", "where": "escrow", "amount": 10_000}])
    ]
    decision = {"outcome": "reversed", "reasons": "The letter is genuine."}
    for who in ("safety", "approver"):
        assert (
            world.program(who)
            .call("POST", f"/v1/staff/appeals/{filed['id']}/decide", decision)
            .status
            == 403
        ), "has decided about the hold already"
    reviewer.post(f"/v1/staff/appeals/{filed['id']}/review")
    decided = reviewer.post(f"/v1/staff/appeals/{filed['id']}/decide", decision)
    assert (decided["state"], decided["reasons"]) == ("decision_reversed", "The letter is genuine.")
    assert ada.get(f"/v1/holds/{hold['id']}")["state"] == "released"
    assert client.approve(contract["milestones"][0]["id"]).status == 303
    assert "Your appeal was decided: reversed" in mails(world, "ada@lovelace.example")


def test_an_appeal_that_is_partly_right_leaves_less(world: World) -> None:
    hold = freeze(world, world.ada_id, scopes=["contract_create", "release", "outflow"])
    filed = world.program().post(
        f"/v1/holds/{hold['id']}/appeals", {"statement": "At least let my clients pay me."}
    )
    decided = world.program("reviewer").post(
        f"/v1/staff/appeals/{filed['id']}/decide",
        {"outcome": "changed", "reasons": "Releases may go on.", "scopes": ["outflow"]},
    )
    assert decided["follows"]["scopes"] == ["outflow"]
    assert (decided["follows"]["facts"], decided["follows"]["expires_at"]) == (
        WHY["facts"],
        hold["expires_at"],
    )
    assert [h["scopes"] for h in world.program().get("/v1/holds?in_force=true")["data"]] == [
        ["outflow"]
    ]


def test_a_smaller_hold_is_the_same_decision(world: World) -> None:
    """Renewed to sixty days and confirmed; what is left of it keeps both, and its end, and needs
    nobody to confirm it again.
    """
    hold = freeze(world, world.ada_id, scopes=["contract_create", "release", "outflow"])
    for who, verb, body in (("approver", "confirm", {}), ("approver2", "renew", {"days": 30})):
        renewed = world.program(who).post(f"/v1/staff/holds/{hold['id']}/{verb}", body)
    filed = world.program().post(
        f"/v1/holds/{hold['id']}/appeals", {"statement": "Let them pay me."}
    )
    decision = {"outcome": "changed", "reasons": "They may.", "scopes": ["outflow"]}
    smaller = world.program("reviewer").post(f"/v1/staff/appeals/{filed['id']}/decide", decision)[
        "follows"
    ]
    for name in ("opened_by", "confirmed_by", "expires_at", "since", "appeal"):
        assert (smaller[name] == renewed[name]) is (name != "appeal"), name
    assert smaller["appeal"]["until"] == renewed["appeal"]["until"]
    world.advance("4d")
    assert world.program().get(f"/v1/holds/{smaller['id']}")["state"] == "active", (
        "it does not lapse for want of a confirmation"
    )


def test_an_upheld_appeal_and_one_more(world: World) -> None:
    hold = freeze(world, world.ada_id)
    path = f"/v1/holds/{hold['id']}/appeals"
    for number in range(2):
        filed = world.program().post(path, {"statement": f"Number {number}."})
        world.program("reviewer").post(
            f"/v1/staff/appeals/{filed['id']}/decide",
            {"outcome": "upheld", "reasons": "The facts stand."},
        )
    assert world.program().call("POST", path, {"statement": "Number 3."}).status == 409
    assert world.program().get(f"/v1/holds/{hold['id']}")["state"] == "active", (
        "an appeal lifts nothing by itself"
    )


def test_an_appeal_can_come_late_but_not_too_late(world: World) -> None:
    contract = world.sent_contract()
    hold = freeze(world, contract["id"])
    world.advance("100d")
    filed = world.program().post(
        f"/v1/holds/{hold['id']}/appeals", {"statement": "It is over, and it was wrong."}
    )
    assert world.program().post(f"/v1/appeals/{filed['id']}/withdraw")["state"] == "withdrawn"
    world.advance("81d")
    assert (
        world.program()
        .call("POST", f"/v1/holds/{hold['id']}/appeals", {"statement": "Too late."})
        .status
        == 409
    )


@pytest.mark.row("A1", "A2")
def test_an_appeal_that_nobody_decides_opens_the_releases(world: World) -> None:
    hold = freeze(world, world.ada_id, scopes=["release", "outflow"])
    world.program("approver").post(f"/v1/staff/holds/{hold['id']}/confirm")
    world.program().post(f"/v1/holds/{hold['id']}/appeals", {"statement": "Please look."})
    world.advance("5d")
    assert "appeal_first_answer" in {t.kind for t in world.sql("SELECT kind FROM staff_task")}
    world.advance("10d")
    assert "appeal_overdue" in {t.kind for t in world.sql("SELECT kind FROM staff_task")}
    assert [h["scopes"] for h in world.program().get("/v1/holds?in_force=true")["data"]] == [
        ["outflow"]
    ]
