"""Stripe's objects as the sandbox keeps them, and what it knows of each and does not tell.

Amounts are in Stripe's units of the lower-case `currency`, instants in seconds since 1970. What a
caller gave and nobody here reads is `Json`, as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, NotRequired, TypedDict, TypeVar

from service.domain.text.json_types import Json, JsonObject

Document = TypeVar("Document", bound=Mapping[str, object])


@dataclass(frozen=True)
class ObjectType(Generic[Document]):
    """The `object` value under which documents of one shape are kept."""

    name: str


class Hidden(TypedDict, total=False):
    """What Stripe knows and does not tell: of a connected account, a session, an intent, a
    charge.
    """

    transfers: str
    why: str | None
    bank: str | None
    bank_fails: bool
    email: Json
    name: Json
    country: Json
    intent: JsonObject
    items: list[Json]
    amounts: list[int]
    card: str


class Session(TypedDict):
    """A Checkout Session."""

    id: str
    object: str
    created: int
    livemode: bool
    mode: Json
    ui_mode: Json
    amount_subtotal: int
    amount_total: int
    currency: str
    automatic_tax: JsonObject
    custom_fields: list[Json]
    custom_text: JsonObject
    shipping_options: list[Json]
    expires_at: int
    status: str
    payment_status: str
    payment_intent: str | None
    payment_method_types: list[Json]
    client_reference_id: Json
    customer_email: Json
    success_url: str
    cancel_url: str | None
    metadata: Json
    submit_type: Json
    locale: Json
    url: str | None


class PaymentProblem(TypedDict):
    """Why a payment did not come about."""

    type: str
    code: str
    message: str
    decline_code: NotRequired[str]


class Intent(TypedDict):
    """A PaymentIntent."""

    id: str
    object: str
    amount: int
    amount_capturable: int
    amount_received: int
    capture_method: str
    confirmation_method: str
    created: int
    currency: str
    livemode: bool
    metadata: Json
    payment_method_types: list[Json]
    status: str
    latest_charge: str | None
    last_payment_error: PaymentProblem | None
    transfer_group: Json
    description: Json


class PaymentMethod(TypedDict):
    """What a charge was paid with."""

    type: str
    card: NotRequired[JsonObject]
    us_bank_account: NotRequired[JsonObject]


class Charge(TypedDict):
    """What was taken from a card or a bank account."""

    id: str
    object: str
    amount: int
    amount_captured: int
    amount_refunded: int
    billing_details: JsonObject
    captured: bool
    created: int
    currency: str
    disputed: bool
    livemode: bool
    metadata: Json
    paid: bool
    refunded: bool
    status: str
    payment_intent: str
    balance_transaction: str | None
    payment_method_details: PaymentMethod
    transfer_group: Json


class FeeDetail(TypedDict):
    """What Stripe keeps of a movement."""

    amount: int
    application: None
    currency: str
    description: str
    type: str


class BalanceTransaction(TypedDict):
    """One movement of a balance."""

    id: str
    object: str
    amount: int
    available_on: int
    balance_type: str
    created: int
    currency: str
    fee: int
    fee_details: list[FeeDetail]
    net: int
    reporting_category: str
    status: str
    type: str
    source: str


class Refund(TypedDict):
    """Money back to the client."""

    id: str
    object: str
    amount: int
    created: int
    currency: str
    charge: str
    payment_intent: str
    metadata: Json
    reason: Json
    status: str
    balance_transaction: NotRequired[str]
    failure_reason: NotRequired[str]
    failure_balance_transaction: NotRequired[str]


class EvidenceDetails(TypedDict):
    """How far the evidence of a dispute has come."""

    due_by: int
    enhanced_eligibility: JsonObject
    has_evidence: bool
    past_due: bool
    submission_count: int
    submission_method: str


class Dispute(TypedDict):
    """A bank contests a charge, or (an inquiry) asks about it."""

    id: str
    object: str
    amount: int
    balance_transactions: list[BalanceTransaction]
    charge: str
    created: int
    currency: str
    enhanced_eligibility_types: list[Json]
    evidence: JsonObject
    evidence_details: EvidenceDetails
    is_charge_refundable: bool
    livemode: bool
    metadata: JsonObject
    payment_intent: str
    reason: str
    status: str


class FraudWarning(TypedDict):
    """An early fraud warning of a card network."""

    id: str
    object: str
    actionable: bool
    charge: str
    created: int
    fraud_type: str
    livemode: bool
    payment_intent: str


class File(TypedDict):
    """An uploaded file."""

    id: str
    object: str
    created: int
    filename: str
    purpose: Json
    size: int
    type: str


class Event(TypedDict):
    """Something that happened; only what is read again of it."""

    id: str
    object: str
    created: int
    type: str


SESSION: ObjectType[Session] = ObjectType("checkout.session")
INTENT: ObjectType[Intent] = ObjectType("payment_intent")
CHARGE: ObjectType[Charge] = ObjectType("charge")
BALANCE_TRANSACTION: ObjectType[BalanceTransaction] = ObjectType("balance_transaction")
REFUND: ObjectType[Refund] = ObjectType("refund")
DISPUTE: ObjectType[Dispute] = ObjectType("dispute")
FRAUD_WARNING: ObjectType[FraudWarning] = ObjectType("radar.early_fraud_warning")
FILE: ObjectType[File] = ObjectType("file")
EVENT: ObjectType[Event] = ObjectType("event")
