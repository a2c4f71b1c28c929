"""Checkout Sessions, PaymentIntents, charges and refunds: what happens when a person pays with one
of Stripe's test cards.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from service.domain.money.money import CURRENCIES
from service.sandbox.errors import StripeRefusal
from service.sandbox.store import CARDS, FEES, PLATFORM, Store
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
REFUND_FAILS_LATER = "4000000000005126"
REFUND_PENDING = "4000000000007726"
DEBIT_RETURNED = "000222222227"
_MOST_PER_DEBIT = 500
"""Stripe takes 0.8 % of a bank debit, at most five dollars."""
_FEES = {"USD": 30, "EUR": 25, "GBP": 20, "JPY": 40, "KWD": 100, "INR": 300}
DEFAULT_FAILURE = "expired_or_canceled_card"


def create_session(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    for required in ("mode", "line_items", "success_url"):
        if required not in body:
            raise StripeRefusal(
                400, "parameter_missing", f"Missing required param: {required}.", param=required
            )
    lines = [
        (
            int(line["price_data"]["unit_amount"]) * int(line["quantity"]),
            line["price_data"]["currency"],
        )
        for line in body["line_items"]
    ]
    currency, amount = lines[0][1], sum(line[0] for line in lines)
    expires_at = int(body.get("expires_at", store.timestamp + 86_400))
    if not 1_800 <= expires_at - store.timestamp <= 86_400 + 60:
        raise StripeRefusal(
            400,
            "parameter_invalid",
            "expires_at must lie between 30 minutes and 24 hours ahead.",
            param="expires_at",
        )
    if amount > 99_999_999:
        raise StripeRefusal(400, "amount_too_large", "Amount must be no more than 99,999,999.")
    session = _session(store, body, currency, amount, expires_at)
    intent = body.get("payment_intent_data", {})
    store.at(datetime.fromtimestamp(expires_at, UTC), "session.expire", session["id"])
    items = [line["price_data"]["product_data"]["name"] for line in body["line_items"]]
    return store.put(
        session, hidden={"intent": intent, "items": items, "amounts": [line[0] for line in lines]}
    )


def _session(
    store: Store,
    body: dict[str, Any],
    currency: str,
    amount: int,
    expires_at: int,
) -> dict[str, Any]:
    session_id = store.new_id("cs_test")
    return {
        "id": session_id,
        "object": "checkout.session",
        "created": store.timestamp,
        "livemode": False,
        "mode": body["mode"],
        "ui_mode": body.get("ui_mode"),
        "amount_subtotal": amount,
        "amount_total": amount,
        "currency": currency,
        "automatic_tax": {"enabled": False},
        "custom_fields": [],
        "custom_text": {},
        "shipping_options": [],
        "expires_at": expires_at,
        "status": "open",
        "payment_status": "unpaid",
        "payment_intent": None,
        "payment_method_types": body.get("allowed_payment_method_types", ["card"]),
        "client_reference_id": body.get("client_reference_id"),
        "customer_email": body.get("customer_email"),
        "success_url": body["success_url"],
        "cancel_url": body.get("cancel_url"),
        "metadata": body.get("metadata", {}),
        "submit_type": body.get("submit_type"),
        "locale": body.get("locale"),
        "url": f"{store.setting('public_url', '')}/_sandbox/stripe/pay/{session_id}",
    }


def expire_session(store: Store, session_id: str) -> dict[str, Any]:
    session = store.get(session_id, "checkout.session")
    if session["status"] != "open":
        raise StripeRefusal(
            400,
            "resource_state_invalid",
            f"Only open sessions can be expired; this one is {session['status']}.",
        )
    session |= {"status": "expired", "url": None}
    store.put(session)
    emit(store, "checkout.session.expired", session)
    return session


def pay_by_card(
    store: Store, session_id: str, number: str, *, challenge_passed: bool | None = None
) -> str:
    """Pay an open session.

    Returns `paid`, `declined:<code>` or `challenge`. Raises StripeRefusal when it is not open.
    """
    session = _open_session(store, session_id)
    intent = _intent(store, session)
    if number in DECLINES or challenge_passed is False:
        code = "authentication_required" if challenge_passed is False else DECLINES[number]
        return _decline(store, intent, code)
    if number in CHALLENGED and challenge_passed is None:
        intent["status"] = "requires_action"
        store.put(intent)
        emit(store, "payment_intent.requires_action", intent)
        return "challenge"
    charge = _charge(
        store,
        session,
        intent,
        {
            "type": "card",
            "card": {
                "brand": "visa",
                "last4": number[-4:],
                "fingerprint": fingerprint("card", number),
            },
        },
    )
    store.put(charge, hidden={"card": number})
    settles = timedelta(0) if number == AVAILABLE_AT_ONCE else CARD_SETTLES
    _settle(store, charge, settles)
    _complete(store, session, "paid")
    emit(store, "charge.succeeded", charge)
    emit(store, "payment_intent.succeeded", intent)
    emit(store, "checkout.session.completed", session)
    return "paid"


def _decline(store: Store, intent: dict[str, Any], code: str) -> str:
    error = {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": code,
        "message": "Your card was declined.",
    }
    intent |= {"status": "requires_payment_method", "last_payment_error": error}
    store.put(intent)
    emit(store, "payment_intent.payment_failed", intent)
    return f"declined:{code}"


def pay_by_bank(store: Store, session_id: str, account_number: str) -> str:
    """A bank debit: complete at once, paid or returned days later."""
    session = _open_session(store, session_id)
    intent = _intent(store, session)
    intent["status"] = "processing"
    store.put(intent, hidden={"bank": account_number})
    _complete(store, session, "unpaid")
    emit(store, "payment_intent.processing", intent)
    emit(store, "checkout.session.completed", session)
    store.at(store.now + DEBIT_SETTLES, "debit.settle", session_id)
    return "processing"


def settle_debit(store: Store, session_id: str) -> None:
    session = store.get(session_id, "checkout.session")
    intent = store.get(session["payment_intent"])
    if intent["status"] != "processing":
        return
    number = store.hidden(intent["id"])["bank"]
    if number == DEBIT_RETURNED:
        error = {
            "type": "invalid_request_error",
            "code": "payment_method_provider_decline",
            "message": "The bank returned the debit.",
        }
        intent |= {"status": "requires_payment_method", "last_payment_error": error}
        store.put(intent)
        emit(store, "payment_intent.payment_failed", intent)
        emit(store, "checkout.session.async_payment_failed", session)
        return
    purse = {
        "last4": number[-4:],
        "bank_name": "Sandbox Bank",
        "fingerprint": fingerprint("bank", number),
    }
    charge = _charge(store, session, intent, {"type": "us_bank_account", "us_bank_account": purse})
    _settle(store, charge, timedelta(0))
    session["payment_status"] = "paid"
    store.put(session)
    emit(store, "charge.succeeded", charge)
    emit(store, "checkout.session.async_payment_succeeded", session)


def _open_session(store: Store, session_id: str) -> dict[str, Any]:
    session = store.get(session_id, "checkout.session")
    if session["status"] != "open" or session["expires_at"] <= store.timestamp:
        raise StripeRefusal(
            400, "resource_state_invalid", f"This payment page is {session['status']}."
        )
    return session


def _intent(store: Store, session: dict[str, Any]) -> dict[str, Any]:
    if session["payment_intent"]:
        return store.get(session["payment_intent"])
    given = store.hidden(session["id"])["intent"]
    intent = {
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


def _charge(
    store: Store, session: dict[str, Any], intent: dict[str, Any], method: dict[str, Any]
) -> dict[str, Any]:
    # What arrives can be told apart from what was asked for by a switch: a bank or a bug outside
    # did it.
    amount = session["amount_total"] + int(store.setting("receive_difference", 0))
    currency = str(store.setting("receive_currency", session["currency"])).lower()
    details = method | ({"card": _card(method["card"])} if "card" in method else {})
    charge = {
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
        "payment_method_details": details,
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


def _card(card: dict[str, Any]) -> dict[str, Any]:
    blank = (
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
    return dict.fromkeys(blank) | card | {"exp_month": 12, "exp_year": 2040}


def fingerprint(kind: str, number: str) -> str:
    """The same number always has the same one; from it nobody learns the number."""
    return hashlib.sha256(f"{kind}:{number}".encode()).hexdigest()[:16]


def _settle(store: Store, charge: dict[str, Any], after: timedelta) -> None:
    code, amount = charge["currency"].upper(), charge["amount"]
    # Currencies that Stripe counts in hundredths without having them are charged in whole units.
    factor = CURRENCIES[code].stripe_factor
    fee = min(
        amount, ((amount * 29 + 500) // 1000 + factor - 1) // factor * factor + _FEES.get(code, 0)
    )
    if charge["payment_method_details"]["type"] == "us_bank_account":
        fee = min(_MOST_PER_DEBIT, (amount * 8 + 500) // 1000)
    available_on = store.now + after
    charge["balance_transaction"] = transaction(
        store, charge["id"], "charge", amount, fee, charge["currency"], available_on
    )["id"]
    store.put(charge)
    store.move(code, {CARDS: -amount, PLATFORM: amount - fee, FEES: fee}, available_on)


def transaction(
    store: Store,
    source: str,
    kind: str,
    amount: int,
    fee: int,
    currency: str,
    available_on: datetime,
    account: str = PLATFORM,
) -> dict[str, Any]:
    """One balance transaction per move, as Stripe's reports have it."""
    status = "available" if available_on <= store.now else "pending"
    made = {
        "id": store.new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": int(available_on.timestamp()),
        "balance_type": "payments",
        "created": store.timestamp,
        "currency": currency.lower(),
        "fee": fee,
        "fee_details": _fee_details(fee, currency),
        "net": amount - fee,
        "reporting_category": kind,
        "status": status,
        "type": kind,
        "source": source,
    }
    return store.put(made, account)


