"""Whoever looks at the books goes on from the last check that found them right; from the first
entry on demand.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from service.cli import cli
from service.ledger import checks, fresh_checks, trial_balance
from tests.console import colleague
from tests.world import World

ONE = [("Work", 10_000)]


def kept(world: World) -> list[Any]:
    return world.sql("SELECT * FROM ledger_check ORDER BY id")


def verified(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.program("finance").get("/v1/ledger/verify")
    return found


def wrong(world: World) -> list[str]:
    return [check["name"] for check in verified(world)["checks"] if not check["ok"]]


def checked_by_night(world: World) -> World:
    world.released_contract(milestones=ONE)
    world.advance("2d")
    return world


def test_the_night_keeps_what_it_found(world: World) -> None:
    before = verified(world)
    assert (before["checked_at"], before["ok"]) == (None, True), (
        "nothing was checked yet: from the first entry"
    )
    checked_by_night(world)
    newest = kept(world)[-1]
    found = verified(world)
    assert (newest.ok, newest.whole, found["checked_at"]) == (
        True,
        False,
        newest.checked_at.isoformat(),
    )
    assert (
        found["proved_to"]
        == found["head"]
        == world.sql("SELECT max(position) AS p FROM ledger_seal")[0].p
    )
    page = colleague(world, "finance").get("/finance").text
    assert "and what was posted since" in page
    assert f"up to entry {found['head']}" in page


def test_what_is_added_up_from_there_is_what_the_postings_say(world: World) -> None:
    """After each step of two contracts, with a night in between: the totals and the checks are
    those of a whole check.
    """
    steps = (
        lambda: world.funded_contract(milestones=ONE),
        lambda: world.advance("2d"),
        lambda: world.released_contract(
            milestones=[("More", 30_000)], client="grace@hopper.example"
        ),
        lambda: world.advance("7d"),
        lambda: world.submitted_contract(
            milestones=[("Last", 5_000)], client="emmy@noether.example"
        ),
    )
    for step in steps:
        step()
        with world.db.transaction() as session:
            whole = {
                (x.currency, x.kind): (x.debits_minor, x.credits_minor)
                for x in trial_balance(session)
            }
            assert {
                (x.currency, x.kind): (x.debits_minor, x.credits_minor)
                for x in checks.present_totals(session)
            } == whole
            books = fresh_checks.look(session)
            assert {
                (x.currency, x.kind): (x.debits_minor, x.credits_minor) for x in books.lines
            } == whole
            assert books.ok
            assert [check.name for check in books.checks] == [
                check.name for check in checks.verify(session)
            ]
    assert len(kept(world)) > 5


def test_it_goes_on_from_the_last_head_and_not_from_the_first_entry(world: World) -> None:
    checked_by_night(world)
    world.funded_contract(milestones=[("More", 20_000)], client="grace@hopper.example")
    with world.db.transaction() as session:
        books = fresh_checks.look(session)
    new = world.sql(
        "SELECT count(*) AS n FROM journal_entry WHERE position > :at", at=kept(world)[-1].position
    )[0].n
    assert (books.proved.compared, books.proved.position) == (new, books.head)
    assert 0 < new < books.head
    lines = next(check for check in books.checks if check.name == "every entry has lines")
    assert lines.compared == new


def test_a_glance_proves_no_more_than_it_may(world: World) -> None:
    world.released_contract(milestones=ONE)
    with world.db.transaction() as session:
        books = fresh_checks.look(session, 2)
    assert (books.proved.position, books.proved.compared, books.ok) == (2, 2, True)
    assert books.head > 2
    with world.db.transaction() as session:
        assert fresh_checks.look(session, None).proved.position == books.head


ESCROW = (
    "(SELECT b.account_id FROM hf.ledger_balance b JOIN hf.ledger_account a ON a.id = "
    "b.account_id WHERE a.kind = 'pending' LIMIT 1)"
)
TAMPERED = {
    "counters equal the sums of postings": "ALTER TABLE hf.ledger_balance DISABLE TRIGGER USER; "
    "UPDATE hf.ledger_balance SET credits = credits + 1 "
    f"WHERE account_id = {ESCROW}",
    "milestones equal their escrow accounts": "UPDATE hf.milestone SET released_minor = "
    "released_minor - 1 WHERE released_minor > 0",
    "the chain of seals is whole": "ALTER TABLE hf.journal_entry DISABLE TRIGGER USER; UPDATE "
    "hf.journal_entry SET description = 'x' WHERE kind = 'release'",
}
REPAIRED = {
    "counters equal the sums of postings": "UPDATE hf.ledger_balance SET credits = credits - 1 "
    f"WHERE account_id = {ESCROW}",
    "milestones equal their escrow accounts": "UPDATE hf.milestone SET released_minor = "
    "released_minor + 1 WHERE released_minor > 0",
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_changed_since_the_last_check_is_seen_at_a_glance(world: World, name: str) -> None:
    world.advance("2d")
    world.released_contract(milestones=ONE)
    world.sql_owner(TAMPERED[name])
    assert wrong(world) == [name]


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_changed_before_it_is_seen_by_the_whole_check(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And then by everybody, night after night, until a whole check finds it right."""
    checked_by_night(world)
    world.sql_owner(TAMPERED[name])
    assert wrong(world) == [], "a glance goes on from the last check"
    command(world, monkeypatch, exit_code=1)
    assert wrong(world) == [name]
    world.advance("1d")
    assert wrong(world) == [name], "the night does not forget it"
    assert world.sql("SELECT payouts_stopped FROM installation")[0].payouts_stopped == name
    if name in REPAIRED:
        world.sql_owner(REPAIRED[name])
        command(world, monkeypatch, exit_code=0)
        assert wrong(world) == []


def command(world: World, monkeypatch: pytest.MonkeyPatch, exit_code: int) -> None:
    for name, value in {
        "MODE": "sandbox",
        "DATABASE_URL": world.settings.database_url,
        "SECRET_KEYS": world.settings.secret_keys[0],
        "SIGNING_KEY": world.settings.signing_key,
        "STRIPE_WEBHOOK_SECRETS": world.settings.stripe_webhook_secrets[0],
        "MAIL_EVENTS_SECRET": "mail-secret",
    }.items():
        monkeypatch.setenv(f"HOLDFAST_{name}", value)
    done = CliRunner().invoke(cli, ["ledger", "verify", "--no-stripe"])
    assert done.exit_code == exit_code, done.output
    assert kept(world)[-1].whole


def test_a_chain_that_was_written_anew_does_not_hold_the_head_that_was_proved(world: World) -> None:
    checked_by_night(world)
    world.sql_owner(
        "ALTER TABLE hf.ledger_seal DISABLE TRIGGER USER; UPDATE hf.ledger_seal SET hash = "
        "sha256(hash)"
    )
    assert wrong(world) == ["the chain of seals is whole"]


def test_an_entry_without_a_seal_is_found(world: World) -> None:
    checked_by_night(world)
    world.sql_owner(
        "ALTER TABLE hf.ledger_seal DISABLE TRIGGER USER; DELETE FROM hf.ledger_seal WHERE "
        "position = (SELECT max(position) FROM hf.ledger_seal)"
    )
    assert "the chain of seals is whole" in wrong(world)


@pytest.mark.parametrize(
    "statement", ["UPDATE hf.ledger_check SET ok = true", "DELETE FROM hf.ledger_check"]
)
def test_what_a_check_found_is_never_changed(world: World, statement: str) -> None:
    checked_by_night(world)
    with pytest.raises(psycopg.Error, match="forbidden"):
        world.sql_owner(statement)
