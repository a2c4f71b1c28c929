"""The kinds of field that shapes are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TypedDict, TypeVar, Unpack

from marshmallow import ValidationError, fields, validate

from service.domain.identity import address
from service.domain.text import incoming

BIGGEST_AMOUNT = 2**53 - 1
_MOST_DIGITS = 20
_FIRST_YEAR, _LAST_YEAR = 1700, 2199
DateT = TypeVar("DateT", bound=date)


class Presence(TypedDict, total=False):
    """Whether a field has to be there, and what it is when it is not."""

    required: bool
    load_default: object
    allow_none: bool


class Options(Presence, total=False):
    """As `Presence`, for a field that says what it is where it is used."""

    metadata: Mapping[str, object]


def no_controls(text: str, *, lines: bool = False) -> None:
    """Refuses what no text may have, and line breaks where it is one line.

    Raises ValidationError.
    """
    wrong = incoming.fault(text, lines=lines)
    if wrong:
        raise ValidationError(incoming.SENTENCES[wrong])


def line(limit: int, *, least: int = 1, **options: Unpack[Options]) -> fields.String:
    """One line of text."""
    return fields.String(
        validate=[validate.Length(least, limit), no_controls, _not_blank(least)],
        **options,
    )


def _not_blank(least: int) -> Callable[[str], None]:
    def check(text: str) -> None:
        if least and not text.strip():
            raise ValidationError("Must not be blank.")

    return check


def prose(limit: int, *, least: int = 0, **options: Unpack[Options]) -> fields.String:
    """Text of several lines."""
    return fields.String(
        validate=[
            validate.Length(least, limit),
            lambda text: no_controls(text, lines=True),
            _not_blank(least),
        ],
        **options,
    )


class Email(fields.String):
    """An address, in the one form in which it is kept."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, object] | None, **more: object
    ) -> str:
        text = super()._deserialize(value, attr, data, **more)
        try:
            return address.read(text or "")
        except ValueError as wrong:
            raise ValidationError(str(wrong)) from None


def email(**presence: Unpack[Presence]) -> Email:
    return Email(
        validate=validate.Length(3, address.LONGEST), metadata={"format": "email"}, **presence
    )


class Whole(fields.Integer):
    """A whole number within bounds.

    In a query it is written in the digits 0 to 9: Python would read those of every script.
    """

    def _validated(self, value: object) -> int:
        if isinstance(value, str) and not (
            len(value) <= _MOST_DIGITS and incoming.is_digits(value.removeprefix("-"))
        ):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


def whole(least: int, most: int, *, strict: bool = False, **options: Unpack[Options]) -> Whole:
    """`strict`: a number in JSON, not a text; a query has texts only."""
    return Whole(strict=strict, validate=validate.Range(least, most), **options)


class Instant(fields.AwareDateTime):
    """An instant with its zone, of our times: at the ends of the calendar a change of zone leaves
    what a date can be.
    """

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, object] | None, **more: object
    ) -> datetime:
        return _of_our_times(super()._deserialize(value, attr, data, **more))


class Day(fields.Date):
    """A day of our times."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, object] | None, **more: object
    ) -> date:
        return _of_our_times(super()._deserialize(value, attr, data, **more))


def _of_our_times(day: DateT) -> DateT:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValidationError(f"A day between {_FIRST_YEAR} and {_LAST_YEAR}.")
    return day


def rate(**presence: Unpack[Presence]) -> fields.String:
    """A share from 0 to 1 as decimal text, never a float."""
    return fields.String(
        validate=validate.Regexp(
            r"0(\.[0-9]{1,6})?\Z", error='A decimal text below one, such as "0.05".'
        ),
        **presence,
    )


def amount(**presence: Unpack[Presence]) -> fields.Integer:
    """Whole minor units; floats, texts and booleans are refused."""
    return whole(
        1,
        BIGGEST_AMOUNT,
        strict=True,
        metadata={"description": "Minor units", "examples": [120000]},
        **presence,
    )


def share(**presence: Unpack[Presence]) -> fields.Integer:
    """Whole minor units, nothing included."""
    return whole(
        0, BIGGEST_AMOUNT, strict=True, metadata={"description": "Minor units"}, **presence
    )


def currency(**presence: Unpack[Presence]) -> fields.String:
    return fields.String(
        validate=validate.Regexp(r"[A-Z]{3}\Z", error="A currency is three capital letters."),
        metadata={"examples": ["USD"]},
        **presence,
    )


def country(**options: Unpack[Options]) -> fields.String:
    return fields.String(
        validate=validate.Regexp(
            r"[A-Z]{2}\Z", error="A country is two capital letters (ISO 3166-1)."
        ),
        **options,
    )


def freelancer_id(**options: Unpack[Options]) -> fields.String:
    return fields.String(
        validate=validate.Regexp(
            r"frl_[0-7][0-9a-hjkmnp-tv-z]{25}\Z", error="Not the id of a freelancer."
        ),
        **options,
    )


def staff_id(**options: Unpack[Options]) -> fields.String:
    return fields.String(
        validate=validate.Regexp(
            r"stf_[0-7][0-9a-hjkmnp-tv-z]{25}\Z", error="Not the id of a person of staff."
        ),
        **options,
    )


def object_id(prefix: str, **options: Unpack[Options]) -> fields.String:
    """An id of one kind."""
    return fields.String(
        validate=validate.Regexp(
            rf"{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}\Z", error=f"Not an id of kind {prefix}."
        ),
        **options,
    )
