"""Money on its way to a freelancer's bank, and what a hold over an amount sets aside."""

from __future__ import annotations

from service.domain.money.causes import Cause
from service.domain.money.chart import EntryType
from service.ledger.accounts import (
    TRUST,
    available,
    payout_in_flight,
    reserved_by_hold,
)
from service.ledger.entries.reversing import reversal
from service.ledger.journal import Entry, Line
from service.models import Hold, Payout


def payout_request(payout: Payout) -> Entry:
    """The money leaves the balance.

    `holds` of the payout tells a request that a hold delayed from the first one.
    """
    lines = (
        Line(available(payout.freelancer_id), payout_in_flight(payout.id), payout.amount_minor),
    )
    cause = Cause(payout.id, payout.holds or None)
    return Entry(EntryType.PAYOUT_REQUEST, cause, payout.currency, lines, f"Payout {payout.id}")


def payout_held(payout: Payout) -> Entry:
    """A hold stopped it before it left. `holds` counts the ones before this one."""
    cause = Cause(payout.id, payout.holds)
    return reversal(
        payout_request(payout), EntryType.PAYOUT_HELD, cause, f"Payout {payout.id} is held"
    )


def payout_paid(payout: Payout) -> Entry:
    """The bank has it: out of trust."""
    lines = (Line(payout_in_flight(payout.id), TRUST, payout.amount_minor),)
    return Entry(
        EntryType.PAYOUT_PAID,
        Cause(payout.id),
        payout.currency,
        lines,
        f"Payout {payout.id} arrived",
    )


def payout_returned(payout: Payout) -> Entry:
    """It failed or was taken back: the freelancer's again, not aged anew."""
    what = f"Payout {payout.id} returned"
    return reversal(payout_request(payout), EntryType.PAYOUT_RETURNED, Cause(payout.id), what)


def payout_bounced(payout: Payout) -> Entry:
    """The bank sent it back after it had arrived."""
    lines = (Line(TRUST, available(payout.freelancer_id), payout.amount_minor),)
    what = f"Payout {payout.id} came back"
    return Entry(EntryType.PAYOUT_BOUNCED, Cause(payout.id), payout.currency, lines, what)


def hold_reserve(hold: Hold, freelancer_id: str, amount_minor: int) -> Entry:
    lines = (Line(available(freelancer_id), reserved_by_hold(hold.id), amount_minor),)
    return Entry(
        EntryType.HOLD_RESERVE,
        Cause(hold.id),
        hold.currency or "",
        lines,
        f"Set aside by {hold.id}",
    )


def hold_return(hold: Hold, freelancer_id: str, left_minor: int) -> Entry:
    """What is left of it is available again."""
    aside = hold_reserve(hold, freelancer_id, left_minor)
    return reversal(aside, EntryType.HOLD_RETURN, Cause(hold.id), f"{hold.id} has ended")
