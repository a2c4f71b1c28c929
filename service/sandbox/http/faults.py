"""Faults that a test or a person armed: the next call that fits meets one."""

from __future__ import annotations

import json

from flask import request
from sqlalchemy import text

from service.sandbox.http.idempotency import Answer
from service.sandbox.store import Store

BEFORE = ("reset_before", "429", "503", "409")
"""Faults in which nothing is done."""
_ERRORS = {
    "429": ("invalid_request_error", "rate_limit"),
    "503": ("api_error", "unavailable"),
    "409": ("idempotency_error", "idempotency_key_in_use"),
}
_NEXT = text(
    "SELECT id, kind, skip FROM sandbox.fault WHERE times > 0 AND method IN ('*', "
    ":method) AND :path LIKE path ORDER BY id LIMIT 1"
)


def take(store: Store, path: str) -> str | None:
    """The next armed fault for this call, used up by being met."""
    row = store.session.execute(_NEXT, {"method": request.method, "path": path}).one_or_none()
    if row is None:
        return None
    column = "skip" if row.skip else "times"
    store.session.execute(
        text(f"UPDATE sandbox.fault SET {column} = {column} - 1 WHERE id = :id"), {"id": row.id}
    )
    return None if row.skip else str(row.kind)


def drop_answer() -> None:
    """Whatever is answered does not arrive."""
    request.environ["holdfast.sandbox.drop"] = True


def answer_of(fault: str) -> Answer:
    """What the caller hears of a fault in which nothing is done."""
    if fault == "reset_before":
        drop_answer()
        return Answer(502, "{}")
    kind, code = _ERRORS[fault]
    error = {"type": kind, "code": code, "message": f"Fault {fault}"}
    return Answer(int(fault), json.dumps({"error": error}))
