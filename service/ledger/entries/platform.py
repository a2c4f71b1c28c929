"""The platform's own money: put in, taken out, or other at the processor than the books say."""

from __future__ import annotations

from service.domain.money.causes import Cause
from service.domain.money.chart import EntryType
from service.ledger.accounts import (
    LOSSES,
    OPERATING,
    PLATFORM_EQUITY,
)
from service.ledger.entries.reversing import reversal
from service.ledger.journal import Entry, Line


def float_movement(
    movement_id: str, amount_minor: int, currency: str, *, out: bool, reference: str
) -> Entry:
    """Put into the operating balance, or taken out."""
    put_in = Entry(
        EntryType.FLOAT_IN,
        Cause(movement_id),
        currency,
        (Line(OPERATING, PLATFORM_EQUITY, amount_minor),),
        reference,
    )
    return reversal(put_in, EntryType.FLOAT_OUT, put_in.cause, reference) if out else put_in


def psp_difference(explanation_id: str, amount_minor: int, currency: str, reason: str) -> Entry:
    """The processor has `amount_minor` more than the books say (below zero: less); the platform's
    gain or loss.
    """
    more = (Line(OPERATING, LOSSES, amount_minor),)
    less = (Line(LOSSES, OPERATING, -amount_minor),)
    return Entry(
        EntryType.PSP_DIFFERENCE,
        Cause(explanation_id),
        currency,
        more if amount_minor > 0 else less,
        reason,
    )
