"""Two hands at once, with real threads and real commits.

Each race has a control: the same without the lock goes wrong.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest

from service.platform.db import Database
from tests.faults.test_payments import at_once, deliver, last_event, pay_silently
from tests.faults.test_releases import release
from tests.journey import contract_body
from tests.world import World

ROUNDS = 12


def naive_release(database: Database, milestone_id: str) -> str:
    """Check, then act, without a lock and without the database's own rules: what the service must
    not be.
    """
    with database.engine.connect() as connection, connection.begin():
        state = connection.exec_driver_sql(
            "SELECT state FROM naive WHERE id = %s", (milestone_id,)
        ).scalar_one()
        if state != "submitted":
            return "state_conflict"
        time.sleep(0.002)
        connection.exec_driver_sql(
            "INSERT INTO naive_out (id, amount) VALUES (%s, 10000)", (milestone_id,)
        )
        connection.exec_driver_sql(
            "UPDATE naive SET state = 'released' WHERE id = %s", (milestone_id,)
        )
    return "ok"


@pytest.fixture
def naive(world: World) -> World:
    with psycopg.connect(world.settings.owner_url, options="-c search_path=hf") as connection:
        connection.execute(
            "CREATE TABLE naive (id text PRIMARY KEY, state text); CREATE TABLE naive_out (id "
            "text, amount bigint)"
        )
        connection.execute("GRANT ALL ON naive, naive_out TO holdfast_app")
    return world


def test_control_naive_release_pays_twice(naive: World) -> None:
    """The naive form must fail, or the races below would prove nothing."""
    twice = 0
    for number in range(ROUNDS):
        naive.sql_owner(f"INSERT INTO naive VALUES ('m{number}', 'submitted')")
        outcomes = at_once(6, lambda _, n=number: naive_release(naive.db, f"m{n}"))  # type: ignore[misc]
        twice += outcomes.count("ok") > 1
    assert twice > 0


def test_release_against_release(world: World) -> None:
    for number in range(ROUNDS):
        contract, _ = world.submitted_contract(
            milestones=[("Work", 10_000)], client=f"c{number}@babbage.example"
        )
        milestone = contract["milestones"][0]["id"]
        outcomes = at_once(6, lambda _, m=milestone: release(world, m))  # type: ignore[misc]
        assert sorted(outcomes) == ["ok", *["state_conflict"] * 5]  # type: ignore[type-var]
    assert world.balance()["pending"] == ROUNDS * 9_500
    world.check_books()


def test_release_against_approving_a_part(world: World) -> None:
    """Whole against part: the second one releases what the first one left, early, or finds nothing;
    nothing leaves twice.
    """
    for number in range(ROUNDS):
        contract, _ = world.submitted_contract(
            milestones=[("Work", 10_000)], client=f"c{number}@babbage.example"
        )
        milestone = contract["milestones"][0]["id"]
        whole, part = at_once(
            2, lambda i, m=milestone: release(world, m, None if i == 0 else 4_000)
        )  # type: ignore[misc]
        found = world.read(contract)["milestones"][0]
        assert (whole, part, found["state"], found["released"]) in (
            ("ok", "state_conflict", "released", 10_000),
            ("ok", "ok", "released", 10_000),
        )
    world.check_books()


def test_webhook_against_webhook(world: World) -> None:
    """Two different events of one payment, handled by two workers at once."""
    for number in range(ROUNDS):
        contract, client = world.accepted_contract(
            client=f"c{number}@babbage.example", milestones=[("Work", 10_000)]
        )
        pay_silently(world, client, [contract["milestones"][0]["id"]])
        for kind in ("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"):
            deliver(world, last_event(world, kind))
        at_once(3, lambda _: world.worker.drain())
    assert world.sql("SELECT count(*) AS n FROM journal_entry WHERE kind = 'fund'")[0].n == ROUNDS
    assert (
        world.sql("SELECT count(*) AS n FROM journal_entry WHERE kind = 'fund_processing_fee'")[0].n
        == ROUNDS
    )
    world.check_books()


def test_timer_against_client(world: World) -> None:
    """The review window ends in the moment in which the client approves."""
    contracts = [
        world.submitted_contract(milestones=[("Work", 10_000)], client=f"c{n}@babbage.example")[0]
        for n in range(4)
    ]
    world.advance("13d")
    with psycopg.connect(world.settings.owner_url, options="-c search_path=hf") as connection:
        connection.execute(
            "UPDATE installation SET clock_offset = clock_offset + interval '2 days'"
        )
    for contract in contracts:
        milestone = contract["milestones"][0]["id"]
        at_once(3, lambda i, m=milestone: release(world, m) if i else world.worker.drain())  # type: ignore[misc]
        assert world.read(contract)["milestones"][0]["released"] == 10_000
    world.work()
    assert world.sql("SELECT count(*) AS n FROM journal_entry WHERE kind = 'release'")[0].n == len(
        contracts
    )
    world.check_books()


def test_payouts_against_payouts(world: World) -> None:
    """Ten requests for the whole balance: one gets it."""
    world.released_contract(milestones=[("Work", 10_000)])
    world.advance("6d")
    world.onboarded()
    ada = world.program()
    answers = at_once(
        10, lambda _: ada.call("POST", "/v1/payouts", {"amount": 9_500, "currency": "USD"}).status
    )
    assert sorted(answers) == [201, *[409] * 9]  # type: ignore[type-var]
    world.check_books()


def test_freeze_against_release(world: World) -> None:
    """A gate that is put on an account while releases run: nothing leaves after its commit; before
    it, everything may.
    """
    after = 0
    for number in range(ROUNDS):
        contract, _ = world.submitted_contract(
            milestones=[("Work", 10_000)], client=f"c{number}@babbage.example"
        )
        milestone = contract["milestones"][0]["id"]
        frozen_at: list[int] = []

        def race(i: int, m: str = milestone, seen: list[int] = frozen_at) -> Any:
            if i == 0:
                world.sql_owner(
                    "UPDATE ledger_balance SET hold_release = hold_release + 1 WHERE account_id "
                    "IN (SELECT id FROM ledger_account WHERE kind = 'escrow')"
                )
                seen.append(time.monotonic_ns())
                return "frozen"
            outcome = release(world, m)
            return outcome, time.monotonic_ns()

        answers = at_once(4, race)
        for outcome, ended in answers[1:]:  # type: ignore[misc]
            if outcome == "ok" and ended - frozen_at[0] > 50_000_000:
                after += 1
        assert release(world, milestone) in ("on_hold", "state_conflict"), (
            "after the freeze has answered, nothing leaves"
        )
        world.sql_owner("UPDATE ledger_balance SET hold_release = 0")
    assert after == 0
    world.check_books()


def test_the_same_key_at_once(world: World) -> None:
    """One creates, the others wait, are told that it runs, or get the first answer.

    One contract exists.
    """
    ada, barrier_key = world.program(), "the-same-key-for-all-of-them"
    answers = at_once(
        8, lambda _: ada.call("POST", "/v1/contracts", contract_body(), key=barrier_key)
    )
    assert {a.status for a in answers} <= {201, 409}  # type: ignore[attr-defined]
    assert {a.json()["code"] for a in answers if a.status == 409} <= {"idempotency_key_in_use"}  # type: ignore[attr-defined]
    assert world.sql("SELECT count(*) AS n FROM contract")[0].n == 1
    assert threading.active_count() < 20
