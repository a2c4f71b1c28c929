"""Connected accounts, transfers, payouts, the platform's balance and top-ups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from service.domain.states.calendar import add_business_days
from service.sandbox.errors import StripeRefusal
from service.sandbox.store import BANKS, PLATFORM, Store
from service.sandbox.stripe.checkout import fingerprint, transaction
from service.sandbox.stripe.webhooks import emit, emit_thin

PAYOUT_TAKES = timedelta(days=1)
PAYOUT_LEAVES = timedelta(hours=6)
"""Until then a payout is pending and can be canceled."""
CAPABILITY_EVENT = "v2.core.account[configuration.recipient].capability_status_updated"


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def create_account(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    account_id = store.new_id("acct")
    hidden = {
        "transfers": "pending",
        "bank": None,
        "email": body.get("contact_email"),
        "name": body.get("display_name"),
        "country": body["identity"]["country"],
    }
    account = {
        "id": account_id,
        "object": "v2.core.account",
        "applied_configurations": ["recipient"],
        "created": _instant(store.now),
        "livemode": False,
        "contact_email": body.get("contact_email"),
        "display_name": body.get("display_name"),
        "dashboard": body.get("dashboard"),
        "metadata": body.get("metadata", {}),
        "closed": False,
    }
    store.put(account, hidden=hidden)
    return account_view(store, account_id, body.get("include", []))


def external_accounts(store: Store, account_id: str) -> dict[str, Any]:
    """The bank accounts behind a connected account: one, once it is onboarded."""
    store.get(account_id, "v2.core.account")
    bank = store.hidden(account_id).get("bank")
    made = {
        "id": bank,
        "object": "bank_account",
        "account": account_id,
        "country": "US",
        "currency": "usd",
        "last4": str(bank)[-4:],
        "status": "new",
        "fingerprint": fingerprint("bank", str(bank).removeprefix("ba_")),
    }
    return {
        "object": "list",
        "data": [made] if bank else [],
        "has_more": False,
        "url": f"/v1/accounts/{account_id}/external_accounts",
    }


def set_bank(store: Store, account_id: str, bank: str) -> None:
    """The owner of a connected account puts in another bank account."""
    store.put(store.get(account_id, "v2.core.account"), hidden={"bank": bank})
    made = external_accounts(store, account_id)["data"][0]
    emit(store, "account.external_account.updated", made, account_id)


def account_view(store: Store, account_id: str, include: list[str]) -> dict[str, Any]:
    """v2 leaves out what `include` does not name."""
    account, hidden = store.get(account_id, "v2.core.account"), store.hidden(account_id)
    if "configuration.recipient" in include:
        status = hidden["transfers"]
        details = (
            []
            if status == "active"
            else [
                {"code": hidden.get("why", "requirements_past_due"), "resolution": "provide_info"}
            ]
        )
        transfers = {"status": status, "status_details": details}
        account["configuration"] = {
            "recipient": {
                "applied": True,
                "capabilities": {"stripe_balance": {"stripe_transfers": transfers}},
            }
        }
    if "requirements" in include:
        account["requirements"] = {
            "entries": [] if hidden["transfers"] == "active" else [_requirement()]
        }
    return account


def _requirement() -> dict[str, Any]:
    return {
        "awaiting_action_from": "user",
        "description": "external_account",
        "errors": [],
        "impact": {},
        "minimum_deadline": {"status": "currently_due"},
        "requested_reasons": [],
    }


def set_transfers(store: Store, account_id: str, status: str, why: str | None = None) -> None:
    """The owner finished (or Stripe restricted) the account; told by a thin event."""
    account = store.get(account_id, "v2.core.account")
    store.put(account, hidden={"transfers": status, "why": why})
    emit_thin(store, CAPABILITY_EVENT, account_id)


def close_account(store: Store, account_id: str) -> None:
    account = store.get(account_id, "v2.core.account") | {"closed": True}
    store.put(account, hidden={"transfers": "unsupported", "why": "unsupported_business"})
    emit_thin(store, "v2.core.account.closed", account_id)


def create_account_link(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    store.get(body["account"], "v2.core.account")
    link_id = store.new_id("alink")
    expires = store.now + timedelta(minutes=10)
    link = {
        "object": "v2.core.account_link",
        "account": body["account"],
        "created": _instant(store.now),
        "expires_at": _instant(expires),
        "livemode": False,
        "url": f"{store.setting('public_url', '')}/_sandbox/stripe/onboarding/{link_id}",
        "use_case": {
            "type": "account_onboarding",
            "account_onboarding": body["use_case"]["account_onboarding"],
        },
    }
    store.put(link | {"id": link_id})
    return link


def create_transfer(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    if "amount" not in body or "source_transaction" not in body:
        raise StripeRefusal(
            400,
            "parameter_missing",
            "This sandbox wants amount and source_transaction on every transfer.",
        )
    destination, amount, currency = (
        body["destination"],
        int(body["amount"]),
        body["currency"].lower(),
    )
    account = store.get(destination, "v2.core.account")
    if store.hidden(destination)["transfers"] != "active" or account["closed"]:
        raise StripeRefusal(
            400,
            "insufficient_capabilities_for_transfer",
            "The destination account may not receive transfers.",
        )
    charge = _source_charge(store, body["source_transaction"], amount, currency)
    settled = store.get(charge["balance_transaction"])["available_on"]
    available_on = max(store.now, datetime.fromtimestamp(settled, UTC))
    transfer = _transfer(store, body, amount, currency, charge["id"])
    transfer["balance_transaction"] = transaction(
        store, transfer["id"], "transfer", -amount, 0, currency, store.now
    )["id"]
    store.put(transfer)
    store.move(currency.upper(), {PLATFORM: -amount, destination: amount}, available_on)
    emit(store, "transfer.created", transfer)
    return transfer


def _source_charge(store: Store, charge_id: str, amount: int, currency: str) -> dict[str, Any]:
    """Raises StripeRefusal when the charge is of another currency or does not hold so much."""
    charge = store.get(charge_id, "charge")
    if charge["currency"] != currency:
        raise StripeRefusal(
            400, "balance_invalid_parameter", "The transfer's currency is not the charge's."
        )
    used = sum(
        t["amount"] - t["amount_reversed"]
        for t in store.find("transfer", source_transaction=charge["id"])
    )
    if not 1 <= amount <= charge["amount"] - charge["amount_refunded"] - used:
        raise StripeRefusal(
            400,
            "transfer_source_balance_insufficient",
            "The charge does not hold that much any more.",
        )
    return charge


def _transfer(
    store: Store,
    body: dict[str, Any],
    amount: int,
    currency: str,
    charge_id: str,
) -> dict[str, Any]:
    transfer_id = store.new_id("tr")
    return {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "created": store.timestamp,
        "currency": currency,
        "livemode": False,
        "metadata": body.get("metadata", {}),
        "reversed": False,
        "destination": body["destination"],
        "source_transaction": charge_id,
        "transfer_group": body.get("transfer_group"),
        "reversals": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/transfers/{transfer_id}/reversals",
        },
    }


def reverse_transfer(store: Store, transfer_id: str, body: dict[str, Any]) -> dict[str, Any]:
    transfer = store.get(transfer_id, "transfer")
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = int(body.get("amount", left))
    if not 1 <= amount <= left:
        raise StripeRefusal(
            400,
            "transfer_already_reversed" if left == 0 else "amount_too_large",
            f"{left} is left to reverse.",
        )
    available, pending = store.balances(transfer["destination"]).get(
        transfer["currency"].upper(), (0, 0)
    )
    if available + pending < amount:
        raise StripeRefusal(
            400, "balance_insufficient", "The connected account does not hold that much."
        )
    reversal = {
        "id": store.new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "created": store.timestamp,
        "currency": transfer["currency"],
        "transfer": transfer_id,
        "metadata": body.get("metadata", {}),
    }
    reversal["balance_transaction"] = transaction(
        store, reversal["id"], "transfer_refund", amount, 0, transfer["currency"], store.now
    )["id"]
    store.put(reversal)
    transfer |= {
        "amount_reversed": transfer["amount_reversed"] + amount,
        "reversed": amount == left,
    }
    transfer["reversals"]["data"].insert(0, reversal)
    store.put(transfer)
    store.move(transfer["currency"].upper(), {transfer["destination"]: -amount, PLATFORM: amount})
    emit(store, "transfer.reversed", transfer)
    return reversal


def create_payout(store: Store, body: dict[str, Any], account: str) -> dict[str, Any]:
    amount, currency = int(body["amount"]), body["currency"].lower()
    available, _ = store.balances(account).get(currency.upper(), (0, 0))
    if amount > available:
        raise StripeRefusal(
            400,
            "balance_insufficient",
            "You have insufficient funds in your Stripe account for this payout.",
        )
    payout_id = store.new_id("po")
    days = int(store.setting("payout_business_days", 0))
    arrives = add_business_days(store.now, days, "US") if days else store.now + PAYOUT_TAKES
    payout = {
        "id": payout_id,
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
        "metadata": body.get("metadata", {}),
    }
    payout["balance_transaction"] = transaction(
        store, payout_id, "payout", -amount, 0, currency, store.now, account
    )["id"]
    store.put(payout, account)
    store.move(currency.upper(), {account: -amount, BANKS: amount})
    fails = bool(account != PLATFORM and store.hidden(account).get("bank_fails"))
    store.at(store.now + PAYOUT_LEAVES, "payout.leave", payout_id)
    store.at(arrives, "payout.fail" if fails else "payout.pay", payout_id)
    emit(store, "payout.created", payout, account)
    return payout


def leave(store: Store, payout_id: str) -> None:
    """The day's batch goes to the bank; from now on the payout cannot be canceled."""
    payout = store.get(payout_id, "payout")
    if payout["status"] == "pending":
        store.put(payout | {"status": "in_transit"}, store.account_of(payout_id))


