"""Months, zones and knowledge dates: a posting and its close never cross, a file is a function of
what was asked, for ever.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core import repository
from service.domain.identity import actors, typeid
from service.exports import generation, registry
from service.exports.definitions import ExportRequest
from service.ledger import entries, post
from service.models import new_id
from service.operations.contracts import milestones
from tests.databases import clone
from tests.finance.golden import look_again
from tests.world import World

BOOKS = (
    "transactions",
    "earnings",
    "client_statement",
    "escrow_balances",
    "general_journal",
    "trial_balance",
    "reconciliation",
    "payouts",
    "safety_register",
)
ZONES = ("UTC", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland")


def digest(world: World, code: str, first: date, last: date, as_of: datetime) -> str:
    """The bytes of an export, as a hash."""
    asked = ExportRequest(first, last, as_of, zone=world.settings.book_zone)
    with tempfile.TemporaryDirectory() as folder, world.db.transaction() as session:
        made = generation.make(session, registry.find(code), asked, "csv", Path(folder), "07" * 32)
        return hashlib.sha256(made.path.read_bytes()).hexdigest()


def books_of(world: World, as_of: datetime) -> dict[str, str]:
    year = as_of.year
    return {
        code: digest(world, code, date(year - 1, 1, 1), date(year, 12, 31), as_of) for code in BOOKS
    }


def now_of(world: World) -> datetime:
    return datetime.fromisoformat(world.sandbox.now())


def month_of(world: World) -> tuple[str, date]:
    """The present month by the books, and its last day."""
    today = now_of(world).astimezone(ZoneInfo(world.settings.book_zone)).date()
    return f"{today:%Y-%m}", (today.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(
        days=1
    )


def last_moment(world: World, last_day: date, hour: int, minute: int = 0) -> datetime:
    """An instant of the last day, on the clock on the wall where the books are kept."""
    return datetime(
        last_day.year,
        last_day.month,
        last_day.day,
        hour,
        minute,
        tzinfo=ZoneInfo(world.settings.book_zone),
    )


def go_to(world: World, instant: datetime) -> None:
    world.sandbox.post("clock", {"to": instant.astimezone(UTC).isoformat()})


def jump_to(world: World, instant: datetime) -> None:
    """The worker is down meanwhile: nothing that becomes due is done."""
    world.sql_owner(
        f"UPDATE installation SET clock_offset = timestamptz '{instant.isoformat()}' - "
        "clock_timestamp()"
    )


def close_month(world: World, month: str) -> None:
    world.program("finance").post(f"/v1/periods/{month}/close")
    world.program("approver").post(f"/v1/periods/{month}/close")
    world.work()


@contextmanager
def a_release_under_way(
    world: World, contract: dict[str, Any], instant: datetime
) -> Iterator[threading.Event]:
    """A release that happened at `instant` and is being posted: everything is written, nothing
    committed until the event is set.
    """
    written, go_on, trouble = threading.Event(), threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            with world.runtime.context("test") as ctx:
                late = ctx.at(instant)
                parent, milestone = repository.milestone(
                    late.session, contract["milestones"][0]["id"], owner=repository.EVERYONE
                )
                milestones.approve(
                    late.as_(actors.client(parent.client_id)),
                    parent,
                    milestone,
                    milestone.funded_minor,
                )
                ctx.session.flush()
                written.set()
                go_on.wait(30)
        except BaseException as error:  # noqa: BLE001  the thread's trouble is the test's
            trouble.append(error)
            written.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert written.wait(30)
    assert not trouble, trouble
    try:
        yield go_on
    finally:
        go_on.set()
        thread.join(30)
        assert not trouble, trouble


def closing_now(world: World, month: str) -> tuple[threading.Thread, list[int]]:
    """The second person presses the button, in a thread of their own."""
    statuses: list[int] = []

    def run() -> None:
        statuses.append(
            world.program("approver").call("POST", f"/v1/periods/{month}/close", {}).status
        )

    thread = threading.Thread(target=run)
    thread.start()
    return thread, statuses


def before_the_close(world: World) -> tuple[str, date, dict[str, Any]]:
    """A month that is over and asked to be closed, and money of it that can still be released."""
    contract, _ = world.funded_contract(milestones=[("Work", 10_000)])
    month, last_day = month_of(world)
    go_to(world, last_moment(world, last_day, 12) + timedelta(days=3))
    world.program("finance").post(f"/v1/periods/{month}/close")
    return month, last_day, contract


def released_on(world: World) -> Any:
    return world.sql(
        "SELECT posted_on, effective_on, occurred_at, recorded_at FROM journal_entry WHERE kind "
        "= 'release'"
    )[0]


def test_a_close_waits_for_what_is_being_posted(world: World) -> None:
    """Due at 23:30 on the last day, posted while two people close: it is in the month, and in its
    frozen files.
    """
    month, last_day, contract = before_the_close(world)
    with a_release_under_way(world, contract, last_moment(world, last_day, 23, 30)) as go_on:
        thread, statuses = closing_now(world, month)
        thread.join(1)
        assert thread.is_alive(), "it waits for the posting"
        go_on.set()
    thread.join(30)
    assert statuses == [409], (
        "it saw the release, whose invoice is of that month and is still to be numbered"
    )
    world.work()
    assert world.program("approver").call("POST", f"/v1/periods/{month}/close", {}).status == 200
    world.work()
    assert (released_on(world).posted_on, released_on(world).effective_on) == (last_day, last_day)
    closed = world.program("finance").get(f"/v1/periods/{month}")
    frozen = datetime.fromisoformat(closed["closed_at"])
    held = {code: digest(world, code, last_day.replace(day=1), last_day, frozen) for code in BOOKS}
    kept = [world.program("finance").get(f"/v1/exports/{one}") for one in closed["exports"]]
    shown = {
        e["name"]: e["manifest"]["files"][0]["sha256"]
        for e in kept
        if e["format"] == "csv" and e["name"] in BOOKS
    }
    assert held == shown, "made again with the same knowledge: the same bytes"


def test_control_without_the_lock_they_cross(world: World) -> None:
    """The naive form: the day is checked and nothing is held.

    The entry lands in a month that is closed.
    """
    world.sql_owner(
        "CREATE OR REPLACE FUNCTION ledger_open_day(p_day date) RETURNS date LANGUAGE sql AS "
        "'SELECT p_day'"
    )
    month, last_day, contract = before_the_close(world)
    with a_release_under_way(world, contract, last_moment(world, last_day, 23, 30)):
        thread, statuses = closing_now(world, month)
        thread.join(30)
        assert statuses == [200]
    assert released_on(world).posted_on == last_day, "after its books were frozen"


def test_a_posting_waits_for_the_close_and_goes_to_the_next_open_day(world: World) -> None:
    """The month is being closed: what happened in it and comes later stands on the first open day,
    and says so.
    """
    month, last_day, contract = before_the_close(world)
    due = last_moment(world, last_day, 23, 30)
    with world.runtime.context("test") as ctx:
        ctx.session.connection().exec_driver_sql(
            "SELECT pg_advisory_xact_lock(7002, %s)", (last_day.year * 100 + last_day.month,)
        )
        waiting = threading.Thread(target=_release_at, args=(world, contract, due))
        waiting.start()
        waiting.join(1)
        assert waiting.is_alive()
        ctx.session.connection().exec_driver_sql(
            "UPDATE period_close SET closed_by = 'staff:another', closed_at = now() WHERE month "
            "= %s",
            (month,),
        )
    waiting.join(30)
    found = released_on(world)
    assert (found.posted_on, found.effective_on, found.occurred_at) == (
        last_day + timedelta(days=1),
        last_day,
        due,
    )
    assert found.recorded_at > due + timedelta(days=2)
    world.check_books()


def _release_at(world: World, contract: dict[str, Any], instant: datetime) -> None:
    with a_release_under_way(world, contract, instant) as go_on:
        go_on.set()


@pytest.mark.parametrize("zone", ZONES)
def test_a_month_ends_where_the_books_are_kept(zone: str) -> None:
    """Not over at 18:00 of its last day there; over at half past midnight; and what comes
    afterwards is posted.
    """
    with clone(book_zone=zone) as world:
        contract, client = world.submitted_contract(milestones=[("Work", 10_000), ("More", 5_000)])
        month, last_day = month_of(world)
        go_to(world, last_moment(world, last_day, 18))
        early = world.program("finance").call("POST", f"/v1/periods/{month}/close", {})
        assert early.json()["errors"][0]["code"] == "not_over"
        go_to(world, last_moment(world, last_day, 20))
        world.program().post(
            f"/v1/milestones/{contract['milestones'][1]['id']}/refunds", {"amount": 1_000}
        )
        world.work()
        go_to(world, last_moment(world, last_day, 23, 59) + timedelta(days=2))
        assert [
            r
            for r in world.program("finance").get(f"/v1/reports/reconciliation?period={month}")[
                "data"
            ]
            if r["difference_bank_book"] != "0.00"
        ] == []
        close_month(world, month)
        assert world.program("finance").get(f"/v1/periods/{month}")["state"] == "closed"
        look_again(client)
        assert client.approve(contract["milestones"][0]["id"]).status == 303
        world.work()
        days = world.sql("SELECT DISTINCT posted_on FROM journal_entry WHERE kind = 'release'")
        assert [d.posted_on > last_day for d in days] == [True]
        world.check_books()


def test_what_a_worker_does_late_says_when_it_ran(world: World) -> None:
    """Down over midnight: the books of that instant are the same before and after it is back."""
    contract, _ = world.submitted_contract(milestones=[("Work", 10_000)])
    due = datetime.fromisoformat(contract["milestones"][0]["auto_release_at"])
    go_to(world, due - timedelta(hours=12))
    jump_to(world, due + timedelta(hours=20))
    known = due + timedelta(hours=19)
    before = books_of(world, known)
    world.work()
    found = released_on(world)
    assert (found.occurred_at, found.posted_on) == (due, due.date())
    assert found.recorded_at >= due + timedelta(hours=20), "when it ran, and not when it was due"
    assert books_of(world, known) == before
    later = datetime.fromisoformat(world.sandbox.now())
    assert books_of(world, later)["trial_balance"] != before["trial_balance"], "known by now"


def test_a_month_is_not_closed_over_what_is_still_to_be_done(world: World) -> None:
    contract, _ = world.submitted_contract(milestones=[("Work", 10_000)])
    due = datetime.fromisoformat(contract["milestones"][0]["auto_release_at"])
    month = f"{due:%Y-%m}"
    go_to(world, due - timedelta(hours=12))
    jump_to(world, due + timedelta(days=35))
    refused = world.program("finance").call("POST", f"/v1/periods/{month}/close", {})
    assert (refused.status, "everything that was due in the month" in refused.json()["detail"]) == (
        409,
        True,
    )
    world.work()
    world.program("finance").post(f"/v1/periods/{month}/close")


def test_a_file_does_not_turn_while_older_work_is_open(world: World) -> None:
    """Asked for while a release is being posted, and again when it is there: the same bytes for the
    same instant.
    """
    contract, _ = world.funded_contract(milestones=[("Work", 10_000)])
    begun = now_of(world)
    with a_release_under_way(world, contract, begun) as go_on:
        known = now_of(world)
        before = books_of(world, known)
        go_on.set()
    world.work()
    naive = world.sql(
        "SELECT count(*) AS n FROM journal_entry WHERE kind = 'release' AND recorded_at <= :known",
        known=known,
    )[0].n
    assert naive == 1, (
        "the control: by recorded_at alone the release would be there now and was not there then"
    )
    assert books_of(world, known) == before
    assert books_of(world, now_of(world))["general_journal"] != before["general_journal"]


@pytest.fixture(scope="module")
def ground() -> Iterator[World]:
    with clone() as world:
        yield world


MIDNIGHTS = st.builds(
    lambda zone, day, seconds: (
        zone,
        datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) + timedelta(seconds=seconds),
    ),
    st.sampled_from(
        [*ZONES, "America/St_Johns", "Asia/Kathmandu", "Pacific/Chatham", "Europe/Lisbon"]
    ),
    st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    st.integers(-7_200, 7_200),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(at=MIDNIGHTS, late_by=st.integers(0, 90), closed_after=st.sampled_from([None, 0, 1, 2]))
def test_every_entry_has_four_right_dates(
    ground: World, at: tuple[str, datetime], late_by: int, closed_after: int | None
) -> None:
    """Any zone, any instant around midnight, known late, with its month and later ones open or
    closed.
    """
    zone, happened = at
    ran = happened.astimezone(UTC) + timedelta(days=late_by)
    day = happened.astimezone(ZoneInfo(zone)).date()
    last_closed = _end_of_month(day, closed_after) if closed_after is not None else None
    with ground.runtime.context("test") as ctx:
        book = replace(
            ctx,
            policies=replace(ctx.policies, book_zone=ZoneInfo(zone)),
            now=happened.astimezone(UTC),
            recorded_at=ran,
        )
        ctx.session.connection().exec_driver_sql("SAVEPOINT here")
        if last_closed:
            ctx.session.connection().exec_driver_sql(
                "INSERT INTO period_close (month, last_day, asked_by, asked_at, closed_by, "
                "closed_at, checks, export_ids)"
                " VALUES (%s, %s, 'staff:one', now(), 'staff:two', now(), '[]', '[]')",
                (f"{last_closed:%Y-%m}", last_closed),
            )
        made = post(book, entries.float_movement(new_id("flt"), 1, "USD", out=False, reference="x"))
        found = (
            ctx.session.connection()
            .exec_driver_sql(
                "SELECT occurred_at, recorded_at, posted_on, effective_on FROM journal_entry "
                "WHERE id = %s",
                (typeid.decode(made),),
            )
            .one()
        )
        ctx.session.connection().exec_driver_sql("ROLLBACK TO SAVEPOINT here")
    assert (found.occurred_at, found.recorded_at, found.effective_on) == (happened, ran, day)
    assert found.posted_on == (last_closed + timedelta(days=1) if last_closed else day)


def _end_of_month(day: date, more: int) -> date:
    for _ in range(more + 1):
        last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        day = last + timedelta(days=1)
    return last
