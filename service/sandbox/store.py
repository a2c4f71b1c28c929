"""What the sandbox remembers: Stripe's objects as documents, a double-entry balance, timers on the
sandbox clock, settings.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Result, Row, text
from sqlalchemy.orm import Session

from service.domain.text.json_types import JsonObject
from service.platform import clock
from service.platform.db import fetch, make_engine
from service.sandbox.errors import StripeRefusal
from service.sandbox.stripe.objects import Document, Hidden, ObjectType

Setting = TypeVar("Setting")

PLATFORM = ""
CARDS, FEES, BANKS = "world:cards", "stripe:fees", "world:banks"
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LOCK = 0x73747269
_NOW_ALONE = f"SELECT {clock.NOW} AS now, pg_advisory_xact_lock(%s) FROM installation"


def install(owner_url: str) -> None:
    """Make the sandbox's tables; running it again changes nothing."""
    schema = (Path(__file__).parent / "schema.sql").read_text()
    engine = make_engine(owner_url, role=None, pooled=False)
    with engine.begin() as connection:
        connection.connection.dbapi_connection.execute(schema)  # type: ignore[union-attr]


def _sql(
    session: Session, statement: str, **parameters: object
) -> Result[object, *tuple[object, ...]]:
    return session.execute(text(statement), parameters)


def _no_such(kind: str, object_id: str) -> StripeRefusal:
    what = kind.rpartition(".")[2]
    return StripeRefusal(404, "resource_missing", f"No such {what}: '{object_id}'")


