"""The sandbox's controls: the clock, the mailbox, faults and chaos, a dump of everything."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request
from sqlalchemy import text
from werkzeug.wrappers import Response as AnyResponse

from service.platform import clock
from service.sandbox import runner
from service.sandbox.errors import StripeRefusal
from service.sandbox.panel import scenarios
from service.sandbox.panel.mailbox import letter, letters
from service.sandbox.store import Store
from service.sandbox.stripe import accounts as connect
from service.sandbox.stripe import checkout, disputes
from service.sandbox.stripe.webhooks import CHAOS

blueprint = Blueprint("panel", __name__, url_prefix="/_sandbox")
_SPAN = re.compile("([0-9]{1,5})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
FAULTS = ("timeout_after", "reset_before", "429", "500", "503", "409")


def _transaction() -> Any:
    return current_app.extensions["database"].transaction()


def _posted() -> dict[str, Any]:
    """A JSON body.

    Browsers cannot send one to another site without asking, so this is also the guard against
    forged forms.
    """
    body = request.get_json(silent=True) if request.mimetype == "application/json" else None
    if not isinstance(body, dict):
        raise StripeRefusal(
            415, "json_only", "Send a JSON object with Content-Type: application/json."
        )
    return body


def parse_span(words: str) -> timedelta:
    """'14d', '36h', '1w'. Raises StripeRefusal."""
    match = _SPAN.fullmatch(words.strip())
    if match is None:
        raise StripeRefusal(422, "span", "Say how far: 90s, 15m, 36h, 14d or 2w.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


@blueprint.get("/")
def panel() -> str:
    with _transaction() as session:
        store = Store(session, write=False)
        world = {
            "now": store.now,
            "platform": store.balances(""),
            "chaos": CHAOS | store.setting("chaos", {}),
        }
        events = [(e["type"], e["id"]) for e in store.find("event")[:25]]
        contested = [(d["id"], d["status"], d["reason"]) for d in store.find("dispute")[:10]]
    return render_template(
        "panel.html", world=world, events=events, contested=contested, scenarios=scenarios.known()
    )


@blueprint.get("/clock")
def read_clock() -> Response:
    with _transaction() as session:
        return jsonify(now=clock.now(session).isoformat())


@blueprint.post("/clock")
def move_clock() -> tuple[Response, int]:
    """`{"advance": "14d"}` or `{"to": instant}`: everything that becomes due on the way is done, in
    order, before the answer.
    """
    body = _posted()
    with _transaction() as session:
        now = clock.now(session)
    if set(body) == {"advance"}:
        target = now + parse_span(str(body["advance"]))
    elif set(body) == {"to"}:
        try:
            target = datetime.fromisoformat(str(body["to"]))
        except ValueError:
            raise StripeRefusal(
                422, "instant", "Say an instant with its zone, as 2026-12-24T18:00:00Z."
            ) from None
        if target.tzinfo is None:
            raise StripeRefusal(
                422, "instant", "Say an instant with its zone, as 2026-12-24T18:00:00Z."
            )
    else:
        raise StripeRefusal(
            422, "clock", 'Send {"advance": "14d"} or {"to": "2026-12-24T18:00:00Z"}.'
        )
    finished = runner.advance(
        current_app.extensions["database"], current_app.extensions["pump"], target
    )
    with _transaction() as session:
        now = clock.now(session)
    if not finished:
        return jsonify(
            error="The worker has not finished what was due; send the same target again.",
            now=now.isoformat(),
            target=target.isoformat(),
        ), 503
    return jsonify(now=now.isoformat()), 200


@blueprint.get("/mailbox.json")
def mailbox_json() -> Response:
    with _transaction() as session:
        return jsonify(letters(session, request.args.get("to"), current_app.config["PUBLIC_URL"]))


@blueprint.get("/mailbox")
def mailbox() -> str:
    with _transaction() as session:
        found = letters(session, request.args.get("to"), current_app.config["PUBLIC_URL"])
    return render_template("mailbox.html", letters=found)


@blueprint.get("/mailbox/<int:number>")
def one_letter(number: int) -> str:
    with _transaction() as session:
        return render_template("letter.html", letter=letter(session, number))


@blueprint.get("/mailbox/<int:number>/html")
def letter_html(number: int) -> Response:
    """Shown inside a frame that runs nothing and is nobody."""
    with _transaction() as session:
        made = Response(letter(session, number)["html"], mimetype="text/html")
    made.headers["Content-Security-Policy"] = (
        "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'"
    )
    return made


@blueprint.route("/faults", methods=["GET", "POST", "DELETE"])
def faults() -> tuple[Response, int]:
    with _transaction() as session:
        if request.method == "DELETE":
            session.execute(text("DELETE FROM sandbox.fault"))
        if request.method == "POST":
            body = _posted()
            if body.get("kind") not in FAULTS:
                raise StripeRefusal(422, "fault", f"kind is one of {', '.join(FAULTS)}.")
            row = {
                "method": body.get("method", "*"),
                "path": body.get("path", "%"),
                "kind": body["kind"],
                "times": int(body.get("times", 1)),
                "skip": int(body.get("skip", 0)),
            }
            session.execute(
                text(
                    "INSERT INTO sandbox.fault (method, path, kind, times, skip) VALUES "
                    "(:method, :path, :kind, :times, :skip)"
                ),
                row,
            )
        armed = [
            dict(r)
            for r in session.execute(
                text(
                    "SELECT method, path, kind, skip, times FROM sandbox.fault WHERE times > 0 "
                    "ORDER BY id"
                )
            ).mappings()
        ]
    return jsonify(armed), 201 if request.method == "POST" else 200


@blueprint.post("/chaos")
def chaos() -> Response:
    """Webhooks late, twice, reordered, lost, wrongly signed; money that arrives other than asked
    for; banks that take some business days.
    """
    body = _posted()
    with _transaction() as session:
        store = Store(session)
        for name in (
            "receive_difference",
            "receive_currency",
            "seed",
            "bank_decides",
            "payout_business_days",
        ):
            if name in body:
                store.set(name, body.pop(name))
        unknown = set(body) - set(CHAOS)
        if unknown:
            raise StripeRefusal(
                422,
                "chaos",
                f"Unknown switch {', '.join(sorted(unknown))}; known: {', '.join(CHAOS)}.",
            )
        store.set("chaos", CHAOS | store.setting("chaos", {}) | body)
        return jsonify(store.setting("chaos", {}))


@blueprint.post("/accounts/<account_id>")
def account(account_id: str) -> Response:
    """Stripe, or the bank, does something to a connected account."""
    body = _posted()
    with _transaction() as session:
        store = Store(session)
        if body.get("close"):
            connect.close_account(store, account_id)
        if "transfers" in body:
            connect.set_transfers(
                store, account_id, str(body["transfers"]), "requirements_past_due"
            )
        if "bank" in body:
            connect.set_bank(store, account_id, str(body["bank"]))
        if "bank_fails" in body:
            store.put(store.get(account_id), hidden={"bank_fails": bool(body["bank_fails"])})
        return jsonify(store.get(account_id))


@blueprint.post("/payouts/<payout_id>/fail")
def fail_payout(payout_id: str) -> Response:
    _posted()
    with _transaction() as session:
        store = Store(session)
        connect.fail_payout(store, payout_id)
        return jsonify(store.get(payout_id))


@blueprint.post("/refunds/<refund_id>/fail")
def fail_refund(refund_id: str) -> Response:
    _posted()
    with _transaction() as session:
        store = Store(session)
        checkout.fail_refund(store, refund_id)
        return jsonify(store.get(refund_id))


@blueprint.post("/disputes")
def open_dispute() -> tuple[Response, int]:
    """`{"charge": "ch_…", "reason"?, "amount"?, "inquiry"?}`: the client's bank contests a
    charge.
    """
    body = _posted()
    with _transaction() as session:
        store = Store(session)
        amount = int(body["amount"]) if "amount" in body else None
        made = disputes.open_dispute(
            store,
            str(body.get("charge")),
            str(body.get("reason", "general")),
            amount,
            inquiry=bool(body.get("inquiry")),
        )
        return jsonify(made), 201


@blueprint.post("/disputes/<dispute_id>/<what>")
def move_dispute(dispute_id: str, what: str) -> Response:
    """`won`, `lost`, `warning_closed`, `prevented`, `escalate`, `reopen`."""
    _posted()
    with _transaction() as session:
        store = Store(session)
        if what in ("escalate", "reopen"):
            return jsonify(
                (disputes.escalate if what == "escalate" else disputes.reopen)(store, dispute_id)
            )
        return jsonify(disputes.close(store, dispute_id, what))


@blueprint.post("/charges/<charge_id>/<what>")
def charge(charge_id: str, what: str) -> Response:
    """`warn`: an early fraud warning.

    `refund`: somebody refunds in Stripe's dashboard, past us; `{"amount": 100}`.
    """
    body = _posted()
    with _transaction() as session:
        store = Store(session)
        if what == "warn":
            return jsonify(disputes.warn(store, charge_id))
        if what != "refund":
            raise StripeRefusal(404, "url_invalid", "warn or refund")
        return jsonify(
            checkout.create_refund(
                store,
                {
                    "payment_intent": store.get(charge_id)["payment_intent"],
                    "amount": body.get("amount", 0),
                },
            )
        )


@blueprint.get("/dump.json")
def dump() -> Response:
    """Everything the sandbox's Stripe knows, and the sum of all its money, which is zero."""
    with _transaction() as session:
        store = Store(session, write=False)
        accounts = [
            r.account
            for r in session.execute(
                text("SELECT DISTINCT account FROM sandbox.balance_line ORDER BY account")
            )
        ]
        objects = [
            r.doc
            for r in session.execute(
                text("SELECT doc FROM sandbox.object WHERE type <> 'event' ORDER BY number")
            )
        ]
        deliveries = [
            dict(r)
            for r in session.execute(
                text(
                    "SELECT event_id, attempts, state, last_answer FROM sandbox.delivery ORDER "
                    "BY id"
                )
            ).mappings()
        ]
        money = {
            account: {
                c: {"available": a, "pending": p} for c, (a, p) in store.balances(account).items()
            }
            for account in accounts
        }
        return jsonify(
            now=store.now.isoformat(),
            balances=money,
            total=store.total(),
            objects=objects,
            deliveries=deliveries,
        )


@blueprint.post("/")
def panel_form() -> AnyResponse:
    """The panel's own form for the clock; same origin only."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise StripeRefusal(403, "cross_site", "Forms of other sites are refused.")
    with _transaction() as session:
        target = clock.now(session) + parse_span(request.form.get("advance", "1d"))
    runner.advance(current_app.extensions["database"], current_app.extensions["pump"], target)
    return redirect("/_sandbox/", 303)
