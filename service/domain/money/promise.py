"""The promise of lower fees, proved: at no amount does a schedule charge more than the normal one
beside it.

Both fees are piecewise straight before they are rounded. Where one straight piece does not lie
above another at both ends it does not lie above it anywhere between, and rounding half-up keeps the
order: so the ends of all pieces, and the slopes beyond the last one, decide for every amount there
is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from service.domain.money.fees import Schedule, by_tiers, exact_fee, fee_on

FAR = 10**15
"""Beyond every break-point: only the slopes matter here."""


@dataclass(frozen=True)
class CounterExample:
    """An amount at which `own` would cost more than `normal`; all in minor units."""

    amount_minor: int
    own_minor: int
    normal_minor: int


def break_points(schedule: Schedule) -> list[Fraction]:
    """Where the fee's slope changes: the ends of tiers, and where it meets the minimum, the cap or
    the amount itself.
    """
    ends = [
        Fraction(0),
        *(Fraction(t.up_to_minor) for t in schedule.tiers if t.up_to_minor is not None),
        Fraction(FAR),
    ]
    found = set(ends) | {Fraction(schedule.minimum_minor), Fraction(schedule.cap_minor or 0)}
    for level in (schedule.minimum_minor, schedule.cap_minor):
        for (lower, upper), tier in zip(pairwise(ends), schedule.tiers, strict=True):
            start = by_tiers(schedule, lower)
            if level is not None and tier.rate and 0 < (level - start) / tier.rate <= upper - lower:
                found.add(lower + (level - start) / tier.rate)
    return sorted(found)


def counter_example(own: Schedule, normal: Schedule) -> CounterExample | None:
    """The smallest amount found at which `own` costs more than `normal`, or None: then there is
    none at all.
    """
    marks = sorted({*break_points(own), *break_points(normal)})
    above = next((mark for mark in marks if exact_fee(own, mark) > exact_fee(normal, mark)), None)
    if above is None:
        return None
    for amount in _probes(marks):
        mine, theirs = fee_on(own, amount), fee_on(normal, amount)
        if mine > theirs:
            return CounterExample(amount, mine, theirs)
    # No rounded amount shows it, but a straight piece lies above the other: refused rather than
    # argued about.
    return CounterExample(int(above), fee_on(own, int(above)), fee_on(normal, int(above)))


def _probes(marks: list[Fraction]) -> Iterator[int]:
    """Small amounts one by one, where rounding shows, then every break-point with its
    neighbours.
    """
    yield from range(1, 2_001)
    for mark in marks:
        yield from range(max(2_001, int(mark) - 40), int(mark) + 41)


def strictly_lower_from(own: Schedule, normal: Schedule, most: int = 20_000) -> int | None:
    """The amount from which `own` costs less than `normal` at every amount up to `most`; None when
    it never does.
    """
    equal = next(
        (amount for amount in range(most, 0, -1) if fee_on(own, amount) >= fee_on(normal, amount)),
        0,
    )
    return equal + 1 if equal < most else None
