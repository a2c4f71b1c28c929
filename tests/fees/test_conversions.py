"""A direct contract goes on as another kind: the paid part ends as it was agreed, the rest begins
anew, by consent of both.
"""

from __future__ import annotations

import pytest

from tests.world import World

row = pytest.mark.row
PARTS = [("First", 10_000), ("Second", 20_000), ("Third", 30_000)]


@row("C20")
def test_the_rest_goes_on_as_a_marketplace_contract(world: World) -> None:
    contract, client = world.funded_contract(milestones=PARTS, everything=False)
    ada, address = world.program(), f"/v1/contracts/{contract['id']}"
    proposed = ada.post(f"{address}/conversions", {"kind": "marketplace", "note": "Let it count."})
    assert (proposed["converts_to"], [m["title"] for m in proposed["milestones"]]) == (
        "marketplace",
        ["Second", "Third"],
    )
    assert ada.call("POST", f"{address}/amendments/{proposed['id']}/accept", {}).status == 403, (
        "not alone"
    )
    page = client.through_code(f"/c/{contract['id']}/amendments/{proposed['id']}")
    assert "go on in a new contract of the kind marketplace" in page.text
    assert "500.00" in page.text
    assert (
        client.decide(
            f"/c/{contract['id']}/amendments/{proposed['id']}",
            full_name="Charles Babbage",
            choice="yes",
        ).status
        == 303
    )
    world.work()
    old = world.read(contract)
    assert [m["state"] for m in old["milestones"]] == ["funded", "cancelled", "cancelled"]
    fresh = next(
        c for c in ada.get("/v1/contracts")["data"] if c["converted_from"] == contract["id"]
    )
    assert (fresh["kind"], fresh["state"], fresh["total"], fresh["fee_quote"]["rate"]) == (
        "marketplace",
        "accepted",
        50_000,
        "0.1",
    )
    assert (old["kind"], old["fee_quote"]["rate"]) == ("direct", "0.05"), (
        "old fee and old exclusion stay"
    )
    ada.post(f"/v1/milestones/{contract['milestones'][0]['id']}/submissions", {"note": "Done."})
    world.work()
    client.approve(contract["milestones"][0]["id"])
    world.work()
    assert world.read(contract)["state"] == "completed"
    client.open("goes on in a new contract")
    assert client.contract_id == fresh["id"]
    client.pay([m["id"] for m in fresh["milestones"]])
    world.work()
    for milestone in fresh["milestones"]:
        ada.post(f"/v1/milestones/{milestone['id']}/submissions", {"note": "Done."})
        world.work()
        client.approve(milestone["id"])
    world.work()
    outcomes = {
        r["contract"]: (r["kind"], r["included"]) for r in ada.get("/v1/metrics/outcomes")["data"]
    }
    assert outcomes == {contract["id"]: ("direct", False), fresh["id"]: ("marketplace", True)}
    assert [m["fee_taken"] for m in world.read(fresh)["milestones"]] == [2_000, 3_000]
    assert world.read(contract)["milestones"][0]["fee_taken"] == 500
    evidence = world.sql("SELECT full_name FROM acceptance ORDER BY accepted_at")
    assert [e.full_name for e in evidence] == ["Charles Babbage"] * 2, (
        "an acceptance with evidence of its own"
    )
    world.check_books()


@row("C20")
def test_a_conversion_that_nobody_answers_changes_nothing(world: World) -> None:
    contract, _ = world.funded_contract(milestones=PARTS, everything=False)
    proposed = world.program().post(f"/v1/contracts/{contract['id']}/conversions", {"kind": "byoc"})
    world.advance("8d")
    found = world.program().get(f"/v1/contracts/{contract['id']}/amendments")["data"]
    assert [(a["id"], a["state"]) for a in found] == [(proposed["id"], "expired")]
    assert [m["state"] for m in world.read(contract)["milestones"]] == [
        "funded",
        "planned",
        "planned",
    ]
    assert len(world.program().get("/v1/contracts")["data"]) == 1


def test_what_cannot_be_converted(world: World) -> None:
    ada = world.program()
    sent = world.sent_contract()
    assert (
        ada.call("POST", f"/v1/contracts/{sent['id']}/conversions", {"kind": "byoc"}).status == 409
    )
    paid, _ = world.funded_contract(milestones=PARTS[:1], client="grace@hopper.example")
    refused = ada.call("POST", f"/v1/contracts/{paid['id']}/conversions", {"kind": "byoc"})
    assert (refused.status, refused.json()["errors"][0]["code"]) == (422, "nothing_left")
    assert (
        ada.call("POST", f"/v1/contracts/{paid['id']}/conversions", {"kind": "direct"}).status
        == 422
    )


def test_a_payment_that_overtakes_the_answer(world: World) -> None:
    contract, client = world.funded_contract(milestones=PARTS, everything=False)
    proposed = world.program().post(f"/v1/contracts/{contract['id']}/conversions", {"kind": "byoc"})
    client.pay([contract["milestones"][1]["id"]])
    world.work()
    late = client.decide(
        f"/c/{contract['id']}/amendments/{proposed['id']}",
        full_name="Charles Babbage",
        choice="yes",
    )
    assert late.status == 422
    assert len(world.program().get("/v1/contracts")["data"]) == 1