class Store:
    """The sandbox's state within one transaction.

    Writers take one lock: what Stripe does in parallel, this does in turn.
    """

    def __init__(self, session: Session, *, write: bool = True) -> None:
        self.session = session
        self.now: datetime = (
            fetch(session, _NOW_ALONE, (_LOCK,))[0].now.astimezone(UTC)
            if write
            else clock.now(session)
        )

    @property
    def timestamp(self) -> int:
        return int(self.now.timestamp())

    # Objects

    def new_id(self, prefix: str) -> str:
        """Ids look like Stripe's and are the same in every run that does the same in the same
        order.
        """
        number = _sql(self.session, "SELECT nextval('sandbox.id')").scalar_one()
        seeded = random.Random(f"{self.setting('seed', 0)}:{number}")
        return f"{prefix}_{''.join(seeded.choices(_ALPHABET, k=20))}{number:04d}"

    def put(self, doc: Document, account: str = PLATFORM, hidden: Hidden | None = None) -> Document:
        """Remember an object, or its new form. `hidden` is what Stripe knows and does not tell."""
        _sql(
            self.session,
            "INSERT INTO sandbox.object (id, type, account, created_at, doc, hidden) VALUES "
            "(:id, :type, :account, :now, CAST(:doc AS jsonb), CAST(:hidden AS jsonb))"
            " ON CONFLICT (id) DO UPDATE SET doc = excluded.doc, hidden = sandbox.object.hidden "
            "|| excluded.hidden",
            id=doc["id"],
            type=doc["object"],
            account=account,
            now=self.now,
            doc=json.dumps(doc),
            hidden=json.dumps(hidden or {}),
        )
        return doc

    def get(
        self, object_id: str, kind: ObjectType[Document], account: str | None = None
    ) -> Document:
        """An object of a kind, and of an account where one is named.

        Raises StripeRefusal 404 as Stripe words it.
        """
        row = self._row(object_id)
        if row is None or row.type != kind.name or (account is not None and row.account != account):
            raise _no_such(kind.name, object_id)
        doc: Document = row.doc
        return doc

    def document(self, object_id: str) -> JsonObject:
        """An object of whatever kind. Raises StripeRefusal 404."""
        row = self._row(object_id)
        if row is None:
            raise _no_such("object", object_id)
        doc: JsonObject = row.doc
        return doc

    def _row(self, object_id: str) -> Row[object, *tuple[object, ...]] | None:
        return _sql(
            self.session,
            "SELECT doc, type, account FROM sandbox.object WHERE id = :id",
            id=object_id,
        ).one_or_none()

    def hidden(self, object_id: str) -> Hidden:
        """What Stripe knows of an object and does not tell."""
        row = _sql(
            self.session, "SELECT hidden FROM sandbox.object WHERE id = :id", id=object_id
        ).one()
        found: Hidden = row.hidden
        return found

    def account_of(self, object_id: str) -> str:
        """The connected account whose object it is, or the platform."""
        return str(
            _sql(
                self.session, "SELECT account FROM sandbox.object WHERE id = :id", id=object_id
            ).scalar_one()
        )

    def find(
        self, kind: ObjectType[Document], account: str = PLATFORM, **fields: str
    ) -> list[Document]:
        """Objects of a kind, newest first, whose top-level fields have these values."""
        rows = _sql(
            self.session,
            "SELECT doc FROM sandbox.object WHERE type = :type AND account = :account AND doc @> "
            "CAST(:fields AS jsonb) ORDER BY number DESC LIMIT 1000",
            type=kind.name,
            account=account,
            fields=json.dumps(fields),
        )
        return [row.doc for row in rows]

    # Money

    def move(
        self, currency: str, lines: dict[str, int], available_on: datetime | None = None
    ) -> None:
        """Move money between accounts; the lines add up to zero, or this is a bug of the
        sandbox.
        """
        if sum(lines.values()):
            raise AssertionError(f"money would appear or vanish: {lines}")
        number = _sql(self.session, "SELECT nextval('sandbox.move')").scalar_one()
        for account, amount in lines.items():
            if amount:
                _sql(
                    self.session,
                    "INSERT INTO sandbox.balance_line (move, account, currency, amount, "
                    "available_on) VALUES (:move, :account, :currency, :amount, :on)",
                    move=number,
                    account=account,
                    currency=currency,
                    amount=amount,
                    on=available_on or self.now,
                )

    def balances(self, account: str) -> dict[str, tuple[int, int]]:
        """(available, pending) per currency."""
        rows = _sql(
            self.session,
            "SELECT currency, coalesce(sum(amount) FILTER (WHERE available_on <= :now), "
            "0)::bigint AS available,"
            " coalesce(sum(amount) FILTER (WHERE available_on > :now), 0)::bigint AS pending"
            " FROM sandbox.balance_line WHERE account = :account GROUP BY currency ORDER BY "
            "currency",
            now=self.now,
            account=account,
        )
        return {row.currency: (int(row.available), int(row.pending)) for row in rows}

    def total(self) -> dict[str, int]:
        """Per currency, over all accounts and the world: always zero."""
        rows = _sql(
            self.session,
            "SELECT currency, sum(amount)::bigint AS total FROM sandbox.balance_line GROUP BY "
            "currency",
        )
        return {row.currency: int(row.total) for row in rows}

    # Time

    def at(self, due_at: datetime, kind: str, subject: str) -> None:
        _sql(
            self.session,
            "INSERT INTO sandbox.timer (due_at, kind, subject) VALUES (:due, :kind, :subject)",
            due=due_at,
            kind=kind,
            subject=subject,
        )

    # Switches

    def setting(self, name: str, default: Setting) -> Setting:
        """A switch as it was set, else its default."""
        row = _sql(
            self.session, "SELECT value FROM sandbox.setting WHERE name = :name", name=name
        ).one_or_none()
        found: Setting = row.value if row else default
        return found

    def set(self, name: str, value: object) -> None:
        _sql(
            self.session,
            "INSERT INTO sandbox.setting (name, value) VALUES (:name, CAST(:value AS jsonb)) ON "
            "CONFLICT (name) DO UPDATE SET value = excluded.value",
            name=name,
            value=json.dumps(value),
        )
