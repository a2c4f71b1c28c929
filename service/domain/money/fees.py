"""Fees: versioned schedules, the never-worse rule, cumulative half-up rounding, and who bears the
processing cost.

A fee on a release is the fee on everything released so far on the milestone, less what was already
taken on it, so parts always add up to the fee of the whole: 33.33 + 33.33 + 33.34 at 5 % take 1.67
+ 1.66 + 1.67.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from service.domain.money.money import round_half_up

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
"""Payers' countries where consumers' cards may not be surcharged (EU PSD2 art. 62, EEA, UK Consumer
Rights Regulations).
"""


@dataclass(frozen=True)
class Tier:
    """`rate` applies to the part of the amount up to `up_to_minor`; None means without end."""

    up_to_minor: int | None
    rate: Fraction


@dataclass(frozen=True)
class Schedule:
    """What one kind of contract costs from a day on.

    Thresholds are minor units of the currency it was read for.

    `base`: `milestone` counts each milestone from zero; `lifetime` goes on from what the freelancer
    has billed this client before. `minimum_minor` and `cap_minor` bound the fee on that base.
    `rate_range`: each contract has a rate of its own between the two, and the tiers hold the upper
    one. `tax` says how tax on the fee is charged, where a country has one: not at all, inside the
    fee, or on top of it.
    """

    id: str
    kind: str
    effective_from: date
    tiers: tuple[Tier, ...]
    source: str
    base: str = "milestone"
    minimum_minor: int = 0
    cap_minor: int | None = None
    client_rate: Fraction = Fraction(0)
    rate_range: tuple[Fraction, Fraction] | None = None
    tax: str = "none"
    approximate: bool = False

    @property
    def headline_rate(self) -> Fraction:
        return self.tiers[0].rate

    def like(self, factor: Fraction) -> Schedule:
        """The same schedule with its thresholds in another currency, `factor` minor units of it to
        one of the US dollar's.
        """
        if factor == 1:
            return self
        tiers = tuple(
            Tier(None if t.up_to_minor is None else int(t.up_to_minor * factor), t.rate)
            for t in self.tiers
        )
        cap = None if self.cap_minor is None else int(self.cap_minor * factor)
        return replace(
            self, tiers=tiers, minimum_minor=int(self.minimum_minor * factor), cap_minor=cap
        )

    def at(self, rate: Fraction) -> Schedule:
        """The same schedule at the rate that one contract was given within its range."""
        return replace(self, tiers=(Tier(None, rate),), rate_range=None)


def by_tiers(schedule: Schedule, amount: Fraction) -> Fraction:
    """The tiers' fee on an amount, before minimum and cap."""
    exact, lower = Fraction(0), Fraction(0)
    for tier in schedule.tiers:
        upper = amount if tier.up_to_minor is None else min(amount, Fraction(tier.up_to_minor))
        exact += tier.rate * max(Fraction(0), upper - lower)
        lower = max(lower, upper)
    return exact


def exact_fee(schedule: Schedule, amount: Fraction) -> Fraction:
    """The fee on a whole amount before it is rounded: piecewise straight, and never steeper than
    the amount itself.
    """
    exact = max(by_tiers(schedule, amount), Fraction(schedule.minimum_minor))
    if schedule.cap_minor is not None:
        exact = min(exact, Fraction(schedule.cap_minor))
    return min(exact, amount)


def fee_on(schedule: Schedule, amount_minor: int) -> int:
    """The schedule's fee on a whole amount, half-up to the minor unit, never more than the
    amount.
    """
    exact = exact_fee(schedule, Fraction(amount_minor))
    return round_half_up(exact.numerator, exact.denominator)


def own_fee(schedule: Schedule, amount_minor: int, billed_before_minor: int = 0) -> int:
    """One schedule's fee on the cumulative amount of a milestone, wherever on its base that amount
    begins.
    """
    before = billed_before_minor if schedule.base == "lifetime" else 0
    return fee_on(schedule, before + amount_minor) - (fee_on(schedule, before) if before else 0)


def cumulative_fee(
    own: Schedule, normal: Schedule, amount_minor: int, billed_before_minor: int = 0
) -> int:
    """The lower of the own and the normal fee on the cumulative amount of a milestone (the
    never-worse rule).

    `billed_before_minor`: lifetime billings with this client when the milestone's first release
    happened.
    """
    return never_worse(
        own_fee(own, amount_minor, billed_before_minor),
        own_fee(normal, amount_minor, billed_before_minor),
    )


def never_worse(own_minor: int, normal_minor: int) -> int:
    """Of two fees on the same amount, the one that is charged: a kind's own fee is never above the
    normal one.
    """
    return min(own_minor, normal_minor)


def tax_on_fee(fee_minor: int, rate: Fraction, *, inside: bool) -> int:
    """Tax on a fee, half-up: the part of the fee that is tax, or what comes on top of it."""
    share = fee_minor * rate / (1 + rate) if inside else fee_minor * rate
    return round_half_up(share.numerator, share.denominator)


@dataclass(frozen=True)
class ProcessingRate:
    """Stripe's published price of one way of paying in one currency: a rate on the amount, at most
    a cap, and a fixed part.
    """

    rate: Fraction
    fixed_minor: int
    cap_minor: int | None = None


def processing_cost(rate: ProcessingRate, amount_minor: int) -> int:
    """Half-up(rate x amount), at most the cap, + fixed part, on the milestone amounts, no
    gross-up.
    """
    share = rate.rate * amount_minor
    cost = round_half_up(share.numerator, share.denominator)
    return (cost if rate.cap_minor is None else min(cost, rate.cap_minor)) + rate.fixed_minor


def borne_by_client(cost_minor: int, bearer: str) -> int:
    """The client's part of a processing cost. Split: half each, the odd unit the client's."""
    return {"client": cost_minor, "split": (cost_minor + 1) // 2}.get(bearer, 0)


def borne_by_freelancer(cost_minor: int, bearer: str) -> int:
    """The freelancer's part of a processing cost, taken at release."""
    return {"freelancer": cost_minor, "split": cost_minor // 2}.get(bearer, 0)


def cumulative_share(total_minor: int, part_minor: int, whole_minor: int) -> int:
    """What of `total_minor` is due once `part_minor` of `whole_minor` is released; all of it at the
    end.
    """
    return round_half_up(total_minor * part_minor, whole_minor)
