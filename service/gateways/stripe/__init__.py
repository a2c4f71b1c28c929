"""Stripe: the only package that imports the SDK.

One client per process, everything it must know said here.

Separate charges and transfers. The fee is what is not transferred, so our ledger is its only
record. Every call that changes something takes a key that was stored before; every amount is
explicit.
"""

from __future__ import annotations

from service.gateways.stripe.contests import Contests
from service.gateways.stripe.payments import CheckoutLine, CheckoutOrder, Payments
from service.gateways.stripe.payouts import Payouts
from service.gateways.stripe.platform import ENABLED_EVENTS, Platform
from service.gateways.stripe.transport import API_VERSION, sign


class StripeGateway(Payments, Payouts, Contests, Platform):
    """Every call to Stripe that the product makes.

    Raises GatewayUnavailable, GatewayUnknownOutcome, GatewayRefused.
    """


__all__ = [
    "API_VERSION",
    "ENABLED_EVENTS",
    "CheckoutLine",
    "CheckoutOrder",
    "StripeGateway",
    "sign",
]
