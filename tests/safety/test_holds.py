"""Freeze and lift: what stops, what goes on, what was under way, and what everybody can read about
it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from service.core.queue import ClaimedJob
from service.domain.states.job_types import JobType
from service.worker.jobs import payouts
from tests.journey import Person, Reply, contract_body
from tests.world import World

fault = pytest.mark.fault
WHY = {
    "reason_code": "terms",
    "clause": "Terms 7.2",
    "facts": "Two contracts name a client who does not exist.",
}


def freeze(world: World, subject: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = world.program("safety").post(
        "/v1/staff/holds", WHY | {"subject": subject} | more
    )
    return found


def lift(world: World, hold: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = world.program("safety").post(
        f"/v1/staff/holds/{hold['id']}/lift", {"reason": "It was a mistake."}
    )
    world.work()
    return found


def refused(reply: Reply) -> dict[str, Any]:
    assert (reply.status, reply.json()["code"]) == (403, "on_hold"), reply.text
    found: dict[str, Any] = reply.json()
    return found


def with_money(world: World, **more: Any) -> tuple[dict[str, Any], Person]:
    """95.00 available, a second milestone of 20.00 in protection and handed over, a payout
    account.
    """
    contract, client = world.released_contract(milestones=[("One", 10_000), ("Two", 2_000)], **more)
    world.onboarded()
    world.advance("6d")
    world.program().post(
        f"/v1/milestones/{contract['milestones'][1]['id']}/submissions", {"note": "Done."}
    )
    world.work()
    return world.read(contract), client


@fault("FRZ-02")
@pytest.mark.row("O4")
def test_a_whole_person_is_held_and_let_go(world: World) -> None:
    contract, _ = with_money(world)
    ada = world.program()
    queued = ada.post("/v1/payouts", {"amount": 4_000, "currency": "USD"})
    hold = freeze(world, world.ada_id, scopes=["release", "refund", "outflow"])
    assert {(m["where"], m["amount"]) for m in hold["money"]} == {
        ("available", 9_500),
        ("escrow", 2_000),
    }
    assert [(e["what"], e["object"]) for e in hold["effects"]] == [("payout", queued["id"])]
    assert ada.get(f"/v1/payouts/{queued['id']}")["state"] == "held", "it had not left"
    assert world.balance()["held"] == 11_500
    waiting = ada.post("/v1/payouts", {"amount": 5_000, "currency": "USD"})
    assert waiting["state"] == "held", "asked for meanwhile: it waits, nothing is posted"
    told = refused(
        ada.call(
            "POST", f"/v1/milestones/{contract['milestones'][1]['id']}/refunds", {"amount": 100}
        )
    )
    assert (told["hold"], told["public_reason"]) == (hold["id"], WHY["facts"])
    assert told["next_decision_at"] == hold["next_decision_at"]
    world.work()
    assert not [o for o in world.sandbox.dump()["objects"] if o["object"] == "payout"], (
        "Stripe was asked for nothing"
    )
    lift(world, hold)
    world.advance("3d")
    assert [ada.get(f"/v1/payouts/{p['id']}")["state"] for p in (queued, waiting)] == [
        "paid",
        "paid",
    ]
    assert world.balance()["available"] == 500
    world.check_books()


def test_holds_stack_and_lifting_one_lifts_that_one(world: World) -> None:
    contract, client = world.submitted_contract(milestones=[("Work", 10_000)])
    milestone = contract["milestones"][0]["id"]
    first = freeze(world, world.ada_id, scopes=["release"])
    second = freeze(world, contract["id"], scopes=["release"])
    third = freeze(world, milestone, scopes=["release"])
    for hold in (first, second):
        lift(world, hold)
        assert client.approve(milestone).status == 403
    assert (
        world.sql(
            "SELECT hold_release FROM ledger_balance b JOIN ledger_account a ON a.id = "
            "b.account_id WHERE kind = 'escrow'"
        )[0].hold_release
        == 1
    )
    lift(world, third)
    assert client.approve(milestone).status == 303
    assert (
        world.program("safety")
        .call("POST", f"/v1/staff/holds/{third['id']}/lift", {"reason": "Again."})
        .status
        == 409
    )


def test_an_account_that_is_opened_later_is_born_held(world: World) -> None:
    contract, client = world.accepted_contract(milestones=[("Work", 10_000)])
    away = client.start_payment()
    hold = freeze(world, world.ada_id, scopes=["release", "refund", "outflow"])
    client.at_stripe(
        away.headers["location"].removeprefix("http://127.0.0.1:8000"), "4242 4242 4242 4242"
    )
    world.work()
    assert world.read(contract)["milestones"][0]["state"] == "funded", "money on its way arrives"
    gates = world.sql(
        "SELECT hold_release, hold_refund FROM ledger_balance b JOIN ledger_account a ON a.id = "
        "b.account_id WHERE kind = 'escrow'"
    )
    assert [tuple(g) for g in gates] == [(1, 1)]
    assert {
        (m["where"], m["amount"]) for m in world.program().get(f"/v1/holds/{hold['id']}")["money"]
    } == {("escrow", 10_000)}
    world.check_books()


@fault("FRZ-03")
def test_nobody_pays_into_a_frozen_contract(world: World) -> None:
    contract, client = world.accepted_contract(milestones=[("Work", 10_000)])
    away = client.start_payment()
    hold = freeze(world, world.ada_id, scopes=["inflow"])
    assert [(e["what"], e["outcome"]) for e in hold["effects"]] == [
        ("payment page", "Stripe is asked to close it")
    ]
    world.work()
    session = next(o for o in world.sandbox.dump()["objects"] if o["object"] == "checkout.session")
    assert session["status"] == "expired"
    again = client.start_payment()
    assert again.status == 403
    assert "Two contracts name" not in again.page.text, "nothing about the other person"
    assert away.status == 303
    lift(world, hold)
    client.pay()
    world.work()
    assert world.read(contract)["milestones"][0]["state"] == "funded"


def test_a_payout_on_its_way_is_called_back_while_it_can_be(world: World) -> None:
    with_money(world)
    ada = world.program()
    early = ada.post("/v1/payouts", {"amount": 4_000, "currency": "USD"})
    world.work()
    world.advance("8h")
    late = ada.post("/v1/payouts", {"amount": 3_000, "currency": "USD"})
    world.work()
    hold = freeze(world, world.ada_id, scopes=["outflow"])
    world.work()
    effects = world.program().get(f"/v1/holds/{hold['id']}")["effects"]
    last = {e["object"]: e["outcome"] for e in effects}
    assert last == {
        early["id"]: "too late: it is at the bank",
        late["id"]: "its transfers are taken back",
    }
    assert [ada.get(f"/v1/payouts/{p['id']}")["state"] for p in (early, late)] == [
        "in_transit",
        "failed",
    ]
    assert world.balance()["available"] == 9_500 - 4_000
    (told,) = [
        m for m in world.sandbox.mail("ada@lovelace.example") if "30.00 came back" in m["subject"]
    ]
    assert "called back before it reached your bank" in told["text"]
    assert "The bank did not take it" not in told["text"]
    world.check_books()


def test_a_payout_that_has_arrived_is_not_said_to_be_taken_back(world: World) -> None:
    with_money(world)
    paid = world.program().post("/v1/payouts", {"amount": 4_000, "currency": "USD"})
    world.work()
    world.advance("3d")
    hold = freeze(world, world.ada_id, scopes=["outflow"])
    world.work()
    now = datetime.now(UTC)
    late = ClaimedJob(1, JobType.PAYOUT_RECALL, paid["id"], {"hold": hold["id"]}, now, 1, now)
    payouts.recall(world.runtime, late)
    assert world.program().get(f"/v1/payouts/{paid['id']}")["state"] == "paid"
    (effect,) = world.program().get(f"/v1/holds/{hold['id']}")["effects"]
    assert effect["outcome"] == "too late: it is at the bank"


def test_a_payout_that_waits_is_spoken_for_and_can_be_taken_back(world: World) -> None:
    with_money(world)
    ada, hold = world.program(), freeze(world, world.ada_id, scopes=["outflow"])
    waiting = ada.post("/v1/payouts", {"amount": 9_000, "currency": "USD"})
    assert (
        ada.call("POST", "/v1/payouts", {"amount": 1_000, "currency": "USD"}).json()["code"]
        == "not_enough"
    ), "the same money twice"
    assert ada.post(f"/v1/payouts/{waiting['id']}/cancel")["state"] == "canceled"
    world.check_books()
    again = ada.post("/v1/payouts", {"amount": 1_000, "currency": "USD"})
    lift(world, hold)
    world.advance("3d")
    assert [ada.get(f"/v1/payouts/{p['id']}")["state"] for p in (waiting, again)] == [
        "canceled",
        "paid",
    ]
    world.check_books()


def test_an_amount_is_set_aside_and_the_rest_flows(world: World) -> None:
    with_money(world)
    ada = world.program()
    hold = freeze(world, world.ada_id, amount=6_000, currency="USD")
    assert (world.balance()["available"], world.balance()["reserved"]) == (3_500, 6_000)
    assert hold["money"] == [{"currency": "USD", "where": "reserve", "amount": 6_000}]
    assert (
        ada.call("POST", "/v1/payouts", {"amount": 4_000, "currency": "USD"}).json()["code"]
        == "not_enough"
    )
    assert ada.post("/v1/payouts", {"amount": 3_500, "currency": "USD"})["state"] == "requested"
    too_much = world.program("safety").call(
        "POST",
        "/v1/staff/holds",
        WHY | {"subject": world.ada_id, "amount": 50_000, "currency": "USD"},
    )
    assert (too_much.status, too_much.json()["code"]) == (409, "not_enough")
    lift(world, hold)
    assert world.balance()["available"] == 6_000
    world.check_books()


@pytest.mark.row("H2")
def test_a_person_s_hold_needs_a_second_person(world: World) -> None:
    unconfirmed, confirmed = freeze(world, world.ada_id), freeze(world, world.mary_id)
    own = world.program("safety").call("POST", f"/v1/staff/holds/{confirmed['id']}/confirm", {})
    assert own.status == 403, "not with that key's scopes"
    world.program("approver").post(f"/v1/staff/holds/{confirmed['id']}/confirm")
    world.advance("73h")
    states = {
        h["id"]: (h["state"], h["end_reason"])
        for h in world.program("safety").get("/v1/staff/holds")["data"]
    }
    assert states == {
        unconfirmed["id"]: ("expired", "unconfirmed"),
        confirmed["id"]: ("active", None),
    }
    with pytest.raises(psycopg.errors.CheckViolation, match="another person than"):
        world.sql_owner("UPDATE hold SET confirmed_by = opened_by")
    with pytest.raises(psycopg.errors.CheckViolation, match="fixed"):
        world.sql_owner("UPDATE hold SET facts = 'Something else.'")


@pytest.mark.row("H5")
def test_a_hold_has_an_end_and_a_longest_time(world: World) -> None:
    contract = world.sent_contract()
    hold = freeze(world, contract["id"])
    approver = world.program("approver")
    path = f"/v1/staff/holds/{hold['id']}/renew"
    assert approver.call("POST", path, {"days": 61}).json()["errors"][0]["code"] == "too_long"
    approver.post(path, {"days": 60})
    approver.post(path, {"days": 90})
    assert approver.call("POST", path, {"days": 1}).json()["errors"][0]["code"] == "too_long", (
        "180 days at most"
    )
    world.advance("179d")
    assert world.program().get(f"/v1/holds/{hold['id']}")["state"] == "active"
    world.advance("2d")
    assert world.program().get(f"/v1/holds/{hold['id']}")["state"] == "expired"


def test_what_the_law_orders_lasts_until_it_is_lifted(world: World) -> None:
    contract = world.sent_contract()
    hold = freeze(world, contract["id"], reason_code="legal_order", disclosure="restricted")
    assert hold["expires_at"] is None
    read = world.program().get(f"/v1/holds/{hold['id']}")
    assert (read["facts"], read["clause"], read["reason_code"]) == (None, None, None)
    assert "does not allow us to say more" in read["reason"]
    assert world.program("mary").call("GET", f"/v1/holds/{hold['id']}").status == 404
    assert (
        world.program("approver")
        .call("POST", f"/v1/staff/holds/{hold['id']}/renew", {"days": 1})
        .status
        == 409
    )


def test_requirements_can_be_fulfilled(world: World) -> None:
    hold = freeze(world, world.ada_id, reason_code="identity", scopes=[])
    asked = hold["requirements"][0]
    assert (asked["kind"], asked["state"]) == ("identity_document", "open")
    path = f"/v1/holds/{hold['id']}/requirements/{asked['id']}"
    answered = world.program().post(path, {"words": "Passport number on file with the embassy."})
    assert (answered["state"], answered["requirements"][0]["state"]) == ("in_review", "given")
    assert world.program().call("POST", path, {"words": "Again."}).status == 409
    judged = world.program("safety").post(
        f"/v1/staff{path.removeprefix('/v1')}", {"accepted": False}
    )
    assert judged["requirements"][0]["state"] == "refused"
    assert (
        world.program().post(path, {"words": "Here is a better picture."})["requirements"][0][
            "state"
        ]
        == "given"
    )
    assert world.program("mary").call("POST", path, {"words": "I am Ada."}).status == 404


@fault("FRZ-06")
@fault("FRZ-07")
def test_a_blocked_freelancer_reads_everything_and_changes_nothing(world: World) -> None:
    contract, _ = world.submitted_contract(milestones=[("Work", 10_000)])
    ada = world.program()
    suspended = world.program("platform").post(
        "/v1/staff/suspensions", WHY | {"person": world.ada_id, "level": "blocked"}
    )
    assert suspended["hold"]["scopes"] == [
        "login",
        "contract_create",
        "accept",
        "inflow",
        "release",
        "outflow",
        "amend",
    ]
    for method, path, body in (
        ("POST", "/v1/contracts", contract_body()),
        ("POST", "/v1/payout-account/onboarding", {}),
        ("POST", "/v1/payout-account/schedule", {"schedule": "weekly"}),
        ("POST", f"/v1/contracts/{contract['id']}/links", {}),
        ("POST", f"/v1/milestones/{contract['milestones'][0]['id']}/submissions", {"note": "x"}),
    ):
        told = refused(ada.call(method, path, body))
        assert told["hold"] == suspended["hold"]["id"], path
    for path in (
        "/v1/contracts",
        f"/v1/contracts/{contract['id']}",
        "/v1/balance",
        "/v1/holds",
        f"/v1/contracts/{contract['id']}/money",
    ):
        assert ada.call("GET", path).status == 200, path
    assert (
        ada.call("POST", f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", {}).status
        == 201
    ), "giving back is always possible"
    twice = world.program("safety").call(
        "POST", "/v1/staff/suspensions", WHY | {"person": world.ada_id, "level": "restricted"}
    )
    assert twice.status == 409
    ended = world.program("platform").call(
        "DELETE", f"/v1/staff/suspensions/{suspended['id']}?reason=Mistaken."
    )
    assert (ended.status, ended.json()["hold"]["state"]) == (200, "released")
    assert ada.call("POST", "/v1/contracts", contract_body()).status == 201


def test_a_suspension_that_nobody_confirms_ends_with_its_hold(world: World) -> None:
    world.program("platform").post(
        "/v1/staff/suspensions", WHY | {"person": world.ada_id, "level": "restricted"}
    )
    world.advance("73h")
    assert [
        (s.end_reason, s.ended_by) for s in world.sql("SELECT end_reason, ended_by FROM suspension")
    ] == [("unconfirmed", "system")]


@pytest.mark.row("H6")
def test_auto_release_waits_and_then_a_person_decides(world: World) -> None:
    contract, _ = world.submitted_contract(milestones=[("Work", 10_000)])
    hold = freeze(world, contract["id"], scopes=["release"])
    world.advance("15d")
    assert world.read(contract)["milestones"][0]["state"] == "submitted"
    assert not world.sql("SELECT 1 FROM staff_task WHERE kind = 'release_on_hold'")
    world.advance("14d")
    assert (
        world.sql("SELECT count(*) AS n FROM staff_task WHERE kind = 'release_on_hold'")[0].n == 1
    )
    lift(world, hold)
    assert world.read(contract)["milestones"][0]["state"] == "released", "at once after the lift"
    world.check_books()


def test_what_waits_for_a_hold_does_not_use_up_its_tries(world: World) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    hold = freeze(world, world.ada_id, scopes=["outflow"])
    world.program("approver").post(f"/v1/staff/holds/{hold['id']}/confirm")
    world.advance("25d")
    waiting = world.sql("SELECT state, attempts, last_error FROM job WHERE kind = 'mature'")
    assert [(j.state, j.attempts) for j in waiting] == [("waiting", 0)]
    assert waiting[0].last_error.startswith("OnHold: ")
    assert world.balance()["pending"] == 9_500
    lift(world, hold)
    assert world.balance()["available"] == 9_500
    world.check_books()


def test_only_staff_freeze(world: World) -> None:
    for who in ("ada", "platform", "finance", "approver", "reviewer"):
        assert (
            world.program(who)
            .call("POST", "/v1/staff/holds", WHY | {"subject": world.ada_id})
            .status
            == 403
        ), who
    assert (
        world.program("safety")
        .call("POST", "/v1/staff/holds", WHY | {"subject": "frl_" + "0" * 26})
        .status
        == 404
    )
    wrong = world.program("safety").call(
        "POST", "/v1/staff/holds", WHY | {"subject": world.ada_id, "reason_code": "because"}
    )
    assert wrong.json()["errors"][0]["code"] == "unknown_reason"


@pytest.mark.row("H3", "S1", "O4")
def test_what_staff_leave_lying_is_put_before_them(world: World) -> None:
    with_money(world)
    suspended = world.program("platform").post(
        "/v1/staff/suspensions",
        WHY | {"person": world.ada_id, "level": "blocked", "reason_code": "sanctions"},
    )
    world.program("approver").post(f"/v1/staff/holds/{suspended['hold']['id']}/confirm")
    world.program().post("/v1/payouts", {"amount": 5_000, "currency": "USD"})
    world.advance("6d")
    assert {"hold_review_due", "payout_held"} <= {
        t.kind for t in world.sql("SELECT kind FROM staff_task")
    }
    world.program("safety").post(f"/v1/staff/holds/{suspended['hold']['id']}/review")
    world.advance("150d")
    assert "suspension_long" in {t.kind for t in world.sql("SELECT kind FROM staff_task")}
    assert world.program().get(f"/v1/holds/{suspended['hold']['id']}")["state"] == "in_review", (
        "the law's holds do not expire"
    )
