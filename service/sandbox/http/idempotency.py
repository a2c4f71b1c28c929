"""Stripe's idempotency keys: the same key replays (a stored 500 too), other parameters are refused,
validation failures are not kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from service.sandbox.errors import StripeRefusal
from service.sandbox.store import Store

_KEPT_FOR = timedelta(hours=24)
_FIND = text(
    "SELECT fingerprint, status, body FROM sandbox.idempotency WHERE account = :account "
    "AND key = :key AND created_at > :since"
)
_KEEP = text(
    "INSERT INTO sandbox.idempotency VALUES (:account, :key, :fingerprint, :status, :body, :now)"
    " ON CONFLICT (account, key) DO UPDATE SET fingerprint = excluded.fingerprint, "
    "status = excluded.status, body = excluded.body, created_at = excluded.created_at"
)


@dataclass(frozen=True)
class Answer:
    """Status and JSON text. `replayed`: it was given before."""

    status: int
    body: str
    replayed: bool = False


@dataclass(frozen=True)
class Key:
    """A caller's key, and what it was used with."""

    account: str
    key: str
    fingerprint: str


def kept(store: Store, key: Key) -> Answer | None:
    """The answer that a key had within a day.

    Raises StripeRefusal when it was used with other parameters.
    """
    row = store.session.execute(
        _FIND, {"account": key.account, "key": key.key, "since": store.now - _KEPT_FOR}
    ).one_or_none()
    if row is None:
        return None
    if row.fingerprint != key.fingerprint:
        raise StripeRefusal(
            400,
            "idempotency_key_reused",
            "Keys for idempotent requests can only be used with the same parameters they were "
            "first used with.",
            "idempotency_error",
        )
    return Answer(row.status, row.body, replayed=True)


def keep(store: Store, key: Key, answer: Answer) -> None:
    """Remember the answer to a key, for a day."""
    store.session.execute(
        _KEEP,
        {
            "account": key.account,
            "key": key.key,
            "fingerprint": key.fingerprint,
            "status": answer.status,
            "body": answer.body,
            "now": store.now,
        },
    )
