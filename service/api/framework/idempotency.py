"""Idempotency-Key: the first answer again for the same request, a clear no for another one, 409
while the first still runs.

Scope: key holder, method, path. Stored answers are encrypted; one-time secrets are left out of
them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import Response, request

from service.core.context import Context
from service.domain.errors import KeyMissing, KeyReused, KeyRunning
from service.http import web
from service.platform.db import fetch

_SHAPE = re.compile(r"[\x21-\x7e]{16,128}")
_KEEP = (
    "INSERT INTO idempotency_record (scope, fingerprint, status, answer, created_at) VALUES "
    "(%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_KEPT_HEADERS = ("ETag", "Content-Type", "Location")


@dataclass(frozen=True)
class Held:
    """A key that this request holds until its transaction ends."""

    scope: bytes
    fingerprint: bytes


class _Record(NamedTuple):
    """A first answer, as it is kept."""

    fingerprint: bytes
    status: int
    answer: bytes


class Replayed(Exception):
    """The first answer, given again."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def hold(ctx: Context, key_id: str) -> Held:
    """Take the key for this request.

    Raises KeyMissing, KeyRunning, KeyReused, or Replayed with the first answer.
    """
    key = request.headers.get("Idempotency-Key", "").strip('"')
    if not _SHAPE.fullmatch(key):
        raise KeyMissing("Send an Idempotency-Key of 16 to 128 printable characters.")
    scope = hashlib.sha256("\n".join((key_id, request.method, request.path, key)).encode()).digest()
    fingerprint = hashlib.sha256(
        request.query_string + b"\n" + request.get_data(cache=True)
    ).digest()
    number = int.from_bytes(scope[:8], "big", signed=True)
    # Ends with the transaction, however that ends: a crash leaves nothing locked.
    alone = fetch(ctx.session, "SELECT pg_try_advisory_xact_lock(%s) AS mine", (number,))[0].mine
    # A statement of its own: its snapshot must be younger than the lock.
    records: list[_Record] = fetch(
        ctx.session,
        "SELECT fingerprint, status, answer FROM idempotency_record WHERE scope = %s",
        (scope,),
    )
    first = records[0] if records else None
    if first is None and not alone:
        raise KeyRunning("The first request with this key has not finished yet.")
    if first is None:
        return Held(scope, fingerprint)
    if not hmac.compare_digest(first.fingerprint, fingerprint):
        raise KeyReused("This key belongs to a request with another body.")
    raise Replayed(_stored(first))


def keep(ctx: Context, held: Held, response: Response, once: frozenset[str] = frozenset()) -> None:
    """Store the answer without what is shown once, in the transaction of the work it answers
    for.
    """
    body = response.get_json()
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in once}
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    answer = _box().encrypt(json.dumps({"body": body, "headers": headers}).encode())
    row = (held.scope, held.fingerprint, response.status_code, answer, ctx.now)
    fetch(ctx.session, _KEEP, row)


def _stored(record: _Record) -> Response:
    try:
        kept = json.loads(_box().decrypt(record.answer))
    except InvalidToken:
        raise KeyReused("The stored answer can no longer be read; use a fresh key.") from None
    response = Response(
        json.dumps(kept["body"], separators=(",", ":"), ensure_ascii=False) + "\n", record.status
    )
    response.headers.update(kept["headers"])
    response.headers["Idempotent-Replayed"] = "true"
    return response


_boxes: dict[tuple[str, ...], MultiFernet] = {}


def _box() -> MultiFernet:
    keys = web.runtime().settings.secret_keys
    if keys not in _boxes:
        derived = [
            base64.urlsafe_b64encode(hashlib.sha256(b"idempotency.v1:" + k.encode()).digest())
            for k in reversed(keys)
        ]
        _boxes[keys] = MultiFernet([Fernet(k) for k in derived])
    return _boxes[keys]
