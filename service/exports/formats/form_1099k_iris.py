"""The register of Form 1099-K in the columns of the tax office's own template.

The IRS publishes its CSV template per year and form inside its portal; an operator drops it in.
Each of its columns must be known by name, and one that is not stops the file: the template itself
is the check. Full numbers are opened for this file only, and each opening is a fact.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import cast

from service.core import repository
from service.core.context import Context
from service.documents.dpi_parties import SellerIdentity
from service.domain.errors import Invalid
from service.exports import inline
from service.exports.definitions import ExportRequest
from service.exports.documents import missing_rates
from service.exports.registry.tax import US_1099K
from service.operations.tax import tax_identities
from service.platform.encryption import FieldEncryption
from service.policies.entity import Entity

MOST_ROWS = 100
"""Of one file; the rest goes into the next one (Publication 5717)."""
Fact = Callable[[dict[str, str], SellerIdentity, Entity], str]
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def _said(key: str) -> Fact:
    return lambda _row, who, _us: str(who.get(key) or "")


def _home(key: str) -> Fact:
    return lambda _row, who, _us: str(who["address"].get(key) or "")


def _ours(key: str) -> Fact:
    return lambda _row, _who, us: str(getattr(us, key))


def _row(key: str) -> Fact:
    return lambda row, _who, _us: row[key]


def _constant(text: str) -> Fact:
    return lambda *_: text


def _street(who: SellerIdentity) -> str:
    return " ".join(
        part for part in (who["address"].get("building"), who["address"].get("street")) if part
    )


COLUMNS: dict[str, Fact] = {
    "Form Type": _constant("1099-K"),
    "Tax Year": _row("tax_year"),
    "Payer TIN Type": _constant("EIN"),
    "Payer Taxpayer ID Number": _ours("tin"),
    "Payer Name Type": _constant("B"),
    "Payer Business or Entity Name Line 1": _ours("legal_name"),
    "Payer Country": _ours("country"),
    "Payer Address Line 1": lambda _row, _who, us: f"{us.building} {us.street}".strip(),
    "Payer City/Town": _ours("city"),
    "Payer ZIP/Postal Code": _ours("postcode"),
    "Payer Phone": _ours("phone"),
    "Payer Email Address": _ours("email"),
    "Recipient TIN Type": lambda _row, who, _us: "EIN" if who["seller_kind"] == "entity" else "SSN",
    "Recipient Taxpayer ID Number": _said("tin"),
    "Recipient Name Type": lambda _row, who, _us: "B" if who["seller_kind"] == "entity" else "I",
    "Recipient Business or Entity Name Line 1": _said("legal_name"),
    "Recipient First Name": _said("first_name"),
    "Recipient Last Name (Surname)": _said("last_name"),
    "Recipient Country": _home("country"),
    "Recipient Address Line 1": lambda _row, who, _us: _street(who),
    "Recipient City/Town": _home("city"),
    "Recipient State/Province/Territory": _said("region"),
    "Recipient ZIP/Postal Code": _home("postcode"),
    "Form Account Number": _row("payee_id"),
    "Box 1a - Gross amount of payment card/third party network transactions": _row("box_1a"),
    "Box 3 - Number of payment transactions": _row("box_3"),
    "Box 4 - Federal income tax withheld": _row("box_4"),
    **{
        f"Box 5{letter} - {month}": _row(f"box_5{letter}")
        for letter, month in zip("abcdefghijkl", _MONTHS, strict=True)
    },
    "State 1": _row("box_6_state"),
    "State 1 - State Tax Withheld": _row("box_8_state_withheld"),
    **dict.fromkeys(
        (
            "Payer Business or Entity Name Line 2",
            "Payer First Name",
            "Payer Middle Name",
            "Payer Suffix",
            "Payer Last Name (Surname)",
            "Payer Address Line 2",
            "Payer State/Province/Territory",
            "Payer Phone Type",
            "Recipient Business or Entity Name Line 2",
            "Recipient Middle Name",
            "Recipient Suffix",
            "Recipient Address Line 2",
            "Office Code",
            "2nd TIN Notice",
            "Box 1b - Card not present transactions",
            "Box 2 - Merchant category code",
            "Combined Federal/State Filing",
            "State 1 - State/Payer state number",
        ),
        _constant(""),
    ),
}
"""What stands in each column; names that we do not fill stay empty on purpose."""


def render(
    ctx: Context,
    encryption: FieldEncryption,
    template: str,
    year: int,
    as_of: datetime,
    state: str | None = None,
) -> list[bytes]:
    """Files of at most 100 rows each, for the federal office or one state.

    Raises Invalid for a template with a column we do not know, Conflict for a missing rate.
    """
    header = next(csv.reader(io.StringIO(template)), [])
    unknown = [name for name in header if name not in COLUMNS]
    if unknown or not header:
        raise Invalid.one(
            "/template",
            "unmapped_column",
            f"Nothing is known for the column {unknown[0]!r}."
            if unknown
            else "The template has no header.",
        )
    asked = ExportRequest(
        date(year, 1, 1), date(year, 12, 31), as_of, zone=ctx.policies.book_zone.key
    )
    found = inline.all_records(ctx.session, US_1099K, asked)
    for row in found:
        # Without a rate a sum is too small, and may be below a threshold because of it.
        if row["lines_without_rate"] != "0":
            raise missing_rates.refuse(ctx.session, replace(asked, home="USD"), row["payee_id"])
    wanted = [
        row
        for row in found
        if (state in row["state_required"].split() if state else row["federal_required"] == "true")
    ]
    lines = [_line(ctx, encryption, header, row, as_of) for row in wanted]
    return [
        _file(header, lines[start : start + MOST_ROWS]) for start in range(0, len(lines), MOST_ROWS)
    ]


def _line(
    ctx: Context,
    encryption: FieldEncryption,
    header: list[str],
    row: dict[str, str],
    as_of: datetime,
) -> list[str]:
    declared = repository.tax_identity(ctx.session, row["payee_id"], as_of)
    if declared is None or declared.form != "w9":
        raise Invalid.one(
            "/template", "no_w9", f"{row['payee_id']} has no Form W-9 on file: {row['reason']}."
        )
    who = tax_identities.opened(ctx, encryption, declared, f"us_1099k {row['tax_year']}")
    identity = cast("SellerIdentity", who)
    return [COLUMNS[name](row, identity, ctx.policies.entity) for name in header]


def _file(header: list[str], lines: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([header, *lines])
    return out.getvalue().encode()
