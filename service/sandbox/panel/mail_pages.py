"""The mailbox as pages, and as JSON for programs."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from service.sandbox.extensions import transaction
from service.sandbox.panel.mailbox import email, emails

blueprint = Blueprint("mailbox", __name__, url_prefix="/_sandbox")


@blueprint.get("/mailbox.json")
def mailbox_json() -> Response:
    with transaction() as session:
        return jsonify(emails(session, request.args.get("to"), current_app.config["PUBLIC_URL"]))


@blueprint.get("/mailbox")
def mailbox() -> str:
    with transaction() as session:
        found = emails(session, request.args.get("to"), current_app.config["PUBLIC_URL"])
    return render_template("mailbox.html", letters=found)


@blueprint.get("/mailbox/<int:number>")
def one_letter(number: int) -> str:
    with transaction() as session:
        return render_template("letter.html", letter=email(session, number))


@blueprint.get("/mailbox/<int:number>/html")
def letter_html(number: int) -> Response:
    """Shown inside a frame that runs nothing and is nobody."""
    with transaction() as session:
        made = Response(email(session, number)["html"], mimetype="text/html")
    made.headers["Content-Security-Policy"] = (
        "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'"
    )
    return made
