"""Connected accounts: made, onboarded, restricted, closed, and the bank account behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from service.domain.text.json_types import Json, JsonObject
from service.sandbox.store import Store
from service.sandbox.stripe.params import Params
from service.sandbox.stripe.payments import fingerprint
from service.sandbox.stripe.payout_objects import (
    ACCOUNT,
    Account,
    AccountLink,
    BankAccount,
)
from service.sandbox.stripe.webhooks import emit, emit_thin

CAPABILITY_EVENT = "v2.core.account[configuration.recipient].capability_status_updated"
_LINK_LASTS = timedelta(minutes=10)


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def create_account(store: Store, body: Params) -> Account:
    """A recipient account that may not receive transfers yet."""
    account_id = store.new_id("acct")
    account: Account = {
        "id": account_id,
        "object": "v2.core.account",
        "applied_configurations": ["recipient"],
        "created": _instant(store.now),
        "livemode": False,
        "contact_email": body.raw("contact_email"),
        "display_name": body.raw("display_name"),
        "dashboard": body.raw("dashboard"),
        "metadata": body.raw("metadata", {}),
        "closed": False,
    }
    store.put(
        account,
        hidden={
            "transfers": "pending",
            "bank": None,
            "email": body.raw("contact_email"),
            "name": body.raw("display_name"),
            "country": body.part("identity").raw("country"),
        },
    )
    return account_view(store, account_id, body.values("include"))


def external_accounts(store: Store, account_id: str) -> Mapping[str, object]:
    """The bank accounts behind a connected account: one, once it is onboarded."""
    store.get(account_id, ACCOUNT)
    bank = store.hidden(account_id).get("bank")
    return {
        "object": "list",
        "data": [_bank_account(account_id, bank)] if bank else [],
        "has_more": False,
        "url": f"/v1/accounts/{account_id}/external_accounts",
    }


def _bank_account(account_id: str, bank: str) -> BankAccount:
    return {
        "id": bank,
        "object": "bank_account",
        "account": account_id,
        "country": "US",
        "currency": "usd",
        "last4": bank[-4:],
        "status": "new",
        "fingerprint": fingerprint("bank", bank.removeprefix("ba_")),
    }


def set_bank(store: Store, account_id: str, bank: str) -> None:
    """The owner of a connected account puts in another bank account."""
    store.put(store.get(account_id, ACCOUNT), hidden={"bank": bank})
    emit(store, "account.external_account.updated", _bank_account(account_id, bank), account_id)


def account_view(store: Store, account_id: str, include: Sequence[Json]) -> Account:
    """v2 leaves out what `include` does not name."""
    account, hidden = store.get(account_id, ACCOUNT), store.hidden(account_id)
    if "configuration.recipient" in include:
        status = hidden["transfers"]
        why = hidden.get("why", "requirements_past_due")
        details: list[Json] = (
            [] if status == "active" else [{"code": why, "resolution": "provide_info"}]
        )
        transfers: JsonObject = {"status": status, "status_details": details}
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


def _requirement() -> JsonObject:
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
    account = store.get(account_id, ACCOUNT)
    store.put(account, hidden={"transfers": status, "why": why})
    emit_thin(store, CAPABILITY_EVENT, account_id)


def close_account(store: Store, account_id: str) -> None:
    """Stripe closes an account for good."""
    account = store.get(account_id, ACCOUNT)
    account["closed"] = True
    store.put(account, hidden={"transfers": "unsupported", "why": "unsupported_business"})
    emit_thin(store, "v2.core.account.closed", account_id)


def create_account_link(store: Store, body: Params) -> AccountLink:
    """A link to the onboarding page, good for ten minutes."""
    account_id = body.text("account")
    store.get(account_id, ACCOUNT)
    link_id = store.new_id("alink")
    link: AccountLink = {
        "object": "v2.core.account_link",
        "account": account_id,
        "created": _instant(store.now),
        "expires_at": _instant(store.now + _LINK_LASTS),
        "livemode": False,
        "url": f"{store.setting('public_url', '')}/_sandbox/stripe/onboarding/{link_id}",
        "use_case": {
            "type": "account_onboarding",
            "account_onboarding": body.part("use_case").mapping("account_onboarding"),
        },
    }
    store.put(link | {"id": link_id})
    return link
