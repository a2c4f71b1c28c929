"""The balance and its movements: fees, what is available and pending, top-ups, settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from service.domain.money.money import CURRENCIES
from service.sandbox.store import BANKS, CARDS, FEES, PLATFORM, Store
from service.sandbox.stripe.objects import BalanceTransaction, Charge, FeeDetail
from service.sandbox.stripe.params import Params
from service.sandbox.stripe.payout_objects import TopUp
from service.sandbox.stripe.webhooks import emit

_FEES = {"USD": 30, "EUR": 25, "GBP": 20, "JPY": 40, "KWD": 100, "INR": 300}
_MOST_PER_DEBIT = 500
"""Stripe takes 0.8 % of a bank debit, at most five dollars."""


def settle(store: Store, charge: Charge, after: timedelta) -> None:
    """A charge reaches the platform's balance, less Stripe's fee, available after a while."""
    code, amount, fee = charge["currency"].upper(), charge["amount"], _fee_of(charge)
    available_on = store.now + after
    charge["balance_transaction"] = transaction(
        store, charge["id"], "charge", amount, fee, charge["currency"], available_on
    )["id"]
    store.put(charge)
    store.move(code, {CARDS: -amount, PLATFORM: amount - fee, FEES: fee}, available_on)


def _fee_of(charge: Charge) -> int:
    code, amount = charge["currency"].upper(), charge["amount"]
    # Currencies that Stripe counts in hundredths without having them are charged in whole units.
    factor = CURRENCIES[code].stripe_factor
    fee = min(
        amount, ((amount * 29 + 500) // 1000 + factor - 1) // factor * factor + _FEES.get(code, 0)
    )
    if charge["payment_method_details"]["type"] == "us_bank_account":
        return min(_MOST_PER_DEBIT, (amount * 8 + 500) // 1000)
    return fee


def transaction(
    store: Store,
    source: str,
    kind: str,
    amount: int,
    fee: int,
    currency: str,
    available_on: datetime,
    account: str = PLATFORM,
) -> BalanceTransaction:
    """One balance transaction per move, as Stripe's reports have it."""
    status = "available" if available_on <= store.now else "pending"
    made: BalanceTransaction = {
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


def _fee_details(fee: int, currency: str) -> list[FeeDetail]:
    detail: FeeDetail = {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    return [detail] if fee else []


def balance_view(store: Store, account: str) -> Mapping[str, object]:
    """What an account has, per currency."""
    found = store.balances(account)
    return {
        "object": "balance",
        "livemode": False,
        "available": [{"amount": a, "currency": c.lower()} for c, (a, _) in found.items()],
        "pending": [{"amount": p, "currency": c.lower()} for c, (_, p) in found.items()],
    }


def top_up(store: Store, body: Params) -> TopUp:
    """The platform puts its own money in."""
    amount, currency = body.number("amount"), body.text("currency").lower()
    made: TopUp = {
        "id": store.new_id("tu"),
        "object": "topup",
        "amount": amount,
        "created": store.timestamp,
        "currency": currency,
        "livemode": False,
        "metadata": body.raw("metadata", {}),
        "status": "succeeded",
        "description": body.raw("description"),
    }
    made["balance_transaction"] = transaction(
        store, made["id"], "topup", amount, 0, currency, store.now
    )["id"]
    store.put(made)
    store.move(currency.upper(), {BANKS: -amount, PLATFORM: amount})
    emit(store, "topup.succeeded", made)
    return made


def balance_settings(
    store: Store, account: str, body: Params | None = None
) -> Mapping[str, object]:
    """How often Stripe pays out by itself; `body` sets it."""
    interval = store.setting(f"payout_interval:{account}", "daily")
    if body is not None and body.given:
        interval = body.part("payments").part("payouts").part("schedule").text("interval")
        store.set(f"payout_interval:{account}", interval)
    payouts = {"schedule": {"interval": interval}, "status": "enabled"}
    return {
        "object": "balance_settings",
        "payments": {"payouts": payouts, "settlement_timing": {"delay_days": 2}},
    }
