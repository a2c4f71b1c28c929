"""Tables of amounts by currency: whole, so that no amount is ever guessed from another currency's
minor units.
"""

from __future__ import annotations

from collections.abc import Iterable

from service.domain.money.money import CURRENCIES
from service.policies.reading import PolicyError, Row


def amounts_of(
    row: Row, name: str, currencies: Iterable[str] = tuple(CURRENCIES)
) -> dict[str, int]:
    """Whole minor units for every currency that can be settled, and for no other.

    Raises PolicyError with the currency's name.

    Not only for those of `HOLDFAST_SETTLEMENT_CURRENCIES`: money that came in before one was taken
    out is still there.
    """
    table, wanted = row[name], tuple(currencies)
    if not isinstance(table, Row):
        raise row.refuse(f"{name} is a table of minor units by currency")
    missing, unknown = (
        [code for code in wanted if code not in table],
        [code for code in table if code not in wanted],
    )
    if missing or unknown:
        found = [f"{name} has no amount for {code}" for code in missing] + [
            f"{name} has an amount for {code}, which it is not for" for code in unknown
        ]
        raise table.refuse("; ".join(found))
    for code in wanted:
        if table.minor(code) is None:
            raise table.refuse(f"{name} has no amount for {code}")
    return {code: table[code] for code in wanted}


def currencies_of(settled: tuple[str, ...]) -> None:
    """Raises PolicyError for a settlement currency whose minor units are not known, and when there
    is none.
    """
    unknown = [code for code in settled if code not in CURRENCIES]
    if unknown or not settled:
        raise PolicyError(
            f"HOLDFAST_SETTLEMENT_CURRENCIES: {', '.join(unknown) or 'none'}; known are "
            f"{', '.join(CURRENCIES)}"
        )
