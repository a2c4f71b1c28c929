"""Stripe's objects as our own dataclasses: only what the product reads of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import stripe
from stripe._stripe_object import UntypedStripeObject
from stripe.v2.core import Account

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


class _Labelled(Protocol):
    """An object of Stripe's that carries labels of ours."""

    @property
    def metadata(self) -> UntypedStripeObject[str] | None: ...


def checkout(session: stripe.checkout.Session) -> CheckoutSnapshot:
    """A session with what hangs on it, as far as it was expanded."""
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
        session_status=session.status or "",
        paid=session.payment_status == "paid",
        expires_at=datetime.fromtimestamp(session.expires_at, UTC),
        payment_id=metadata(session, "payment_id"),
        url=session.url,
        payment_intent_id=id_of(session.payment_intent),
        intent_status=intent.status if intent else None,
        charge_id=charge.id if charge else None,
        received=intent.amount_received if intent else None,
        currency=intent.currency.upper() if intent else None,
        fee=transaction.fee if transaction else None,
        card_last4=card.last4 if card else None,
        instrument=getattr(purse, "fingerprint", None),
        decline_code=(getattr(problem, "decline_code", None) or problem.code) if problem else None,
    )


def refund(refund: stripe.Refund) -> RefundSnapshot:
    return RefundSnapshot(
        refund.id,
        refund.status or "",
        getattr(refund, "failure_reason", None),
        refund.amount,
        refund.currency.upper(),
        id_of(refund.payment_intent),
    )


def chargeback(dispute: stripe.Dispute) -> ChargebackSnapshot:
    """Fees are what the balance transactions of the dispute took beside the amount."""
    details = dispute.evidence_details
    due = details.due_by if details else None
    return ChargebackSnapshot(
        id=dispute.id,
        status=dispute.status,
        reason=dispute.reason,
        amount=dispute.amount,
        currency=dispute.currency.upper(),
        payment_intent_id=id_of(dispute.payment_intent),
        fee=max((t.fee for t in dispute.balance_transactions), default=0),
        evidence_due_at=datetime.fromtimestamp(due, UTC) if due else None,
        has_evidence=bool(details and details.has_evidence),
    )


def transfer(transfer: stripe.Transfer) -> TransferSnapshot:
    reversals: stripe.ListObject[stripe.TransferReversal] | None = getattr(
        transfer, "reversals", None
    )
    parts = tuple((r.id, r.amount) for r in reversals.data) if reversals else ()
    return TransferSnapshot(transfer.id, transfer.amount, transfer.amount_reversed, parts)


def balance_row(transaction: stripe.BalanceTransaction) -> BalanceRow:
    return BalanceRow(
        id=transaction.id,
        type=transaction.type,
        source=id_of(transaction.source),
        amount=transaction.amount,
        fee=transaction.fee,
        currency=transaction.currency.upper(),
        created_at=datetime.fromtimestamp(transaction.created, UTC),
    )


def bank_payout(payout: stripe.Payout) -> BankPayoutSnapshot:
    return BankPayoutSnapshot(payout.id, payout.status, getattr(payout, "failure_code", None))


def account(account: Account, banks: Sequence[stripe.BankAccount | stripe.Card]) -> AccountSnapshot:
    """An account with the bank accounts and cards behind it."""
    recipient = account.configuration.recipient if account.configuration else None
    capabilities = recipient.capabilities if recipient else None
    balance = capabilities.stripe_balance if capabilities else None
    transfers = balance.stripe_transfers if balance else None
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
            sorted({found for bank in banks if (found := getattr(bank, "fingerprint", None))})
        ),
    )


class _Identified(Protocol):
    @property
    def id(self) -> str | None: ...


def id_of(expandable: str | _Identified | None) -> str | None:
    """The id of an object, which Stripe names or, where asked, puts in its place."""
    if isinstance(expandable, str) or expandable is None:
        return expandable
    return expandable.id


def metadata(thing: _Labelled, name: str) -> str | None:
    return getattr(thing.metadata, name, None) if thing.metadata else None


def part(value: Mapping[str, object], name: str) -> Mapping[str, object]:
    """What stands under a name, if it has names itself; else nothing."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def inbound(payload: Mapping[str, object]) -> InboundEvent:
    related = part(payload, "related_object") or part(part(payload, "data"), "object")
    account, object_id = payload.get("account"), related.get("id")
    return InboundEvent(
        id=str(payload["id"]),
        type=str(payload["type"]),
        livemode=bool(payload.get("livemode")),
        object_id=object_id if isinstance(object_id, str) else None,
        account_id=account if isinstance(account, str) else None,
        payload=dict(payload),
    )
