"""Signing out, on every page that a link from an email opened: a client's, a freelancer's notice,
an accountant's.
"""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from service.http import web
from service.pages import link_cookies
from service.pages.session import same_origin
from service.shared import link_sessions
from service.shared.link_sessions import ACCOUNTANT, CLIENT, NOTICE

blueprint = Blueprint("leaving", __name__)


@blueprint.post("/sign-out")
def leave() -> Response:
    """This browser forgets what it had open, and the service forgets this browser."""
    same_origin()
    with web.context() as ctx:
        link_sessions.close(ctx, CLIENT, link_cookies.value(CLIENT))
        for purpose in (NOTICE, ACCOUNTANT):
            cookie = link_cookies.value(purpose)
            link_sessions.close_signed(ctx, purpose, web.runtime().tokens, cookie)
    return link_cookies.let_go(url_for("leaving.left"), *link_cookies.BY_EMAIL)


@blueprint.get("/signed-out")
def left() -> str:
    return render_template("signed_out.html")
