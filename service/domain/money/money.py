"""Money is a whole number of minor units beside an ISO 4217 code.

No floats and no decimals get past this file.

Two exponent tables: ISO's, which the ledger and the API use, and Stripe's, which differs for ISK
and UGX (sent with two decimals), for HUF and TWD (whole units) and for three-decimal currencies
(multiples of ten). Source: Stripe's currency documentation;
`docs/decisions/0002-money-is-integers.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from service.domain.errors import Invalid

STRIPE_MAXIMUM = 99_999_999
"""Stripe refuses charges of more than eight digits of its own units."""


@dataclass(frozen=True)
class Currency:
    """`step_minor`: contract amounts are multiples of it, so that Stripe can charge them exactly.

    `stripe_factor`: multiply ISO minor units by it to get Stripe's units.
    """

    code: str
    exponent: int
    minimum_charge_minor: int
    minimum_milestone_minor: int
    step_minor: int = 1
    stripe_factor: int = 1


def _table() -> dict[str, Currency]:
    rows = [
        Currency("USD", 2, 50, 500),
        Currency("EUR", 2, 50, 500),
        Currency("GBP", 2, 30, 500),
        Currency("INR", 2, 50, 50_000),
        Currency("CAD", 2, 50, 500),
        Currency("AUD", 2, 50, 500),
        Currency("CHF", 2, 50, 500),
        Currency("SEK", 2, 300, 5_000),
        Currency("JPY", 0, 50, 750),
        Currency("KRW", 0, 1_000, 7_000),
        Currency("ISK", 0, 100, 700, stripe_factor=100),
        Currency("UGX", 0, 2_000, 20_000, stripe_factor=100),
        Currency("HUF", 2, 17_500, 200_000, step_minor=100),
        Currency("TWD", 2, 2_000, 16_000, step_minor=100),
        Currency("KWD", 3, 200, 1_500, step_minor=10),
        Currency("BHD", 3, 200, 2_000, step_minor=10),
        Currency("JOD", 3, 400, 3_500, step_minor=10),
        Currency("OMR", 3, 200, 2_000, step_minor=10),
        Currency("TND", 3, 2_000, 15_000, step_minor=10),
    ]
    return {row.code: row for row in rows}


CURRENCIES = _table()


def currency(code: str) -> Currency:
    """The currency's row.

    Raises KeyError for a code we cannot settle; the API refuses such codes first.
    """
    return CURRENCIES[code]


def usd_like(code: str) -> Fraction:
    """How many minor units of a currency are like one US cent, by its minimum milestone: thresholds
    need no exchange rate.
    """
    return Fraction(
        CURRENCIES[code].minimum_milestone_minor, CURRENCIES["USD"].minimum_milestone_minor
    )


def round_half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator to the nearest whole, halves away from zero. denominator > 0."""
    if numerator < 0:
        return -round_half_up(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def to_stripe(amount_minor: int, code: str) -> int:
    """Our minor units to Stripe's. Exact, because contract amounts keep to the currency's step."""
    return amount_minor * CURRENCIES[code].stripe_factor


def from_stripe(amount: int, code: str) -> int:
    """Stripe's units to our minor units. A rest that ISO cannot express raises ValueError."""
    factor = CURRENCIES[code].stripe_factor
    minor, rest = divmod(amount, factor)
    if rest:
        raise ValueError(f"{amount} of Stripe's units is no whole number of minor units in {code}")
    return minor


def sayable(amount: int, code: str) -> bool:
    """Whether an amount in Stripe's units is a whole number of minor units of a currency that we
    know.
    """
    return code in CURRENCIES and amount % CURRENCIES[code].stripe_factor == 0


def payable_part(amount_minor: int, code: str) -> int:
    """The part of an amount that Stripe can transfer: rounded down to the currency's step; the rest
    stays ours to owe.
    """
    step = CURRENCIES[code].step_minor
    return amount_minor - amount_minor % step


def check_contract_amount(amount_minor: int, code: str, pointer: str) -> None:
    """A milestone's amount keeps to minimum, maximum and step of its currency, or Invalid says
    which and why.
    """
    row = CURRENCIES[code]
    if amount_minor < row.minimum_milestone_minor:
        least = plain(row.minimum_milestone_minor, code)
        raise Invalid.one(pointer, "amount_too_small", f"A milestone has at least {least}.")
    if to_stripe(amount_minor, code) > STRIPE_MAXIMUM:
        most = plain(from_stripe(STRIPE_MAXIMUM - STRIPE_MAXIMUM % row.stripe_factor, code), code)
        raise Invalid.one(pointer, "amount_too_large", f"A milestone has at most {most}.")
    if amount_minor % row.step_minor:
        raise Invalid.one(
            pointer,
            "amount_step",
            f"Amounts in {code} are multiples of {row.step_minor} minor units; card networks "
            "take no finer step.",
        )


def plain(amount_minor: int, code: str) -> str:
    """'USD 1,200.00': for texts that no locale applies to."""
    exponent = CURRENCIES[code].exponent
    sign = "-" if amount_minor < 0 else ""
    whole, rest = divmod(abs(amount_minor), 10**exponent)
    digits = f"{whole:,}" + (f".{rest:0{exponent}d}" if exponent else "")
    return f"{code} {sign}{digits}"


def split_by_largest_remainder(total: int, weights: list[int]) -> list[int]:
    """Parts of `total` in proportion to `weights` (at least one positive) that add up to it
    exactly.

    What integer division leaves over goes to the largest remainders, ties to the earlier part.
    """
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts
