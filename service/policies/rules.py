"""Automatic rules, as data: what each looks for, what it holds, and what the person is told."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.states.restrictions import SCOPES
from service.policies.reading import Row

NAMES = (
    "early_fraud_warning",
    "payer_is_payee",
    "first_payment_size",
    "velocity",
    "chargeback_ratio",
)
_THRESHOLDS = ("at_least_minor", "at_least_count", "at_least_percent", "within_hours")


@dataclass(frozen=True)
class RiskRule:
    """`holds` is whose accounts: the payment's milestones or the freelancer's."""

    name: str
    enabled: bool
    holds: str
    scopes: tuple[str, ...]
    reason_code: str
    fact: str
    at_least_minor: int = 0
    at_least_count: int = 0
    at_least_percent: int = 0
    within_hours: int = 0


def rules_of(file: Row, reasons: list[str]) -> dict[str, RiskRule]:
    """Every rule by name. Raises PolicyError."""
    rows = file.known(["rules"]).table("rules")
    rows.known(NAMES)
    return {name: _rule(name, row, reasons) for name, row in rows.items()}


def _rule(name: str, row: Row, reasons: list[str]) -> RiskRule:
    row.known(["enabled", "holds", "scopes", "reason_code", "fact"], _THRESHOLDS)
    if not isinstance(row["enabled"], bool) or row["holds"] not in ("payment", "freelancer"):
        raise row.refuse("enabled is true or false, holds is payment or freelancer")
    if (
        row["reason_code"] not in reasons
        or not row["scopes"]
        or not set(row["scopes"]) <= set(SCOPES)
    ):
        raise row.refuse("reason_code and scopes are those of holds")
    thresholds = {key: row.minor(key) or 0 for key in _THRESHOLDS}
    return RiskRule(
        name,
        row["enabled"],
        row["holds"],
        tuple(row["scopes"]),
        row["reason_code"],
        str(row["fact"]),
        **thresholds,
    )
