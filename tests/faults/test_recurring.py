"""Work that comes again: one thing that goes wrong stops nothing else, and not the next time
either.
"""

from __future__ import annotations

import pytest

from service.worker import recurring
from tests.journey import contract_body
from tests.world import World


def test_stripe_holds_money_that_the_books_do_not_know(world: World) -> None:
    """A balance in a currency without minor units of ours is a difference for a person; the head is
    signed all the same.
    """
    world.funded_contract(milestones=[("Work", 10_000)])
    world.runtime.stripe.top_up(12_345, "MXN", "a stranger's money")
    world.advance("2d")
    tasks = world.program("finance").get("/v1/staff/tasks")["data"]
    assert {"stripe_differs", "psp_row_unsayable"} <= {task["kind"] for task in tasks}
    assert world.sql("SELECT count(*) AS n FROM ledger_head")[0].n >= 1
    assert not world.sql("SELECT kind, last_error FROM job WHERE last_error IS NOT NULL")


def test_a_draft_that_cannot_be_deleted_keeps_no_other(world: World) -> None:
    ada = world.program()
    stuck, old = (
        ada.post("/v1/contracts", contract_body()),
        ada.post("/v1/contracts", contract_body()),
    )
    world.sql_owner(
        "CREATE FUNCTION hf.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
        "'kept'; END $$;"
        " CREATE TRIGGER keep BEFORE DELETE ON hf.contract FOR EACH ROW WHEN (OLD.title = "
        "'stuck') EXECUTE FUNCTION hf.keep();"
        " UPDATE hf.contract SET title = 'stuck' WHERE id = (SELECT id FROM hf.contract ORDER BY "
        "id LIMIT 1)"
    )
    world.advance("93d")
    assert ada.call("GET", f"/v1/contracts/{old['id']}").status == 404
    assert ada.call("GET", f"/v1/contracts/{stuck['id']}").status == 200


@pytest.mark.parametrize("kind", sorted(recurring.NEXT))
def test_what_died_comes_again(world: World, kind: str) -> None:
    """Twelve tries used up: a person is told, and the next date is planned all the same."""
    world.sql_owner(
        "CREATE FUNCTION hf.broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE "
        "EXCEPTION 'broken'; END $$;"
        " CREATE TRIGGER broken BEFORE INSERT OR UPDATE ON hf.job FOR EACH ROW"
        f" WHEN (NEW.kind = '{kind}' AND NEW.state = 'done') EXECUTE FUNCTION hf.broken();"
        f" CREATE TRIGGER broken_plan BEFORE UPDATE OF due_at ON hf.job FOR EACH ROW"
        f" WHEN (NEW.kind = '{kind}' AND NEW.state = 'waiting' AND NEW.attempts = 0 AND "
        "OLD.attempts BETWEEN 1 AND 12) EXECUTE FUNCTION hf.broken()"
    )
    for _ in range(14):
        world.advance("8h")
    states = [
        job.state for job in world.sql(f"SELECT state FROM job WHERE kind = '{kind}' ORDER BY id")
    ]
    assert states[0] == "dead"
    assert states[-1] == "waiting", "planned again"
    assert "job_dead" in {
        task["kind"] for task in world.program("finance").get("/v1/staff/tasks")["data"]
    }


def test_a_letter_that_cannot_be_made_stops_no_event_and_no_seal(world: World) -> None:
    """The first letter of a contract is refused by the database: events behind it are placed,
    entries sealed, a person told.
    """
    world.sql_owner(
        "CREATE FUNCTION hf.no_letter() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE "
        "EXCEPTION 'no letter'; END $$;"
        " CREATE TRIGGER no_letter BEFORE INSERT ON hf.message FOR EACH ROW WHEN (NEW.template = "
        "'work_submitted') EXECUTE FUNCTION hf.no_letter()"
    )
    world.released_contract(milestones=[("Work", 10_000)])
    assert world.sql("SELECT count(*) AS n FROM event WHERE position IS NULL")[0].n == 0
    assert world.sql("SELECT count(*) AS n FROM journal_entry WHERE position IS NULL")[0].n == 0
    tasks = world.program("finance").get("/v1/staff/tasks")["data"]
    assert [task["kind"] for task in tasks if task["kind"] == "event_not_announced"] == [
        "event_not_announced"
    ]
