"""The platform's own money, put in or taken out."""

from __future__ import annotations

from service.domain.causes import Cause
from service.domain.chart import EntryType
from service.ledger.accounts import (
    OPERATING,
    PLATFORM_EQUITY,
)
from service.ledger.entries.reversing import reversal
from service.ledger.journal import Entry, Line


def float_movement(movement_id: str, amount_minor: int, currency: str, *, out: bool, reference: str) -> Entry:
    """Put into the operating balance, or taken out."""
    put_in = Entry(
        EntryType.FLOAT_IN,
        Cause(movement_id),
        currency,
        (Line(OPERATING, PLATFORM_EQUITY, amount_minor),),
        reference,
    )
    return reversal(put_in, EntryType.FLOAT_OUT, put_in.cause, reference) if out else put_in
