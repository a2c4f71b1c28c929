"""Business days by the holiday calendar of a country, from the `holidays` library; never by
counting weekdays.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

import holidays

_LONGEST_SPAN = 366


@lru_cache(maxsize=64)
def _calendar(country: str) -> holidays.HolidayBase:
    """An unknown country has weekends and no holidays."""
    if country in holidays.list_supported_countries():
        return holidays.country_holidays(country)
    return holidays.HolidayBase()


def is_business_day(day: date, country: str) -> bool:
    """Neither at a weekend nor on a public holiday of the country (ISO 3166-1 alpha-2)."""
    return bool(_calendar(country).is_working_day(day))


def add_business_days(instant: datetime, days: int, country: str) -> datetime:
    """The same time of day, `days` business days later.

    Days on which the bank is closed do not count.
    """
    if not 0 <= days <= _LONGEST_SPAN:
        raise ValueError(f"{days} business days")
    while days:
        instant += timedelta(days=1)
        if is_business_day(instant.date(), country):
            days -= 1
    return instant
