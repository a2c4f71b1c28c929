"""Transfers from the platform to connected accounts, and their reversals."""

from __future__ import annotations

from datetime import UTC, datetime

from service.sandbox.errors import StripeRefusal
from service.sandbox.store import PLATFORM, Store
from service.sandbox.stripe.balance import transaction
from service.sandbox.stripe.objects import BALANCE_TRANSACTION, CHARGE, Charge
from service.sandbox.stripe.params import Params
from service.sandbox.stripe.payout_objects import ACCOUNT, TRANSFER, Reversal, Transfer
from service.sandbox.stripe.webhooks import emit


def create_transfer(store: Store, body: Params) -> Transfer:
    """Money out of a charge to an account.

    Raises StripeRefusal where the account may not receive or the charge does not hold so much.
    """
    if "amount" not in body or "source_transaction" not in body:
        raise StripeRefusal(
            400,
            "parameter_missing",
            "This sandbox wants amount and source_transaction on every transfer.",
        )
    destination, amount = body.text("destination"), body.number("amount")
    currency = body.text("currency").lower()
    account = store.get(destination, ACCOUNT)
    if store.hidden(destination)["transfers"] != "active" or account["closed"]:
        raise StripeRefusal(
            400,
            "insufficient_capabilities_for_transfer",
            "The destination account may not receive transfers.",
        )
    charge = _source_charge(store, body.text("source_transaction"), amount, currency)
    available_on = max(store.now, _available_on(store, charge))
    transfer = _transfer(store, body, amount, currency, charge["id"])
    transfer["balance_transaction"] = transaction(
        store, transfer["id"], "transfer", -amount, 0, currency, store.now
    )["id"]
    store.put(transfer)
    store.move(currency.upper(), {PLATFORM: -amount, destination: amount}, available_on)
    emit(store, "transfer.created", transfer)
    return transfer


def _available_on(store: Store, charge: Charge) -> datetime:
    settlement = charge["balance_transaction"]
    assert settlement is not None, "a charge settles when it is made"
    seconds = store.get(settlement, BALANCE_TRANSACTION)["available_on"]
    return datetime.fromtimestamp(seconds, UTC)


def _source_charge(store: Store, charge_id: str, amount: int, currency: str) -> Charge:
    """Raises StripeRefusal when the charge is of another currency or does not hold so much."""
    charge = store.get(charge_id, CHARGE)
    if charge["currency"] != currency:
        raise StripeRefusal(
            400, "balance_invalid_parameter", "The transfer's currency is not the charge's."
        )
    used = sum(
        t["amount"] - t["amount_reversed"]
        for t in store.find(TRANSFER, source_transaction=charge["id"])
    )
    if not 1 <= amount <= charge["amount"] - charge["amount_refunded"] - used:
        raise StripeRefusal(
            400,
            "transfer_source_balance_insufficient",
            "The charge does not hold that much any more.",
        )
    return charge


def _transfer(store: Store, body: Params, amount: int, currency: str, charge_id: str) -> Transfer:
    transfer_id = store.new_id("tr")
    return {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "created": store.timestamp,
        "currency": currency,
        "livemode": False,
        "metadata": body.raw("metadata", {}),
        "reversed": False,
        "destination": body.text("destination"),
        "source_transaction": charge_id,
        "transfer_group": body.raw("transfer_group"),
        "reversals": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/transfers/{transfer_id}/reversals",
        },
    }


def reverse_transfer(store: Store, transfer_id: str, body: Params) -> Reversal:
    """Take a transfer back, or part of it.

    Raises StripeRefusal for more than is left of it or than the account holds.
    """
    transfer = store.get(transfer_id, TRANSFER)
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = body.number("amount", left)
    if not 1 <= amount <= left:
        raise StripeRefusal(
            400,
            "transfer_already_reversed" if left == 0 else "amount_too_large",
            f"{left} is left to reverse.",
        )
    code = transfer["currency"].upper()
    available, pending = store.balances(transfer["destination"]).get(code, (0, 0))
    if available + pending < amount:
        raise StripeRefusal(
            400, "balance_insufficient", "The connected account does not hold that much."
        )
    reversal = _reversal(store, transfer, amount, body)
    transfer |= {
        "amount_reversed": transfer["amount_reversed"] + amount,
        "reversed": amount == left,
    }
    transfer["reversals"]["data"].insert(0, reversal)
    store.put(transfer)
    store.move(code, {transfer["destination"]: -amount, PLATFORM: amount})
    emit(store, "transfer.reversed", transfer)
    return reversal


def _reversal(store: Store, transfer: Transfer, amount: int, body: Params) -> Reversal:
    reversal: Reversal = {
        "id": store.new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "created": store.timestamp,
        "currency": transfer["currency"],
        "transfer": transfer["id"],
        "metadata": body.raw("metadata", {}),
    }
    reversal["balance_transaction"] = transaction(
        store, reversal["id"], "transfer_refund", amount, 0, transfer["currency"], store.now
    )["id"]
    return store.put(reversal)
