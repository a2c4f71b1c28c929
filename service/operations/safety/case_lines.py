"""The lines of a case in words: from which milestone of which contract, to whom by name, how much,
and what came back.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.models import CaseLine, Confiscation, Contract, Milestone

PLACES = {
    "escrow": "in protection",
    "available": "available",
    "pending": "in the security period",
    "reserve": "set aside by the hold",
}
_TO_NOBODY = {
    "same_contract_chargeback": "to the bank, for its chargeback",
    "authority": "to an authority, by its order",
    "proven_loss": "to the platform, for a proven loss",
    "forfeit": "forfeited to the platform",
}
_TO_CLIENT = {"client": "back to", "same_contract_refund": "as a refund to"}


@dataclass(frozen=True)
class LineInWords:
    """One sum of a case, as everybody reads it who decides about it or whom it concerns."""

    number: int
    amount_minor: int
    source: str
    receiver: str
    restored_minor: int
    note: str | None


def in_words(session: Session, case: Confiscation, *, own: bool) -> list[LineInWords]:
    """Every line of a case. `own`: as the person reads it whom the case is about."""
    return [_line(session, line, own=own) for line in case.lines]


def _line(session: Session, line: CaseLine, *, own: bool) -> LineInWords:
    milestone = session.get_one(Milestone, line.milestone_id) if line.milestone_id else None
    contract = session.get_one(Contract, milestone.contract_id) if milestone else None
    return LineInWords(
        number=line.number,
        amount_minor=line.amount_minor,
        source=_source(line, contract, milestone),
        receiver=_receiver(line, contract, own=own),
        restored_minor=line.restored_minor,
        note=line.restore_note,
    )


def _source(line: CaseLine, contract: Contract | None, milestone: Milestone | None) -> str:
    if line.account == "reserve" and line.chargeback_id:
        return "set aside for a chargeback"
    place = PLACES[line.account]
    if contract is None or milestone is None or line.account not in ("escrow", "pending"):
        return place
    return f"{place} for {named(contract, milestone)}"


def _receiver(line: CaseLine, contract: Contract | None, *, own: bool) -> str:
    if line.target in _TO_CLIENT and contract is not None:
        return (
            f"{_TO_CLIENT[line.target]} {contract.client_name}, who paid it in “{contract.title}”"
        )
    return _TO_NOBODY.get(line.target) or ("stays yours" if own else "stays the person's")


def named(contract: Contract, milestone: Milestone) -> str:
    """A milestone that nobody takes for another one: its title, the contract's, and whose money it
    was.
    """
    return f"“{milestone.title}” in “{contract.title}”, paid by {contract.client_name}"
