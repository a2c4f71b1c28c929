"""Stripe's rows against ours, each injected fault by its name; and closing a month: two people,
nothing different, never again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from service.operations.finance import closing
from tests.booking import POST, entry
from tests.console import colleague
from tests.databases import clone, copy_of
from tests.races.test_races import at_once
from tests.world import World

FAULTS = {
    "missing": "DELETE FROM sandbox.object WHERE type = 'balance_transaction' AND doc ->> 'type' "
    "= '{kind}'",
    "changed": "UPDATE sandbox.object SET doc = jsonb_set(doc, '{{amount}}', to_jsonb((doc ->> "
    "'amount')::int + 1)) WHERE type = 'balance_transaction' AND doc ->> 'type' = "
    "'{kind}'",
}


def all_kinds(world: World) -> None:
    """A charge, a refund, transfers, one of them reversed, a chargeback."""
    contract, _ = world.released_contract(milestones=[("Paid", 100_000), ("Kept", 20_000)])
    world.onboarded()
    world.advance("6d")
    account = world.sql("SELECT stripe_account_id FROM payout_account")[0].stripe_account_id
    world.sandbox.post(f"accounts/{account}", {"bank_fails": True})
    world.program().post("/v1/payouts", {"amount": 30_000, "currency": "USD"})
    world.advance("3d")
    world.sandbox.post(f"accounts/{account}", {"bank_fails": False})
    world.program().post("/v1/payouts", {"amount": 20_000, "currency": "USD"})
    world.program().post(
        f"/v1/milestones/{contract['milestones'][1]['id']}/refunds", {"amount": 5_000}
    )
    world.work()
    charge = next(o for o in world.sandbox.dump()["objects"] if o["object"] == "charge")
    world.sandbox.post("disputes", {"charge": charge["id"], "amount": 1_000})
    world.work()


@pytest.fixture(scope="module")
def busy_world() -> Iterator[World]:
    with clone() as world:
        all_kinds(world)
        yield world


@pytest.fixture
def busy(busy_world: World) -> Iterator[World]:
    """A copy of a world in which all of that has happened."""
    with copy_of(busy_world) as world:
        yield world


def forget(world: World) -> None:
    """Everything of Stripe's is read anew the next night."""
    world.sql_owner(
        "ALTER TABLE psp_row DISABLE TRIGGER append_only; DELETE FROM psp_row; ALTER TABLE "
        "psp_row ENABLE TRIGGER append_only"
    )


def named(world: World) -> dict[str, dict[str, Any]]:
    tasks = world.program("finance").get("/v1/staff/tasks")["data"]
    return {t["subject"]: t["detail"] for t in tasks if t["kind"] == "psp_row_differs"}


def test_every_row_is_matched_within_a_day(busy: World) -> None:
    busy.advance("3d")
    assert named(busy) == {}
    results = busy.sql("SELECT result, count(*) AS n FROM psp_match GROUP BY 1")
    assert [(r.result, r.n >= 6) for r in results] == [("equal", True)]
    assert busy.sql("SELECT count(*) AS n FROM psp_row WHERE type = 'transfer_refund'")[0].n == 1, (
        "a reversal is a row of its own"
    )


@pytest.mark.parametrize("fault", list(FAULTS))
@pytest.mark.parametrize("kind", ["charge", "refund", "transfer", "transfer_refund", "adjustment"])
def test_an_injected_fault_is_named(busy: World, fault: str, kind: str) -> None:
    source = busy.sql(
        "SELECT doc ->> 'source' AS source FROM sandbox.object WHERE type = "
        f"'balance_transaction' AND doc ->> 'type' = '{kind}' LIMIT 1"
    )[0].source
    busy.sql_owner(FAULTS[fault].format(kind=kind))
    forget(busy)
    busy.advance("3d")
    found = named(busy)
    assert found[source]["result"] == fault
    if fault == "changed":
        assert abs(found[source]["theirs"] - found[source]["ours"]) >= 1
    month = busy.sandbox.now()[:7]
    busy.advance("40d")
    refused = busy.program("finance").call("POST", f"/v1/periods/{month}/close", {})
    assert (refused.status, "every row of Stripe's" in refused.json()["detail"]) == (409, True)


