"""The chart of accounts and every kind of journal entry: which account may be debited against
which, and through which gate.

The same tables are rows in PostgreSQL (`chart_account`, `chart_line`), so a posting outside the
chart is refused there. `trust_side` places an account in the identity that holds after every
commit, per currency: psp_trust (debit, +1) = the sum of what it belongs to (credit, -1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

DEBIT, CREDIT = "debit", "credit"
GATES = ("none", "release", "refund", "outflow")


class AccountCode(StrEnum):
    """What an account is for; rows keep the code."""

    PSP_TRUST = "psp_trust"
    PSP_OPERATING = "psp_operating"
    CHARGEBACK_RECEIVABLE = "chargeback_receivable"
    ESCROW = "escrow"
    DISPUTED = "disputed"
    REFUND_IN_FLIGHT = "refund_in_flight"
    PAYOUT_IN_FLIGHT = "payout_in_flight"
    PENDING = "pending"
    AVAILABLE = "available"
    RESERVE = "reserve"
    SUSPENSE = "suspense"
    CONFISCATED = "confiscated"
    TAX_WITHHELD = "tax_withheld"
    AUTHORITY_PAYABLE = "authority_payable"
    UNCLAIMED = "unclaimed"
    RECOVERABLE = "recoverable"
    PLATFORM_FEES = "platform_fees"
    PROCESSING_RECOVERED = "processing_recovered"
    FORFEITURES = "forfeitures"
    FEE_TAX_PAYABLE = "fee_tax_payable"
    PSP_FEES = "psp_fees"
    DISPUTE_FEES = "dispute_fees"
    LOSSES = "losses"
    PLATFORM_EQUITY = "platform_equity"


class EntryType(StrEnum):
    """One kind of business event in the books; rows keep the code."""

    FUND = "fund"
    FUND_PROCESSING_FEE = "fund_processing_fee"
    RELEASE = "release"
    TAX_REMIT = "tax_remit"
    MATURE = "mature"
    PAYOUT_REQUEST = "payout_request"
    PAYOUT_HELD = "payout_held"
    HOLD_RESERVE = "hold_reserve"
    HOLD_RETURN = "hold_return"
    PAYOUT_PAID = "payout_paid"
    PAYOUT_RETURNED = "payout_returned"
    PAYOUT_BOUNCED = "payout_bounced"
    SUSPEND_RECEIPT = "suspend_receipt"
    SUSPENSE_REFUND = "suspense_refund"
    REFUND_REQUEST = "refund_request"
    REFUND_AFTER_RELEASE = "refund_after_release"
    REFUND_RETRY = "refund_retry"
    REFUND_SUCCEEDED = "refund_succeeded"
    REFUND_FAILED = "refund_failed"
    REFUND_BOUNCED = "refund_bounced"
    REFUND_OUTSIDE = "refund_outside"
    ROLL = "roll"
    DISPUTE_LOCK = "dispute_lock"
    DISPUTE_SETTLE = "dispute_settle"
    CHARGEBACK_OPEN = "chargeback_open"
    CHARGEBACK_FEE = "chargeback_fee"
    CHARGEBACK_LOCK = "chargeback_lock"
    CHARGEBACK_WON = "chargeback_won"
    CHARGEBACK_LOST = "chargeback_lost"
    CHARGEBACK_RESERVE_OVER = "chargeback_reserve_over"
    CONFISCATE = "confiscate"
    CASE_REFUND = "case_refund"
    CASE_AUTHORITY = "case_authority"
    CASE_LOSS = "case_loss"
    CASE_REMAINDER = "case_remainder"
    CASE_CHARGEBACK = "case_chargeback"
    FORFEIT = "forfeit"
    RESTORE = "restore"
    WRITE_OFF = "write_off"
    PSP_DIFFERENCE = "psp_difference"
    FLOAT_IN = "float_in"
    FLOAT_OUT = "float_out"


class OwnerType(StrEnum):
    """What an account can belong to."""

    MILESTONE = "milestone"
    PAYMENT = "payment"
    REFUND = "refund"
    PAYOUT = "payout"
    FREELANCER = "freelancer"
    CLIENT = "client"
    HOLD = "hold"
    CHARGEBACK = "chargeback"
    CASE = "case"
    TAX_DUE = "tax_due"


@dataclass(frozen=True)
class AccountKind:
    """`owners`: the types of what it may belong to, none for the platform's; bounded accounts carry
    a balance row that may not go below zero.
    """

    name: AccountCode
    owners: tuple[OwnerType, ...]
    side: str
    bounded: bool
    trust_side: int
    meaning: str

    @property
    def per(self) -> str:
        """What there is one account of it for, in words."""
        return " or ".join(owner.replace("_", " ") for owner in self.owners) or "currency"


def _liability(name: AccountCode, owners: str, meaning: str) -> AccountKind:
    return AccountKind(name, tuple(map(OwnerType, owners.split())), CREDIT, True, -1, meaning)


ACCOUNTS = {
    account.name: account
    for account in (
        AccountKind(AccountCode.PSP_TRUST, (), DEBIT, False, 1, "other people's money at Stripe"),
        AccountKind(
            AccountCode.PSP_OPERATING, (), DEBIT, False, 0, "the platform's own money at Stripe"
        ),
        AccountKind(
            AccountCode.CHARGEBACK_RECEIVABLE,
            (OwnerType.CHARGEBACK,),
            DEBIT,
            True,
            0,
            "pulled by a bank, not yet decided",
        ),
        _liability(AccountCode.ESCROW, "milestone", "paid by the client, not yet released"),
        _liability(AccountCode.DISPUTED, "milestone", "locked by a dispute or chargeback"),
        _liability(AccountCode.REFUND_IN_FLIGHT, "refund", "on its way back to the client"),
        _liability(AccountCode.PAYOUT_IN_FLIGHT, "payout", "on its way to the freelancer's bank"),
        _liability(AccountCode.PENDING, "freelancer", "released, in its security period"),
        _liability(AccountCode.AVAILABLE, "freelancer", "may be paid out"),
        _liability(AccountCode.RESERVE, "hold chargeback", "locked by an amount-limited hold"),
        _liability(AccountCode.SUSPENSE, "payment", "wrong, late or double money, on its way back"),
        _liability(AccountCode.CONFISCATED, "case", "taken by a case, not the platform's"),
        _liability(AccountCode.TAX_WITHHELD, "tax_due", "withheld for a tax office, by month"),
        _liability(AccountCode.AUTHORITY_PAYABLE, "case", "owed to an authority by order"),
        _liability(AccountCode.UNCLAIMED, "client", "owed to a person who cannot be paid"),
        AccountKind(
            AccountCode.RECOVERABLE,
            (OwnerType.FREELANCER,),
            DEBIT,
            True,
            0,
            "what a freelancer owes, financed by the platform",
        ),
        AccountKind(AccountCode.PLATFORM_FEES, (), CREDIT, False, 0, "fees earned on releases"),
        AccountKind(
            AccountCode.PROCESSING_RECOVERED,
            (),
            CREDIT,
            False,
            0,
            "processing cost borne by client or freelancer",
        ),
        AccountKind(AccountCode.FORFEITURES, (), CREDIT, False, 0, "forfeited with a legal basis"),
        AccountKind(
            AccountCode.FEE_TAX_PAYABLE,
            (),
            CREDIT,
            False,
            0,
            "tax on the fee, owed to a tax office",
        ),
        AccountKind(AccountCode.PSP_FEES, (), DEBIT, False, 0, "what Stripe takes per charge"),
        AccountKind(
            AccountCode.DISPUTE_FEES, (), DEBIT, False, 0, "what Stripe takes per chargeback"
        ),
        AccountKind(AccountCode.LOSSES, (), DEBIT, False, 0, "borne by the platform"),
        AccountKind(
            AccountCode.PLATFORM_EQUITY, (), CREDIT, False, 0, "put in or taken out by the platform"
        ),
    )
}


@dataclass(frozen=True)
class EntryKind:
    """One kind of business event in the books: its possible lines (debit, credit) and the gate its
    debits must pass.
    """

    name: EntryType
    gate: str
    lines: tuple[tuple[AccountCode, AccountCode], ...]
    meaning: str


def _entry(name: str, gate: str, lines: str, meaning: str) -> EntryKind:
    pairs = tuple(
        (AccountCode(debit), AccountCode(credit))
        for debit, credit in (pair.split(">") for pair in lines.split())
    )
    return EntryKind(EntryType(name), gate, pairs, meaning)


ENTRIES = {
    entry.name: entry
    for entry in (
        _entry(
            "fund",
            "none",
            "psp_trust>escrow psp_operating>processing_recovered psp_operating>platform_fees",
            "the client's payment reaches its milestones",
        ),
        _entry(
            "fund_processing_fee",
            "none",
            "psp_fees>psp_operating",
            "what Stripe took for the charge",
        ),
        _entry(
            "release",
            "release",
            "escrow>pending escrow>platform_fees escrow>fee_tax_payable "
            "escrow>processing_recovered escrow>tax_withheld escrow>recoverable "
            "psp_operating>psp_trust",
            "approved work: net to the freelancer less what they owe, fee to the platform, tax "
            "withheld, fee money from trust to operating",
        ),
        _entry(
            "tax_remit",
            "none",
            "tax_withheld>platform_equity psp_operating>psp_trust",
            "the platform has paid a month's withheld tax from its own bank account",
        ),
        _entry("mature", "outflow", "pending>available", "the security period is over"),
        _entry(
            "payout_request",
            "outflow",
            "available>payout_in_flight",
            "the freelancer asks for a payout",
        ),
        _entry(
            "payout_held",
            "none",
            "payout_in_flight>available",
            "a hold stopped a payout that had not left; the money is held where it was",
        ),
        _entry(
            "hold_reserve",
            "none",
            "available>reserve",
            "a hold over an amount sets exactly that aside",
        ),
        _entry(
            "hold_return", "none", "reserve>available", "the hold has ended; it is available again"
        ),
        _entry("payout_paid", "none", "payout_in_flight>psp_trust", "the bank has it"),
        _entry(
            "payout_returned",
            "none",
            "payout_in_flight>available",
            "the payout failed; the money is the freelancer's again, not aged anew",
        ),
        _entry(
            "payout_bounced",
            "none",
            "psp_trust>available",
            "the bank sent it back after it had arrived",
        ),
        _entry(
            "suspend_receipt", "none", "psp_trust>suspense", "money that is wrong, late or double"
        ),
        _entry(
            "suspense_refund",
            "refund",
            "suspense>refund_in_flight",
            "it starts its way back to the client",
        ),
        _entry(
            "refund_request",
            "refund",
            "escrow>refund_in_flight",
            "held money starts its way back to the client",
        ),
        _entry(
            "refund_after_release",
            "refund",
            "available>refund_in_flight pending>refund_in_flight recoverable>refund_in_flight "
            "platform_fees>refund_in_flight fee_tax_payable>refund_in_flight "
            "psp_trust>psp_operating",
            "the freelancer gives back what they had, or owes it; the platform gives back its "
            "fee on it",
        ),
        _entry(
            "refund_retry",
            "none",
            "unclaimed>refund_in_flight",
            "another attempt to give a client their money",
        ),
        _entry("refund_succeeded", "none", "refund_in_flight>psp_trust", "the client has it back"),
        _entry(
            "refund_failed",
            "none",
            "refund_in_flight>suspense refund_in_flight>escrow refund_in_flight>unclaimed",
            "the way back failed: held again where its milestone is open, else owed to the client",
        ),
        _entry(
            "refund_bounced",
            "none",
            "psp_trust>suspense psp_trust>escrow psp_trust>unclaimed",
            "a refund that had succeeded came back",
        ),
        _entry(
            "refund_outside",
            "none",
            "escrow>psp_trust suspense>psp_trust losses>psp_operating",
            "a refund made at Stripe and not by us",
        ),
        _entry(
            "roll",
            "none",
            "escrow>escrow",
            "the rest of a milestone becomes a milestone of its own",
        ),
        _entry("dispute_lock", "none", "escrow>disputed", "exactly what is disputed is locked"),
        _entry(
            "dispute_settle", "none", "disputed>escrow", "unlocked, to go where the outcome says"
        ),
        _entry(
            "chargeback_open",
            "none",
            "chargeback_receivable>psp_operating",
            "a bank has pulled money; the platform bears it until it is decided",
        ),
        _entry(
            "chargeback_fee",
            "none",
            "dispute_fees>psp_operating",
            "what Stripe takes for a chargeback",
        ),
        _entry(
            "chargeback_lock",
            "none",
            "escrow>disputed pending>reserve available>reserve unclaimed>reserve",
            "exactly that money is locked",
        ),
        _entry(
            "chargeback_won",
            "none",
            "psp_operating>chargeback_receivable disputed>escrow reserve>available "
            "reserve>unclaimed psp_trust>confiscated",
            "the bank gave it back; everything is as before, and what a case had paid it with is "
            "the case's again",
        ),
        _entry(
            "chargeback_lost",
            "none",
            "disputed>chargeback_receivable reserve>chargeback_receivable psp_operating>psp_trust"
            " recoverable>chargeback_receivable losses>chargeback_receivable reserve>available",
            "locked money pays for it; what was paid out is owed or lost",
        ),
        _entry(
            "chargeback_reserve_over",
            "none",
            "reserve>available",
            "locked as long as it may be; free again although nothing is decided",
        ),
        _entry(
            "confiscate",
            "none",
            "escrow>confiscated available>confiscated pending>confiscated reserve>confiscated",
            "taken by a case; nobody's income",
        ),
        _entry(
            "case_refund",
            "none",
            "confiscated>refund_in_flight",
            "to the client, by the way it came",
        ),
        _entry(
            "case_authority",
            "none",
            "confiscated>authority_payable",
            "owed to an authority by its order",
        ),
        _entry(
            "case_loss",
            "none",
            "confiscated>losses psp_operating>psp_trust",
            "a proven loss of the platform is made good",
        ),
        _entry(
            "case_chargeback",
            "none",
            "confiscated>chargeback_receivable psp_operating>psp_trust",
            "a case pays for what a bank has pulled for the same contract, decided or not",
        ),
        _entry(
            "case_remainder", "none", "confiscated>available", "what is left is the person's again"
        ),
        _entry(
            "forfeit",
            "none",
            "confiscated>forfeitures psp_operating>psp_trust",
            "to the platform, where an operator has a legal basis for it",
        ),
        _entry(
            "restore",
            "none",
            "confiscated>available confiscated>escrow confiscated>unclaimed "
            "authority_payable>available authority_payable>escrow authority_payable>unclaimed "
            "losses>available losses>escrow losses>unclaimed"
            " forfeitures>available forfeitures>escrow forfeitures>unclaimed "
            "psp_trust>psp_operating",
            "a case was wrong: back where it came from, or what is left of it at the platform's "
            "cost",
        ),
        _entry("write_off", "none", "losses>recoverable", "a debt that will not be paid"),
        _entry(
            "psp_difference",
            "none",
            "losses>psp_operating psp_operating>losses",
            "a difference with the processor that two people have explained; the platform bears it",
        ),
        _entry("float_in", "none", "psp_operating>platform_equity", "the platform puts money in"),
        _entry(
            "float_out", "none", "platform_equity>psp_operating", "the platform takes money out"
        ),
    )
}


REVERSALS = {
    EntryType.PAYOUT_HELD: EntryType.PAYOUT_REQUEST,
    EntryType.PAYOUT_RETURNED: EntryType.PAYOUT_REQUEST,
    EntryType.HOLD_RETURN: EntryType.HOLD_RESERVE,
    EntryType.DISPUTE_SETTLE: EntryType.DISPUTE_LOCK,
    EntryType.FLOAT_OUT: EntryType.FLOAT_IN,
}
"""Entries that are another one turned round, line by line; all or a part of it."""


def chart_lines() -> Iterable[tuple[str, str, str]]:
    """Every (entry kind, debit kind, credit kind) that may be posted."""
    return sorted(
        (entry.name, debit, credit) for entry in ENTRIES.values() for debit, credit in entry.lines
    )
