"""Refunds: made, pending, succeeded, failed days after a success."""

from __future__ import annotations

from datetime import timedelta

from service.sandbox.errors import StripeRefusal
from service.sandbox.store import CARDS, PLATFORM, Store
from service.sandbox.stripe.balance import transaction
from service.sandbox.stripe.objects import CHARGE, INTENT, REFUND, Charge, Refund
from service.sandbox.stripe.params import Params
from service.sandbox.stripe.webhooks import emit

REFUND_FAILS_LATER = "4000000000005126"
REFUND_PENDING = "4000000000007726"
DEFAULT_FAILURE = "expired_or_canceled_card"
_A_DAY = timedelta(days=1)


def create_refund(store: Store, body: Params) -> Refund:
    """Money back to the card. Raises StripeRefusal for more than is left of the charge."""
    intent = store.get(body.text("payment_intent"), INTENT)
    charge = store.get(intent["latest_charge"], CHARGE) if intent["latest_charge"] else None
    if charge is None or "amount" not in body:
        raise StripeRefusal(
            400, "parameter_missing", "A refund needs a succeeded payment and an amount."
        )
    left = charge["amount"] - charge["amount_refunded"]
    amount = _amount_to_refund(charge, left, body)
    card = store.hidden(charge["id"]).get("card", "")
    refund = _refund(store, charge, amount, body, pending=card == REFUND_PENDING)
    charge |= {"amount_refunded": charge["amount_refunded"] + amount, "refunded": amount == left}
    store.put(charge)
    store.move(charge["currency"].upper(), {PLATFORM: -amount, CARDS: amount})
    if card == REFUND_PENDING:
        store.at(store.now + _A_DAY, "refund.succeed", refund["id"])
    failed_before = any(r["status"] == "failed" for r in store.find(REFUND, charge=charge["id"]))
    if card == REFUND_FAILS_LATER and not failed_before:
        store.at(store.now + _A_DAY, "refund.fail", refund["id"])
    emit(store, "refund.created", refund)
    emit(store, "charge.refunded", charge)
    return refund


def _refund(store: Store, charge: Charge, amount: int, body: Params, *, pending: bool) -> Refund:
    refund: Refund = {
        "id": store.new_id("re"),
        "object": "refund",
        "amount": amount,
        "created": store.timestamp,
        "currency": charge["currency"],
        "charge": charge["id"],
        "payment_intent": charge["payment_intent"],
        "metadata": body.raw("metadata", {}),
        "reason": body.raw("reason"),
        "status": "pending" if pending else "succeeded",
    }
    refund["balance_transaction"] = transaction(
        store, refund["id"], "refund", -amount, 0, charge["currency"], store.now
    )["id"]
    return store.put(refund)


def _amount_to_refund(charge: Charge, left: int, body: Params) -> int:
    """Raises StripeRefusal when the charge is disputed or has less than that left."""
    if charge["disputed"]:
        raise StripeRefusal(
            400,
            "charge_disputed",
            f"Charge {charge['id']} has been charged back; it cannot be refunded.",
        )
    amount = body.number("amount")
    if left == 0:
        raise StripeRefusal(
            400, "charge_already_refunded", f"Charge {charge['id']} has already been refunded."
        )
    if not 1 <= amount <= left:
        raise StripeRefusal(
            400,
            "amount_too_large",
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).",
        )
    return amount


def succeed_refund(store: Store, refund_id: str) -> None:
    """A pending refund reaches the card."""
    refund = store.get(refund_id, REFUND)
    refund["status"] = "succeeded"
    store.put(refund)
    emit(store, "refund.updated", refund)


def fail_refund(store: Store, refund_id: str) -> None:
    """The bank sends the money back days after a success: it is ours again."""
    refund = store.get(refund_id, REFUND)
    refund |= {"status": "failed", "failure_reason": DEFAULT_FAILURE}
    charge, amount = store.get(refund["charge"], CHARGE), refund["amount"]
    charge |= {"amount_refunded": charge["amount_refunded"] - amount, "refunded": False}
    store.put(charge)
    refund["failure_balance_transaction"] = transaction(
        store, refund_id, "refund_failure", amount, 0, refund["currency"], store.now
    )["id"]
    store.put(refund)
    store.move(refund["currency"].upper(), {CARDS: -amount, PLATFORM: amount})
    emit(store, "refund.failed", refund)
