"""A client's payment reaches its milestones, becomes the freelancer's, or waits to go back."""

from __future__ import annotations

from collections.abc import Iterable

from service.domain.money.causes import Cause
from service.domain.money.chart import EntryType
from service.ledger.accounts import (
    FEE_TAX,
    OPERATING,
    PLATFORM_EQUITY,
    PLATFORM_FEES,
    PROCESSING_RECOVERED,
    PSP_FEES,
    TRUST,
    available,
    escrow,
    pending,
    recoverable,
    suspense,
    tax_withheld,
)
from service.ledger.journal import Entry, Line
from service.models import Contract, Milestone, Payment, Release, TaxDue


def fund(payment: Payment, contract: Contract, amounts: Iterable[tuple[Milestone, int]]) -> Entry:
    """The client's payment reaches its milestones; what they paid on top is the platform's."""
    lines = (
        *(Line(TRUST, escrow(milestone.id), amount) for milestone, amount in amounts),
        Line(OPERATING, PROCESSING_RECOVERED, payment.surcharge_minor),
        Line(OPERATING, PLATFORM_FEES, payment.client_fee_minor),
    )
    return Entry(
        EntryType.FUND,
        Cause(payment.id),
        payment.currency,
        lines,
        f"Payment {payment.id}",
        contract.id,
    )


def fund_processing_fee(payment: Payment, currency: str, fee_minor: int) -> Entry:
    """Stripe's fee hits operating, never trust."""
    lines = (Line(PSP_FEES, OPERATING, fee_minor),)
    return Entry(
        EntryType.FUND_PROCESSING_FEE,
        Cause(payment.id),
        currency,
        lines,
        "Stripe's fee",
        payment.contract_id,
    )


def suspend_receipt(
    payment: Payment, contract: Contract, currency: str, received_minor: int, why: str
) -> Entry:
    lines = (Line(TRUST, suspense(payment.id), received_minor),)
    return Entry(
        EntryType.SUSPEND_RECEIPT,
        Cause(payment.id),
        currency,
        lines,
        f"Money received: {why}",
        contract.id,
    )


def roll(contract: Contract, milestone: Milestone, rest: Milestone, amount_minor: int) -> Entry:
    """What is still escrowed of a milestone becomes a milestone of its own."""
    lines = (Line(escrow(milestone.id), escrow(rest.id), amount_minor),)
    return Entry(
        EntryType.ROLL,
        Cause(rest.id),
        contract.currency,
        lines,
        f"Rest of milestone {milestone.id}",
        contract.id,
    )


def release(contract: Contract, made: Release, taxes: Iterable[tuple[str, int]]) -> Entry:
    """Gross out of escrow: net to pending, fee, tax on it, processing cost, withheld tax (by due),
    debts; trust to operating.
    """
    out_of, freelancer = escrow(made.milestone_id), made.freelancer_id
    lines = (
        Line(out_of, pending(freelancer), made.net_minor - made.recovered_minor),
        Line(out_of, PLATFORM_FEES, made.fee_minor - made.fee_tax_minor),
        Line(out_of, FEE_TAX, made.fee_tax_minor),
        Line(out_of, PROCESSING_RECOVERED, made.processing_minor),
        *(Line(out_of, tax_withheld(due_id), amount) for due_id, amount in taxes),
        Line(out_of, recoverable(freelancer), made.recovered_minor),
        Line(OPERATING, TRUST, made.fee_minor + made.processing_minor + made.recovered_minor),
    )
    what = f"Release {made.number} of milestone {made.milestone_id}"
    return Entry(EntryType.RELEASE, Cause(made.id), made.currency, lines, what, contract.id)


def mature(made: Release, amount_minor: int) -> Entry:
    """The security period is over."""
    lines = (Line(pending(made.freelancer_id), available(made.freelancer_id), amount_minor),)
    return Entry(
        EntryType.MATURE,
        Cause(made.id),
        made.currency,
        lines,
        "Security period over",
        made.contract_id,
    )


def tax_remit(due: TaxDue, amount_minor: int, reference: str) -> Entry:
    """The platform has paid a month's withheld tax from its own bank account."""
    lines = (
        Line(tax_withheld(due.id), PLATFORM_EQUITY, amount_minor),
        Line(OPERATING, TRUST, amount_minor),
    )
    what = f"{due.regime} of {due.month:%Y-%m} paid: {reference}"
    return Entry(EntryType.TAX_REMIT, Cause(due.id), due.currency, lines, what)
