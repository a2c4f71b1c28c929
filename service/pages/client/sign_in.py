"""Coming in: the signed link, the session it opens by POST, a new link for an old one, the
six-digit code.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.core import repository
from service.core.context import Context
from service.domain.errors import Gone
from service.domain.text.incoming import code_of
from service.http import incoming, web
from service.models import ClientLink
from service.operations.client_access import codes, links, sessions
from service.operations.contracts import contracts
from service.pages import link_cookies
from service.pages.session import same_origin, use_form, visitor
from service.platform.tokens import BadToken
from service.shared.link_sessions import CLIENT

blueprint = Blueprint("entry", __name__, static_folder="../static", static_url_path="/static")


def _link(ctx: Context, token: str) -> ClientLink:
    try:
        inside = web.runtime().tokens.read("link", token)
        return links.link_of(ctx.session, inside["l"], inside["r"])
    except (BadToken, KeyError, TypeError, ValueError):
        raise link_cookies.broken_link(emailed=True) from None


@blueprint.get("/l/<token>")
def link(token: str) -> tuple[str, int]:
    """Changes nothing, not even "opened": mail scanners follow every link."""
    with web.context() as ctx:
        found = _link(ctx, token)
        contract = repository.contract(ctx.session, found.contract_id, owner=repository.EVERYONE)
        shown = {
            "contract": contract,
            "freelancer": contract.freelancer,
            "email": links.address_of(found, contract),
            "link": found,
            "token": token,
        }
        try:
            links.require_open(ctx, found)
        except Gone:
            return render_template("link_over.html", **shown), 410
        return render_template("link.html", **shown), 200


@blueprint.post("/l/<token>")
def open_link(token: str) -> AnyResponse:
    same_origin()
    with web.context() as ctx:
        found = _link(ctx, token)
        links.require_open(ctx, found)
        cookie = sessions.open_session(ctx, found, link_cookies.value(CLIENT), incoming.browser())
    page = url_for("client.contract", contract_id=found.contract_id)
    return link_cookies.let_in(CLIENT, cookie, page)


@blueprint.post("/l/<token>/renew")
def renew(token: str) -> str:
    """A fresh link to the same mailbox; the page is the same whoever asks."""
    same_origin()
    with web.context() as ctx:
        found = _link(ctx, token)
        contract = repository.contract(
            ctx.session, found.contract_id, owner=repository.EVERYONE, lock=True
        )
        links.renew(ctx, found, contract)
        return render_template("link_renewed.html", email=links.address_of(found, contract))


def _back(contract_id: str) -> str:
    """Where to go on after the code: a page of this contract, never another site."""
    wanted = urlsplit(request.values.get("back", ""))
    own = f"/c/{contract_id}"
    if (
        wanted.scheme
        or wanted.netloc
        or not (wanted.path == own or wanted.path.startswith(own + "/"))
    ):
        return own
    return wanted.path


@blueprint.get("/c/<contract_id>/code")
def code(contract_id: str) -> str:
    with web.context() as ctx:
        contract, _ = visitor(ctx, contract_id)
        return render_template(
            "code.html",
            contract=contract,
            back=_back(contract_id),
            waiting=request.args.get("sent") == "1",
            left=None,
            problem=None,
        )


@blueprint.post("/c/<contract_id>/code")
def ask_code(contract_id: str) -> AnyResponse:
    with web.context() as ctx:
        _, who = visitor(ctx, contract_id)
        contract = repository.contract(
            ctx.session, contract_id, owner=repository.EVERYONE, lock=True
        )
        if use_form(ctx, who):
            codes.ask_code(ctx, who, contract)
    return redirect(
        url_for("entry.code", contract_id=contract_id, back=_back(contract_id), sent="1"), 303
    )


@blueprint.post("/c/<contract_id>/code/check")
def check_code(contract_id: str) -> AnyResponse | tuple[str, int]:
    with web.context() as ctx:
        contract, who = visitor(ctx, contract_id)
        use_form(ctx, who)
        typed = code_of(request.form.get("code", ""))
        if typed is None:
            # No try: it could not have been the code.
            shown = {
                "left": None,
                "problem": "A code is six digits, 0 to 9. Type it as it stands in the e-mail.",
            }
            return render_template(
                "code.html", contract=contract, back=_back(contract_id), waiting=True, **shown
            ), 422
        left = codes.verify_code(ctx, who, web.runtime().settings.secret_keys, typed)
        if left is not None:
            # Not an error: the wrong try must be counted, so this transaction commits.
            return render_template(
                "code.html",
                contract=contract,
                back=_back(contract_id),
                waiting=True,
                left=left,
                problem=None,
            ), 422
        contracts.viewed(
            ctx.as_(who.actor),
            repository.contract(ctx.session, contract_id, owner=repository.EVERYONE, lock=True),
        )
    return redirect(_back(contract_id), 303)
