"""What the JSON API and the pages share: the runtime of this application, the request's id and
address, errors as ours, downloads.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

from flask import Response, current_app, g, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from service.core.context import Context
from service.core.runtime import Runtime
from service.domain.errors import (
    BadRequest,
    HoldfastError,
    LengthRequired,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    WrongMediaType,
)
from service.domain.identity.actors import SYSTEM, Actor
from service.gateways import GatewayError, GatewayRefused
from service.http import incoming

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")

_BY_STATUS: dict[int, type[HoldfastError]] = {
    400: BadRequest,
    404: NotFound,
    405: MethodNotAllowed,
    411: LengthRequired,
    413: TooLarge,
    415: WrongMediaType,
    429: TooManyRequests,
}


def runtime() -> Runtime:
    found: Runtime = current_app.extensions["holdfast"]
    return found


@contextmanager
def context(actor: Actor = SYSTEM) -> Iterator[Context]:
    """The context of an action of this request in a transaction of its own: the visible `with`
    block of a view.
    """
    with runtime().context(request_id(), actor) as begun:
        yield begun


def request_id() -> str:
    """The caller's `Request-Id` when it is usable, else a fresh one; the same during one
    request.
    """
    if not hasattr(g, "request_id"):
        given = request.headers.get("Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"
    return str(g.request_id)


def address() -> str:
    return incoming.caller_address()


def as_ours(error: Exception) -> HoldfastError:
    """Any exception as one of our tree: expected ones keep their code, a bug becomes a plain 500
    that tells nothing.
    """
    if isinstance(error, HoldfastError):
        return error
    if isinstance(error, GatewayRefused):
        return Unavailable("The payment provider refused; nothing was done.", {"retry_after": 30})
    if isinstance(error, GatewayError):
        return Unavailable(
            "The payment provider did not answer; nothing was lost.", {"retry_after": 5}
        )
    if isinstance(error, HTTPException):
        cls = _BY_STATUS.get(error.code or 500)
        if cls is not None:
            return cls(cls.title + ".")
        if error.code and error.code < 500:
            return BadRequest("The request could not be read.")
    return HoldfastError("Something went wrong on our side.")


def waits(error: HoldfastError) -> dict[str, str]:
    """The header that says when to come again, for programs and people alike; none where it would
    not help.
    """
    wait = error.extra.get("retry_after", 1 if error.status == 503 else None)
    return {} if wait is None else {"Retry-After": str(wait)}


def bearer() -> str:
    """The key of the Authorization header. Raises Unauthenticated."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated("An API key is needed.")
    return key.strip()


def streamed(name: str, count: int, read: Callable[[Session, int], bytes]) -> Response:
    """A download of `count` pieces, each read in a transaction of its own while it is sent: a large
    file is never whole in memory.
    """
    db = runtime().db

    def pieces() -> Iterator[bytes]:
        for number in range(count):
            with db.transaction() as session:
                yield read(session, number)

    return attachment(name, "application/octet-stream", pieces())


def attachment(name: str, media_type: str, content: bytes | Iterator[bytes]) -> Response:
    """Always a download, never a page: `nosniff` and an empty sandbox besides."""
    made = Response(content, mimetype=media_type)
    made.headers.set("Content-Disposition", "attachment", **_names(name))
    made.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return made


_UNQUOTED = "!#$&+-.^_`|~"
"""RFC 5987, `attr-char`, beside letters and digits."""


def _names(name: str) -> dict[str, str]:
    """A file's name for RFC 6266: as it is in ASCII; otherwise as UTF-8, and near it for whoever
    does not read that.
    """
    if name.isascii():
        return {"filename": name}
    near = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().strip()
    whole = near if near.partition(".")[0].strip() else f"file{near}"
    return {"filename": whole, "filename*": f"UTF-8''{quote(name, safe=_UNQUOTED)}"}