def _fee_details(fee: int, currency: str) -> list[dict[str, Any]]:
    return (
        [
            {
                "amount": fee,
                "application": None,
                "currency": currency,
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }
        ]
        if fee
        else []
    )


def _complete(store: Store, session: dict[str, Any], payment_status: str) -> None:
    session |= {"status": "complete", "payment_status": payment_status, "url": None}
    store.put(session)


def create_refund(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    intent = store.get(body["payment_intent"], "payment_intent")
    charge = store.get(intent["latest_charge"]) if intent["latest_charge"] else None
    if charge is None or "amount" not in body:
        raise StripeRefusal(
            400, "parameter_missing", "A refund needs a succeeded payment and an amount."
        )
    left = charge["amount"] - charge["amount_refunded"]
    amount = _amount_to_refund(charge, left, body)
    card = store.hidden(charge["id"]).get("card", "")
    slow = card == REFUND_PENDING
    refund = {
        "id": store.new_id("re"),
        "object": "refund",
        "amount": amount,
        "created": store.timestamp,
        "currency": charge["currency"],
        "charge": charge["id"],
        "payment_intent": intent["id"],
        "metadata": body.get("metadata", {}),
        "reason": body.get("reason"),
        "status": "pending" if slow else "succeeded",
    }
    refund["balance_transaction"] = transaction(
        store, refund["id"], "refund", -amount, 0, charge["currency"], store.now
    )["id"]
    store.put(refund)
    charge |= {"amount_refunded": charge["amount_refunded"] + amount, "refunded": amount == left}
    store.put(charge)
    store.move(charge["currency"].upper(), {PLATFORM: -amount, CARDS: amount})
    if slow:
        store.at(store.now + timedelta(days=1), "refund.succeed", refund["id"])
    failed_before = any(r["status"] == "failed" for r in store.find("refund", charge=charge["id"]))
    if card == REFUND_FAILS_LATER and not failed_before:
        store.at(store.now + timedelta(days=1), "refund.fail", refund["id"])
    emit(store, "refund.created", refund)
    emit(store, "charge.refunded", charge)
    return refund


def _amount_to_refund(charge: dict[str, Any], left: int, body: dict[str, Any]) -> int:
    """Raises StripeRefusal when the charge is disputed or has less than that left."""
    if charge["disputed"]:
        raise StripeRefusal(
            400,
            "charge_disputed",
            f"Charge {charge['id']} has been charged back; it cannot be refunded.",
        )
    amount = int(body["amount"])
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
    refund = store.get(refund_id, "refund") | {"status": "succeeded"}
    store.put(refund)
    emit(store, "refund.updated", refund)


def fail_refund(store: Store, refund_id: str) -> None:
    """The bank sends the money back days after a success: it is ours again."""
    refund = store.get(refund_id, "refund") | {
        "status": "failed",
        "failure_reason": DEFAULT_FAILURE,
    }
    charge = store.get(refund["charge"])
    charge |= {"amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False}
    store.put(charge)
    refund["failure_balance_transaction"] = transaction(
        store, refund_id, "refund_failure", refund["amount"], 0, refund["currency"], store.now
    )["id"]
    store.put(refund)
    store.move(refund["currency"].upper(), {CARDS: -refund["amount"], PLATFORM: refund["amount"]})
    emit(store, "refund.failed", refund)
