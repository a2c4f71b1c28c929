"""What Stripe, a bank, a cardholder or the owner of an account does by itself."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from service.domain.text.json_types import whole
from service.sandbox.errors import StripeRefusal
from service.sandbox.extensions import transaction
from service.sandbox.panel.requests import posted
from service.sandbox.store import Store
from service.sandbox.stripe import accounts, disputes, payouts, refunds
from service.sandbox.stripe.params import Params
from service.sandbox.stripe.payout_objects import ACCOUNT

blueprint = Blueprint("happenings", __name__, url_prefix="/_sandbox")


@blueprint.post("/accounts/<account_id>")
def account(account_id: str) -> Response:
    """Stripe, or the bank, does something to a connected account."""
    body = posted()
    with transaction() as session:
        store = Store(session)
        if body.get("close"):
            accounts.close_account(store, account_id)
        if "transfers" in body:
            accounts.set_transfers(
                store, account_id, str(body["transfers"]), "requirements_past_due"
            )
        if "bank" in body:
            accounts.set_bank(store, account_id, str(body["bank"]))
        if "bank_fails" in body:
            store.put(
                store.get(account_id, ACCOUNT), hidden={"bank_fails": bool(body["bank_fails"])}
            )
        return jsonify(store.document(account_id))


@blueprint.post("/payouts/<payout_id>/fail")
def fail_payout(payout_id: str) -> Response:
    posted()
    with transaction() as session:
        store = Store(session)
        payouts.fail_payout(store, payout_id)
        return jsonify(store.document(payout_id))


@blueprint.post("/refunds/<refund_id>/fail")
def fail_refund(refund_id: str) -> Response:
    posted()
    with transaction() as session:
        store = Store(session)
        refunds.fail_refund(store, refund_id)
        return jsonify(store.document(refund_id))


@blueprint.post("/disputes")
def open_dispute() -> tuple[Response, int]:
    """`{"charge": "ch_…", "reason"?, "amount"?, "inquiry"?}`: the client's bank contests a
    charge.
    """
    body = posted()
    with transaction() as session:
        store = Store(session)
        amount = whole(body["amount"]) if "amount" in body else None
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
    posted()
    with transaction() as session:
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
    body = posted()
    with transaction() as session:
        store = Store(session)
        if what == "warn":
            return jsonify(disputes.warn(store, charge_id))
        if what != "refund":
            raise StripeRefusal(404, "url_invalid", "warn or refund")
        return jsonify(
            refunds.create_refund(
                store,
                Params(
                    {
                        "payment_intent": store.document(charge_id)["payment_intent"],
                        "amount": body.get("amount", 0),
                    }
                ),
            )
        )
