"""A database of the last release, with data in it, is brought to this one: the same schema, the
same books, every page.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import pytest

from service.exports import availability, generation, registry
from service.exports.definitions import ExportRequest
from service.ledger.checks import verify
from service.platform.db import make_engine, migrate, schema
from tests.console import colleague
from tests.crawling import crawl
from tests.finance.golden import look_again
from tests.releases.restoring import restored
from tests.world import World, make_settings

STOOD_AT = "2027-01-15T12:00:00+00:00"
AS_OF = datetime.fromisoformat(STOOD_AT)
SIDES = ("finance", "safety", "approver", "reviewer", "platform")

# SHA-256 (its first 16 digits) of 0.1.0's books as 0.1.0 itself wrote them out of this dump.
BOOKS = {
    ("escrow_balances", "csv", 2025): "70c34fcfcc866347",
    ("general_journal", "csv", 2025): "060573c1567de397",
    ("general_journal", "csv", 2026): "3c54e2e22daf12da",
    ("general_journal", "jsonl", 2026): "b8e41fab7af506a0",
    ("general_journal", "beancount", 2026): "ea2e2792a80b2f37",
    ("general_journal", "hledger", 2026): "2ba9efddba82c268",
    ("trial_balance", "csv", 2025): "d4940f58c0527951",
    ("trial_balance", "csv", 2026): "ebc7ee10126cfb1f",
}


@dataclass
class Strangers:
    """Nobody of the tests is known in a database that comes from elsewhere."""

    keys: dict[str, str] = field(default_factory=dict)
    ada_id: str = ""
    mary_id: str = ""


@pytest.fixture(scope="module")
def upgraded() -> Iterator[World]:
    """The dump of 0.1.0, upgraded, with people at work in it; its clock stands where the dump was
    made.
    """
    with restored("0.1.0") as name:
        owner = os.environ["TEST_OWNER_URL"].format(name)
        migrate.upgrade(owner, "sandbox")
        settings = make_settings(os.environ["TEST_APP_URL"].format(name), owner_url=owner)
        world = World(settings, like=Strangers())
        world.sql_owner(
            f"UPDATE installation SET clock_offset = timestamptz '{STOOD_AT}' - clock_timestamp()"
        )
        world.keys |= _keys(world)
        yield world
        world.close()


def _keys(world: World) -> dict[str, str]:
    return {side: world.staff_key(side, f"Somebody of {side}") for side in SIDES}


def test_its_schema_is_a_fresh_one(upgraded: World, world: World) -> None:
    prints = []
    for one in (upgraded, world):
        with make_engine(one.settings.owner_url, role=None, pooled=False).connect() as connection:
            prints.append(
                (
                    migrate.current(connection),
                    schema.fingerprint(connection),
                    migrate.unfit(connection),
                )
            )
    assert prints[0] == prints[1]


def test_its_books_are_right(upgraded: World) -> None:
    """Every check of `holdfast ledger verify`, the hash chain that 0.1.0 wrote included."""
    with upgraded.db.transaction() as session:
        checks = verify(session)
    assert [check for check in checks if not check.ok] == []
    assert sum(check.compared for check in checks) > 100, "there is something to be wrong"


@pytest.mark.parametrize(("code", "form", "of"), sorted(BOOKS))
def test_its_books_keep_their_bytes(
    upgraded: World, tmp_path: Path, code: str, form: str, of: int
) -> None:
    asked = ExportRequest(date(of, 1, 1), date(of, 12, 31), AS_OF, zone="UTC")
    with upgraded.db.transaction() as session:
        made = generation.make(session, registry.EXPORTS[code], asked, form, tmp_path, "07" * 32)
    assert hashlib.sha256(made.path.read_bytes()).hexdigest()[:16] == BOOKS[code, form, of]


@pytest.mark.parametrize("code", sorted(registry.EXPORTS))
def test_every_export_is_made_of_it(upgraded: World, tmp_path: Path, code: str) -> None:
    """In every form, and each proves itself."""
    export = registry.EXPORTS[code]
    for form in availability.formats_of(export):
        asked = ExportRequest(date(2025, 1, 1), date(2026, 12, 31), AS_OF, zone="UTC")
        with upgraded.db.transaction() as session:
            made = generation.make(session, export, asked, form, tmp_path / form, "07" * 32)
        assert made.path.stat().st_size or not made.rows


def test_every_page_of_it_opens(upgraded: World) -> None:
    staff = colleague(upgraded, "approver")
    everybody = [r.id for r in upgraded.sql("SELECT id FROM contract")]
    seen = crawl(
        staff,
        [
            "/staff",
            "/finance",
            "/finance/tax",
            "/staff/rules",
            "/transparency",
            "/staff/search?q=example",
        ],
    )
    assert len(everybody) >= 5
    assert len(seen) > 30
    assert {path: status for path, status in seen.items() if status not in (200, 303)} == {}


@pytest.mark.parametrize(
    "email", ["grace@hopper.example", "emmy@noether.example", "maria@mitchell.example"]
)
def test_a_client_of_it_comes_back(upgraded: World, email: str) -> None:
    """By the letter that 0.1.0 sent: every page that it leads to."""
    client = upgraded.client(email)
    seen = crawl(client, [look_again(client)])
    assert len(seen) > 5
    assert {path: status for path, status in seen.items() if status not in (200, 303)} == {}
