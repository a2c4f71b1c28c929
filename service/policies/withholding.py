"""What tax offices want withheld from releases: rates, exemptions and due days, by country and
day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from service.domain.money.money import CURRENCIES
from service.policies.reading import Row

_KEYS = (
    "regime",
    "country",
    "from",
    "rate",
    "rate_without_number",
    "year_begins",
    "due_day",
    "legal_ref",
    "source",
    "verified_on",
)


@dataclass(frozen=True)
class Exemption:
    """Nothing is withheld before a year's releases exceed both; `catches_up`: from then on also
    what was left out before.
    """

    currency: str
    gross_to_minor: int
    count_to: int
    catches_up: bool
    only_individuals_with_number: bool


@dataclass(frozen=True)
class Duty:
    """One regime from a day on.

    `number`: which one counts as the freelancer's, `tin`, `vat_id`, or that of a form `w9`.
    """

    regime: str
    country: str
    effective_from: date
    rate: Fraction
    rate_without_number: Fraction
    year_begins: int
    due_day: int
    legal_ref: str
    number: str
    client_country: str | None
    exempt: Exemption | None

    def year_of(self, on: date) -> date:
        """The first day of the tax year that a day lies in."""
        return date(on.year if on.month >= self.year_begins else on.year - 1, self.year_begins, 1)

    def due_on(self, on: date) -> date:
        """When what was withheld on a day has to be paid: in the month after."""
        return date(on.year + on.month // 12, on.month % 12 + 1, self.due_day)


def duties_of(file: Row) -> tuple[Duty, ...]:
    """Every row, newest first. Raises PolicyError."""
    rows: list[Row] = file.known(["duties"])["duties"]
    found = [_duty(row.known(_KEYS, ("exempt", "number", "client_country"))) for row in rows]
    return tuple(sorted(found, key=lambda duty: duty.effective_from, reverse=True))


def _duty(row: Row) -> Duty:
    if type(row["from"]) is not date or type(row["verified_on"]) is not date:
        raise row.refuse("from and verified_on are days")
    if row["year_begins"] not in range(1, 13) or row["due_day"] not in range(1, 29):
        raise row.refuse("year_begins is a month, due_day a day that every month has")
    if row.get("number", "tin") not in ("tin", "vat_id", "w9"):
        raise row.refuse("number is tin, vat_id or w9")
    return Duty(
        str(row["regime"]),
        str(row["country"]),
        row["from"],
        row.rate("rate"),
        row.rate("rate_without_number"),
        row["year_begins"],
        row["due_day"],
        str(row["legal_ref"]),
        row.get("number", "tin"),
        row.get("client_country"),
        _exemption(row.get("exempt")),
    )


def _exemption(row: Row | None) -> Exemption | None:
    if row is None:
        return None
    row.known(["currency", "gross_to_minor", "count_to", "catches_up", "only"])
    if (
        row["currency"] not in CURRENCIES
        or row["only"] not in ("everyone", "individual_with_number")
        or not isinstance(row["catches_up"], bool)
    ):
        raise row.refuse(
            "currency is a known one, only is everyone or individual_with_number, catches_up is "
            "true or false"
        )
    gross, count = row.minor("gross_to_minor"), row.minor("count_to")
    return Exemption(
        row["currency"],
        gross or 0,
        count or 0,
        row["catches_up"],
        row["only"] == "individual_with_number",
    )
