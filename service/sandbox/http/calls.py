"""Every call of Stripe's API that the gateway makes: where it is, and what it does here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import request

from service.sandbox.store import Store
from service.sandbox.stripe import (
    accounts,
    balance,
    checkout,
    disputes,
    payouts,
    refunds,
    transfers,
)
from service.sandbox.stripe.objects import (
    BALANCE_TRANSACTION,
    DISPUTE,
    EVENT,
    FRAUD_WARNING,
    REFUND,
    SESSION,
    Document,
    ObjectType,
)
from service.sandbox.stripe.params import Params
from service.sandbox.stripe.payout_objects import PAYOUT, TRANSFER

_MOST_EVENTS = 100
Action = Callable[[Store, Params, str, str], Mapping[str, object]]
"""The store, the parameters, the id in the address, the account in whose name; what is answered."""


@dataclass(frozen=True)
class StripeCall:
    """One call: where it is, whose parameters it takes (a path into the SDK's client), and what it
    does.
    """

    method: str
    path: str
    sdk: str
    action: Action

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile("^" + re.sub(r"\{\w+\}", "([^/]+)", self.path) + "$")


def _get(kind: ObjectType[Document]) -> Action:
    return lambda store, _, object_id, account: store.get(object_id, kind, account)


def _list(kind: ObjectType[Document], *fields: str) -> Action:
    def action(store: Store, query: Params, _: str, account: str) -> Mapping[str, object]:
        wanted = {name: query.text(name) for name in fields if name in query}
        found = _after(store.find(kind, account, **wanted), query)
        return _page(found, query.number("limit", 10), _own_path())

    return action


def _own_path() -> str:
    return request.path.removeprefix("/_sandbox/stripe")


def _after(found: list[Document], query: Params) -> list[Document]:
    """What follows the object that the caller has seen last."""
    after = query.text_or_none("starting_after")
    if not after:
        return found
    ids = [doc["id"] for doc in found]
    return found[ids.index(after) + 1 :] if after in ids else []


def _page(found: Sequence[Document], limit: int, url: str) -> Mapping[str, object]:
    return {
        "object": "list",
        "data": found[:limit],
        "has_more": len(found) > limit,
        "url": url,
    }


def _events(store: Store, query: Params, _: str, account: str) -> Mapping[str, object]:
    since, types = query.part("created").number("gte", 0), query.values("types")
    data = [
        event
        for event in store.find(EVENT, account)
        if event["created"] >= since and (not types or event["type"] in types)
    ]
    return _page(data[:_MOST_EVENTS], _MOST_EVENTS, "/v1/events")


def _balance_rows(store: Store, query: Params, _: str, account: str) -> Mapping[str, object]:
    since = query.part("created").number("gte", 0)
    found = _after(store.find(BALANCE_TRANSACTION, account), query)
    recent = [row for row in found if row["created"] >= since]
    return _page(recent, query.number("limit", 10), "/v1/balance_transactions")


CALLS: list[StripeCall] = [
    StripeCall(
        "POST",
        "/v1/checkout/sessions",
        "v1.checkout.sessions.create",
        lambda s, b, _, __: checkout.create_session(s, b),
    ),
    StripeCall(
        "GET",
        "/v1/checkout/sessions",
        "v1.checkout.sessions.list",
        _list(SESSION, "payment_intent"),
    ),
    StripeCall(
        "GET",
        "/v1/checkout/sessions/{id}",
        "v1.checkout.sessions.retrieve",
        _get(SESSION),
    ),
    StripeCall(
        "POST",
        "/v1/checkout/sessions/{id}/expire",
        "v1.checkout.sessions.expire",
        lambda s, _, i, __: checkout.expire_session(s, i),
    ),
    StripeCall(
        "POST", "/v1/refunds", "v1.refunds.create", lambda s, b, _, __: refunds.create_refund(s, b)
    ),
    StripeCall("GET", "/v1/refunds", "v1.refunds.list", _list(REFUND, "payment_intent")),
    StripeCall("GET", "/v1/refunds/{id}", "v1.refunds.retrieve", _get(REFUND)),
    StripeCall(
        "GET", "/v1/disputes", "v1.disputes.list", _list(DISPUTE, "charge", "payment_intent")
    ),
    StripeCall("GET", "/v1/disputes/{id}", "v1.disputes.retrieve", _get(DISPUTE)),
    StripeCall(
        "POST",
        "/v1/disputes/{id}",
        "v1.disputes.update",
        lambda s, b, i, _: disputes.update(s, i, b),
    ),
    StripeCall(
        "POST",
        "/v1/disputes/{id}/close",
        "v1.disputes.close",
        lambda s, _, i, __: disputes.concede(s, i),
    ),
    StripeCall(
        "POST", "/v1/files", "v1.files.create", lambda s, b, _, __: disputes.create_file(s, b)
    ),
    StripeCall(
        "GET",
        "/v1/radar/early_fraud_warnings/{id}",
        "v1.radar.early_fraud_warnings.retrieve",
        _get(FRAUD_WARNING),
    ),
    StripeCall(
        "GET",
        "/v1/accounts/{id}/external_accounts",
        "v1.accounts.external_accounts.list",
        lambda s, _, i, __: accounts.external_accounts(s, i),
    ),
    StripeCall(
        "POST",
        "/v1/transfers",
        "v1.transfers.create",
        lambda s, b, _, __: transfers.create_transfer(s, b),
    ),
    StripeCall("GET", "/v1/transfers", "v1.transfers.list", _list(TRANSFER, "transfer_group")),
    StripeCall("GET", "/v1/transfers/{id}", "v1.transfers.retrieve", _get(TRANSFER)),
    StripeCall(
        "POST",
        "/v1/transfers/{id}/reversals",
        "v1.transfers.reversals.create",
        lambda s, b, i, _: transfers.reverse_transfer(s, i, b),
    ),
    StripeCall(
        "POST",
        "/v1/payouts",
        "v1.payouts.create",
        lambda s, b, _, a: payouts.create_payout(s, b, a),
    ),
    StripeCall("GET", "/v1/payouts", "v1.payouts.list", _list(PAYOUT)),
    StripeCall(
        "POST",
        "/v1/payouts/{id}/cancel",
        "v1.payouts.cancel",
        lambda s, _, i, __: payouts.cancel_payout(s, i),
    ),
    StripeCall("GET", "/v1/payouts/{id}", "v1.payouts.retrieve", _get(PAYOUT)),
    StripeCall(
        "GET", "/v1/balance", "v1.balance.retrieve", lambda s, _, __, a: balance.balance_view(s, a)
    ),
    StripeCall("GET", "/v1/balance_transactions", "v1.balance_transactions.list", _balance_rows),
    StripeCall(
        "GET",
        "/v1/balance_settings",
        "v1.balance_settings.retrieve",
        lambda s, _, __, a: balance.balance_settings(s, a),
    ),
    StripeCall(
        "POST",
        "/v1/balance_settings",
        "v1.balance_settings.update",
        lambda s, b, _, a: balance.balance_settings(s, a, b),
    ),
    StripeCall("POST", "/v1/topups", "v1.topups.create", lambda s, b, _, __: balance.top_up(s, b)),
    StripeCall("GET", "/v1/events", "v1.events.list", _events),
    StripeCall(
        "POST",
        "/v2/core/accounts",
        "v2.core.accounts.create",
        lambda s, b, _, __: accounts.create_account(s, b),
    ),
    StripeCall(
        "GET",
        "/v2/core/accounts/{id}",
        "v2.core.accounts.retrieve",
        lambda s, b, i, _: accounts.account_view(s, i, b.values("include")),
    ),
    StripeCall(
        "POST",
        "/v2/core/account_links",
        "v2.core.account_links.create",
        lambda s, b, _, __: accounts.create_account_link(s, b),
    ),
]
