"""A world with something of every kind in it, in which each refusal is watched: nothing written,
nothing of it in the log.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from typing import Any

import psycopg

from service.operations.people import people
from service.platform.db import migrate
from tests.journey import Program, Reply, WsgiHttp
from tests.releases.restoring import restored
from tests.releases.test_upgrade import STOOD_AT, Strangers
from tests.world import World, make_settings

ROLES = ("platform", "finance", "safety", "approver", "reviewer", "admin")
MAY_GROW = {"idempotency_record", "accountant_visit", "form_key"}
"""What a refusal may write: itself, for whoever asks again; that an accountant looked; that a form
with a code was used.
"""

_TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
    "'hf'::regnamespace ORDER BY 1"
)


@dataclass
class Watch:
    """What came of it all."""

    world: World
    log: io.StringIO
    connection: psycopg.Connection[Any]
    answered: dict[int, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    _tables: list[str] = field(default_factory=list)
    _seen: tuple[int, dict[str, int]] = (0, {})

    def look(self) -> None:
        """Remember how many rows there are."""
        self._seen = (self._next_transaction(), self._counts())

    def judge(self, what: str, reply: Reply) -> None:
        """No 5xx; a refusal has written nothing since the last look."""
        self.answered[reply.status] = self.answered.get(reply.status, 0) + 1
        if not all(value.isascii() for value in reply.headers.values()):
            self.wrong.append(f"{what}: a header of the answer is not ASCII")
        if reply.status >= 500:
            self.wrong.append(f"{what}: {reply.status}")
        if reply.status < 400:
            self.look()
        # No transaction has had a number since: nobody can have written.
        elif self._next_transaction() != self._seen[0]:
            before = self._seen[1]
            self.look()
            grown = {
                name: n - before[name]
                for name, n in self._seen[1].items()
                if n != before[name] and name not in MAY_GROW
            }
            if grown:
                self.wrong.append(f"{what}: {reply.status}, and yet {grown}")

    def _next_transaction(self) -> int:
        row = self.connection.execute(
            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text", prepare=True
        ).fetchone()
        assert row
        return int(row[0])

    def _counts(self) -> dict[str, int]:
        self._tables = self._tables or [row.relname for row in self.world.sql(_TABLES)]
        counts = ", ".join(
            f'(SELECT count(*) FROM hf."{name}") AS "{name}"' for name in self._tables
        )
        return dict(self.world.sql(f"SELECT {counts}")[0]._mapping)


@contextmanager
def everything(log_level: str = "DEBUG") -> Iterator[Watch]:
    """The world of 0.1.0 brought to this release, nobody limited, and all that it logs."""
    log = io.StringIO()
    with restored("0.1.0") as name, redirect_stderr(log):
        owner = os.environ["TEST_OWNER_URL"].format(name)
        migrate.upgrade(owner, "sandbox")
        settings = make_settings(
            os.environ["TEST_APP_URL"].format(name),
            owner_url=owner,
            log_level=log_level,
            calls_per_minute=0,
        )
        world = World(settings, like=Strangers())
        world.sql_owner(
            f"UPDATE installation SET clock_offset = timestamptz '{STOOD_AT}' - clock_timestamp()"
        )
        world.keys |= {role: world.staff_key(role, f"Somebody of {role}") for role in ROLES}
        with psycopg.connect(owner, autocommit=True) as connection:
            yield Watch(world, log, connection)
        world.close()


def key_of(world: World, freelancer_id: str) -> Program:
    """A program with a key of this freelancer."""
    with world.runtime.context("test") as ctx:
        return Program(
            WsgiHttp(world.app), people.issue_key(ctx, "freelancer", "sandbox", freelancer_id)[1]
        )
