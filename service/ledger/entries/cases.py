"""What a confiscation case takes, where it goes, and what is given back."""

from __future__ import annotations

from collections.abc import Iterable

from service.domain.money.causes import Cause
from service.domain.money.chart import EntryType
from service.ledger.accounts import (
    FORFEITURES,
    LOSSES,
    OPERATING,
    TRUST,
    Account,
    authority_payable,
    available,
    confiscated,
    receivable,
    refund_in_flight,
)
from service.ledger.journal import Entry, Line
from service.models import CaseLine, Confiscation, Contract


def confiscate(case: Confiscation, lines: Iterable[tuple[Account, int]]) -> Entry:
    """All lines of a case in one entry; nobody's income."""
    taken = confiscated(case.id)
    postings = tuple(Line(account, taken, amount) for account, amount in lines)
    return Entry(EntryType.CONFISCATE, Cause(case.id), case.currency, postings, f"Case {case.id}")


def _case_line(
    type_: EntryType,
    case: Confiscation,
    line: CaseLine,
    postings: tuple[Line, ...],
    contract: Contract | None = None,
) -> Entry:
    what = f"Case {case.id}, line {line.number}: {line.target}"
    cause = Cause(case.id, line.number)
    return Entry(type_, cause, case.currency, postings, what, contract.id if contract else None)


def case_refund(
    case: Confiscation, line: CaseLine, refund_id: str, contract: Contract | None
) -> Entry:
    """To the client, by the way it came."""
    postings = (Line(confiscated(case.id), refund_in_flight(refund_id), line.amount_minor),)
    return _case_line(EntryType.CASE_REFUND, case, line, postings, contract)


def case_authority(case: Confiscation, line: CaseLine, contract: Contract | None) -> Entry:
    postings = (Line(confiscated(case.id), authority_payable(case.id), line.amount_minor),)
    return _case_line(EntryType.CASE_AUTHORITY, case, line, postings, contract)


def case_remainder(case: Confiscation, line: CaseLine, contract: Contract | None) -> Entry:
    """What is left is the person's again."""
    postings = (Line(confiscated(case.id), available(case.freelancer_id), line.amount_minor),)
    return _case_line(EntryType.CASE_REMAINDER, case, line, postings, contract)


def case_loss(case: Confiscation, line: CaseLine, contract: Contract | None) -> Entry:
    """A proven loss of the platform is made good, from trust to operating in the same entry."""
    postings = (
        Line(confiscated(case.id), LOSSES, line.amount_minor),
        Line(OPERATING, TRUST, line.amount_minor),
    )
    return _case_line(EntryType.CASE_LOSS, case, line, postings, contract)


def case_chargeback(case: Confiscation, line: CaseLine, contract: Contract | None) -> Entry:
    """What a bank has pulled is paid for, from trust to operating in the same entry: a later loss
    then posts nothing.
    """
    pulled = receivable(line.chargeback_id or "")
    postings = (
        Line(confiscated(case.id), pulled, line.amount_minor),
        Line(OPERATING, TRUST, line.amount_minor),
    )
    return _case_line(EntryType.CASE_CHARGEBACK, case, line, postings, contract)


def forfeit(case: Confiscation, line: CaseLine) -> Entry:
    """To the platform, where an operator has a legal basis for it."""
    postings = (
        Line(confiscated(case.id), FORFEITURES, line.amount_minor),
        Line(OPERATING, TRUST, line.amount_minor),
    )
    return _case_line(EntryType.FORFEIT, case, line, postings)


PART = 10_000
"""A line may be given back in parts, by several decisions: each next one's sequence is this much
on, and `% 10000` is the line.
"""


def restore(
    case: Confiscation, line: CaseLine, amount_minor: int, source: Account, to: Account
) -> Entry:
    """Back where it came from; what became the platform's goes from operating to trust in the same
    entry.
    """
    postings = [Line(source, to, amount_minor)]
    if source.owner is None:
        postings.append(Line(TRUST, OPERATING, amount_minor))
    what = f"Case {case.id}, line {line.number}: restored"
    cause = Cause(case.id, line.number + PART * line.restored_parts)
    return Entry(EntryType.RESTORE, cause, case.currency, tuple(postings), what)
