"""Checkout Sessions: the page on which a person pays, open for a day at most."""

from __future__ import annotations

from datetime import UTC, datetime

from service.sandbox.errors import StripeRefusal
from service.sandbox.store import Store
from service.sandbox.stripe.objects import SESSION, Session
from service.sandbox.stripe.params import Params
from service.sandbox.stripe.webhooks import emit

_DAY, _SHORTEST = 86_400, 1_800
_MOST = 99_999_999


def create_session(store: Store, body: Params) -> Session:
    """A page to pay on. Raises StripeRefusal for what Stripe would not take."""
    for required in ("mode", "line_items", "success_url"):
        if required not in body:
            raise StripeRefusal(
                400, "parameter_missing", f"Missing required param: {required}.", param=required
            )
    lines = body.parts("line_items")
    prices = [line.part("price_data") for line in lines]
    amounts = [
        price.number("unit_amount") * line.number("quantity")
        for line, price in zip(lines, prices, strict=True)
    ]
    expires_at = body.number("expires_at", store.timestamp + _DAY)
    if not _SHORTEST <= expires_at - store.timestamp <= _DAY + 60:
        raise StripeRefusal(
            400,
            "parameter_invalid",
            "expires_at must lie between 30 minutes and 24 hours ahead.",
            param="expires_at",
        )
    if sum(amounts) > _MOST:
        raise StripeRefusal(400, "amount_too_large", "Amount must be no more than 99,999,999.")
    session = _session(store, body, prices[0].text("currency"), sum(amounts), expires_at)
    store.at(datetime.fromtimestamp(expires_at, UTC), "session.expire", session["id"])
    return store.put(
        session,
        hidden={
            "intent": body.mapping("payment_intent_data"),
            "items": [price.part("product_data").raw("name") for price in prices],
            "amounts": amounts,
        },
    )


def _session(store: Store, body: Params, currency: str, amount: int, expires_at: int) -> Session:
    session_id = store.new_id("cs_test")
    return {
        "id": session_id,
        "object": "checkout.session",
        "created": store.timestamp,
        "livemode": False,
        "mode": body.raw("mode"),
        "ui_mode": body.raw("ui_mode"),
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
        "payment_method_types": body.values("allowed_payment_method_types") or ["card"],
        "client_reference_id": body.raw("client_reference_id"),
        "customer_email": body.raw("customer_email"),
        "success_url": body.text("success_url"),
        "cancel_url": body.text_or_none("cancel_url"),
        "metadata": body.raw("metadata", {}),
        "submit_type": body.raw("submit_type"),
        "locale": body.raw("locale"),
        "url": f"{store.setting('public_url', '')}/_sandbox/stripe/pay/{session_id}",
    }


def expire_session(store: Store, session_id: str) -> Session:
    """Close an open page. Raises StripeRefusal for one that is not."""
    session = store.get(session_id, SESSION)
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


def open_session(store: Store, session_id: str) -> Session:
    """A page that can still be paid on. Raises StripeRefusal for another."""
    session = store.get(session_id, SESSION)
    if session["status"] != "open" or session["expires_at"] <= store.timestamp:
        raise StripeRefusal(
            400, "resource_state_invalid", f"This payment page is {session['status']}."
        )
    return session


def complete(store: Store, session: Session, payment_status: str) -> None:
    """The person has done their part; the page is closed."""
    session |= {"status": "complete", "payment_status": payment_status, "url": None}
    store.put(session)
