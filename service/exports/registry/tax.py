"""Exports for tax offices: registers that people check and file; the service prepares and decides
nothing.
"""

from __future__ import annotations

from service.exports.definitions import Column, Export
from service.exports.registry.columns import (
    CONTRACT,
    CURRENCY,
    ENTRY,
    MILESTONE,
    amount,
    day,
    decimal,
    number,
    text,
)

_MONTHS = tuple("abcdefghijkl")
_QUARTERS = (1, 2, 3, 4)
_SCOPE = text("in_scope", "What was decided about the duty: yes, no, undecided")

US_1099K = Export(
    "form_1099k",
    "US information returns, Form 1099-K",
    1,
    (
        number("tax_year", "The year"),
        Column("payee_id", "frl", "Whom it is about"),
        text("form", "1099-K or none"),
        text("tin_type", "By the form on file"),
        text("tin_masked", "The last four digits"),
        text("w9_or_w8_status", "w9, w8ben, w8ben_e, expired, missing"),
        day("w8_expires_on", "Its last day"),
        text("filer_type", "PSE or EPF"),
        text("transactions_are", "third_party_network"),
        CURRENCY,
        amount("box_1a", "Gross amount of releases; refunds and fees do not lessen it"),
        amount("box_1b", "Empty for a third party network"),
        text("box_2_mcc", "Merchant category code"),
        number("box_3", "How many releases"),
        amount("box_4", "Federal tax withheld"),
        *(amount(f"box_5{letter}", f"Gross of month {n}") for n, letter in enumerate(_MONTHS, 1)),
        text("box_6_state", "The payee's state"),
        text("box_7_state_id", "The platform's number there"),
        amount("box_8_state_withheld", "State tax withheld"),
        text("federal_required", "By the table of thresholds"),
        text("state_required", "States that want it"),
        text("reason", "Why not, or what is missing"),
        text("corrected", "Filled in by whoever files"),
        text("second_tin_notice", "Filled in by whoever files"),
        number("lines_without_rate", "Releases in another currency that no stored rate reaches"),
        _SCOPE,
    ),
    ("box_1a",),
    "form_1099k_control",
    ("payee_id",),
)

PLATFORM_OPERATORS = Export(
    "dac7",
    "Register of sellers, DAC7 and UK",
    1,
    (
        number("reporting_year", "The year"),
        text("regime", "eu_dac7, uk_mrdp, or neither"),
        Column("seller_id", "frl", "Whom it is about"),
        text("seller_kind", "individual or entity"),
        text("res_country", "Of tax residence, else of the account"),
        text("tin_masked", "The last four characters"),
        text("vat_id", "Where there is one"),
        text("activity", "personal_services"),
        CURRENCY,
        *(
            amount(
                f"cons_q{q}",
                f"Credited for releases of quarter {q}: without fees, less what was given "
                "back of them whenever it was",
            )
            for q in _QUARTERS
        ),
        *(
            amount(f"fees_q{q}", f"Fees of the same releases, less what was returned, quarter {q}")
            for q in _QUARTERS
        ),
        *(amount(f"taxes_q{q}", f"Withheld, quarter {q}") for q in _QUARTERS),
        *(number(f"numb_q{q}", f"Releases of quarter {q}") for q in _QUARTERS),
        amount("consideration", "All quarters"),
        text("excluded_reason", "Why it is not reported, or what is missing"),
        _SCOPE,
        number(
            "lines_without_rate",
            "Lines that no stored rate reaches, where another currency was asked for",
        ),
    ),
    ("consideration",),
    "dac7_control",
    ("seller_id", "currency"),
)

INDIA_STATEMENT = Export(
    "india_statement",
    "Statement in rupees, for India",
    2,
    (
        Column("payee_id", "frl", "The freelancer"),
        ENTRY,
        day("posted_on", "The day of the books"),
        text("type", "release or refund_after_release"),
        CONTRACT,
        MILESTONE,
        text("invoice_no", "The freelancer's own invoice, where we issued it"),
        text("client_country", "Where the client is"),
        text("place_of_supply", "Likewise"),
        CURRENCY,
        amount("gross", "In the contract's currency"),
        amount("fee", "Fees, tax on them and processing"),
        amount("net", "gross - fee"),
        decimal("fx_rate", "Rupees for one unit"),
        day("fx_rate_date", "The rate's own day"),
        text("fx_source", "Whose rate"),
        decimal("gross_inr", "Converted by line and rounded"),
        decimal("fee_inr", "Likewise"),
        decimal("net_inr", "gross_inr - fee_inr"),
        Column("payout_id", "pyo", "The next payout after it"),
        text("psp_reference", "Stripe's number of that payout, for the bank's advice"),
        day("bank_value_date", "Its day at the bank"),
        text("firc_or_fira_no", "Filled in from the bank's own advice"),
        text("lut_arn", "Filled in by the freelancer"),
        text("purpose_code", "P0802: software consultancy, unless the bank says otherwise"),
        amount("tax_withheld", "Of the gross, for tax offices; not part of fee"),
    ),
    ("gross", "fee"),
    "india_statement_control",
    ("payee_id", "currency"),
    for_party=True,
)

