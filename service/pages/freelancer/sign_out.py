"""Signing out, on every page that a link from a letter opened: a client's, a freelancer's notice,
an accountant's.
"""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from service.http import web
from service.operations.client_access import sessions
from service.pages import session
from service.pages.freelancer import accountant, hold
from service.pages.session import same_origin

blueprint = Blueprint("leaving", __name__)


def _cookies() -> tuple[str, ...]:
    """Every cookie that a link from a letter leaves in a browser."""
    return session.cookie_name(), hold.cookie_name(), accountant.cookie_name()


def can_leave() -> bool:
    """Whether this browser came in by a link."""
    return any(name in request.cookies for name in _cookies())


@blueprint.post("/sign-out")
def leave() -> Response:
    """This browser forgets what it had open, and the service forgets this browser."""
    same_origin()
    cookie = request.cookies.get(session.cookie_name())
    if cookie:
        with web.context() as ctx:
            sessions.sign_out(ctx, cookie)
    response = make_response(redirect(url_for("leaving.left"), 303))
    secure = web.runtime().settings.public_url.startswith("https://")
    for name in _cookies():
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@blueprint.get("/signed-out")
def left() -> str:
    return render_template("signed_out.html")
