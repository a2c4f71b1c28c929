"""Policies are data: loaded once, proved at start, stored by version with every decision they make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from service.config import Settings
from service.domain.fees import ProcessingRate, Schedule, Tier, counter_example, fee_on

FOLDER = Path(__file__).parent
NORMAL = "marketplace"


class PolicyError(Exception):
    """A policy file is not usable; the message names the row and, where a promise would break, the counter-example."""


@dataclass(frozen=True)
class Windows:
    """`windows.yaml`, field by field; days unless the name says otherwise."""

    version: str
    offer_days: int
    offer_reminder_days: list[int]
    link_days_after_last_due: int
    link_days_min: int
    link_days_max: int
    fund_within_days: int
    fund_within_days_bank: int
    fund_reminder_days: list[int]
    funding_rests_after_days: int
    draft_days: int
    offer_restarts_max: int
    change_request_days: int
    amendment_days: int
    refund_answer_days: int
    dormant_after_days: int
    dormant_freelancer_after_days: int
    dormant_act_after_days: int
    debit_final_days: int
    holding_alarm_days: int
    holding_refund_days: int
    email_change_days: int
    dispute_answer_business_days: int
    dispute_negotiation_days: int
    dispute_proposal_business_days: int
    dispute_answer_to_proposal_business_days: int
    dispute_decision_business_days: int
    dispute_hard_stop_days: int
    chargeback_submit_days_before: int
    chargeback_reserve_days: int
    review_days_default: int
    review_notice_days: list[int]
    review_extension_days: int
    review_extensions_max: int
    proof_of_notice_hours: int
    security_days: dict[str, int]
    payout_minimum_usd_like: dict[str, int]
    payout_cooldown_hours_after_bank_change: int
    payout_schedule_minimum_usd_like: dict[str, int]
    payout_forced_days: int
    payout_forced_small_days: int
    operating_floor_minor: dict[str, int]
    holding_limit_days: dict[str, int]
    checkout_minutes: int
    milestones_max: int
    title_max: int
    description_max: int


@dataclass(frozen=True)
class Policies:
    windows: Windows
    schedules: tuple[Schedule, ...]
    processing_rate: Fraction
    processing_fixed_minor: dict[str, int]
    currencies: tuple[str, ...]
    book_zone: ZoneInfo
    stripe_country: str
    surcharge_legal_basis: str
    bank_debit: bool

    def schedule_for(self, kind: str, on: date) -> Schedule:
        """The schedule of a kind in force on a day. Raises KeyError before the first one."""
        in_force = [s for s in self.schedules if s.kind == kind and s.effective_from <= on]
        if not in_force:
            raise KeyError(f"no {kind} schedule on {on}")
        return in_force[-1]

    def schedule(self, schedule_id: str) -> Schedule:
        return next(s for s in self.schedules if s.id == schedule_id)

    def processing(self, currency: str) -> ProcessingRate:
        return ProcessingRate(self.processing_rate, self.processing_fixed_minor.get(currency, 0))

    def holding_limit_days(self) -> int:
        limits = self.windows.holding_limit_days
        return limits.get(self.stripe_country, limits["default"])

    def payout_minimum_minor(self, currency: str) -> int:
        return self.windows.payout_minimum_usd_like.get(currency, 1000)


def load(settings: Settings, folder: Path = FOLDER) -> Policies:
    """Read and prove every policy file. Raises PolicyError; the service then does not start."""
    processing = _read(folder / "processing.yaml")
    schedules = tuple(sorted((_schedule(row) for row in _read(folder / "fees.yaml")["schedules"]), key=lambda s: (s.kind, s.effective_from)))
    _prove(schedules)
    windows = _read(folder / "windows.yaml")
    unknown = set(windows) ^ {f.name for f in fields(Windows)}
    if unknown:
        raise PolicyError(f"windows.yaml: missing or unknown {', '.join(sorted(unknown))}")
    return Policies(
        windows=Windows(**windows),
        schedules=schedules,
        processing_rate=Fraction(processing["default_rate"]),
        processing_fixed_minor=processing["fixed_minor"],
        currencies=settings.settlement_currencies,
        book_zone=ZoneInfo(settings.book_zone),
        stripe_country=settings.stripe_country,
        surcharge_legal_basis=settings.surcharge_legal_basis,
        bank_debit=settings.bank_debit,
    )


def _read(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text())
    if not isinstance(content, dict):
        raise PolicyError(f"{path.name}: not a table")
    return content


def _schedule(row: dict[str, Any]) -> Schedule:
    unknown = set(row) - {"id", "kind", "effective_from", "rate", "tiers", "source"}
    if unknown:
        raise PolicyError(f"fees.yaml: {row.get('id')}: unknown key {', '.join(sorted(unknown))}")
    tiers = row.get("tiers") or [{"rate": row["rate"]}]
    built = tuple(Tier(tier.get("up_to_minor"), Fraction(str(tier["rate"]))) for tier in tiers)
    if any(not 0 <= tier.rate < 1 for tier in built):
        raise PolicyError(f"fees.yaml: {row['id']}: a rate lies from 0 up to 1")
    ends = [tier.up_to_minor for tier in built]
    if ends[-1] is not None or any(a is None or (b is not None and b <= a) for a, b in pairwise(ends)):
        raise PolicyError(f"fees.yaml: {row['id']}: tiers rise and the last one has no end")
    return Schedule(row["id"], row["kind"], row["effective_from"], built, row["source"])


def _prove(schedules: tuple[Schedule, ...]) -> None:
    starts = [(s.kind, s.effective_from) for s in schedules]
    if len(set(starts)) != len(starts):
        raise PolicyError("fees.yaml: two schedules of one kind begin on the same day")
    for own, normal in _pairs_in_force(schedules):
        amount = counter_example(own, normal)
        if amount is not None:
            mine, theirs = fee_on(own, amount), fee_on(normal, amount)
            raise PolicyError(f"fees.yaml: {own.id} costs more than {normal.id}: on {amount} minor units {mine} against {theirs}")


def _pairs_in_force(schedules: tuple[Schedule, ...]) -> Iterator[tuple[Schedule, Schedule]]:
    """Every lower-fee schedule with each normal one that is in force on some day together with it."""
    for day in sorted({s.effective_from for s in schedules}):
        newest = {s.kind: s for s in schedules if s.effective_from <= day}
        normal = newest.get(NORMAL)
        for kind, own in newest.items():
            if kind != NORMAL and normal is None:
                raise PolicyError(f"fees.yaml: {own.id} begins before any {NORMAL} schedule to compare it with")
            if kind != NORMAL and normal is not None:
                yield own, normal
