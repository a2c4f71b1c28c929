"""Every export there is. Columns only ever grow at the end; `schema_version` says when they did."""

from __future__ import annotations

from service.domain.errors import NotFound
from service.exports.definitions import Export
from service.exports.registry import books, people, tax

EXPORTS: dict[str, Export] = {
    export.code: export
    for export in (
        people.TRANSACTIONS,
        people.EARNINGS,
        people.CLIENT_STATEMENT,
        books.ESCROW_BALANCES,
        books.GENERAL_JOURNAL,
        books.TRIAL_BALANCE,
        books.RECONCILIATION,
        books.TIE_OUT,
        people.PAYOUT_LINES,
        people.INVOICES,
        books.SAFETY_REGISTER,
        tax.US_1099K,
        tax.PLATFORM_OPERATORS,
        tax.INDIA_STATEMENT,
        tax.REVERSALS,
        tax.FX_RATES,
        tax.TAX_DOCUMENTS,
        tax.TDS_194O,
        tax.WITHHELD_TAX,
    )
}
"""By the number that finance knows them by."""


def find(code: str) -> Export:
    """By number or name. Raises NotFound."""
    export = EXPORTS.get(code.upper()) or next(
        (e for e in EXPORTS.values() if e.name == code), None
    )
    if export is None:
        raise NotFound(
            f"Known exports: {', '.join(f'{e.code} {e.name}' for e in EXPORTS.values())}."
        )
    return export
