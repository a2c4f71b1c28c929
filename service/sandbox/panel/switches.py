"""Faults of calls to Stripe, and chaos of what Stripe tells."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import text

from service.domain.text.json_types import whole
from service.sandbox.errors import StripeRefusal
from service.sandbox.extensions import transaction
from service.sandbox.panel.requests import posted
from service.sandbox.store import Store
from service.sandbox.stripe.webhooks import CHAOS, chaos_of

blueprint = Blueprint("switches", __name__, url_prefix="/_sandbox")
FAULTS = ("timeout_after", "reset_before", "429", "500", "503", "409")


@blueprint.route("/faults", methods=["GET", "POST", "DELETE"])
def faults() -> tuple[Response, int]:
    with transaction() as session:
        if request.method == "DELETE":
            session.execute(text("DELETE FROM sandbox.fault"))
        if request.method == "POST":
            body = posted()
            if body.get("kind") not in FAULTS:
                raise StripeRefusal(422, "fault", f"kind is one of {', '.join(FAULTS)}.")
            row = {
                "method": body.get("method", "*"),
                "path": body.get("path", "%"),
                "kind": body["kind"],
                "times": whole(body.get("times", 1)),
                "skip": whole(body.get("skip", 0)),
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
    body = posted()
    with transaction() as session:
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
        store.set("chaos", {**chaos_of(store), **body})
        return jsonify(chaos_of(store))
