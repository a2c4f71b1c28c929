"""What every request passes before a view, and every answer after it: host, size, values, files,
limits, safe headers.
"""

from __future__ import annotations

import hashlib
import ipaddress

import structlog
from flask import Flask, Response, current_app, g, request

from service.domain.errors import (
    Invalid,
    LengthRequired,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unavailable,
)
from service.gateways import GatewayError
from service.http import incoming, web
from service.platform.rate_limit import Limits, Standing

_log = structlog.get_logger()
MAX_BODY = 256 * 1024
MAX_UPLOAD = 21 * 1024 * 1024
_WITH_FILES = ("/files", "/evidence", "/appeal", "/requirement")
_UNCOUNTED = ("/stripe/", "/mail/", "/healthz", "/readyz", "/metrics", "/static/")
"""Stripe must never be told to wait, and a watcher must always get its answer."""


def install(app: Flask) -> None:
    """Checks before every view and headers after it."""
    app.before_request(_check)
    app.after_request(_finish)


def _check() -> None:
    """Raises NotFound, LengthRequired, TooLarge, TooManyRequests, and what is wrong with values."""
    if not web.runtime().settings.knows_host(request.host):
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


def _finish(response: Response) -> Response:
    """The headers of every answer, and what is counted and noted of it."""
    _count_failure(response)
    _note_refusal(response)
    response.headers["Request-Id"] = web.request_id()
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
    if web.runtime().settings.public_url.startswith("https://"):
        response.headers.setdefault(
            "Strict-Transport-Security", "max-age=63072000; includeSubDomains"
        )
    return response


def _scan() -> None:
    """Every file that comes in, before a view or a transaction begins.

    Raises Invalid, and Unavailable while nobody can look.
    """
    scanner = web.runtime().scanner
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
    limits, here = _limits(), _digest(network(web.address()))
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
            request_id=web.request_id(),
            caller=_digest(network(web.address()))[:12],
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
        limits.failures.hit(_digest(network(web.address())))


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
