"""What the JSON API and the pages share: the runtime of this application, the request's id and address, safe headers."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask, Response, current_app, g, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from service.act import Act
from service.domain.actors import SYSTEM, Actor
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
from service.gateways import GatewayError, GatewayRefused
from service.runtime import Runtime
from service.throttle import Throttle

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")
MAX_BODY = 256 * 1024
MAX_UPLOAD = 21 * 1024 * 1024

_BY_STATUS: dict[int, type[HoldfastError]] = {
    400: BadRequest, 404: NotFound, 405: MethodNotAllowed, 411: LengthRequired, 413: TooLarge, 415: WrongMediaType, 429: TooManyRequests,
}  # fmt: skip


def runtime() -> Runtime:
    found: Runtime = current_app.extensions["holdfast"]
    return found


@contextmanager
def act(actor: Actor = SYSTEM) -> Iterator[Act]:
    """An act of this request in a transaction of its own: the visible `with` block of a view."""
    with runtime().act(request_id(), actor) as begun:
        yield begun


def request_id() -> str:
    """The caller's `Request-Id` when it is usable, else a fresh one; the same during one request."""
    if not hasattr(g, "request_id"):
        given = request.headers.get("Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"
    return str(g.request_id)


def address() -> str:
    return request.remote_addr or "unknown"


def as_ours(error: Exception) -> HoldfastError:
    """Any exception as one of our tree: expected ones keep their code, a bug becomes a plain 500 that tells nothing."""
    if isinstance(error, HoldfastError):
        return error
    if isinstance(error, GatewayRefused):
        return Unavailable("The payment provider refused; nothing was done.", {"retry_after": 30})
    if isinstance(error, GatewayError):
        return Unavailable("The payment provider did not answer; nothing was lost.", {"retry_after": 5})
    if isinstance(error, HTTPException):
        cls = _BY_STATUS.get(error.code or 500)
        if cls is not None:
            return cls(cls.title + ".")
        if error.code and error.code < 500:
            return BadRequest("The request could not be read.")
    return HoldfastError("Something went wrong on our side.")


def guard(app: Flask) -> None:
    """Checks before every view and headers after it."""

    @app.before_request
    def check_frame() -> None:
        if request.host not in runtime().settings.hosts and request.host.split(":")[0] not in runtime().settings.hosts:
            raise NotFound("There is no such host here.")
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower() and request.content_length is None:
            # The server cuts chunked bodies off at the limit without a word.
            raise LengthRequired("Send a Content-Length.")
        _count_call()
        most = MAX_UPLOAD if request.path.endswith(_WITH_FILES) else MAX_BODY
        request.max_content_length = most
        if request.content_length is not None and request.content_length > most:
            raise TooLarge("JSON bodies may have 256 KiB, files 20 MiB.")

    @app.after_request
    def safe(response: Response) -> Response:
        response.headers["Request-Id"] = request_id()
        if "standing" in g:
            response.headers.update(g.standing.headers)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Robots-Tag", "noindex")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        response.headers.setdefault("Content-Security-Policy", _csp())
        if runtime().settings.public_url.startswith("https://"):
            response.headers.setdefault("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
        return response


_WITH_FILES = ("/files", "/evidence", "/appeal", "/requirement")
_UNCOUNTED = ("/stripe/", "/mail/", "/healthz", "/readyz", "/metrics", "/static/")
"""Stripe must never be told to wait, and a watcher must always get its answer."""


def _count_call() -> None:
    """Raises TooManyRequests; leaves the standing for the answer's headers."""
    throttle: Throttle = current_app.extensions["throttle"]
    if not throttle.per_minute or request.path.startswith(_UNCOUNTED):
        return
    caller = request.headers.get("Authorization") or address()
    g.standing = throttle.hit(hashlib.sha256(caller.encode()).hexdigest())
    if not g.standing.allowed:
        raise TooManyRequests("Too many calls within a minute.", {"retry_after": g.standing.resets_in})


def _csp() -> str:
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self' https://checkout.stripe.com; base-uri 'none'; frame-ancestors 'none'"
    )


def bearer() -> str:
    """The key of the Authorization header. Raises Unauthenticated."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated("An API key is needed.")
    return key.strip()


def streamed(name: str, count: int, read: Callable[[Session, int], bytes]) -> Response:
    """A download of `count` pieces, each read in a transaction of its own while it is sent: a large file is never whole in memory."""
    db = runtime().db

    def pieces() -> Iterator[bytes]:
        for number in range(count):
            with db.transaction() as session:
                yield read(session, number)

    return attachment(name, "application/octet-stream", pieces())


def attachment(name: str, media_type: str, content: bytes | Iterator[bytes]) -> Response:
    """Always a download, never a page: `nosniff` and an empty sandbox besides."""
    made = Response(content, mimetype=media_type)
    made.headers.set("Content-Disposition", "attachment", filename=name)
    made.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return made
