"""Who is looking: the cookie, the form's tokens, the six-digit code.

A page never trusts more than these say.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

from flask import g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.core import repository
from service.core.context import Context
from service.domain.errors import CodeRequired, Forbidden, NotFound, StateConflict
from service.domain.identity import typeid
from service.domain.states.proof import MailboxProof
from service.http import incoming, web
from service.models import Contract
from service.operations.client_access import sessions
from service.operations.client_access.sessions import Visitor
from service.pages import link_cookies, link_roles
from service.platform.db import fetch
from service.platform.tokens import BadToken
from service.shared.link_sessions import CLIENT


class LinkNeeded(Forbidden):
    """No session for this contract on this browser."""

    code, title = "link_needed", "Open this page from your e-mail"
    advice = (
        "Press the button in the newest e-mail about this contract; pages close two hours "
        "after the last look."
    )


def visitor(ctx: Context, contract_id: str) -> tuple[Contract, Visitor]:
    """The contract and who looks at it.

    Raises NotFound for what is no contract id, LinkNeeded without a session, Forbidden for a page
    that is not for this link.
    """
    if not typeid.is_typeid(contract_id, "ctr"):
        raise NotFound("There is no such page.")
    cookie = link_cookies.value(CLIENT)
    found = sessions.visitor(ctx, cookie, typeid.decode(contract_id)) if cookie else None
    if found is None:
        raise LinkNeeded("This page opens from the link in your e-mail.")
    g.visitor = found
    if not link_roles.may(found.role, request.endpoint or ""):
        raise Forbidden(link_roles.REFUSALS[link_roles.LinkRole(found.role)])
    return repository.contract(ctx.session, contract_id, owner=repository.EVERYONE), found


class Looker(Protocol):
    """Whoever looks at a page: a client, a freelancer with a notice, a colleague in the console."""

    @property
    def session_id(self) -> str: ...


def form_token(who: Looker) -> str:
    """Bound to the session, one use: forged forms, Back and double clicks all end here."""
    return web.runtime().tokens.sign("form", {"s": who.session_id, "k": secrets.token_urlsafe(18)})


def same_origin() -> None:
    """Raises Forbidden for a form that another site sent."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site not in (None, "same-origin", "none") or (
        site is None and origin and origin not in _own_origins()
    ):
        raise Forbidden("This form came from another site.")


def _own_origins() -> set[str]:
    return {web.runtime().settings.public_url, request.host_url.rstrip("/")}


def use_form(ctx: Context, who: Looker) -> bool:
    """Check and use up the form's token.

    Returns False for one that acted already. Raises Forbidden.
    """
    same_origin()
    try:
        token = web.runtime().tokens.read("form", request.form.get("form_token", ""))
    except BadToken:
        raise Forbidden("The form is not complete. Open the page again.") from None
    if token.get("s") != who.session_id:
        raise Forbidden("The form belongs to another session. Open the page again.")
    return sessions.use_form(ctx, token["k"], request.path)


_MOVING = "SELECT id FROM email_change WHERE contract_id = %s AND ended_at IS NULL"


def require_code(ctx: Context, who: Visitor, span: timedelta = sessions.BINDS_FRESH) -> None:
    """Raises CodeRequired unless this browser proved the mailbox within `span`."""
    if fetch(ctx.session, _MOVING, (typeid.decode(who.contract_id),)):
        raise StateConflict(
            "Somebody asked to move this contract to another address. Nothing binds until that "
            "is settled; you can stop it on the contract's page."
        )
    if not who.verified_within(ctx.now, span):
        raise CodeRequired("A code from your mailbox is needed first.")


def mailbox_proof(who: Visitor) -> MailboxProof:
    """When this browser typed its code, and from where it acts now.

    Raises CodeRequired for one that never did.
    """
    if who.verified_at is None:
        raise CodeRequired("A code from your mailbox is needed first.")
    return MailboxProof(
        code_verified_at=who.verified_at,
        ip_address=web.address(),
        user_agent=incoming.browser(),
        locale=incoming.language(),
    )


P = ParamSpec("P")
Answer = TypeVar("Answer")


def code_first(view: Callable[P, Answer]) -> Callable[P, Answer | AnyResponse]:
    """A view of a contract that needs a fresh code sends to the code page and comes back."""

    @wraps(view)
    def wrapped(*args: P.args, **values: P.kwargs) -> Answer | AnyResponse:
        try:
            return view(*args, **values)
        except CodeRequired:
            back = (
                request.path if request.method == "GET" else request.form.get("back", request.path)
            )
            return redirect(
                url_for("entry.code", contract_id=values["contract_id"], back=back), 303
            )

    return wrapped
