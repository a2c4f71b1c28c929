"""The client pays, and money goes back to the client."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stripe.params.checkout import SessionCreateParamsLineItem

from service.domain.money.psp import CheckoutSnapshot, RefundSnapshot
from service.gateways import GatewayRefused
from service.gateways.stripe import snapshots
from service.gateways.stripe.transport import PAGE, Connection, translated

_PAYMENT_EXPANSION = ["payment_intent.latest_charge.balance_transaction"]


@dataclass(frozen=True)
class CheckoutLine:
    name: str
    amount: int


@dataclass(frozen=True)
class CheckoutOrder:
    """A Checkout Session to make.

    `payment_id` is the idempotency key; amounts are in Stripe's units of `currency`.
    """

    payment_id: str
    contract_id: str
    currency: str
    lines: list[CheckoutLine]
    client_email: str
    method: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    locale: str = "auto"


def _line_item(line: CheckoutLine, currency: str) -> SessionCreateParamsLineItem:
    return {
        "quantity": 1,
        "price_data": {
            "currency": currency.lower(),
            "unit_amount": line.amount,
            "product_data": {"name": line.name},
        },
    }


class Payments(Connection):
    """Checkout Sessions and refunds."""

    # The client pays

    def create_checkout(self, order: CheckoutOrder) -> CheckoutSnapshot:
        """A hosted payment page. The same `payment_id` gives the same session for a day."""
        ours = {"payment_id": order.payment_id, "contract_id": order.contract_id}
        with translated():
            session = self._client.v1.checkout.sessions.create(
                {
                    "mode": "payment",
                    "ui_mode": "hosted_page",
                    "submit_type": "pay",
                    "client_reference_id": order.payment_id,
                    "customer_email": order.client_email,
                    "line_items": [_line_item(line, order.currency) for line in order.lines],
                    "success_url": order.success_url,
                    "cancel_url": order.cancel_url,
                    "expires_at": int(order.expires_at.timestamp()),
                    # A Dashboard setting would otherwise let the client pay in another currency.
                    "adaptive_pricing": {"enabled": False},
                    "allowed_payment_method_types": ["us_bank_account"]
                    if order.method == "us_bank_account"
                    else ["card", "link"],
                    "metadata": ours,
                    # The session's metadata is not copied to the intent and the charge.
                    "payment_intent_data": {
                        "transfer_group": order.contract_id,
                        "metadata": ours,
                        "description": f"Protected payment {order.payment_id}",
                    },
                },
                {"idempotency_key": f"checkout:{order.payment_id}:1"},
            )
        return snapshots.checkout(session)

    def fetch_checkout(self, session_id: str) -> CheckoutSnapshot:
        """The session as it stands, with intent, charge and balance transaction."""
        with translated():
            return snapshots.checkout(
                self._client.v1.checkout.sessions.retrieve(
                    session_id, {"expand": _PAYMENT_EXPANSION}
                )
            )

    def find_checkout(self, payment_intent_id: str) -> CheckoutSnapshot | None:
        """The session that made a PaymentIntent; None when it is not one of ours."""
        with translated():
            found = self._client.v1.checkout.sessions.list(
                {"payment_intent": payment_intent_id, "limit": 1}
            )
        return self.fetch_checkout(found.data[0].id) if found.data else None

    def expire_checkout(self, session_id: str) -> CheckoutSnapshot:
        """Close an open session; one that was paid in the last instant is returned as paid."""
        try:
            with translated():
                self._client.v1.checkout.sessions.expire(session_id)
        except GatewayRefused:
            # Complete or expired already: its present state says which.
            return self.fetch_checkout(session_id)
        return self.fetch_checkout(session_id)

    # Back to the client

    def create_refund(
        self, refund_id: str, attempt: int, payment_intent_id: str, amount: int
    ) -> RefundSnapshot:
        with translated():
            made = self._client.v1.refunds.create(
                {
                    "payment_intent": payment_intent_id,
                    "amount": amount,
                    "metadata": {"refund_id": refund_id},
                },
                {"idempotency_key": f"refund:{refund_id}:{attempt}"},
            )
        return snapshots.refund(made)

    def find_refund(self, refund_id: str, payment_intent_id: str) -> RefundSnapshot | None:
        """Whether a refund of ours was made: for an outcome that nobody heard."""
        with translated():
            page = self._client.v1.refunds.list(
                {"payment_intent": payment_intent_id, "limit": PAGE}
            )
        return next(
            (
                snapshots.refund(r)
                for r in page.data
                if snapshots.metadata(r, "refund_id") == refund_id
            ),
            None,
        )

    def fetch_refund(self, stripe_refund_id: str) -> RefundSnapshot:
        with translated():
            return snapshots.refund(self._client.v1.refunds.retrieve(stripe_refund_id))
