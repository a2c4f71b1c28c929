"""What happens when a person pays with one of Stripe's test cards or bank accounts: intents and
charges.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from service.domain.text.json_types import JsonObject
from service.sandbox.store import Store
from service.sandbox.stripe.balance import settle
from service.sandbox.stripe.checkout import complete, open_session
from service.sandbox.stripe.objects import (
    INTENT,
    SESSION,
    Charge,
    Intent,
    PaymentMethod,
    PaymentProblem,
    Session,
)
from service.sandbox.stripe.webhooks import emit

CARD_SETTLES = timedelta(days=2)
DEBIT_SETTLES = timedelta(days=4)
DECLINES = {
    "4000000000000002": "generic_decline",
    "4000000000009995": "insufficient_funds",
    "4000000000000069": "expired_card",
    "4000000000000127": "incorrect_cvc",
}
CHALLENGED = {"4000002500003155", "4000002760003184", "4000000000003220"}
AVAILABLE_AT_ONCE = "4000000000000077"
DEBIT_RETURNED = "000222222227"
_UNTOLD = (
    "amount_authorized",
    "country",
    "funding",
    "installments",
    "mandate",
    "network",
    "three_d_secure",
    "wallet",
    "checks",
)


def pay_by_card(
    store: Store, session_id: str, number: str, *, challenge_passed: bool | None = None
) -> str:
    """Pay an open session.

    Returns `paid`, `declined:<code>` or `challenge`. Raises StripeRefusal when it is not open.
    """
    session = open_session(store, session_id)
    intent = _intent(store, session)
    if number in DECLINES or challenge_passed is False:
        code = "authentication_required" if challenge_passed is False else DECLINES[number]
        return _decline(store, intent, code)
    if number in CHALLENGED and challenge_passed is None:
        intent["status"] = "requires_action"
        store.put(intent)
        emit(store, "payment_intent.requires_action", intent)
        return "challenge"
    charge = _charge(store, session, intent, {"type": "card", "card": _card(number)})
    store.put(charge, hidden={"card": number})
    settle(store, charge, timedelta(0) if number == AVAILABLE_AT_ONCE else CARD_SETTLES)
    complete(store, session, "paid")
    emit(store, "charge.succeeded", charge)
    emit(store, "payment_intent.succeeded", intent)
    emit(store, "checkout.session.completed", session)
    return "paid"


def _decline(store: Store, intent: Intent, code: str) -> str:
    error: PaymentProblem = {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": code,
        "message": "Your card was declined.",
    }
    _fail(store, intent, error)
    return f"declined:{code}"


def _fail(store: Store, intent: Intent, error: PaymentProblem) -> None:
    intent |= {"status": "requires_payment_method", "last_payment_error": error}
    store.put(intent)
    emit(store, "payment_intent.payment_failed", intent)


def pay_by_bank(store: Store, session_id: str, account_number: str) -> str:
    """A bank debit: complete at once, paid or returned days later."""
    session = open_session(store, session_id)
    intent = _intent(store, session)
    intent["status"] = "processing"
    store.put(intent, hidden={"bank": account_number})
    complete(store, session, "unpaid")
    emit(store, "payment_intent.processing", intent)
    emit(store, "checkout.session.completed", session)
    store.at(store.now + DEBIT_SETTLES, "debit.settle", session_id)
    return "processing"


def settle_debit(store: Store, session_id: str) -> None:
    """The bank has answered a debit: paid, or returned."""
    session = store.get(session_id, SESSION)
    intent = _intent(store, session)
    if intent["status"] != "processing":
        return
    number = str(store.hidden(intent["id"])["bank"])
    if number == DEBIT_RETURNED:
        error: PaymentProblem = {
            "type": "invalid_request_error",
            "code": "payment_method_provider_decline",
            "message": "The bank returned the debit.",
        }
        _fail(store, intent, error)
        emit(store, "checkout.session.async_payment_failed", session)
        return
    purse: JsonObject = {
        "last4": number[-4:],
        "bank_name": "Sandbox Bank",
        "fingerprint": fingerprint("bank", number),
    }
    charge = _charge(store, session, intent, {"type": "us_bank_account", "us_bank_account": purse})
    settle(store, charge, timedelta(0))
    session["payment_status"] = "paid"
    store.put(session)
    emit(store, "charge.succeeded", charge)
    emit(store, "checkout.session.async_payment_succeeded", session)


def charge_of(store: Store, session_id: str) -> str:
    """The charge that a paid session ended in."""
    charge_id = _intent(store, store.get(session_id, SESSION))["latest_charge"]
    assert charge_id is not None, "what is paid was charged"
    return charge_id


def _intent(store: Store, session: Session) -> Intent:
    """The session's intent; made when somebody pays for the first time."""
    if session["payment_intent"]:
        return store.get(session["payment_intent"], INTENT)
    given = store.hidden(session["id"])["intent"]
    intent: Intent = {
        "id": store.new_id("pi"),
        "object": "payment_intent",
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_received": 0,
        "capture_method": "automatic",
        "confirmation_method": "automatic",
        "created": store.timestamp,
        "currency": session["currency"],
        "livemode": False,
        "metadata": given.get("metadata", {}),
        "payment_method_types": session["payment_method_types"],
        "status": "requires_payment_method",
        "latest_charge": None,
        "last_payment_error": None,
        "transfer_group": given.get("transfer_group"),
        "description": given.get("description"),
    }
    store.put(intent)
    session["payment_intent"] = intent["id"]
    store.put(session)
    return intent


def _charge(store: Store, session: Session, intent: Intent, method: PaymentMethod) -> Charge:
    # What arrives can be told apart from what was asked for by a switch: a bank or a bug outside
    # did it.
    amount = session["amount_total"] + int(store.setting("receive_difference", 0))
    currency = str(store.setting("receive_currency", session["currency"])).lower()
    charge: Charge = {
        "id": store.new_id("ch"),
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "billing_details": {},
        "captured": True,
        "created": store.timestamp,
        "currency": currency,
        "disputed": False,
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": True,
        "refunded": False,
        "status": "succeeded",
        "payment_intent": intent["id"],
        "balance_transaction": None,
        "payment_method_details": method,
        "transfer_group": intent["transfer_group"],
    }
    intent |= {
        "status": "succeeded",
        "latest_charge": charge["id"],
        "amount_received": amount,
        "currency": currency,
        "last_payment_error": None,
    }
    store.put(intent)
    return store.put(charge)


def _card(number: str) -> JsonObject:
    return dict.fromkeys(_UNTOLD) | {
        "brand": "visa",
        "last4": number[-4:],
        "fingerprint": fingerprint("card", number),
        "exp_month": 12,
        "exp_year": 2040,
    }


def fingerprint(kind: str, number: str) -> str:
    """The same number always has the same one; from it nobody learns the number."""
    return hashlib.sha256(f"{kind}:{number}".encode()).hexdigest()[:16]
