"""Tax on the platform's fee, by the country of the freelancer whom the fee is charged to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from service.policies.reading import Row


@dataclass(frozen=True)
class FeeTax:
    country: str
    name: str
    rate: Fraction
    effective_from: date


def fee_taxes_of(file: Row) -> tuple[FeeTax, ...]:
    """Every rate, newest first. Raises PolicyError."""
    rows: list[Row] = file.known(["rates"])["rates"]
    found = [_rate(row.known(["country", "name", "rate", "from", "source"])) for row in rows]
    return tuple(sorted(found, key=lambda t: t.effective_from, reverse=True))


def _rate(row: Row) -> FeeTax:
    if type(row["from"]) is not date:
        raise row.refuse("from is a day")
    return FeeTax(str(row["country"]), str(row["name"]), row.rate("rate"), row["from"])
