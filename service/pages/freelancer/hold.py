"""A freelancer's page of a hold, opened from the email: every reason, what is asked for, the
appeal, the answer to a case. No key is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.core import repository
from service.core.context import Context
from service.domain.errors import Gone, Invalid, NotFound
from service.domain.identity import actors
from service.domain.states.restrictions import SCOPES
from service.exports import issued_documents
from service.exports.documents import case_statement
from service.http import incoming, web
from service.models import Hold
from service.operations.disputes import files
from service.operations.safety import (
    appeals,
    case_lines,
    cases,
    hold_ends,
    reasons,
    requirements,
)
from service.pages import link_cookies
from service.pages.decision_forms import uploaded, words
from service.pages.session import LinkNeeded, same_origin, use_form
from service.shared import link_sessions
from service.shared.link_sessions import NOTICE, Signed

blueprint = Blueprint("notice", __name__)


def _hold(ctx: Context, hold_id: str, *, lock: bool = False) -> Hold:
    """Raises NotFound for one that is not about a freelancer, Gone once nothing can be done about
    the hold any more.
    """
    hold = hold_ends.find(ctx.session, hold_id, owner=repository.EVERYONE, lock=lock)
    if hold.freelancer_id is None:
        raise NotFound("There is no such page.")
    if hold.ended_at is not None and ctx.now > hold.appeal_until:
        raise Gone("This is over, and the time for an appeal as well.")
    return hold


@blueprint.get("/f/<token>")
def landing(token: str) -> str:
    """Changes nothing, and shows nothing: mail scanners follow every link."""
    with web.context() as ctx:
        _hold(ctx, link_cookies.subject(NOTICE, token))
        return render_template("notice_link.html")


@blueprint.post("/f/<token>")
def come_in(token: str) -> AnyResponse:
    same_origin()
    with web.context() as ctx:
        hold = _hold(ctx, link_cookies.subject(NOTICE, token))
        cookie = link_sessions.come_in_signed(
            ctx, NOTICE, web.runtime().tokens, hold.id, incoming.browser()
        )
    return link_cookies.let_in(NOTICE, cookie, url_for("notice.page", hold_id=hold.id))


Answer = TypeVar("Answer")


def reader(view: Callable[[Context, Hold], Answer]) -> Callable[[str], Answer | AnyResponse]:
    """A view for whoever came by the email within two hours; the hold is locked for a form.

    Raises LinkNeeded.
    """

    @wraps(view)
    def wrapped(hold_id: str) -> Answer | AnyResponse:
        with web.context() as ctx:
            g.visitor = who = _reader(ctx, hold_id)
            hold = _hold(ctx, hold_id, lock=request.method == "POST")
            if request.method == "POST" and not use_form(ctx, who):
                return redirect(url_for("notice.page", hold_id=hold_id), 303)
            return view(ctx.as_(actors.freelancer(hold.freelancer_id or "")), hold)

    return wrapped


def _reader(ctx: Context, hold_id: str) -> Signed:
    cookie, tokens = link_cookies.value(NOTICE), web.runtime().tokens
    who = link_sessions.look_signed(ctx, NOTICE, tokens, cookie, request.path, incoming.browser())
    if who is None or who.subject != hold_id:
        raise LinkNeeded("This page opens from the link in your e-mail.")
    return who


@blueprint.get("/h/<hold_id>")
@reader
def page(ctx: Context, hold: Hold) -> str:
    """What is stopped and how much, why, since when, what still works, what you can do, and by when
    something is decided.
    """
    case = cases.of_hold(ctx.session, hold.id)
    return render_template(
        "notice.html",
        hold=hold,
        said=reasons.statement(ctx, hold),
        words=SCOPES,
        stopped_by=reasons.stopped_by,
        freelancer=repository.freelancer(ctx.session, hold.freelancer_id or ""),
        filed=appeals.of_hold(ctx.session, hold.id),
        case=case if case and case.noticed_at else None,
        now=ctx.now,
        files={f.id: f for f in files.all_of(ctx.session, hold)},
        lines=case_lines.in_words(ctx.session, case, own=True) if case else [],
    )


@blueprint.post("/h/<hold_id>/requirement")
@reader
def give(ctx: Context, hold: Hold) -> AnyResponse:
    """Words, and up to five files."""
    requirements.answer(
        ctx, hold, request.form.get("requirement", ""), words("words", 5_000), uploaded(ctx, hold)
    )
    return redirect(url_for("notice.page", hold_id=hold.id), 303)


@blueprint.post("/h/<hold_id>/appeal")
@reader
def appeal(ctx: Context, hold: Hold) -> AnyResponse:
    """Somebody else decides again."""
    appeals.file(ctx, hold, words("statement", 10_000), uploaded(ctx, hold))
    return redirect(url_for("notice.page", hold_id=hold.id), 303)


@blueprint.get("/h/<hold_id>/statement")
@reader
def statement(ctx: Context, hold: Hold) -> AnyResponse:
    """The signed statement of the hold's case, once it was carried out."""
    case = cases.of_hold(ctx.session, hold.id)
    if case is None:
        raise NotFound("There is no statement.")
    settings = web.runtime().settings
    data = issued_documents.issue_once(
        ctx,
        "case_statement",
        case.id,
        f"zip:{case.edition}",
        lambda: case_statement.statement(
            ctx.session, case, None, settings.platform_name, settings.signing_key
        ),
    )
    return web.attachment(f"{case.id}.zip", "application/zip", data)


@blueprint.post("/h/<hold_id>/case")
@reader
def answer_case(ctx: Context, hold: Hold) -> AnyResponse:
    """What the person says to the notice of a case."""
    case = cases.of_hold(ctx.session, hold.id)
    if case is None or case.noticed_at is None:
        raise Invalid.one("words", "no_case", "There is no case to answer.")
    cases.answer(
        ctx,
        cases.find(ctx.session, case.id, owner=repository.EVERYONE, lock=True),
        words("words", 10_000),
    )
    return redirect(url_for("notice.page", hold_id=hold.id), 303)
