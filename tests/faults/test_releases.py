"""REL-01 to REL-16: what can go wrong between approved work and money at the freelancer's bank."""

from __future__ import annotations

from typing import Any

import pytest

from service.core import queue, repository
from service.domain.errors import HoldfastError
from service.domain.identity import actors, typeid
from service.operations.contracts import milestones
from service.operations.payouts import payouts
from service.platform import failpoint
from service.worker.jobs import payouts as payout_jobs
from tests.faults.test_payments import at_once, deliver, last_event
from tests.world import World

fault = pytest.mark.fault


def rich(world: World, *, contracts: int = 1) -> None:
    """Ada has 95.00 USD available per contract, and a payout account."""
    for number in range(contracts):
        world.released_contract(milestones=[("Work", 10_000)], client=f"c{number}@babbage.example")
    world.advance("6d")
    world.onboarded()


def ask(world: World, amount: int = 9_500) -> dict[str, Any]:
    found: dict[str, Any] = world.program().post(
        "/v1/payouts", {"amount": amount, "currency": "USD"}
    )
    return found


def state(world: World, payout: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = world.program().get(f"/v1/payouts/{payout['id']}")
    return found


def transfers(world: World) -> list[dict[str, Any]]:
    return [o for o in world.sandbox.dump()["objects"] if o["object"] == "transfer"]


def release(world: World, milestone_id: str, amount: int | None = None) -> str:
    """The operation in a transaction of its own, as the page does it; returns 'ok' or the refusal's
    code.
    """
    try:
        with world.runtime.context("test", actors.client("cli_test")) as ctx:
            contract, milestone = repository.milestone(
                ctx.session, milestone_id, owner=repository.EVERYONE
            )
            milestones.approve(ctx, contract, milestone, amount)
    except HoldfastError as refusal:
        return refusal.code
    return "ok"


@fault("REL-01")
def test_eight_releases_at_once(world: World) -> None:
    contract, _ = world.submitted_contract(milestones=[("Work", 10_000)])
    milestone = contract["milestones"][0]["id"]
    outcomes = at_once(8, lambda _: release(world, milestone))
    assert sorted(outcomes) == ["ok", *["state_conflict"] * 7]  # type: ignore[type-var]
    assert world.balance()["pending"] == 9_500
    world.check_books()


@fault("REL-02")
def test_release_against_changes_requested(world: World) -> None:
    """The other answer of the client (refunds of milestones come with their own issue): exactly one
    of both wins.
    """
    for number in range(8):
        contract, _ = world.submitted_contract(
            milestones=[("Work", 10_000)], client=f"c{number}@babbage.example"
        )
        milestone = contract["milestones"][0]["id"]

        def race(i: int, m: str = milestone) -> str:
            if i == 0:
                return release(world, m)
            try:
                with world.runtime.context("test", actors.client("cli_test")) as ctx:
                    parent, found = repository.milestone(ctx.session, m, owner=repository.EVERYONE)
                    milestones.request_changes(ctx, parent, found, "again")
            except HoldfastError as refusal:
                return refusal.code
            return "asked"

        first, second = at_once(2, race)
        assert (first, second) in (("ok", "state_conflict"), ("ok", "asked")), (
            "who asked for changes may still release, early"
        )
        world.check_books()


@fault("REL-03")
def test_a_transfer_whose_answer_is_lost(world: World) -> None:
    rich(world)
    world.sandbox.post(
        "faults", {"method": "POST", "path": "/v1/transfers", "kind": "timeout_after", "times": 3}
    )
    payout = ask(world)
    world.work()
    world.advance("3d")
    assert state(world, payout)["state"] == "paid"
    assert len(transfers(world)) == 1
    world.check_books()


@fault("REL-04")
def test_a_transfer_that_never_reached_stripe(world: World) -> None:
    rich(world)
    world.sandbox.post(
        "faults", {"method": "POST", "path": "/v1/transfers", "kind": "reset_before", "times": 3}
    )
    payout = ask(world)
    world.work()
    assert state(world, payout)["state"] == "in_transit"
    world.advance("3d")
    assert state(world, payout)["state"] == "paid"
    assert len(transfers(world)) == 1
    world.check_books()


@fault("REL-05")
@pytest.mark.parametrize("kind", ["409", "429", "503", "500"])
def test_stripe_is_busy(world: World, kind: str) -> None:
    rich(world)
    world.sandbox.post(
        "faults", {"method": "POST", "path": "/v1/transfers", "kind": kind, "times": 4}
    )
    payout = ask(world)
    world.work()
    world.advance("4d")
    assert state(world, payout)["state"] == "paid"
    assert len(transfers(world)) == 1
    world.check_books()


@fault("REL-06")
def test_a_restricted_account_waits_and_goes_on(world: World) -> None:
    rich(world)
    account = world.sql("SELECT stripe_account_id FROM payout_account")[0].stripe_account_id
    world.sandbox.post(f"accounts/{account}", {"transfers": "restricted"})
    world.work()
    assert world.program().get("/v1/payout-account")["state"] == "restricted"
    refused = world.program().call("POST", "/v1/payouts", {"amount": 9_500, "currency": "USD"})
    assert (refused.status, refused.json()["code"]) == (409, "payout_account_not_ready")
    mails = [
        m for m in world.sandbox.mail("ada@lovelace.example") if "needs attention" in m["subject"]
    ]
    assert len(mails) == 1
    assert world.balance()["available"] == 9_500
    world.sandbox.post(f"accounts/{account}", {"transfers": "active"})
    world.work()
    payout = ask(world)
    world.work()
    world.advance("3d")
    assert state(world, payout)["state"] == "paid"


@fault("REL-07")
def test_an_account_that_was_closed_keeps_the_debt(world: World) -> None:
    rich(world)
    payout = ask(world)
    account = world.sql("SELECT stripe_account_id FROM payout_account")[0].stripe_account_id
    world.sandbox.post(f"accounts/{account}", {"close": True})
    world.work()
    world.advance("2d")
    assert world.program().get("/v1/payout-account")["state"] == "closed"
    assert state(world, payout)["state"] in ("requested", "in_transit")
    assert state(world, payout)["waiting_for"] == "payout_account"
    assert transfers(world) == []
    assert world.balance()["in_flight"] == 9_500, "the debt stands"
    world.check_books()


@fault("REL-08")
def test_one_leg_of_three_fails(world: World) -> None:
    rich(world, contracts=3)
    world.sandbox.post(
        "faults",
        {"method": "POST", "path": "/v1/transfers", "kind": "reset_before", "times": 3, "skip": 1},
    )
    payout = ask(world, 28_500)
    world.work()
    world.advance("3d")
    assert state(world, payout)["state"] == "paid"
    assert sorted(t["amount"] for t in transfers(world)) == [9_500] * 3
    legs = world.sql("SELECT amount_minor, state FROM payout_source")
    assert sorted(legs) == [(9_500, "sent")] * 3
    world.check_books()


@fault("REL-09")
def test_a_reversal_made_outside_is_a_task(world: World) -> None:
    rich(world)
    # The bank payout cannot be made yet, so the transferred money still lies in the connected
    # account.
    world.sandbox.post(
        "faults", {"method": "POST", "path": "/v1/payouts", "kind": "reset_before", "times": 99}
    )
    ask(world)
    world.work()
    transfer = transfers(world)[0]["id"]
    for part in (2_000, 1_000):
        world.runtime.stripe.reverse_transfer(transfer, part, f"outside:{part}")
    world.work()
    event = last_event(world, "transfer.reversed")
    deliver(world, event | {"id": "evt_again"})
    world.work()
    tasks = [
        t
        for t in world.program("finance").get("/v1/staff/tasks")["data"]
        if t["kind"] == "transfer_reversed_outside"
    ]
    assert len(tasks) == 1, "both reversals and the repeated event make one task"
    assert tasks[0]["detail"]["reversed"] in (2_000, 3_000)


@fault("REL-10")
@pytest.mark.parametrize("after_paid", [False, True])
def test_a_payout_that_comes_back(world: World, after_paid: bool) -> None:
    rich(world)
    payout = ask(world)
    world.work()
    stripe_id = next(o["id"] for o in world.sandbox.dump()["objects"] if o["object"] == "payout")
    if after_paid:
        world.advance("2d")
        assert state(world, payout)["state"] == "paid"
    world.sandbox.post(f"payouts/{stripe_id}/fail", {})
    world.work()
    found = state(world, payout)
    assert (found["state"], found["failure_code"]) == ("failed", "account_closed")
    assert world.balance()["available"] == 9_500, "available at once, not aged anew"
    assert any("came back" in m["subject"] for m in world.sandbox.mail("ada@lovelace.example"))
    world.check_books()
    again = ask(world)
    world.work()
    world.advance("3d")
    assert state(world, again)["state"] == "paid"
    world.check_books()


@fault("REL-10")
def test_the_bank_refuses_every_time(world: World) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    world.advance("6d")
    world.onboarded(outcome="bank_fails")
    for _ in range(2):
        payout = ask(world)
        world.work()
        world.advance("3d")
        assert state(world, payout)["state"] == "failed"
        assert world.balance()["available"] == 9_500
        world.check_books()


@fault("REL-11")
def test_sending_and_cancelling_at_once(world: World) -> None:
    for number in range(8):
        world.released_contract(milestones=[("Work", 10_000)], client=f"c{number}@babbage.example")
    world.advance("6d")
    world.onboarded()
    for _ in range(8):
        payout = ask(world, 9_500)
        ada = world.program()
        answers = at_once(
            2,
            lambda i, p=payout, program=ada: (
                program.call("POST", f"/v1/payouts/{p['id']}/cancel", {}).status
                if i
                else world.worker.drain()
            ),  # type: ignore[misc]
        )
        world.work()
        found = state(world, payout)["state"]
        assert (answers[1], found) in ((200, "canceled"), (409, "in_transit")), (answers, found)
        world.check_books()


@fault("REL-12")
def test_a_cancelled_payout_cannot_be_sent(world: World) -> None:
    rich(world)
    payout = ask(world)
    world.program().post(f"/v1/payouts/{payout['id']}/cancel")
    assert world.program().call("POST", f"/v1/payouts/{payout['id']}/cancel", {}).status == 409
    with world.runtime.context("test") as ctx:
        queue.enqueue(ctx, "payout_send", payout["id"])
    world.work()
    assert transfers(world) == []
    assert state(world, payout)["state"] == "canceled"
    assert world.balance()["available"] == 9_500
    world.check_books()


@fault("REL-13")
def test_a_charge_that_is_not_available_yet(world: World) -> None:
    """Security period over, charge still pending at Stripe: the transfer stands, the bank payout
    follows by itself.
    """
    rich(world)
    world.sandbox.post(
        "faults", {"method": "POST", "path": "/v1/payouts", "kind": "429", "times": 0}
    )
    world.sql_owner(
        "UPDATE sandbox.balance_line SET available_on = available_on + interval '9 days' WHERE "
        "account = ''"
    )
    world.sql_owner(
        "UPDATE sandbox.object SET doc = jsonb_set(doc, '{available_on}', "
        "to_jsonb((doc->>'available_on')::bigint + 777600)) WHERE type = 'balance_transaction'"
    )
    payout = ask(world)
    world.work()
    assert (state(world, payout)["state"], state(world, payout)["waiting_for"]) == (
        "in_transit",
        "funds",
    )
    world.advance("9d")
    assert state(world, payout)["state"] == "paid"
    assert len(transfers(world)) == 1
    world.check_books()


@fault("REL-14")
@pytest.mark.parametrize(
    ("currency", "least"),
    [("USD", 500), ("EUR", 500), ("GBP", 500), ("INR", 50_000), ("JPY", 750), ("KWD", 1_500)],
)
def test_too_small_is_said_when_the_contract_is_made(
    world: World, currency: str, least: int
) -> None:
    ada = world.program()
    for amount in (*range(1, 61), least - 1):
        body = {
            "client": {"email": "c@babbage.example", "name": "C"},
            "title": "T",
            "currency": currency,
            "milestones": [{"title": "M", "amount": amount}],
        }
        answer = ada.call("POST", "/v1/contracts", body)
        assert (answer.status, answer.json()["errors"][0]["code"]) == (422, "amount_too_small"), (
            amount
        )
    body["milestones"][0]["amount"] = least  # type: ignore[index]
    made = ada.post("/v1/contracts", body)
    assert made["fee_quote"]["net"] > 0
    assert world.sql("SELECT count(*) AS n FROM contract")[0].n == 1


@fault("REL-15")
def test_two_workers_and_one_that_dies(world: World) -> None:
    """One worker dies holding the job of an auto-release; another takes it when the lease is over.

    Released once.
    """
    contract, _ = world.submitted_contract(milestones=[("Work", 10_000)])
    world.sql_owner("UPDATE installation SET clock_offset = clock_offset + interval '15 days'")
    failpoint.arm("after_claim=raise")
    try:
        with pytest.raises(failpoint.Failed):
            world.worker.drain()
    finally:
        failpoint.arm("")
    assert world.sql("SELECT count(*) AS n FROM job WHERE leased_until IS NOT NULL")[0].n == 1, (
        "the dead worker's lease"
    )
    world.sql_owner(
        "UPDATE job SET leased_until = clock_timestamp() - interval '1 second' WHERE "
        "leased_until IS NOT NULL"
    )
    at_once(2, lambda _: world.worker.drain())
    world.advance("15d")
    assert world.read(contract)["milestones"][0]["state"] == "released"
    assert world.sql("SELECT count(*) AS n FROM journal_entry WHERE kind = 'release'")[0].n == 1
    world.check_books()


@fault("REL-16")
@pytest.mark.parametrize("currency", ["XXX", "BTC", "CAD", "AED"])
def test_currencies_that_cannot_be_settled(world: World, currency: str) -> None:
    body = {
        "client": {"email": "c@babbage.example", "name": "C"},
        "title": "T",
        "currency": currency,
        "milestones": [{"title": "M", "amount": 90_000}],
    }
    answer = world.program().call("POST", "/v1/contracts", body)
    assert (answer.status, answer.json()["errors"][0]) == (
        422,
        {
            "pointer": "/currency",
            "code": "unknown_currency",
            "message": "Contracts can be in USD, EUR, GBP, INR, JPY, KWD.",
        },
    )


def test_a_crash_in_every_gap_of_a_payout(world: World) -> None:
    """The worker stops dead after each outside call; the next one goes on, and nothing is sent
    twice.
    """
    rich(world, contracts=2)
    payout = ask(world, 19_000)
    for point in ("before_transfers", "after_transfer", "after_transfer", "after_bank_payout"):
        failpoint.arm(f"{point}=raise")
        with world.db.transaction() as session:
            job = queue.claim(session)
        if job is not None and job.code == "payout_send":
            with pytest.raises(failpoint.Failed):
                payout_jobs.send(world.runtime, job)
        failpoint.arm("")
        world.sql_owner("UPDATE job SET leased_until = NULL")
    world.work()
    world.advance("3d")
    assert state(world, payout)["state"] == "paid"
    assert len(transfers(world)) == 2
    assert len([o for o in world.sandbox.dump()["objects"] if o["object"] == "payout"]) == 1
    world.check_books()


def test_a_failed_payout_s_charge_can_be_drawn_from_again(world: World) -> None:
    """The legs of a failed payout are reversed before its money is available: the books never
    promise what Stripe lacks.
    """
    rich(world)
    world.sandbox.post(
        "faults", {"method": "POST", "path": "%/reversals", "kind": "timeout_after", "times": 3}
    )
    payout = ask(world)
    world.work()
    stripe_id = next(o["id"] for o in world.sandbox.dump()["objects"] if o["object"] == "payout")
    world.sandbox.post(f"payouts/{stripe_id}/fail", {})
    world.work()
    world.advance("1h")
    assert state(world, payout)["state"] == "failed"
    assert transfers(world)[0]["amount_reversed"] == 9_500
    with world.runtime.context("test") as ctx:
        assert (
            payouts.find_many(ctx.session, owner=world.ada_id, after=None, limit=5)[0]
            .sources[0]
            .state
            == "reversed"
        )
    assert typeid.is_typeid(payout["id"], "pyo")
    world.check_books()