REVERSALS = Export(
    "reversals",
    "What changes an earlier event",
    1,
    (
        Column("reversal_event", "jnl", "The entry that changes"),
        day("reversal_posted_on", "Its day"),
        text("kind", "refund_after_release, chargeback_open, chargeback_won, chargeback_lost"),
        Column("original_event", "jnl", "The entry that is changed"),
        day("original_posted_on", "Its day"),
        number("original_year", "Its year"),
        text("crosses_years", "yes or no"),
        CONTRACT,
        CURRENCY,
        amount("gross", "Given back or pulled"),
        amount("fee", "Of it borne by the platform's fee"),
        amount("net", "gross - fee"),
        text("affects_1099k", "no: gross stays gross"),
        text("affects_dac7", "corrects_original or no"),
        number("affects_p_and_l_year", "The year whose result it changes"),
    ),
    ("gross",),
    "reversals_control",
    ("kind", "currency"),
)

FX_RATES = Export(
    "fx_rates",
    "Rates of exchange",
    1,
    (
        Column("rate_id", "fxr", "The stored rate"),
        text("base", "One unit of it"),
        text("quote", "is this many of these"),
        decimal("rate", "The rate"),
        day("rate_date", "Its day"),
        text("source", "Whose rate"),
        Column("fetched_at", "instant", "When we learned of it"),
    ),
    (),
    "fx_rates_control",
    ("base", "quote"),
)

TAX_DOCUMENTS = Export(
    "tax_documents",
    "Tax papers on file",
    1,
    (
        Column("payee_id", "frl", "The freelancer"),
        text("payee", "Their name"),
        text("account_country", "ISO 3166"),
        text("form", "w9, w8ben, w8ben_e, dac7, or missing"),
        text("tax_country", "Of residence, as declared"),
        text("tin_masked", "The last four characters"),
        text("vat_id", "Where there is one"),
        day("signed_on", "Declared"),
        day("expires_on", "Its last day"),
        text("status", "valid, expired, missing"),
        text("needed_for", "The report that needs it"),
    ),
)

TDS_194O = Export(
    "tds_194o",
    "Tax deducted at source, India s. 194-O",
    4,
    (
        Column("payee_id", "frl", "The freelancer"),
        ENTRY,
        day("credited_on", "The day of the release"),
        CURRENCY,
        amount("gross", "Released"),
        text("pan_status", "given or missing"),
        decimal("rate_percent", "0.1 with a PAN, 5 without"),
        amount("tds", "Half-up for each release"),
        text(
            "exempt_reason",
            "below_500000_inr: an individual with a PAN, up to five lakh rupees in the year",
        ),
        _SCOPE,
        amount("withheld", "What was taken on the day, by what was known then"),
        decimal(
            "gross_inr", "Released, in rupees by the stored rate of the day; empty without one"
        ),
        decimal("tds_inr", "Half-up for each release, of gross_inr"),
    ),
    ("gross",),
    "tds_194o_control",
    ("payee_id", "currency"),
)

WITHHELD_TAX = Export(
    "withheld_tax",
    "Tax withheld from releases",
    2,
    (
        Column("due_id", "txd", "The month's account at the tax office"),
        text("regime", "in_194o, in_gst_tcs, us_backup"),
        day("month_of", "Its first day"),
        day("due_on", "To be paid by"),
        day("remitted_on", "Paid"),
        text("reference", "The tax office's own"),
        Column("payee_id", "frl", "The freelancer"),
        ENTRY,
        day("credited_on", "The day of the release"),
        CONTRACT,
        CURRENCY,
        amount("gross", "Released"),
        decimal("rate_percent", "Of it"),
        amount("share", "The rate on this release"),
        amount("withheld", "The share, with what earlier releases of the year still lacked"),
        text("reason", "number_on_file, no_number_on_file, below_threshold"),
        text("legal_ref", "Where the duty stands"),
    ),
    ("withheld",),
    "withheld_tax_control",
    ("due_id", "payee_id", "currency"),
    for_party=True,
)
