"""Fees: versioned schedules, the never-worse rule, cumulative half-up rounding, and who bears the processing cost.

A fee on a release is the fee on everything released so far on the milestone, less what was already taken on it, so
parts always add up to the fee of the whole: 33.33 + 33.33 + 33.34 at 5 % take 1.67 + 1.66 + 1.67.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from service.domain.money import round_half_up

BEARERS = ("platform", "client", "freelancer", "split")

SURCHARGE_FORBIDDEN = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "HR",
        "CY",
        "CZ",
        "DK",
        "EE",
        "FI",
        "FR",
        "DE",
        "GR",
        "HU",
        "IE",
        "IT",
        "LV",
        "LT",
        "LU",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SK",
        "SI",
        "ES",
        "SE",
        "IS",
        "LI",
        "NO",
        "GB",
    ]
)
"""Payers' countries where consumers' cards may not be surcharged (EU PSD2 art. 62, EEA, UK Consumer Rights Regulations)."""


@dataclass(frozen=True)
class Tier:
    """`rate` applies to the part of the amount up to `up_to_minor`; None means without end."""

    up_to_minor: int | None
    rate: Fraction


@dataclass(frozen=True)
class Schedule:
    id: str
    kind: str
    effective_from: date
    tiers: tuple[Tier, ...]
    source: str

    @property
    def headline_rate(self) -> Fraction:
        return self.tiers[0].rate


def fee_on(schedule: Schedule, amount_minor: int) -> int:
    """The schedule's fee on a whole amount, half-up to the minor unit, never more than the amount."""
    exact, lower = Fraction(0), 0
    for tier in schedule.tiers:
        upper = amount_minor if tier.up_to_minor is None else min(amount_minor, tier.up_to_minor)
        if upper > lower:
            exact += tier.rate * (upper - lower)
            lower = upper
    return min(round_half_up(exact.numerator, exact.denominator), amount_minor)


def cumulative_fee(own: Schedule, normal: Schedule, amount_minor: int, billed_before_minor: int = 0) -> int:
    """The lower of the own and the normal fee on the cumulative amount of a milestone (the never-worse rule).

    `billed_before_minor`: lifetime billings with this client when the milestone's first release happened; only the
    normal schedule's tiers look at it.
    """
    as_normal = fee_on(normal, billed_before_minor + amount_minor) - fee_on(normal, billed_before_minor)
    return min(fee_on(own, amount_minor), as_normal)


def counter_example(own: Schedule, normal: Schedule) -> int | None:
    """The first amount at which `own` would charge more than `normal`, or None.

    Between break-points both are straight lines, so the break-points and their neighbours, the rounding steps of small
    amounts and one far point decide.
    """
    marks = {tier.up_to_minor for s in (own, normal) for tier in s.tiers if tier.up_to_minor is not None}
    probes = set(range(1, 2_001)) | {max(1, m + d) for m in marks for d in (-1, 0, 1)} | {10**10}
    return next((amount for amount in sorted(probes) if fee_on(own, amount) > fee_on(normal, amount)), None)


@dataclass(frozen=True)
class ProcessingRate:
    """Stripe's published price of a card payment in one currency: a rate on the amount and a fixed part."""

    rate: Fraction
    fixed_minor: int


def processing_cost(rate: ProcessingRate, amount_minor: int) -> int:
    """Half-up(rate x amount) + fixed part, on the milestone amounts, no gross-up."""
    share = rate.rate * amount_minor
    return round_half_up(share.numerator, share.denominator) + rate.fixed_minor


def borne_by_client(cost_minor: int, bearer: str) -> int:
    """The client's part of a processing cost. Split: half each, the odd unit the client's."""
    return {"client": cost_minor, "split": (cost_minor + 1) // 2}.get(bearer, 0)


def borne_by_freelancer(cost_minor: int, bearer: str) -> int:
    """The freelancer's part of a processing cost, taken at release."""
    return {"freelancer": cost_minor, "split": cost_minor // 2}.get(bearer, 0)


def cumulative_share(total_minor: int, part_minor: int, whole_minor: int) -> int:
    """What of `total_minor` is due once `part_minor` of `whole_minor` is released; all of it at the end."""
    return round_half_up(total_minor * part_minor, whole_minor)
