"""What Stripe takes for a payment, by way of paying and currency."""

from __future__ import annotations

from service.domain.money.fees import ProcessingRate
from service.domain.money.money import CURRENCIES
from service.policies.amounts import amounts_of
from service.policies.reading import Row

METHODS = {"card": tuple(CURRENCIES), "us_bank_account": ("USD",)}
"""Ways of paying, and the currencies that each can pay in."""


class Processing:
    """The price list. A method that is not in it costs as a card does."""

    def __init__(self, file: Row) -> None:
        """Raises PolicyError."""
        methods = file.known(["version", "methods"]).table("methods")
        self._methods = tuple(methods)
        self._prices = {
            (name, currency): price
            for name in methods.known(["card"], METHODS)
            for currency, price in _prices(name, methods[name]).items()
        }

    def price(self, currency: str, method: str = "card") -> ProcessingRate:
        """The rate, the fixed part and the cap of one way of paying in one currency.

        Raises KeyError for a currency it cannot pay in.
        """
        return self._prices[method if method in self._methods else "card", currency]


def _prices(name: str, row: Row) -> dict[str, ProcessingRate]:
    row.known(["rate", "fixed_minor"], ["cap_minor"])
    fixed = amounts_of(row, "fixed_minor", METHODS[name])
    caps: dict[str, int] = amounts_of(row, "cap_minor", METHODS[name]) if "cap_minor" in row else {}
    return {
        currency: ProcessingRate(row.rate("rate"), fixed[currency], caps.get(currency))
        for currency in METHODS[name]
    }
