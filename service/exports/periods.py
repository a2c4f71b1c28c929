"""Periods as people name them: a year, a month, a quarter, the tax years of India, the United
Kingdom and Australia, or two days.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from service.domain.errors import Invalid

_STARTS = {"IN": (4, 1), "UK": (4, 6), "AU": (7, 1)}
_TAX_YEAR = re.compile("(IN|UK|AU)(20[0-9]{2})-([0-9]{2})")
EXAMPLES = (
    "2025, 2025-12, 2025-Q4, IN2025-26 (1 April to 31 March), UK2025-26 (6 April to 5 "
    "April), AU2025-26 (1 July to 30 June), 2025-11-10..2025-12-31"
)


def parse(words: str) -> tuple[date, date]:
    """First and last day, both included. Raises Invalid with examples."""
    text = words.strip().upper()
    found = _tax_year(text) or _calendar(text) or _two_days(text)
    if (
        found is None
        or found[0] > found[1]
        or not date(2000, 1, 1) <= found[0]
        or found[1] > date(2200, 1, 1)
    ):
        raise Invalid.one("/period", "period", f"Say a period as {EXAMPLES}.")
    return found


def _tax_year(text: str) -> tuple[date, date] | None:
    match = _TAX_YEAR.fullmatch(text)
    if match is None or (int(match[2]) + 1) % 100 != int(match[3]):
        return None
    month, day = _STARTS[match[1]]
    year = int(match[2])
    return date(year, month, day), date(year + 1, month, day) - timedelta(days=1)


def _calendar(text: str) -> tuple[date, date] | None:
    if re.fullmatch("20[0-9]{2}", text):
        return date(int(text), 1, 1), date(int(text), 12, 31)
    quarter = re.fullmatch("(20[0-9]{2})-Q([1-4])", text)
    if quarter:
        year, first = int(quarter[1]), 3 * int(quarter[2]) - 2
        return date(year, first, 1), _before_month(year, first + 3)
    month = re.fullmatch("(20[0-9]{2})-(0[1-9]|1[0-2])", text)
    return (
        (date(int(month[1]), int(month[2]), 1), _before_month(int(month[1]), int(month[2]) + 1))
        if month
        else None
    )


def _before_month(year: int, month: int) -> date:
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1) - timedelta(days=1)


def _two_days(text: str) -> tuple[date, date] | None:
    first, dots, last = text.partition("..")
    try:
        return (date.fromisoformat(first), date.fromisoformat(last)) if dots else None
    except ValueError:
        return None
