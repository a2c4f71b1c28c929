"""What Stripe takes for a payment, by way of paying and currency."""

from __future__ import annotations

from typing import Any

from service.domain.fees import ProcessingRate
from service.policies.reading import Row

METHODS = ("card", "us_bank_account")


class Processing:
    """The price list. A method that is not in it costs as a card does."""

    def __init__(self, file: Row) -> None:
        """Raises PolicyError."""
        methods: Any = file.known(["version", "methods"])["methods"]
        if not isinstance(methods, Row):
            raise file.refuse("methods is a table of tables")
        self._rows: dict[str, Row] = {}
        for name in methods.known(["card"], METHODS):
            row: Row = methods[name].known(["rate"], ["fixed_minor", "cap_minor"])
            row.rate("rate")
            for table in ("fixed_minor", "cap_minor"):
                given = row.get(table, Row())
                if not isinstance(given, Row) or any(not isinstance(v, int) or isinstance(v, bool) or v < 0 for v in given.values()):
                    raise row.refuse(f"{table} is a table of whole minor units by currency")
            self._rows[name] = row

    def price(self, currency: str, method: str = "card") -> ProcessingRate:
        """The rate, the fixed part and the cap of one way of paying in one currency."""
        row = self._rows.get(method, self._rows["card"])
        return ProcessingRate(row.rate("rate"), row.get("fixed_minor", {}).get(currency, 0), row.get("cap_minor", {}).get(currency))
