"""Coming in and proving who it is: a key, a link that works once, and in the sandbox the list of
everybody.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from service.core.context import Context
from service.domain.errors import NotFound, Unauthenticated
from service.http import incoming, web
from service.models import ApiKey
from service.operations.staff import staff_access
from service.pages import link_cookies
from service.pages.session import same_origin
from service.pages.staff.session import back_to
from service.shared import link_sessions
from service.shared.link_sessions import STAFF

blueprint = Blueprint("entrance", __name__, url_prefix="/staff")


@blueprint.get("/enter")
def enter() -> str:
    with web.context() as ctx:
        return _page(ctx, None)


def _page(ctx: Context, problem: str | None) -> str:
    known = staff_access.colleague(ctx, link_cookies.value(STAFF))
    everybody = staff_access.staff(ctx.session) if web.runtime().settings.sandbox else []
    return render_template(
        "staff/enter.html",
        known=known,
        everybody=everybody,
        back=back_to(request.values.get("back", "")),
        problem=problem,
    )


@blueprint.post("/enter")
def come_in() -> AnyResponse | tuple[str, int]:
    same_origin()
    with web.context() as ctx:
        try:
            key = (
                _of_sandbox(ctx)
                if "person" in request.form
                else staff_access.by_secret(ctx, request.form.get("key", ""))
            )
        except Unauthenticated as refusal:
            return _page(ctx, str(refusal)), 401
        return _in(ctx, key)


def _of_sandbox(ctx: Context) -> ApiKey:
    """Play money needs no keys: anybody may be anybody. Raises NotFound elsewhere."""
    found = next(
        (k for k in staff_access.staff(ctx.session) if k.key_id == request.form["person"]), None
    )
    if found is None or not web.runtime().settings.sandbox:
        raise NotFound("There is no such person.")
    return ctx.session.get_one(ApiKey, found.key_id)


@blueprint.get("/enter/<token>")
def link(token: str) -> str:
    """Changes nothing: mail and chat programs follow every link."""
    return render_template("staff/link.html", token=token)


@blueprint.post("/enter/<token>")
def use_link(token: str) -> AnyResponse:
    same_origin()
    with web.context() as ctx:
        return _in(ctx, staff_access.by_link(ctx, token))


@blueprint.post("/leave")
def leave() -> AnyResponse:
    same_origin()
    with web.context() as ctx:
        link_sessions.close(ctx, STAFF, link_cookies.value(STAFF))
    return link_cookies.let_go("/staff/enter", STAFF)


def _in(ctx: Context, key: ApiKey) -> AnyResponse:
    cookie = staff_access.enter(ctx, key, link_cookies.value(STAFF), incoming.browser())
    back = back_to(request.form.get("back", ""))
    home = "/staff" if "safety:read" in key.scopes else "/finance"
    return link_cookies.let_in(STAFF, cookie, home if back == "/staff" else back)
