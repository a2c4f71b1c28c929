"""The fee promise of a contract in its own amounts: made when it is sent, frozen when it is
accepted, shown to both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TypedDict

from service.domain.money.fees import (
    Schedule,
    Tier,
    borne_by_client,
    borne_by_freelancer,
    never_worse,
    own_fee,
    processing_cost,
    tax_on_fee,
)
from service.domain.money.money import round_half_up, split_by_largest_remainder
from service.policies import Policies
from service.policies.fee_tax import FeeTax


class QuotedMilestone(TypedDict):
    """Fee and net of one milestone; `applied` is the kind whose schedule it is."""

    amount: int
    fee: int
    normal_fee: int
    net: int
    applied: str


class QuotedTax(TypedDict):
    """The tax on the platform's fee; `charged` inside it or on top."""

    name: str
    country: str
    rate: str
    charged: str
    amount: int


class QuotedProcessing(TypedDict):
    """What the payment costs, and who bears it."""

    cost: int
    borne_by: str
    client_pays: int


class FrozenTier(TypedDict):
    """A tier of a schedule; the rate as exact decimal text."""

    up_to_minor: int | None
    rate: str


class FrozenSchedule(TypedDict):
    """A schedule as a quote keeps it; days and rates as text."""

    id: str
    kind: str
    effective_from: str
    tiers: list[FrozenTier]
    source: str
    base: str
    minimum_minor: int
    cap_minor: int | None
    client_rate: str
    rate_range: list[str] | None
    tax: str
    approximate: bool


class QuotedTerms(TypedDict):
    """The schedules that a quote froze."""

    own: FrozenSchedule
    normal: FrozenSchedule


class Quote(TypedDict):
    """A fee promise; amounts in minor units, rates as exact decimal text."""

    applied: str
    schedule: str
    normal_schedule: str
    rate: str
    normal_rate: str
    fee: int
    normal_fee: int
    tax: QuotedTax | None
    net: int
    milestones: list[QuotedMilestone]
    client_fee: int
    processing: QuotedProcessing
    terms: QuotedTerms


@dataclass(frozen=True)
class Pair:
    """The two schedules that a contract is measured by, in its currency: its own kind's, and the
    normal one.
    """

    own: Schedule
    normal: Schedule

    @property
    def lifetime(self) -> bool:
        """Whether it matters what was billed before."""
        return "lifetime" in (self.own.base, self.normal.base)


@dataclass(frozen=True)
class QuoteRequest:
    """What a quote is asked for; amounts in minor units.

    `billed_before_minor`: with this client, over their lifetime.
    """

    kind: str
    currency: str
    amounts_minor: list[int]
    bearer: str
    on: date
    billed_before_minor: int = 0
    fee_tax: FeeTax | None = None


def quote(policies: Policies, pair: Pair, asked: QuoteRequest) -> Quote:
    """Which schedules apply, the fee and net of each milestone, tax, processing cost and who bears
    it, and what is left.

    The processing cost assumes one card payment of everything; each payment is quoted again before
    it is made, because its fixed part is taken once per payment. Lifetime tiers are quoted as if
    the milestones were released in their order.
    """
    milestones = _milestones(pair, asked)
    total, fee = sum(asked.amounts_minor), sum(m["fee"] for m in milestones)
    cost = processing_cost(policies.processing.price(asked.currency), total)
    tax = _tax(pair.own, asked.fee_tax, [m["fee"] for m in milestones])
    client_fee = client_fee_on(pair.own, total)
    on_top = tax["amount"] if tax and tax["charged"] == "on_top" else 0
    return {
        "applied": asked.kind
        if all(m["applied"] == asked.kind for m in milestones)
        else pair.normal.kind,
        "schedule": pair.own.id,
        "normal_schedule": pair.normal.id,
        "rate": decimal(pair.own.headline_rate),
        "normal_rate": decimal(pair.normal.headline_rate),
        "fee": fee,
        "normal_fee": sum(m["normal_fee"] for m in milestones),
        "tax": tax,
        "net": total - fee - on_top - borne_by_freelancer(cost, asked.bearer),
        "milestones": milestones,
        "client_fee": client_fee,
        "processing": {
            "cost": cost,
            "borne_by": asked.bearer,
            "client_pays": borne_by_client(cost, asked.bearer),
        },
        "terms": {"own": as_terms(pair.own), "normal": as_terms(pair.normal)},
    }


