"""Money on its way back to a client, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable

from service.domain.money.causes import Cause
from service.domain.money.chart import EntryType
from service.ledger.accounts import (
    FEE_TAX,
    LOSSES,
    OPERATING,
    PLATFORM_FEES,
    TRUST,
    Account,
    available,
    escrow,
    pending,
    recoverable,
    refund_in_flight,
    suspense,
    unclaimed,
)
from service.ledger.journal import Entry, Line
from service.models import Contract, Milestone, Payment, Refund


def refund_request(contract: Contract, milestone: Milestone, refund: Refund) -> Entry:
    """Escrowed money starts its way back."""
    lines = (Line(escrow(milestone.id), refund_in_flight(refund.id), refund.amount_minor),)
    what = f"Refund of milestone {milestone.id}"
    return Entry(
        EntryType.REFUND_REQUEST, Cause(refund.id), contract.currency, lines, what, contract.id
    )


def refund_after_release(
    contract: Contract,
    milestone: Milestone,
    refund: Refund,
    *,
    available_minor: int,
    pending_minor: int,
    owed_minor: int,
    fee_minor: int,
    fee_tax_minor: int,
) -> Entry:
    """The freelancer gives back what they have or owes it; the platform gives back its fee
    (`fee_tax_minor` of it tax).

    Fee and debt are financed from the platform's own money: other people's is never short.
    """
    back, freelancer = refund_in_flight(refund.id), contract.freelancer_id
    lines = (
        Line(available(freelancer), back, available_minor),
        Line(pending(freelancer), back, pending_minor),
        Line(recoverable(freelancer), back, owed_minor),
        Line(PLATFORM_FEES, back, fee_minor - fee_tax_minor),
        Line(FEE_TAX, back, fee_tax_minor),
        Line(TRUST, OPERATING, fee_minor + owed_minor),
    )
    what = f"Refund after release, milestone {milestone.id}"
    return Entry(
        EntryType.REFUND_AFTER_RELEASE,
        Cause(refund.id),
        contract.currency,
        lines,
        what,
        contract.id,
    )


def suspense_refund(contract: Contract, payment: Payment, refund: Refund) -> Entry:
    lines = (Line(suspense(payment.id), refund_in_flight(refund.id), refund.amount_minor),)
    what = f"Return of payment {payment.id}"
    return Entry(
        EntryType.SUSPENSE_REFUND, Cause(refund.id), refund.currency, lines, what, contract.id
    )


def refund_retry(contract: Contract, refund: Refund) -> Entry:
    """An attempt to give a client what they are owed: another one, or the first after a case."""
    lines = (Line(unclaimed(contract.client_id), refund_in_flight(refund.id), refund.amount_minor),)
    what = f"Another attempt of {refund.cause}" if refund.attempt > 1 else f"Owed: {refund.reason}"
    return Entry(
        EntryType.REFUND_RETRY, Cause(refund.id), refund.currency, lines, what, contract.id
    )


def refund_succeeded(contract: Contract, refund: Refund) -> Entry:
    lines = (Line(refund_in_flight(refund.id), TRUST, refund.amount_minor),)
    return Entry(
        EntryType.REFUND_SUCCEEDED,
        Cause(refund.id),
        refund.currency,
        lines,
        "Refund arrived",
        contract.id,
    )


def refund_came_back(contract: Contract, refund: Refund, to: Account, *, bounced: bool) -> Entry:
    """It failed on its way, or had arrived and `bounced`: escrowed again, in suspense, or owed to
    the client.
    """
    type_ = EntryType.REFUND_BOUNCED if bounced else EntryType.REFUND_FAILED
    lines = (Line(TRUST if bounced else refund_in_flight(refund.id), to, refund.amount_minor),)
    return Entry(type_, Cause(refund.id), refund.currency, lines, "Refund came back", contract.id)


def refund_outside(
    contract: Contract,
    refund: Refund,
    currency: str,
    taken: Iterable[tuple[Account, int]],
    lost_minor: int,
) -> Entry:
    """Made at Stripe and not by us: out of what the payment still holds here, the rest is lost."""
    lines = (
        *(Line(account, TRUST, amount) for account, amount in taken),
        Line(LOSSES, OPERATING, lost_minor),
    )
    what = "Refund made at Stripe"
    return Entry(EntryType.REFUND_OUTSIDE, Cause(refund.id), currency, lines, what, contract.id)
