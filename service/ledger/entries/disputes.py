"""Money that two people, or a bank, disagree about."""

from __future__ import annotations

from collections.abc import Iterable

from service.domain.money.causes import Cause
from service.domain.money.chart import EntryType
from service.ledger.accounts import (
    DISPUTE_FEES,
    LOSSES,
    OPERATING,
    TRUST,
    Account,
    available,
    confiscated,
    disputed,
    escrow,
    receivable,
    recoverable,
    reserved_by_chargeback,
    unclaimed,
)
from service.ledger.entries.reversing import reversal
from service.ledger.journal import Entry, Line
from service.models import Chargeback, Contract, Milestone


def dispute_lock(
    contract: Contract, milestone: Milestone, dispute_id: str, amount_minor: int
) -> Entry:
    """Exactly what is disputed."""
    lines = (Line(escrow(milestone.id), disputed(milestone.id), amount_minor),)
    what = f"Locked by {dispute_id}"
    return Entry(
        EntryType.DISPUTE_LOCK, Cause(dispute_id), contract.currency, lines, what, contract.id
    )


def dispute_settle(
    contract: Contract, milestone: Milestone, dispute_id: str, amount_minor: int
) -> Entry:
    """Unlocked, to go where the outcome says."""
    locked = dispute_lock(contract, milestone, dispute_id, amount_minor)
    return reversal(
        locked, EntryType.DISPUTE_SETTLE, Cause(dispute_id), f"Unlocked after {dispute_id}"
    )


def _round(chargeback: Chargeback) -> Cause:
    """A bank that takes a won case up again pulls again: each round after the first is a cause of
    its own.
    """
    return Cause(chargeback.id, chargeback.round if chargeback.round > 1 else None)


def _chargeback(
    type_: EntryType, chargeback: Chargeback, lines: Iterable[Line], description: str
) -> Entry:
    return Entry(
        type_,
        _round(chargeback),
        chargeback.currency,
        tuple(lines),
        description,
        chargeback.contract_id,
    )


def chargeback_open(chargeback: Chargeback) -> Entry:
    """The bank has pulled the money; the platform bears it until it is decided."""
    lines = (Line(receivable(chargeback.id), OPERATING, chargeback.amount_minor),)
    return _chargeback(EntryType.CHARGEBACK_OPEN, chargeback, lines, f"Chargeback {chargeback.id}")


def chargeback_fee(chargeback: Chargeback) -> Entry:
    lines = (Line(DISPUTE_FEES, OPERATING, chargeback.fee_minor),)
    return _chargeback(EntryType.CHARGEBACK_FEE, chargeback, lines, "Stripe's chargeback fee")


def chargeback_lock(
    chargeback: Chargeback,
    escrowed: Iterable[tuple[str, int]],
    taken: Iterable[tuple[Account, int]],
) -> Entry:
    """`escrowed`: what is still in escrow, by milestone; `taken`: what is here otherwise (pending,
    available, owed), by account.
    """
    aside = reserved_by_chargeback(chargeback.id)
    lines = [
        Line(escrow(milestone_id), disputed(milestone_id), amount)
        for milestone_id, amount in escrowed
    ]
    lines += [Line(account, aside, amount) for account, amount in taken]
    return _chargeback(
        EntryType.CHARGEBACK_LOCK, chargeback, lines, f"Locked by chargeback {chargeback.id}"
    )


def chargeback_won(
    contract: Contract,
    chargeback: Chargeback,
    escrowed: Iterable[tuple[str, int]],
    *,
    reserved_minor: int,
    owed_minor: int,
    cleared: Iterable[tuple[str, int]] = (),
) -> Entry:
    """Escrowed again (by milestone), available again, owed to the client again; the bank gave the
    amount back.

    `cleared`: what cases had paid of it is theirs again, by case, until people decide about it
    anew.
    """
    aside, paid = reserved_by_chargeback(chargeback.id), list(cleared)
    open_minor = chargeback.amount_minor - sum(amount for _, amount in paid)
    lines = [
        Line(OPERATING, receivable(chargeback.id), open_minor),
        *(Line(TRUST, confiscated(case_id), amount) for case_id, amount in paid),
        *(
            Line(disputed(milestone_id), escrow(milestone_id), amount)
            for milestone_id, amount in escrowed
        ),
        Line(aside, available(contract.freelancer_id), reserved_minor),
        Line(aside, unclaimed(contract.client_id), owed_minor),
    ]
    return _chargeback(
        EntryType.CHARGEBACK_WON, chargeback, lines, f"Chargeback {chargeback.id} won"
    )


def chargeback_lost(
    contract: Contract,
    chargeback: Chargeback,
    escrowed: Iterable[tuple[str, int]],
    *,
    reserved_minor: int,
    freed_minor: int,
    owed_minor: int,
    debt_minor: int,
    lost_minor: int,
) -> Entry:
    """Locked money pays for it, from trust to operating in the same entry.

    `escrowed`: by milestone; `reserved_minor`: taken of the freelancer's; `freed_minor`: theirs
    again because they are protected; `owed_minor`: what was the client's already; `debt_minor`:
    paid out, owed now; `lost_minor`: the platform's.
    """
    aside, pulled, escrowed = (
        reserved_by_chargeback(chargeback.id),
        receivable(chargeback.id),
        list(escrowed),
    )
    from_trust = sum(amount for _, amount in escrowed) + reserved_minor + owed_minor
    lines = [
        *(Line(disputed(milestone_id), pulled, amount) for milestone_id, amount in escrowed),
        Line(aside, available(contract.freelancer_id), freed_minor),
        Line(aside, pulled, reserved_minor),
        Line(recoverable(contract.freelancer_id), pulled, debt_minor),
        Line(LOSSES, pulled, lost_minor),
        Line(aside, pulled, owed_minor),
        Line(OPERATING, TRUST, from_trust),
    ]
    return _chargeback(
        EntryType.CHARGEBACK_LOST, chargeback, lines, f"Chargeback {chargeback.id} lost"
    )


def chargeback_reserve_over(
    contract: Contract, chargeback: Chargeback, reserved_minor: int
) -> Entry:
    lines = (
        Line(
            reserved_by_chargeback(chargeback.id), available(contract.freelancer_id), reserved_minor
        ),
    )
    return _chargeback(EntryType.CHARGEBACK_RESERVE_OVER, chargeback, lines, "Reserved long enough")