def _milestones(pair: Pair, asked: QuoteRequest) -> list[QuotedMilestone]:
    found: list[QuotedMilestone] = []
    before = asked.billed_before_minor
    for amount in asked.amounts_minor:
        own, normal = own_fee(pair.own, amount, before), own_fee(pair.normal, amount, before)
        fee = never_worse(own, normal)
        applied = asked.kind if fee == own else pair.normal.kind
        found.append(
            {
                "amount": amount,
                "fee": fee,
                "normal_fee": normal,
                "net": amount - fee,
                "applied": applied,
            }
        )
        before += amount
    return found


def _tax(own: Schedule, found: FeeTax | None, fees_minor: list[int]) -> QuotedTax | None:
    if found is None or own.tax == "none":
        return None
    amount = sum(tax_on_fee(fee, found.rate, inside=own.tax == "inside") for fee in fees_minor)
    return {
        "name": found.name,
        "country": found.country,
        "rate": decimal(found.rate),
        "charged": own.tax,
        "amount": amount,
    }


def client_fee_on(own: Schedule, amount_minor: int) -> int:
    """What the client pays to the platform on top of an amount, half-up."""
    share = own.client_rate * amount_minor
    return round_half_up(share.numerator, share.denominator)


def margin_of(quoted: Quote) -> int:
    """What the platform would keep of a quoted contract: its fees, less the processing cost that
    nobody pays back to it.
    """
    processing = quoted["processing"]
    borne = processing["client_pays"] + borne_by_freelancer(
        processing["cost"], processing["borne_by"]
    )
    return int(quoted["fee"] + quoted["client_fee"] - (processing["cost"] - borne))


@lru_cache(maxsize=256)
def as_terms(schedule: Schedule) -> FrozenSchedule:
    """A schedule as it is frozen inside a quote: what a file says later does not reach it.

    One object for all; nobody changes it.
    """
    between = schedule.rate_range
    return {
        "id": schedule.id,
        "kind": schedule.kind,
        "effective_from": schedule.effective_from.isoformat(),
        "tiers": [{"up_to_minor": t.up_to_minor, "rate": decimal(t.rate)} for t in schedule.tiers],
        "source": schedule.source,
        "base": schedule.base,
        "minimum_minor": schedule.minimum_minor,
        "cap_minor": schedule.cap_minor,
        "client_rate": decimal(schedule.client_rate),
        "rate_range": [decimal(r) for r in between] if between else None,
        "tax": schedule.tax,
        "approximate": schedule.approximate,
    }


def promised(quoted: Quote | None) -> Pair:
    """The schedules that a quote froze; a contract that was sent has one."""
    assert quoted is not None, "only a draft has no quote"
    return Pair(_schedule(quoted["terms"]["own"]), _schedule(quoted["terms"]["normal"]))


def _schedule(kept: FrozenSchedule) -> Schedule:
    low_high = kept["rate_range"]
    return Schedule(
        id=kept["id"],
        kind=kept["kind"],
        effective_from=date.fromisoformat(kept["effective_from"]),
        tiers=tuple(Tier(t["up_to_minor"], Fraction(t["rate"])) for t in kept["tiers"]),
        source=kept["source"],
        base=kept["base"],
        minimum_minor=kept["minimum_minor"],
        cap_minor=kept["cap_minor"],
        client_rate=Fraction(kept["client_rate"]),
        rate_range=(Fraction(low_high[0]), Fraction(low_high[1])) if low_high else None,
        tax=kept["tax"],
        approximate=kept["approximate"],
    )


def surcharge(
    policies: Policies, currency: str, amounts_minor: list[int], bearer: str, method: str = "card"
) -> tuple[int, int, list[int]]:
    """For one payment: (processing cost, the client's part of it, the freelancer's part spread over
    the milestones).
    """
    cost = processing_cost(policies.processing.price(currency, method), sum(amounts_minor))
    own = borne_by_freelancer(cost, bearer)
    return cost, borne_by_client(cost, bearer), split_by_largest_remainder(own, amounts_minor)


def decimal(rate: Fraction) -> str:
    """A rate as the exact decimal text that a policy file would hold: 1/20 is '0.05'."""
    made = Decimal(rate.numerator) / Decimal(rate.denominator)
    return format(made.normalize(), "f")