def cancel_payout(store: Store, payout_id: str) -> dict[str, Any]:
    payout, account = store.get(payout_id, "payout"), store.account_of(payout_id)
    if payout["status"] != "pending":
        raise StripeRefusal(
            400, "payout_not_allowed", "Payouts can only be canceled while they are pending."
        )
    payout["status"] = "canceled"
    failure = transaction(
        store,
        payout_id,
        "payout_cancel",
        payout["amount"],
        0,
        payout["currency"],
        store.now,
        account,
    )
    payout["failure_balance_transaction"] = failure["id"]
    store.put(payout, account)
    store.move(payout["currency"].upper(), {BANKS: -payout["amount"], account: payout["amount"]})
    emit(store, "payout.canceled", payout, account)
    return payout


def pay_payout(store: Store, payout_id: str) -> None:
    payout = store.get(payout_id, "payout")
    if payout["status"] in ("pending", "in_transit"):
        payout["status"] = "paid"
        account = store.account_of(payout_id)
        store.put(payout, account)
        emit(store, "payout.paid", payout, account)


def fail_payout(store: Store, payout_id: str, code: str = "account_closed") -> None:
    """The bank refuses; it may do so even after it had said yes."""
    payout, account = store.get(payout_id, "payout"), store.account_of(payout_id)
    if payout["status"] not in ("pending", "in_transit", "paid"):
        return
    payout |= {
        "status": "failed",
        "failure_code": code,
        "failure_message": "The bank account has been closed.",
    }
    failure = transaction(
        store,
        payout_id,
        "payout_failure",
        payout["amount"],
        0,
        payout["currency"],
        store.now,
        account,
    )
    payout["failure_balance_transaction"] = failure["id"]
    store.put(payout, account)
    store.move(payout["currency"].upper(), {BANKS: -payout["amount"], account: payout["amount"]})
    emit(store, "payout.failed", payout, account)


