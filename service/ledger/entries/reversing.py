"""An entry turned round, line by line: what a reversal is, and all that it is."""

from __future__ import annotations

from service.domain.money.causes import Cause
from service.domain.money.chart import REVERSALS, EntryType
from service.ledger.journal import Entry, Line


def reversal(entry: Entry, type: EntryType, cause: Cause, description: str) -> Entry:  # noqa: A002
    """The entry turned round, line by line."""
    assert REVERSALS[type] == entry.type, f"{type} does not turn {entry.type} round"
    lines = tuple(Line(line.credit, line.debit, line.amount_minor) for line in entry.lines)
    return Entry(type, cause, entry.currency, lines, description, entry.contract_id)
