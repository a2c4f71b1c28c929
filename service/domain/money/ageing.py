"""Since when each part of a balance has been there: first in, first out, and what only went away
for a while keeps its age.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True)
class Lot:
    """A part of a balance, in minor units, that has been there since one instant."""

    since: datetime
    amount_minor: int


@dataclass(frozen=True)
class Change:
    """One change of a balance, in minor units, in the order of the books; never of zero.

    `away`: a name for where the money waits that may come back (a payout, a hold): what comes back
    from there under the same name is as old as it was. `newest_first`: taken from what came last,
    as a refund takes back the newest release.
    """

    at: datetime
    amount_minor: int
    away: Hashable = None
    newest_first: bool = False


def lots(changes: Iterable[Change]) -> list[Lot]:
    """What is left of a balance after all of its changes, oldest first.

    Raises ValueError when more leaves than was there.
    """
    here: list[Lot] = []
    elsewhere: dict[Hashable, list[Lot]] = {}
    for change in changes:
        if change.amount_minor < 0:
            taken = _take(here, -change.amount_minor, newest_first=change.newest_first)
            if change.away is not None:
                elsewhere.setdefault(change.away, []).extend(taken)
        else:
            here += _come(change, elsewhere.get(change.away, []))
            here.sort(key=lambda lot: lot.since)
    return here


def _come(change: Change, waited: list[Lot]) -> list[Lot]:
    """What waited there is as old as it was; whatever comes on top of that is new.

    Of a part, the newest comes back.
    """
    known = min(change.amount_minor, sum(lot.amount_minor for lot in waited))
    waited.sort(key=lambda lot: lot.since)
    back = _take(waited, known, newest_first=True)
    fresh = change.amount_minor - known
    return [*back, Lot(change.at, fresh)] if fresh else back


def _take(lots_: list[Lot], amount_minor: int, *, newest_first: bool) -> list[Lot]:
    taken: list[Lot] = []
    while amount_minor:
        if not lots_:
            raise ValueError(f"{amount_minor} more leave than were there")
        place = -1 if newest_first else 0
        lot = lots_[place]
        part = min(lot.amount_minor, amount_minor)
        taken.append(replace(lot, amount_minor=part))
        amount_minor -= part
        if part == lot.amount_minor:
            lots_.pop(place)
        else:
            lots_[place] = replace(lot, amount_minor=lot.amount_minor - part)
    return taken
