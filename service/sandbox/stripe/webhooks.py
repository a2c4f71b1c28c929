"""Stripe's events and their delivery: signed, retried, and on demand late, twice, in the wrong
order or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from sqlalchemy import text
from sqlalchemy.orm import Session

from service.platform import clock
from service.platform.db import Database
from service.sandbox.store import PLATFORM, Store
from service.sandbox.stripe.contract import RESOURCES, check_object

API_VERSION = "2026-10-28.endive"
RETRIES = [timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30)] + [
    timedelta(hours=h) for h in (2, 5, 10, 14, 20, 24)
]
_LEASE_SECONDS = 25


class Chaos(TypedDict):
    """Switches: copies more per event, how many of the next events to lose, how late, newest first,
    how many to sign wrongly.
    """

    duplicate: int
    drop: int
    delay_seconds: int
    reorder: bool
    wrong_secret: int


CHAOS: Chaos = {
    "duplicate": 0,
    "drop": 0,
    "delay_seconds": 0,
    "reorder": False,
    "wrong_secret": 0,
}

Send = Callable[[bytes, str], int]


def chaos_of(store: Store) -> Chaos:
    """The switches as they stand."""
    return CHAOS | store.setting("chaos", CHAOS)


def emit(store: Store, kind: str, subject: Mapping[str, object], account: str = PLATFORM) -> None:
    """Something happened to an object: an event with its snapshot, on its way to the service."""
    event: dict[str, object] = {
        "id": store.new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": store.timestamp,
        "data": {"object": json.loads(json.dumps(subject))},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    if account:
        event["account"] = account
    check_object(subject, RESOURCES[str(subject["object"])])
    check_object(event, RESOURCES["event"])
    _queue(store, event)


def emit_thin(store: Store, kind: str, account_id: str) -> None:
    """Accounts v2 tells only which object has changed."""
    event: dict[str, object] = {
        "id": store.new_id("evt"),
        "object": "v2.core.event",
        "type": kind,
        "livemode": False,
        "created": store.now.astimezone(UTC).isoformat(),
        "related_object": {
            "id": account_id,
            "type": "v2.core.account",
            "url": f"/v2/core/accounts/{account_id}",
        },
    }
    _queue(store, event)


def _queue(store: Store, event: Mapping[str, object]) -> None:
    store.put(event)
    chaos = chaos_of(store)
    if chaos["drop"]:
        store.set("chaos", chaos | {"drop": chaos["drop"] - 1})
        return
    due_at = store.now + timedelta(seconds=chaos["delay_seconds"])
    for _ in range(1 + min(chaos["duplicate"], 10)):
        statement = "INSERT INTO sandbox.delivery (event_id, due_at) VALUES (:event, :due)"
        store.session.execute(text(statement), {"event": event["id"], "due": due_at})


@dataclass(frozen=True)
class _Claimed:
    id: int
    event_id: str
    attempts: int


def deliver_next(
    db: Database, send: Send, sign: Callable[[bytes, str, int], str], secrets: tuple[str, ...]
) -> bool:
    """Send one due webhook.

    Returns False when none is due. `send(body, signature)` answers with the HTTP status.
    """
    with db.transaction() as session:
        store = Store(session, write=False)
        now = store.now
        claimed = _claim(store)
        if claimed is None:
            return False
        event = store.document(claimed.event_id)
        chaos = chaos_of(store)
        wrong = chaos["wrong_secret"] > 0
        if wrong:
            store.set("chaos", chaos | {"wrong_secret": chaos["wrong_secret"] - 1})
    body = json.dumps(event, separators=(",", ":")).encode()
    secret = "whsec_wrong" if wrong else secrets[-1]
    # The receiver checks the signature's age against real time, whatever the sandbox clock says.
    answer = send(body, sign(body, secret, int(clock.wall().timestamp())))
    with db.transaction() as session:
        _settle(session, claimed, now, answer)
    return True


def _claim(store: Store) -> _Claimed | None:
    order = "id DESC" if chaos_of(store)["reorder"] else "due_at, id"
    row = store.session.execute(
        text(
            "UPDATE sandbox.delivery SET attempts = attempts + 1, leased_until = "
            "clock_timestamp() + make_interval(secs => :lease)"
            " WHERE id = (SELECT id FROM sandbox.delivery WHERE state = 'waiting' AND due_at <= "
            ":now"
            f" AND (leased_until IS NULL OR leased_until < clock_timestamp()) ORDER BY {order} "
            "LIMIT 1 FOR UPDATE SKIP LOCKED)"
            " RETURNING id, event_id, attempts"
        ),
        {"now": store.now, "lease": _LEASE_SECONDS},
    ).one_or_none()
    return _Claimed(*row) if row else None


def _settle(session: Session, claimed: _Claimed, now: datetime, answer: int) -> None:
    taken, last = 200 <= answer < 300, claimed.attempts > len(RETRIES)
    state = "done" if taken else "given_up" if last else "waiting"
    due_at = now if taken or last else now + RETRIES[claimed.attempts - 1]
    session.execute(
        text(
            "UPDATE sandbox.delivery SET state = :state, due_at = :due, last_answer = :answer, "
            "leased_until = NULL WHERE id = :id"
        ),
        {"state": state, "due": due_at, "answer": str(answer), "id": claimed.id},
    )
