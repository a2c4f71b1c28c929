"""Every export there is. Columns only ever grow at the end; `schema_version` says when they did."""

from __future__ import annotations

from service.domain.errors import NotFound
from service.exports.definitions import Export
from service.exports.registry import books, people, tax

EXPORTS: dict[str, Export] = {
    export.name: export
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
"""By the name that finance calls them."""

FORMER: dict[str, str] = {
    "M1": "transactions",
    "M2": "earnings",
    "M4": "client_statement",
    "M5": "escrow_balances",
    "M6": "general_journal",
    "M7": "trial_balance",
    "M8": "reconciliation",
    "M9": "payouts",
    "M10": "invoices",
    "M11": "form_1099k",
    "M12": "dac7",
    "M13": "safety_register",
    "S1": "india_statement",
    "S2": "reversals",
    "S5": "fx_rates",
    "S9": "tax_documents",
    "S10": "tds_194o",
    "S11": "tie_out",
    "S12": "withheld_tax",
    "history": "transactions",
    "journal": "general_journal",
    "payout_lines": "payouts",
    "us_1099k": "form_1099k",
    "platform_operators": "dac7",
    "india": "india_statement",
}
"""What they were called before release 0.2: rows that were written then, and callers of that time,
are still understood.
"""


def title_of(name: str) -> str:
    """For people: by its name, or by a former one. Raises NotFound."""
    return find(name).title


def find(name: str) -> Export:
    """By its name, or by a former one. Raises NotFound, which lists the names."""
    export = EXPORTS.get(name) or EXPORTS.get(FORMER.get(name, ""))
    if export is None:
        raise NotFound(f"Known exports: {', '.join(EXPORTS)}.")
    return export
