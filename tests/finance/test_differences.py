"""A difference with Stripe that nobody can mend is explained by one person and approved by another;
then the month closes.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from service.ledger.checks import verify
from tests.console import colleague
from tests.finance.test_closing import FAULTS, forget, named
from tests.finance.test_figures import proves, report
from tests.world import World

ROWS = "/v1/differences"
WHY = "A fee that Stripe's support confirmed by letter of today"


def spoil(world: World, fault: str) -> None:
    """One row of Stripe's is gone, is other by one cent, or is of something that we know nothing
    of.
    """
    if fault == "extra":
        world.sql_owner(
            "INSERT INTO sandbox.object (id, account, type, created_at, doc)"
            ' SELECT \'txn_extra\', account, type, created_at, doc || \'{"id": "txn_extra", '
            '"source": "fee_nobody"}\''
            " FROM sandbox.object WHERE type = 'balance_transaction' AND doc ->> 'type' = "
            "'charge' LIMIT 1"
        )
    else:
        world.sql_owner(FAULTS[fault].format(kind="charge"))
    forget(world)


def differing(world: World) -> list[dict[str, Any]]:
    return world.program("finance").get(ROWS)["data"]


def ask(world: World, one: dict[str, Any], **other: Any) -> Any:
    body = {
        "source": one["source"],
        "currency": one["currency"],
        "amount": one["amount"],
        "reason": WHY,
    }
    return world.program("finance").call("POST", f"{ROWS}/explanations", body | other)


def decide(world: World, who: str, explanation: str, decision: str = "approve") -> Any:
    return world.program(who).call("POST", f"{ROWS}/explanations/{explanation}/{decision}", {})


@pytest.mark.parametrize("fault", [*FAULTS, "extra"])
def test_what_two_people_explained_closes_the_month(world: World, fault: str) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    month = world.sandbox.now()[:7]
    spoil(world, fault)
    world.advance("40d")
    (one,) = differing(world)
    assert one["result"] == fault
    assert world.program("finance").call("POST", f"/v1/periods/{month}/close", {}).status == 409
    asked = ask(world, one)
    assert (asked.status, asked.json()["outcome"]) == (201, None)
    assert ask(world, one).status == 409, "one at a time"
    assert decide(world, "finance", asked.json()["id"]).status == 403, "finance cannot approve"
    assert differing(world) == [one], "asked for is not explained"
    assert decide(world, "approver", asked.json()["id"]).status == 200
    assert decide(world, "approver2", asked.json()["id"]).status == 409, "decided"
    assert ask(world, one).status in (404, 409), (
        "not twice, not even before the entry has its place"
    )
    world.work()
    world.advance("1d")
    assert (differing(world), named(world)) == ([], {})
    with world.db.transaction() as session:
        assert all(check.ok for check in verify(session))
    (entry,) = world.sql(
        "SELECT posted_on, description FROM journal_entry WHERE kind = 'psp_difference'"
    )
    assert (entry.posted_on.isoformat(), WHY in entry.description) == (one["since"][:10], True)
    world.sql_owner("UPDATE installation SET payouts_stopped = NULL")
    for who in ("finance", "approver"):
        closed = world.program(who).call("POST", f"/v1/periods/{month}/close", {})
        assert closed.status in (200, 202), closed.json()
    year = int(world.sandbox.now()[:4])
    assert {
        row["difference"] for row in report(world, "tie_out", f"{year - 1}-01-01..{year}-12-31")
    } == {"0.00"}
    proves(world, year)


def test_an_explanation_is_of_what_was_seen(world: World) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    spoil(world, "changed")
    world.advance("3d")
    (one,) = differing(world)
    for other in (
        {"amount": one["amount"] + 1},
        {"source": "ch_other"},
        {"currency": "EUR"},
        {"amount": 0},
        {"reason": "short"},
    ):
        assert ask(world, one, **other).status in (404, 409, 422), other
    asked = ask(world, one).json()["id"]
    spoil(world, "changed")
    world.advance("1d")
    changed = decide(world, "approver", asked)
    assert (changed.status, changed.json()["amount"]) == (409, one["amount"] + 1)
    assert decide(world, "approver", asked, "refuse").status == 200
    assert (
        world.sql("SELECT count(*) AS n FROM journal_entry WHERE kind = 'psp_difference'")[0].n == 0
    )
    assert ask(world, differing(world)[0]).status == 201, "a refused one may be asked anew"


def test_a_movement_that_never_reached_stripe(world: World) -> None:
    """Money of the platform's own, written down twice, has no row at Stripe; putting it back would
    be a second difference.
    """
    world.released_contract(milestones=[("Work", 10_000)])
    asked = world.program("finance").post(
        "/v1/staff/operating-float",
        {"currency": "USD", "amount": 5_000, "direction": "in", "reference": "twice"},
    )
    world.program("approver").post(f"/v1/staff/operating-float/{asked['id']}/approve")
    world.advance("3d")
    (one,) = differing(world)
    assert (one["result"], one["source"], one["amount"]) == ("missing", asked["id"], -5_000)
    assert decide(world, "approver", ask(world, one).json()["id"]).status == 200
    world.advance("1d")
    assert differing(world) == []


def test_the_same_in_the_console(world: World) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    spoil(world, "changed")
    world.advance("3d")
    luca, other = colleague(world, "finance"), colleague(world, "approver")
    shown = luca.get("/finance/differences")
    form = next(f for f in shown.forms if "Ask for approval" in f.text)
    assert luca.press("/finance/differences", form, reason="short").status == 422
    done = luca.press(
        "/finance/differences", luca.get("/finance/differences").forms[-1], reason=WHY
    )
    assert done.status == 303, done.page.text
    assert "Another person" in luca.get("/finance/differences").text
    theirs = other.get("/finance/differences")
    form = next(f for f in theirs.forms if "Approve" in f.text)
    assert other.press(form.action, form).status == 303
    world.work()
    shown = other.get("/finance/differences")
    assert "Nothing differs" in shown.text
    assert WHY in shown.text


def test_the_database_wants_two_people_and_keeps_what_was_said(world: World) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    spoil(world, "changed")
    world.advance("3d")
    ask(world, differing(world)[0])
    same = (
        "UPDATE psp_explanation SET outcome = 'approved', decided_by = asked_by, decided_at = now()"
    )
    with pytest.raises(psycopg.errors.CheckViolation):
        world.sql_owner(same)
    for change in ("our_minor = 7", "reason = 'another'", "asked_by = 'staff:nobody'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            world.sql_owner(f"UPDATE psp_explanation SET {change}")
    world.sql_owner(
        "UPDATE psp_explanation SET outcome = 'refused', decided_by = asked_by, decided_at = now()"
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.sql_owner("UPDATE psp_explanation SET outcome = 'approved', decided_by = 'staff:x'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.sql_owner("DELETE FROM psp_explanation")