def balance_view(store: Store, account: str) -> dict[str, Any]:
    found = store.balances(account)
    return {
        "object": "balance",
        "livemode": False,
        "available": [{"amount": a, "currency": c.lower()} for c, (a, _) in found.items()],
        "pending": [{"amount": p, "currency": c.lower()} for c, (_, p) in found.items()],
    }


def top_up(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    amount, currency = int(body["amount"]), body["currency"].lower()
    made = {
        "id": store.new_id("tu"),
        "object": "topup",
        "amount": amount,
        "created": store.timestamp,
        "currency": currency,
        "livemode": False,
        "metadata": body.get("metadata", {}),
        "status": "succeeded",
        "description": body.get("description"),
    }
    made["balance_transaction"] = transaction(
        store, made["id"], "topup", amount, 0, currency, store.now
    )["id"]
    store.put(made)
    store.move(currency.upper(), {BANKS: -amount, PLATFORM: amount})
    emit(store, "topup.succeeded", made)
    return made


def balance_settings(
    store: Store, account: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    interval = store.setting(f"payout_interval:{account}", "daily")
    if body:
        interval = body["payments"]["payouts"]["schedule"]["interval"]
        store.set(f"payout_interval:{account}", interval)
    payouts = {"schedule": {"interval": interval}, "status": "enabled"}
    return {
        "object": "balance_settings",
        "payments": {"payouts": payouts, "settlement_timing": {"delay_days": 2}},
    }
