"""Stripe's objects on the way to a freelancer: accounts, transfers, payouts, top-ups."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from service.domain.text.json_types import Json, JsonObject
from service.sandbox.stripe.objects import ObjectType


class Account(TypedDict):
    """A connected account (Accounts v2)."""

    id: str
    object: str
    applied_configurations: list[str]
    created: str
    livemode: bool
    contact_email: Json
    display_name: Json
    dashboard: Json
    metadata: Json
    closed: bool
    configuration: NotRequired[JsonObject]
    requirements: NotRequired[JsonObject]


class AccountUse(TypedDict):
    """What an account link is for."""

    type: str
    account_onboarding: JsonObject


class AccountLink(TypedDict):
    """A link to the onboarding page; its id is not told."""

    id: NotRequired[str]
    object: str
    account: str
    created: str
    expires_at: str
    livemode: bool
    url: str
    use_case: AccountUse


class BankAccount(TypedDict):
    """The bank account behind a connected account."""

    id: str
    object: str
    account: str
    country: str
    currency: str
    last4: str
    status: str
    fingerprint: str


class Reversal(TypedDict):
    """A transfer taken back, or part of it."""

    id: str
    object: str
    amount: int
    created: int
    currency: str
    transfer: str
    metadata: Json
    balance_transaction: NotRequired[str]


class ReversalList(TypedDict):
    """The reversals inside a transfer, newest first."""

    object: str
    data: list[Reversal]
    has_more: bool
    url: str


class Transfer(TypedDict):
    """Money from the platform to a connected account."""

    id: str
    object: str
    amount: int
    amount_reversed: int
    created: int
    currency: str
    livemode: bool
    metadata: Json
    reversed: bool
    destination: str
    source_transaction: str
    transfer_group: Json
    reversals: ReversalList
    balance_transaction: NotRequired[str]


class Payout(TypedDict):
    """Money from a balance to a bank."""

    id: str
    object: str
    amount: int
    arrival_date: int
    automatic: bool
    created: int
    currency: str
    livemode: bool
    method: str
    reconciliation_status: str
    source_type: str
    status: str
    type: str
    metadata: Json
    balance_transaction: NotRequired[str]
    failure_code: NotRequired[str]
    failure_message: NotRequired[str]
    failure_balance_transaction: NotRequired[str]


class TopUp(TypedDict):
    """The platform's own money, put in."""

    id: str
    object: str
    amount: int
    created: int
    currency: str
    livemode: bool
    metadata: Json
    status: str
    description: Json
    balance_transaction: NotRequired[str]


ACCOUNT: ObjectType[Account] = ObjectType("v2.core.account")
ACCOUNT_LINK: ObjectType[AccountLink] = ObjectType("v2.core.account_link")
TRANSFER: ObjectType[Transfer] = ObjectType("transfer")
PAYOUT: ObjectType[Payout] = ObjectType("payout")
