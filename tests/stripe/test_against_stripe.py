"""The gateway against Stripe itself, in test mode: only with STRIPE_TEST_KEY, which must be a test
key of a platform account.

What the sandbox cannot prove is what Stripe does, and not only says. `STRIPE_TEST_KEY=sk_test_…
pytest tests/stripe`.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from service.gateways.stripe import CheckoutLine, CheckoutOrder, StripeGateway

KEY = os.environ.get("STRIPE_TEST_KEY", "")
pytestmark = pytest.mark.skipif(
    not KEY.startswith(("sk_test_", "rk_test_")),
    reason="NOT RUN AGAINST STRIPE: set STRIPE_TEST_KEY to a test key",
)


@pytest.fixture
def gateway() -> StripeGateway:
    return StripeGateway(KEY, ("whsec_unused",), live=False)


def paid(method: str = "pm_card_visa") -> Any:
    """A charge made past the gateway, as a person's browser would make it."""
    client = stripe.StripeClient(KEY)
    return client.v1.payment_intents.create(
        {
            "amount": 1_000,
            "currency": "usd",
            "payment_method": method,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        },
        {"idempotency_key": str(uuid.uuid4())},
    )


def until(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := what()):
        assert time.monotonic() < deadline, "Stripe did not do it within a minute"
        time.sleep(2)
    return found


def test_a_payment_page_opens_and_closes(gateway: StripeGateway) -> None:
    order = CheckoutOrder(
        payment_id=f"pay_{uuid.uuid4().hex}",
        contract_id="ctr_test",
        currency="USD",
        lines=[CheckoutLine("Work", 1_000)],
        client_email="charles@babbage.example",
        method="card",
        success_url="https://holdfast.example/ok",
        cancel_url="https://holdfast.example/no",
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    made = gateway.create_checkout(order)
    assert (made.session_status, gateway.create_checkout(order).session_id) == (
        "open",
        made.session_id,
    )
    assert gateway.expire_checkout(made.session_id).session_status == "expired"


def test_a_refund_is_made_once(gateway: StripeGateway) -> None:
    intent, ours = paid(), f"ref_{uuid.uuid4().hex}"
    first, again = (gateway.create_refund(ours, 1, intent.id, 400) for _ in range(2))
    assert first.id == again.id
    found = gateway.find_refund(ours, intent.id)
    assert found is not None
    assert (found.id, gateway.fetch_refund(first.id).amount) == (first.id, 400)


def test_evidence_is_staged_and_submitted(gateway: StripeGateway) -> None:
    client, intent = stripe.StripeClient(KEY), paid("pm_card_createDispute")
    listed = until(lambda: client.v1.disputes.list({"payment_intent": intent.id}).data)
    file = gateway.upload_evidence(f"cbk_{uuid.uuid4().hex}", "pack.pdf", b"%PDF-1.4\n%%EOF\n")
    staged = gateway.stage_evidence(listed[0].id, file, "staged")
    assert (staged.status, staged.has_evidence) == ("needs_response", True)
    assert gateway.submit_evidence(listed[0].id, file, "losing_evidence").status in (
        "under_review",
        "lost",
    )


def test_the_platform_can_be_read(gateway: StripeGateway) -> None:
    assert isinstance(gateway.balance(), dict)
    assert gateway.payouts_are_manual() in (True, False)
    assert all(
        not event.livemode for event in gateway.events_since(datetime.now(UTC) - timedelta(hours=1))
    )
