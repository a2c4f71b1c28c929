"""Payouts from a balance to a bank: pending for hours, then under way, paid, failed or canceled."""

from __future__ import annotations

from datetime import datetime, timedelta

from service.domain.states.calendar import add_business_days
from service.sandbox.errors import StripeRefusal
from service.sandbox.store import BANKS, PLATFORM, Store
from service.sandbox.stripe.balance import transaction
from service.sandbox.stripe.params import Params
from service.sandbox.stripe.payout_objects import PAYOUT, Payout
from service.sandbox.stripe.webhooks import emit

PAYOUT_TAKES = timedelta(days=1)
PAYOUT_LEAVES = timedelta(hours=6)
"""Until then a payout is pending and can be canceled."""


def create_payout(store: Store, body: Params, account: str) -> Payout:
    """Money to the bank of an account. Raises StripeRefusal for more than is available."""
    amount, currency = body.number("amount"), body.text("currency").lower()
    available, _ = store.balances(account).get(currency.upper(), (0, 0))
    if amount > available:
        raise StripeRefusal(
            400,
            "balance_insufficient",
            "You have insufficient funds in your Stripe account for this payout.",
        )
    days = int(store.setting("payout_business_days", 0))
    arrives = add_business_days(store.now, days, "US") if days else store.now + PAYOUT_TAKES
    payout = _payout(store, amount, currency, arrives, body)
    payout["balance_transaction"] = transaction(
        store, payout["id"], "payout", -amount, 0, currency, store.now, account
    )["id"]
    store.put(payout, account)
    store.move(currency.upper(), {account: -amount, BANKS: amount})
    fails = bool(account != PLATFORM and store.hidden(account).get("bank_fails"))
    store.at(store.now + PAYOUT_LEAVES, "payout.leave", payout["id"])
    store.at(arrives, "payout.fail" if fails else "payout.pay", payout["id"])
    emit(store, "payout.created", payout, account)
    return payout


def _payout(store: Store, amount: int, currency: str, arrives: datetime, body: Params) -> Payout:
    return {
        "id": store.new_id("po"),
        "object": "payout",
        "amount": amount,
        "arrival_date": int(arrives.timestamp()),
        "automatic": False,
        "created": store.timestamp,
        "currency": currency,
        "livemode": False,
        "method": "standard",
        "reconciliation_status": "not_applicable",
        "source_type": "card",
        "status": "pending",
        "type": "bank_account",
        "metadata": body.raw("metadata", {}),
    }


def leave(store: Store, payout_id: str) -> None:
    """The day's batch goes to the bank; from now on the payout cannot be canceled."""
    payout = store.get(payout_id, PAYOUT)
    if payout["status"] == "pending":
        payout["status"] = "in_transit"
        store.put(payout, store.account_of(payout_id))


def cancel_payout(store: Store, payout_id: str) -> Payout:
    """Stop a payout. Raises StripeRefusal once it has left."""
    payout = store.get(payout_id, PAYOUT)
    if payout["status"] != "pending":
        raise StripeRefusal(
            400, "payout_not_allowed", "Payouts can only be canceled while they are pending."
        )
    payout["status"] = "canceled"
    _return_to_balance(store, payout, "payout_cancel", "payout.canceled")
    return payout


def pay_payout(store: Store, payout_id: str) -> None:
    """The bank has it."""
    payout = store.get(payout_id, PAYOUT)
    if payout["status"] in ("pending", "in_transit"):
        payout["status"] = "paid"
        account = store.account_of(payout_id)
        store.put(payout, account)
        emit(store, "payout.paid", payout, account)


def fail_payout(store: Store, payout_id: str, code: str = "account_closed") -> None:
    """The bank refuses; it may do so even after it had said yes."""
    payout = store.get(payout_id, PAYOUT)
    if payout["status"] not in ("pending", "in_transit", "paid"):
        return
    payout |= {
        "status": "failed",
        "failure_code": code,
        "failure_message": "The bank account has been closed.",
    }
    _return_to_balance(store, payout, "payout_failure", "payout.failed")


def _return_to_balance(store: Store, payout: Payout, kind: str, event: str) -> None:
    """The money is the account's again, and the owner is told."""
    account, amount, currency = store.account_of(payout["id"]), payout["amount"], payout["currency"]
    payout["failure_balance_transaction"] = transaction(
        store, payout["id"], kind, amount, 0, currency, store.now, account
    )["id"]
    store.put(payout, account)
    store.move(currency.upper(), {BANKS: -amount, account: amount})
    emit(store, event, payout, account)
