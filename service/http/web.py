"""What the JSON API and the pages share: the runtime of this application, the request's id and
address, safe headers.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from service.core.context import Context
from service.core.runtime import Runtime
from service.domain.errors import (
    BadRequest,
    HoldfastError,
    Invalid,
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
from service.platform.rate_limit import Limits, Standing

_log = structlog.get_logger()
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")
MAX_BODY = 256 * 1024
MAX_UPLOAD = 21 * 1024 * 1024

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
    """An act of this request in a transaction of its own: the visible `with` block of a view."""
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


def guard(app: Flask) -> None:
    """Checks before every view and headers after it."""

    @app.before_request
    def check_frame() -> None:
        if not runtime().settings.knows_host(request.host):
            raise NotFound("There is no such host here.")
        if (
            "chunked" in request.headers.get("Transfer-Encoding", "").lower()
            and request.content_length is None
        ):
            # The server cuts chunked bodies off at the limit without a word.
            raise LengthRequired("Send a Content-Length.")
        _count_call()
        most = MAX_UPLOAD if request.path.endswith(_WITH_FILES) else MAX_BODY
        request.max_content_length = most
        if request.content_length is not None and request.content_length > most:
            raise TooLarge("JSON bodies may have 256 KiB, files 20 MiB.")
        incoming.judge()
        _scan()

    @app.after_request
    def safe(response: Response) -> Response:
        _count_failure(response)
        _note_refusal(response)
        response.headers["Request-Id"] = request_id()
        if "standing" in g:
            response.headers.update(g.standing.headers)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Robots-Tag", "noindex")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"
        )
        response.headers.setdefault("Content-Security-Policy", _csp())
        if runtime().settings.public_url.startswith("https://"):
            response.headers.setdefault(
                "Strict-Transport-Security", "max-age=63072000; includeSubDomains"
            )
        return response


_WITH_FILES = ("/files", "/evidence", "/appeal", "/requirement")
_UNCOUNTED = ("/stripe/", "/mail/", "/healthz", "/readyz", "/metrics", "/static/")
"""Stripe must never be told to wait, and a watcher must always get its answer."""


def _scan() -> None:
    """Every file that comes in, before a view or a transaction begins.

    Raises Invalid, and Unavailable while nobody can look.
    """
    scanner = runtime().scanner
    if scanner is None or request.method != "POST" or request.mimetype != "multipart/form-data":
        return
    for sent in [one for name in request.files for one in request.files.getlist(name)]:
        try:
            found = scanner.infected(sent.stream)
        except GatewayError as error:
            raise Unavailable(
                "Files cannot be checked at the moment. Nothing was kept.", {"retry_after": 30}
            ) from error
        if found:
            raise Invalid.one(
                "/file",
                "infected",
                "A virus scanner found something in this file. Nothing was kept.",
            )


def _count_call() -> None:
    """Before anything about a call is believed: its address, then the key that it shows, valid or
    not.

    Raises TooManyRequests; leaves the standing for the answer's headers.
    """
    if request.path.startswith(_UNCOUNTED):
        return
    limits, here = _limits(), _digest(network(address()))
    _let_pass(limits.failures.refused(here), "Too many calls from here were not let in.")
    if limits.addresses.per_minute:
        _let_pass(limits.addresses.hit(here), "Too many calls from here within a minute.")
    shown = request.headers.get("Authorization")
    if shown and limits.keys.per_minute:
        _let_pass(limits.keys.hit(_digest(shown)), "Too many calls within a minute.")


def _let_pass(standing: Standing | None, refusal: str) -> None:
    if standing is None:
        return
    g.standing = standing
    if not standing.allowed:
        raise TooManyRequests(refusal, {"retry_after": standing.resets_in})


def _note_refusal(response: Response) -> None:
    """Who was not let in, or may not do that: enough to see an attack, and nothing personal."""
    if response.status_code in (401, 403, 429):
        _log.info(
            "request.refused",
            status=response.status_code,
            method=request.method,
            route=str(request.url_rule),
            request_id=request_id(),
            caller=_digest(network(address()))[:12],
        )


def _count_failure(response: Response) -> None:
    """A key that opens nothing costs its address something: guessing is slow, however many keys are
    shown.
    """
    limits = _limits()
    if (
        response.status_code == 401
        and limits.failures.per_minute
        and not request.path.startswith(_UNCOUNTED)
    ):
        limits.failures.hit(_digest(network(address())))


def _limits() -> Limits:
    found: Limits = current_app.extensions["limits"]
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def network(caller: str) -> str:
    """Whom an address stands for: itself, or its network of 64 bits, of which an IPv6 host has all
    addresses.
    """
    try:
        found = ipaddress.ip_address(caller.partition("%")[0])
    except ValueError:
        return caller
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{found}/64", strict=False))
    return str(found.ipv4_mapped if found.version == 6 else found)


def _csp() -> str:
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self';"
        " form-action 'self' https://checkout.stripe.com; base-uri 'none'; frame-ancestors 'none'"
    )


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
