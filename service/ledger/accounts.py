"""Accounts by what they are: a code of the chart and, where it belongs to somebody or something,
the owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from service.domain.identity import typeid
from service.domain.money.chart import AccountCode, OwnerType


@dataclass(frozen=True)
class Owner:
    """What an account belongs to: a row of that type, by its id."""

    type: OwnerType
    id: str

    @property
    def uuid(self) -> UUID:
        return typeid.decode(self.id)


@dataclass(frozen=True)
class Account:
    """`owner` is None for the platform's own accounts, of which there is one a currency."""

    code: AccountCode
    owner: Owner | None = None


TRUST = Account(AccountCode.PSP_TRUST)
OPERATING = Account(AccountCode.PSP_OPERATING)
PLATFORM_FEES = Account(AccountCode.PLATFORM_FEES)
FEE_TAX = Account(AccountCode.FEE_TAX_PAYABLE)
PROCESSING_RECOVERED = Account(AccountCode.PROCESSING_RECOVERED)
PSP_FEES = Account(AccountCode.PSP_FEES)
PLATFORM_EQUITY = Account(AccountCode.PLATFORM_EQUITY)
LOSSES = Account(AccountCode.LOSSES)
DISPUTE_FEES = Account(AccountCode.DISPUTE_FEES)
FORFEITURES = Account(AccountCode.FORFEITURES)


def escrow(milestone_id: str) -> Account:
    return Account(AccountCode.ESCROW, Owner(OwnerType.MILESTONE, milestone_id))


def disputed(milestone_id: str) -> Account:
    return Account(AccountCode.DISPUTED, Owner(OwnerType.MILESTONE, milestone_id))


def pending(freelancer_id: str) -> Account:
    return Account(AccountCode.PENDING, Owner(OwnerType.FREELANCER, freelancer_id))


def available(freelancer_id: str) -> Account:
    return Account(AccountCode.AVAILABLE, Owner(OwnerType.FREELANCER, freelancer_id))


def recoverable(freelancer_id: str) -> Account:
    return Account(AccountCode.RECOVERABLE, Owner(OwnerType.FREELANCER, freelancer_id))


def unclaimed(client_id: str) -> Account:
    return Account(AccountCode.UNCLAIMED, Owner(OwnerType.CLIENT, client_id))


def suspense(payment_id: str) -> Account:
    return Account(AccountCode.SUSPENSE, Owner(OwnerType.PAYMENT, payment_id))


def refund_in_flight(refund_id: str) -> Account:
    return Account(AccountCode.REFUND_IN_FLIGHT, Owner(OwnerType.REFUND, refund_id))


def payout_in_flight(payout_id: str) -> Account:
    return Account(AccountCode.PAYOUT_IN_FLIGHT, Owner(OwnerType.PAYOUT, payout_id))


def reserved_by_hold(hold_id: str) -> Account:
    return Account(AccountCode.RESERVE, Owner(OwnerType.HOLD, hold_id))


def reserved_by_chargeback(chargeback_id: str) -> Account:
    return Account(AccountCode.RESERVE, Owner(OwnerType.CHARGEBACK, chargeback_id))


def receivable(chargeback_id: str) -> Account:
    """What a bank has pulled and has not decided about."""
    return Account(AccountCode.CHARGEBACK_RECEIVABLE, Owner(OwnerType.CHARGEBACK, chargeback_id))


def confiscated(case_id: str) -> Account:
    return Account(AccountCode.CONFISCATED, Owner(OwnerType.CASE, case_id))


def authority_payable(case_id: str) -> Account:
    return Account(AccountCode.AUTHORITY_PAYABLE, Owner(OwnerType.CASE, case_id))


def tax_withheld(due_id: str) -> Account:
    return Account(AccountCode.TAX_WITHHELD, Owner(OwnerType.TAX_DUE, due_id))
