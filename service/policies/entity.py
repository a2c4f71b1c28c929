"""The legal entity that runs the service."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields

from service.policies.reading import Row

EU = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)


@dataclass(frozen=True)
class _OwnCurrency:
    currency: str
    last_year: int = 9999


_WITHOUT_EURO = {
    "BG": _OwnCurrency("BGN", 2025),
    "CZ": _OwnCurrency("CZK"),
    "DK": _OwnCurrency("DKK"),
    "HU": _OwnCurrency("HUF"),
    "PL": _OwnCurrency("PLN"),
    "RO": _OwnCurrency("RON"),
    "SE": _OwnCurrency("SEK"),
}
"""Member states with a currency of their own, and until which year."""


@dataclass(frozen=True)
class Entity:
    legal_name: str
    trading_name: str
    street: str
    building: str
    postcode: str
    city: str
    country: str
    vat_id: str
    registration_no: str
    tin: str
    tin_issued_by: str
    email: str
    phone: str

    def as_party(self) -> dict[str, str]:
        """As an invoice names it."""
        wanted = ("street", "building", "postcode", "city", "country", "vat_id", "registration_no")
        return {"name": self.legal_name} | {
            name: value for name, value in asdict(self).items() if name in wanted
        }

    def reporting_currency(self, regime: str, year: int) -> str | None:
        """What amounts are reported in: pounds in the United Kingdom, else the currency of the
        operator's member state.

        None for an operator outside the Union, who has to say in which member state they are
        registered.
        """
        if regime == "uk_mrdp":
            return "GBP"
        if self.country not in EU:
            return None
        without_euro = _WITHOUT_EURO.get(self.country)
        return without_euro.currency if without_euro and year <= without_euro.last_year else "EUR"

    def reverse_charges(self, country: str, vat_id: str | None) -> bool:
        """Whether the customer owes the tax: a business with a VAT id in another member state
        (Directive 2006/112/EC, art. 44 and 196).
        """
        return bool(vat_id) and self.country in EU and country in EU and country != self.country


def entity_of(file: Row) -> Entity:
    """Raises PolicyError."""
    row = file.known([f.name for f in fields(Entity)])
    if not re.fullmatch(r"[A-Z]{2}", str(row["country"])) or not str(row["legal_name"]).strip():
        raise row.refuse("legal_name is there and country is two capital letters")
    return Entity(**{name: str(value) for name, value in row.items()})
