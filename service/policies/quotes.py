"""The fee promise of a contract in its own amounts: made when it is sent, frozen when it is accepted, shown to both."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from service.domain.fees import borne_by_client, borne_by_freelancer, cumulative_fee, processing_cost
from service.domain.money import split_by_largest_remainder
from service.policies import NORMAL, Policies


def quote(
    policies: Policies, *, kind: str, currency: str, amounts_minor: list[int], bearer: str, on: date, promised: tuple[str | None, str | None] = (None, None)
) -> dict[str, Any]:
    """Which schedules apply, their rate, the fee and net of each milestone, and the processing cost with who bears it.

    Amounts are minor units of `currency`. The processing cost assumes one payment of everything; each payment is
    quoted again before it is made, because the fixed part is taken once per payment. `promised`: (own, normal) schedules
    that were frozen before and stay.
    """
    own = policies.schedule(promised[0]) if promised[0] else policies.schedule_for(kind, on)
    normal = policies.schedule(promised[1]) if promised[1] else policies.schedule_for(NORMAL, on)
    total = sum(amounts_minor)
    fees = [cumulative_fee(own, normal, amount) for amount in amounts_minor]
    cost = processing_cost(policies.processing(currency), total)
    return {
        "applied": kind,
        "schedule": own.id,
        "normal_schedule": normal.id,
        "rate": _decimal(own.headline_rate),
        "normal_rate": _decimal(normal.headline_rate),
        "fee": sum(fees),
        "normal_fee": sum(cumulative_fee(normal, normal, amount) for amount in amounts_minor),
        "net": total - sum(fees) - borne_by_freelancer(cost, bearer),
        "milestones": [{"amount": a, "fee": f, "net": a - f} for a, f in zip(amounts_minor, fees, strict=True)],
        "processing": {"cost": cost, "borne_by": bearer, "client_pays": borne_by_client(cost, bearer)},
    }


def surcharge(policies: Policies, currency: str, amounts_minor: list[int], bearer: str) -> tuple[int, int, list[int]]:
    """For one payment: (processing cost, the client's part of it, the freelancer's part spread over the milestones)."""
    cost = processing_cost(policies.processing(currency), sum(amounts_minor))
    own = borne_by_freelancer(cost, bearer)
    return cost, borne_by_client(cost, bearer), split_by_largest_remainder(own, amounts_minor)


def _decimal(rate: Fraction) -> str:
    """A rate as the exact decimal text that a policy file would hold: 1/20 is '0.05'."""
    return str((Decimal(rate.numerator) / Decimal(rate.denominator)).normalize())
