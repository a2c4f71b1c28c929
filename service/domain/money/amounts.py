"""Amounts as people of a locale write and read them.

Reading is strict: what could mean two amounts is refused, never guessed.

`1.000,00` is a thousand in German and nothing in English; a wrong guess would move a thousandth or
a thousand times of what was meant. So a text is read in the locale of the page that asked for it,
digits 0 to 9 alone, groups where that locale has them or nowhere, and at most the currency's
decimals.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache

from babel import Locale
from babel.numbers import format_decimal

from service.domain.money.money import CURRENCIES
from service.domain.text.incoming import is_digits

MOST_MINOR = 10**12
_LONGEST = 40
_SPACES = " \u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019"


class AmountFault(StrEnum):
    """Why a text is no amount. Codes are stable."""

    EMPTY = "amount_missing"
    OTHER_DIGITS = "amount_digits"
    OTHER_CURRENCY = "amount_currency"
    SIGN = "amount_sign"
    SEPARATORS = "amount_separators"
    TWO_READINGS = "amount_two_readings"
    DECIMALS = "amount_decimals"
    TOO_LARGE = "amount_too_large"
    NO_NUMBER = "amount_unreadable"


@dataclass(frozen=True)
class Amount:
    """In minor units, never below 0."""

    minor: int


@dataclass(frozen=True)
class Refusal:
    """`sentence` says how an amount is written here."""

    reason: AmountFault
    sentence: str


def write(amount_minor: int, currency: str, locale: Locale) -> str:
    """'1.234,50': the currency's decimals, in the locale's separators and the digits 0 to 9."""
    digits = CURRENCIES[currency].exponent
    value = Decimal(amount_minor).scaleb(-digits)
    return format_decimal(value, _pattern(locale, digits), locale=locale, numbering_system="latn")


def example(currency: str, locale: Locale) -> str:
    """'1.234,50': for showing how an amount is typed."""
    return write(12_345 * 10 ** CURRENCIES[currency].exponent // 10, currency, locale)


def read(text: str, currency: str, locale: Locale) -> Amount | Refusal:
    """What a person of this locale means by `text`, with the currency's code before or after it or
    without.
    """
    bare = text.strip()
    if not bare:
        return _refused(AmountFault.EMPTY, currency, locale)
    named = re.fullmatch(r"([A-Za-z]{3})\s*(.+)|(.+?)\s*([A-Za-z]{3})", bare)
    if named:
        code, bare = (named[1] or named[4]).upper(), named[2] or named[3]
        if code != currency:
            known = AmountFault.OTHER_CURRENCY if code in CURRENCIES else AmountFault.NO_NUMBER
            return _refused(known, currency, locale)
    found = _shape(locale).fullmatch(bare) if len(bare) <= _LONGEST else None
    if found is None:
        return _refused(_why(bare), currency, locale)
    return _taken(found["whole"], found["parts"] or "", currency, locale)


def _taken(whole: str, parts: str, currency: str, locale: Locale) -> Amount | Refusal:
    digits = CURRENCIES[currency].exponent
    number = re.sub("[^0-9]", "", whole)
    if len(parts) > digits:
        return _refused(AmountFault.DECIMALS, currency, locale)
    # With three decimals to a unit, 1,500 is one and a half for half of the world.
    if digits == 3 and not parts and len(whole) - len(number) == 1:
        return _refused(AmountFault.TWO_READINGS, currency, locale)
    minor = int(number + parts.ljust(digits, "0"))
    return (
        Amount(minor) if minor < MOST_MINOR else _refused(AmountFault.TOO_LARGE, currency, locale)
    )


@cache
def _shape(locale: Locale) -> re.Pattern[str]:
    """Groups in all of the places where the locale has them, or in none; then its decimal sign and
    digits.
    """
    point, group = (re.escape(_symbol(locale, name)) for name in ("decimal", "group"))
    for alike in (_SPACES, _APOSTROPHES):
        group = f"[{alike}]" if _symbol(locale, "group") in alike else group
    last, others = locale.decimal_formats[None].grouping
    grouped = f"[1-9][0-9]{{0,{others - 1}}}(?:{group}[0-9]{{{others}}})*{group}[0-9]{{{last}}}"
    return re.compile(f"(?P<whole>{grouped}|[0-9]+)(?:{point}(?P<parts>[0-9]+))?")


def _symbol(locale: Locale, name: str) -> str:
    found: str = locale.number_symbols["latn"][name]
    return found


def _pattern(locale: Locale, digits: int) -> str:
    last, others = locale.decimal_formats[None].grouping
    whole = f"#,{'#' * others},{'#' * (last - 1)}0"
    return whole + ("." + "0" * digits if digits else "")


def _why(text: str) -> AmountFault:
    """What most likely keeps a text from being read, so that the sentence can say it."""
    if any(unicodedata.category(ch) == "Nd" and not ch.isascii() for ch in text):
        return AmountFault.OTHER_DIGITS
    if re.fullmatch(r"[-+\u2212\u2013(]\s*[0-9].*", text):
        return AmountFault.SIGN
    if re.fullmatch(rf"[0-9.,{_SPACES}{_APOSTROPHES}]*", text) and re.search("[0-9]", text):
        return AmountFault.TOO_LARGE if is_digits(text) else AmountFault.SEPARATORS
    return AmountFault.NO_NUMBER


def _refused(reason: AmountFault, currency: str, locale: Locale) -> Refusal:
    digits = CURRENCIES[currency].exponent
    said = {
        AmountFault.EMPTY: "Enter an amount.",
        AmountFault.OTHER_DIGITS: "Use the digits 0 to 9.",
        AmountFault.OTHER_CURRENCY: f"The amount is in {currency}.",
        AmountFault.SIGN: "Leave out the sign.",
        AmountFault.DECIMALS: f"{currency} has {digits} decimals."
        if digits
        else f"{currency} has no decimals.",
        AmountFault.TWO_READINGS: "This can be read in two ways: add the decimals.",
        AmountFault.TOO_LARGE: "This amount is too large.",
        AmountFault.SEPARATORS: "Check the separators.",
        AmountFault.NO_NUMBER: "This is not an amount.",
    }[reason]
    return Refusal(reason, f"{said} Write it like {example(currency, locale)}.")
