"""The words, days and amounts of papers, in the languages that papers come in."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml
from babel.dates import format_date
from babel.numbers import format_decimal

from service.domain.money.money import currency

LANGUAGES = ("en", "de", "es")
_LOCALES = {"en": "en_GB", "de": "de", "es": "es"}


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load(
        (Path(__file__).parent / "words.yaml").read_text()
    )
    return found


def say(key: str, language: str, **values: object) -> str:
    """The words of a key.

    Raises KeyError for one that does not exist: a paper never shows a placeholder.
    """
    return _catalogue()[key][language].format(**values)


def money(amount_minor: int, code: str, language: str) -> str:
    """'1.140,00 EUR': the currency's digits, as the language writes numbers."""
    digits = currency(code).exponent
    value = Decimal(amount_minor).scaleb(-digits)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return f"{format_decimal(value, pattern, locale=_LOCALES[language])} {code}"


def day(when: date, language: str) -> str:
    return format_date(when, "long", locale=_LOCALES[language])


def all_keys() -> list[str]:
    return list(_catalogue())
