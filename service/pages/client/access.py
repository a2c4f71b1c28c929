"""Who else may open this contract: a colleague with a link of their own, the client at another
address.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from service.domain.errors import Invalid
from service.domain.identity import address
from service.http import web
from service.operations.client_access import access, sessions
from service.pages.decision_forms import decide, words
from service.pages.session import code_first, require_code, visitor
from service.shared import link_sessions
from service.shared.link_sessions import CLIENT

blueprint = Blueprint("access", __name__)


def _address() -> str:
    try:
        return address.read(words("email", address.LONGEST))
    except ValueError as wrong:
        raise Invalid.one("email", "email", str(wrong)) from None


@blueprint.get("/c/<contract_id>/people")
@code_first
def people(contract_id: str) -> str:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who)
        return render_template(
            "people.html",
            contract=found,
            freelancer=found.freelancer,
            passed=access.passed_on(ctx.session, found),
        )


@blueprint.post("/c/<contract_id>/people")
@code_first
def change_people(contract_id: str) -> Response:
    """Pass on, take back, move to another address, or close the access everywhere."""
    choice = request.form.get("choice")
    if choice == "pass_on":
        decide(
            contract_id,
            lambda ctx, locked: access.pass_on(
                ctx, locked, _address(), request.form.get("role", "")
            ),
            span=sessions.BINDS_FRESH,
        )
        return redirect(url_for("access.people", contract_id=contract_id), 303)
    if choice == "revoke":
        decide(
            contract_id,
            lambda ctx, locked: access.revoke(ctx, locked, request.form.get("link", "")),
            span=sessions.BINDS_FRESH,
        )
        return redirect(url_for("access.people", contract_id=contract_id), 303)
    if choice == "move":
        decide(
            contract_id,
            lambda ctx, locked: access.change_email(ctx, locked, _address()),
            span=sessions.BINDS_FRESH,
        )
        return redirect(url_for("access.moved"), 303)
    if choice == "close":
        decide(
            contract_id, lambda ctx, locked: link_sessions.close_all(ctx, CLIENT, locked.client_id)
        )
        return redirect(url_for("access.moved"), 303)
    raise Invalid.one("choice", "unknown_choice", "Choose what should happen.")


@blueprint.post("/c/<contract_id>/people/stop")
def stop(contract_id: str) -> Response:
    """That was not me: no code, because stopping harms nobody."""
    return decide(contract_id, access.object_to_change, span=None)


@blueprint.get("/moved")
def moved() -> str:
    return render_template("moved.html")