def test_a_row_that_we_know_nothing_of(busy: World) -> None:
    busy.sql_owner(
        "INSERT INTO sandbox.object (id, account, type, created_at, doc) SELECT 'txn_extra', "
        'account, type, created_at, doc || \'{"id": "txn_extra", "source": "ch_nobody"}\''
        " FROM sandbox.object WHERE type = 'balance_transaction' AND doc ->> 'type' = 'charge' "
        "LIMIT 1"
    )
    forget(busy)
    busy.advance("3d")
    assert named(busy)["ch_nobody"]["result"] == "extra"
    busy.sql_owner("DELETE FROM sandbox.object WHERE id = 'txn_extra'")
    forget(busy)
    busy.advance("1d")
    assert named(busy) == {}, "what is explained is no task any more"


def test_two_people_close_a_month_once(world: World) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    month = world.sandbox.now()[:7]
    finance, approver = world.program("finance"), world.program("approver")
    early = finance.call("POST", f"/v1/periods/{month}/close", {})
    assert early.json()["errors"][0]["code"] == "not_over"
    assert finance.call("POST", "/v1/periods/2026-13/close", {}).status == 422
    world.advance("40d")
    assert finance.get(f"/v1/periods/{month}")["state"] == "open"
    asked = finance.post(f"/v1/periods/{month}/close")
    assert (asked["state"], all(check["ok"] for check in asked["checks"])) == ("asked", True)
    assert finance.call("POST", f"/v1/periods/{month}/close", {}).status == 403, (
        "finance cannot approve"
    )
    assert approver.call("POST", "/v1/periods/2020-01/close", {}).status == 403, (
        "an approver cannot ask"
    )
    both = at_once(
        2,
        lambda i: (
            world.program(["approver", "approver2"][i])
            .call("POST", f"/v1/periods/{month}/close", {})
            .status
        ),
    )
    assert sorted(both) == [200, 409]
    world.work()
    closed = finance.get(f"/v1/periods/{month}")
    assert closed["state"] == "closed"
    states = {
        finance.get(f"/v1/exports/{one}")["name"]: finance.get(f"/v1/exports/{one}")["state"]
        for one in closed["exports"]
    }
    assert set(states) >= {
        "transactions",
        "escrow_balances",
        "general_journal",
        "trial_balance",
        "reconciliation",
        "safety_register",
    }
    assert set(states.values()) == {"ready"}
    with pytest.raises(psycopg.errors.CheckViolation, match="never changed"):
        world.sql_owner("UPDATE period_close SET closed_by = 'somebody'")
    with psycopg.connect(world.settings.owner_url, options="-c search_path=hf") as connection:
        late = [(("psp_operating", None, None), ("platform_equity", None, None), 1)]
        connection.execute(POST, entry("float_in", late, day=f"{month}-15"))
        dates = connection.execute(
            "SELECT posted_on, effective_on FROM journal_entry WHERE description = 'x'"
        ).fetchone()
        assert dates == (
            closing.last_day_of(month) + timedelta(days=1),
            date.fromisoformat(f"{month}-15"),
        )
        connection.rollback()
    world.released_contract(milestones=[("More", 10_000)], client="grace@hopper.example")
    world.check_books()
    again = finance.post(
        "/v1/exports", {"name": "general_journal", "period": month, "as_of": closed["closed_at"]}
    )
    assert again["id"] in closed["exports"], "the frozen one, for ever"


def test_two_people_close_a_month_in_the_browser(world: World) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    month = world.sandbox.now()[:7]
    world.advance("40d")
    luca, mary = colleague(world, "finance"), colleague(world, "approver")
    path = f"/finance/months/{month}"
    assert luca.http.request("GET", "/finance/month?month=soon").status == 422
    assert "the three ways agree" in luca.get(f"/finance/month?month={month}").text
    form = next(f for f in luca.get(path).forms if "Ask" in f.text)
    assert luca.press(path, form).status == 303
    assert "Another person" in luca.get(path).text
    assert luca.press(path, form).status == 403, "finance cannot approve what it asked for"
    form = next(f for f in mary.get(path).forms if "Close it" in f.text)
    assert mary.press(path, form).status == 303
    world.work()
    assert "Closed" in luca.get(path).text
    assert any(link.endswith(".beancount") for link in luca.get(path).links)
