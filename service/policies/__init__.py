"""Policies are data: loaded once, proved at start, stored by version with every decision they
make.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from service.domain.errors import Invalid
from service.domain.money.fees import Schedule
from service.domain.money.money import usd_like
from service.platform.config import Settings
from service.policies.amounts import amounts_of, currencies_of
from service.policies.contract_types import ContractType, kinds_of
from service.policies.entity import Entity, entity_of
from service.policies.fee_tax import FeeTax, fee_taxes_of
from service.policies.processing import Processing
from service.policies.reading import PolicyError, Row, read
from service.policies.reasons import HoldReason, reasons_of
from service.policies.rules import RiskRule, rules_of
from service.policies.schedules import NORMAL, schedules_of
from service.policies.withholding import Duty, duties_of

__all__ = ["FOLDER", "NORMAL", "Policies", "PolicyError", "Windows", "load"]

FOLDER = Path(__file__).parent


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
    letters_per_hour: int
    letters_per_day: int
    letters_to_mailbox_per_hour: int
    letters_to_mailbox_per_day: int
    change_request_days: int
    amendment_days: int
    refund_answer_days: int
    silence_reminder_days: int
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
    rule_hold_hours: int
    confirm_hours: int
    first_answer_business_days: int
    appeal_days: int
    appeal_final_days: int
    case_answer_days: int
    case_fast_hours: int
    appeals_max: int
    requirement_days: int
    hold_days_renewed: int
    hold_days_max: int
    suspension_alarm_days: int
    payout_held_alarm_days: int
    release_pause_days: int
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
    kinds: dict[str, ContractType]
    reasons: dict[str, HoldReason]
    rules: dict[str, RiskRule]
    schedules: tuple[Schedule, ...]
    fee_taxes: tuple[FeeTax, ...]
    withholdings: tuple[Duty, ...]
    processing: Processing
    entity: Entity
    currencies: tuple[str, ...]
    book_zone: ZoneInfo
    stripe_country: str
    surcharge_legal_basis: str
    forfeit_legal_basis: str
    bank_debit: bool
    platform_name: str

    def schedule_for(self, kind: str, on: date, currency: str) -> Schedule:
        """The schedule of a kind in force on a day, with thresholds of a currency.

        Raises Invalid before the first one.
        """
        in_force = [s for s in self.schedules if s.kind == kind and s.effective_from <= on]
        if not in_force:
            raise Invalid.one(
                "/kind", "kind_not_offered", f"There is no fee for {kind} contracts on {on}."
            )
        return in_force[-1].like(usd_like(currency))

    def metrics_of(self, kind: str | None) -> dict[str, str]:
        """The block that every event carries; what belongs to no contract counts for nothing."""
        found = self.kinds.get(kind or "")
        return found.metrics if found else {"job_success": "excluded", "feedback": "excluded"}

    def fee_tax(self, country: str, on: date) -> FeeTax | None:
        """The tax that a country puts on the platform's fee on a day; None where the table has
        none.
        """
        return next(
            (t for t in self.fee_taxes if t.country == country and t.effective_from <= on), None
        )

    def withholding(self, regime: str, country: str, on: date) -> Duty | None:
        """What a regime wants withheld from people of a country on a day; None where it wants
        nothing.
        """
        return next(
            (
                d
                for d in self.withholdings
                if d.regime == regime and d.country == country and d.effective_from <= on
            ),
            None,
        )

    def holding_limit_days(self) -> int:
        limits = self.windows.holding_limit_days
        return limits.get(self.stripe_country, limits["default"])

    def payout_minimum_minor(self, currency: str) -> int:
        return self.windows.payout_minimum_usd_like[currency]

    def payout_schedule_minimum_minor(self, currency: str) -> int:
        return self.windows.payout_schedule_minimum_usd_like[currency]

    def operating_floor_minor(self, currency: str) -> int:
        return self.windows.operating_floor_minor[currency]


_AMOUNTS = ("payout_minimum_usd_like", "payout_schedule_minimum_usd_like", "operating_floor_minor")


def _windows(file: Row) -> Windows:
    values = file.known([f.name for f in fields(Windows)])
    return Windows(**(values | {name: amounts_of(values, name) for name in _AMOUNTS}))


def load(settings: Settings, folder: Path = FOLDER) -> Policies:
    """Read and prove every policy file. Raises PolicyError; the service then does not start."""
    currencies_of(settings.settlement_currencies)
    kinds = kinds_of(read(settings.kinds or (folder / "kinds.yaml").read_text(), "kinds.yaml"))
    reasons = reasons_of(read((folder / "hold_reasons.yaml").read_text(), "hold_reasons.yaml"))
    fees = read(settings.fees or (folder / "fees.yaml").read_text(), "fees.yaml")
    return Policies(
        windows=_windows(read((folder / "windows.yaml").read_text(), "windows.yaml")),
        kinds=kinds,
        reasons=reasons,
        rules=rules_of(read((folder / "rules.yaml").read_text(), "rules.yaml"), list(reasons)),
        schedules=schedules_of(fees, list(kinds), settings.settlement_currencies),
        fee_taxes=fee_taxes_of(read((folder / "fee_tax.yaml").read_text(), "fee_tax.yaml")),
        withholdings=duties_of(read((folder / "withholding.yaml").read_text(), "withholding.yaml")),
        processing=Processing(read((folder / "processing.yaml").read_text(), "processing.yaml")),
        entity=entity_of(
            read(settings.entity or (folder / "entity.yaml").read_text(), "entity.yaml")
        ),
        currencies=settings.settlement_currencies,
        book_zone=ZoneInfo(settings.book_zone),
        stripe_country=settings.stripe_country,
        surcharge_legal_basis=settings.surcharge_legal_basis,
        forfeit_legal_basis=settings.forfeit_legal_basis,
        bank_debit=settings.bank_debit,
        platform_name=settings.platform_name,
    )
