"""Stripe's objects as our own dataclasses: only what the product reads of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from service.domain.money.psp import (
    AccountSnapshot,
    BalanceRow,
    BankPayoutSnapshot,
    ChargebackSnapshot,
    CheckoutSnapshot,
    InboundEvent,
    RefundSnapshot,
    TransferSnapshot,
)


def checkout(session: Any) -> CheckoutSnapshot:
    intent = session.payment_intent if not isinstance(session.payment_intent, str) else None
    charge = intent.latest_charge if intent and not isinstance(intent.latest_charge, str) else None
    transaction = (
        charge.balance_transaction
        if charge and not isinstance(charge.balance_transaction, str)
        else None
    )
    details = charge.payment_method_details if charge else None
    card = getattr(details, "card", None)
    purse = card or getattr(details, "us_bank_account", None)
    problem = intent.last_payment_error if intent else None
    return CheckoutSnapshot(
        session_id=session.id,
        session_status=session.status,
        paid=session.payment_status == "paid",
        expires_at=datetime.fromtimestamp(session.expires_at, UTC),
        payment_id=metadata(session, "payment_id"),
        url=session.url,
        payment_intent_id=intent.id if intent else session.payment_intent,
        intent_status=intent.status if intent else None,
        charge_id=charge.id if charge else None,
        received=intent.amount_received if intent else None,
        currency=intent.currency.upper() if intent else None,
        fee=transaction.fee if transaction else None,
        card_last4=card.last4 if card else None,
        instrument=getattr(purse, "fingerprint", None),
        decline_code=(getattr(problem, "decline_code", None) or problem.code) if problem else None,
    )


def refund(refund: Any) -> RefundSnapshot:
    intent = refund.payment_intent
    return RefundSnapshot(
        refund.id,
        refund.status,
        getattr(refund, "failure_reason", None),
        refund.amount,
        refund.currency.upper(),
        intent if isinstance(intent, str) or intent is None else intent.id,
    )


def chargeback(dispute: Any) -> ChargebackSnapshot:
    """Fees are what the balance transactions of the dispute took beside the amount."""
    details, intent = dispute.evidence_details, dispute.payment_intent
    due = details.due_by if details else None
    return ChargebackSnapshot(
        id=dispute.id,
        status=dispute.status,
        reason=dispute.reason,
        amount=dispute.amount,
        currency=dispute.currency.upper(),
        payment_intent_id=intent if isinstance(intent, str) or intent is None else intent.id,
        fee=max((t.fee for t in dispute.balance_transactions), default=0),
        evidence_due_at=datetime.fromtimestamp(due, UTC) if due else None,
        has_evidence=bool(details and details.has_evidence),
    )


def transfer(transfer: Any) -> TransferSnapshot:
    reversals = getattr(transfer, "reversals", None)
    parts = tuple((r.id, r.amount) for r in reversals.data) if reversals else ()
    return TransferSnapshot(transfer.id, transfer.amount, transfer.amount_reversed, parts)


def balance_row(transaction: Any) -> BalanceRow:
    source = transaction.source
    return BalanceRow(
        id=transaction.id,
        type=transaction.type,
        source=source if isinstance(source, str) or source is None else source.id,
        amount=transaction.amount,
        fee=transaction.fee,
        currency=transaction.currency.upper(),
        created_at=datetime.fromtimestamp(transaction.created, UTC),
    )


def bank_payout(payout: Any) -> BankPayoutSnapshot:
    return BankPayoutSnapshot(payout.id, payout.status, getattr(payout, "failure_code", None))


def account(account: Any, banks: list[Any]) -> AccountSnapshot:
    recipient = account.configuration.recipient if account.configuration else None
    transfers = recipient.capabilities.stripe_balance.stripe_transfers if recipient else None
    entries = (
        account.requirements.entries
        if account.requirements and account.requirements.entries
        else []
    )
    return AccountSnapshot(
        id=account.id,
        transfers_status=transfers.status if transfers else "pending",
        requirements=[entry.description for entry in entries],
        closed=bool(getattr(account, "closed", False)),
        bank_reference=banks[0].id if banks else None,
        instruments=tuple(
            sorted({bank.fingerprint for bank in banks if getattr(bank, "fingerprint", None)})
        ),
    )


def metadata(thing: Any, name: str) -> str | None:
    return getattr(thing.metadata, name, None) if thing.metadata else None


def part(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What stands under a name, if it has names itself; else nothing."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def inbound(payload: Mapping[str, Any]) -> InboundEvent:
    related = part(payload, "related_object") or part(part(payload, "data"), "object")
    account, object_id = payload.get("account"), related.get("id")
    return InboundEvent(
        id=payload["id"],
        type=payload["type"],
        livemode=bool(payload.get("livemode")),
        object_id=object_id if isinstance(object_id, str) else None,
        account_id=account if isinstance(account, str) else None,
        payload=dict(payload),
    )
