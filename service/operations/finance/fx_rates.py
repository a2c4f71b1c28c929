"""Rates of exchange as they were published: rows with a source and a day.

Nothing is ever converted by a live call.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree as ET

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from service.core.context import Context
from service.domain.errors import Invalid
from service.domain.money.money import CURRENCIES
from service.models import FxRate, new_id

Rate = tuple[str, str, Decimal, date]
_ECB = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"
MOST = 20_000


def add(ctx: Context, rates: list[Rate], source: str) -> int:
    """Keep rates (base, quote, rate, day) of a source; those that are known stay as they are.

    Returns how many were new. Raises Invalid.
    """
    for base, quote, rate, day in rates:
        if base not in CURRENCIES or quote not in CURRENCIES or base == quote:
            raise Invalid.one(
                "/base",
                "unknown_currency",
                f"{base} and {quote} are not two currencies that we know.",
            )
        if not Decimal("1e-9") < rate < Decimal("1e9") or day > ctx.today:
            raise Invalid.one(
                "/rate", "rate", "A rate is a positive number of a day that has begun."
            )
    before = _count(ctx)
    given = [
        {
            "id": new_id("fxr"),
            "base": base,
            "quote": quote,
            "rate": rate,
            "rate_date": day,
            "source": source,
            "fetched_at": ctx.now,
        }
        for base, quote, rate, day in rates
    ]
    ctx.session.execute(insert(FxRate).on_conflict_do_nothing(), given)
    return _count(ctx) - before


def _count(ctx: Context) -> int:
    return int(ctx.session.execute(select(func.count()).select_from(FxRate)).scalar_one())


def from_ecb(xml: bytes) -> list[Rate]:
    """The European Central Bank's daily, 90-day or whole history file (eurofxref-*.xml): euros
    against the rest. Raises Invalid.
    """
    if len(xml) > 20_000_000 or b"<!DOCTYPE" in xml[:2_000]:
        raise Invalid.one("/file", "not_ecb", "This is not the ECB's file.")
    try:
        days = ET.fromstring(xml).findall(f"./{_ECB}/{_ECB}[@time]")  # noqa: S314  no entities without a DOCTYPE, and that is refused above
        found = [
            (
                "EUR",
                one.get("currency", ""),
                Decimal(one.get("rate", "")),
                date.fromisoformat(str(day.get("time"))),
            )
            for day in days
            for one in day.findall(_ECB)
        ]
    except (ET.ParseError, InvalidOperation, ValueError):
        found = []
    known = [rate for rate in found if rate[1] in CURRENCIES]
    if not known:
        raise Invalid.one("/file", "not_ecb", "This is not the ECB's file of reference rates.")
    if len(known) > MOST:
        raise Invalid.one(
            "/file", "too_many", f"At most {MOST:,} rates at once; take the file of 90 days."
        )
    return known
