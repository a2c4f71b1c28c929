"""A link and its cookie, as a browser sees them; the same for everybody who comes by a link."""

from __future__ import annotations

from flask import Response, make_response, redirect, request

from service.domain.errors import NotFound
from service.http import incoming, web
from service.platform.tokens import BadToken
from service.shared.link_sessions import ACCOUNTANT, CLIENT, NOTICE, Purpose, SignedPurpose

BY_EMAIL: tuple[Purpose, ...] = (CLIENT, NOTICE, ACCOUNTANT)
"""Who signs out by the one button of every page; staff leave their console."""


def _secure() -> bool:
    return web.runtime().settings.public_url.startswith("https://")


def name(purpose: Purpose) -> str:
    """`__Host-` needs TLS; the sandbox on plain http uses a plain name, so that a phone on the
    local network can be used.
    """
    return f"__Host-{purpose.cookie}" if _secure() else purpose.cookie


def value(purpose: Purpose) -> str:
    """Empty when the browser brings none."""
    return incoming.cookie(name(purpose))


def broken_link(*, emailed: bool) -> NotFound:
    """For an address that is not a whole link of ours; `emailed`: there is a button to press."""
    button = ", or press the button in the e-mail" if emailed else ""
    return NotFound(f"Part of the address may be missing. Copy the whole line{button}.")


def subject(purpose: SignedPurpose, token: str) -> str:
    """What a link is about, by its token. Raises NotFound for one that is not ours."""
    try:
        return str(web.runtime().tokens.read(purpose.token, token))
    except BadToken:
        raise broken_link(emailed=purpose is NOTICE) from None


def let_in(purpose: Purpose, cookie: str, address: str) -> Response:
    """On to a page whose address holds no token, with the cookie."""
    response: Response = make_response(redirect(address, 303))
    response.set_cookie(
        name(purpose),
        cookie,
        max_age=int(purpose.longest.total_seconds()),
        secure=_secure(),
        httponly=True,
        samesite=purpose.same_site,
        path="/",
    )
    return response


def let_go(address: str, *purposes: Purpose) -> Response:
    """The browser forgets its cookies, and what it kept of the pages."""
    response: Response = make_response(redirect(address, 303))
    for purpose in purposes:
        response.delete_cookie(
            name(purpose),
            path="/",
            secure=_secure(),
            httponly=True,
            samesite=purpose.same_site,
        )
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def is_in() -> bool:
    """Whether this browser came in by a link of an email."""
    return any(name(purpose) in request.cookies for purpose in BY_EMAIL)
