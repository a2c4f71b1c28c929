"""The panel itself: the clock, what stands where, a dump of everything."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from sqlalchemy import text
from werkzeug.wrappers import Response as AnyResponse

from service.domain.text.json_types import JsonObject
from service.platform import clock
from service.sandbox import runner
from service.sandbox.errors import StripeRefusal
from service.sandbox.extensions import database, pump, transaction
from service.sandbox.panel import scenarios
from service.sandbox.panel.requests import only_from_here, parse_span, posted
from service.sandbox.store import Store
from service.sandbox.stripe.objects import DISPUTE, EVENT
from service.sandbox.stripe.webhooks import chaos_of

blueprint = Blueprint("panel", __name__, url_prefix="/_sandbox")


@blueprint.get("/")
def panel() -> str:
    with transaction() as session:
        store = Store(session, write=False)
        world = {
            "now": store.now,
            "platform": store.balances(""),
            "chaos": chaos_of(store),
        }
        events = [(e["type"], e["id"]) for e in store.find(EVENT)[:25]]
        contested = [(d["id"], d["status"], d["reason"]) for d in store.find(DISPUTE)[:10]]
    return render_template(
        "panel.html", world=world, events=events, contested=contested, scenarios=scenarios.known()
    )


@blueprint.get("/clock")
def read_clock() -> Response:
    with transaction() as session:
        return jsonify(now=clock.now(session).isoformat())


@blueprint.post("/clock")
def move_clock() -> tuple[Response, int]:
    """`{"advance": "14d"}` or `{"to": instant}`: everything that becomes due on the way is done, in
    order, before the answer.
    """
    with transaction() as session:
        now = clock.now(session)
    target = _target(posted(), now)
    finished = runner.advance(database(), pump(), target)
    with transaction() as session:
        now = clock.now(session)
    if not finished:
        return jsonify(
            error="The worker has not finished what was due; send the same target again.",
            now=now.isoformat(),
            target=target.isoformat(),
        ), 503
    return jsonify(now=now.isoformat()), 200


def _target(body: JsonObject, now: datetime) -> datetime:
    """Where the clock is to go. Raises StripeRefusal."""
    if set(body) == {"advance"}:
        return now + parse_span(str(body["advance"]))
    if set(body) != {"to"}:
        raise StripeRefusal(
            422, "clock", 'Send {"advance": "14d"} or {"to": "2026-12-24T18:00:00Z"}.'
        )
    try:
        target = datetime.fromisoformat(str(body["to"]))
    except ValueError:
        raise _no_instant() from None
    if target.tzinfo is None:
        raise _no_instant()
    return target


def _no_instant() -> StripeRefusal:
    return StripeRefusal(422, "instant", "Say an instant with its zone, as 2026-12-24T18:00:00Z.")


@blueprint.get("/dump.json")
def dump() -> Response:
    """Everything the sandbox's Stripe knows, and the sum of all its money, which is zero."""
    with transaction() as session:
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
    only_from_here()
    with transaction() as session:
        target = clock.now(session) + parse_span(request.form.get("advance", "1d"))
    runner.advance(database(), pump(), target)
    return redirect("/_sandbox/", 303)
