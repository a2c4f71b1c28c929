"""What the payment processor says of an object right now, in our words.

Amounts are in the processor's units of `currency`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class CheckoutSnapshot:
    """A Checkout Session with its PaymentIntent, charge and balance transaction, as far as they
    exist.
    """

    session_id: str
    session_status: str
    paid: bool
    expires_at: datetime
    payment_id: str | None = None
    url: str | None = None
    payment_intent_id: str | None = None
    intent_status: str | None = None
    charge_id: str | None = None
    received: int | None = None
    currency: str | None = None
    fee: int | None = None
    card_last4: str | None = None
    instrument: str | None = None
    """The fingerprint of the card or bank account."""
    decline_code: str | None = None


@dataclass(frozen=True)
class RefundSnapshot:
    id: str
    status: str
    failure_reason: str | None = None
    amount: int = 0
    currency: str = ""
    payment_intent_id: str | None = None


@dataclass(frozen=True)
class ChargebackSnapshot:
    """A bank's dispute of a charge. `fee` is what the processor takes for it."""

    id: str
    status: str
    reason: str
    amount: int
    currency: str
    payment_intent_id: str | None
    fee: int
    evidence_due_at: datetime | None = None
    has_evidence: bool = False


@dataclass(frozen=True)
class FraudWarningSnapshot:
    """An early fraud warning about a charge."""

    id: str
    payment_intent_id: str | None
    fraud_type: str
    actionable: bool


@dataclass(frozen=True)
class TransferSnapshot:
    id: str
    amount: int
    amount_reversed: int
    reversals: tuple[tuple[str, int], ...] = ()
    """Each by its id, with its own amount."""


@dataclass(frozen=True)
class BalanceRow:
    """One row of the processor's own account of the platform's balance: what moved, for what
    (`source`), less which fee.
    """

    id: str
    type: str
    source: str | None
    amount: int
    fee: int
    currency: str
    created_at: datetime


@dataclass(frozen=True)
class AccountSnapshot:
    """A connected account: whether it may receive transfers, and what its owner still has to do."""

    id: str
    transfers_status: str
    requirements: list[str]
    closed: bool
    bank_reference: str | None = None
    instruments: tuple[str, ...] = ()
    """Fingerprints of the bank accounts and cards behind it."""


@dataclass(frozen=True)
class BankPayoutSnapshot:
    """A payout from a connected account to the bank."""

    id: str
    status: str
    failure_code: str | None = None


@dataclass(frozen=True)
class InboundEvent:
    """A verified webhook: a hint about which object has changed, nothing more."""

    id: str
    type: str
    livemode: bool
    object_id: str | None
    account_id: str | None
    payload: dict[str, object]
