"""The kinds of field that shapes are made of."""

from __future__ import annotations

import unicodedata
from typing import Any

from marshmallow import ValidationError, fields, validate

from service.domain.address import EMAIL

BIGGEST_AMOUNT = 2**53 - 1
_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def no_controls(text: str, *, lines: bool = False) -> None:
    """Refuses control characters and those that turn the direction of what follows: text is shown to other people."""
    for ch in text:
        if ch in _BIDI:
            raise ValidationError("Direction-changing characters are not allowed.")
        if unicodedata.category(ch) in ("Cc", "Cs") and not (lines and ch in "\n\t"):
            raise ValidationError("Control characters are not allowed.")


def line(limit: int, *, required: bool = False, least: int = 1, **more: Any) -> fields.String:
    """One line of text."""
    return fields.String(required=required, validate=[validate.Length(least, limit), no_controls, _not_blank(least)], **more)


def _not_blank(least: int) -> Any:
    def check(text: str) -> None:
        if least and not text.strip():
            raise ValidationError("Must not be blank.")

    return check


def prose(limit: int, *, required: bool = False, least: int = 0, **more: Any) -> fields.String:
    """Text of several lines."""
    return fields.String(required=required, validate=[validate.Length(least, limit), lambda text: no_controls(text, lines=True), _not_blank(least)], **more)


def email(**more: Any) -> fields.String:
    return fields.String(validate=[validate.Length(3, 254), validate.Regexp(EMAIL.pattern + r"\Z", error="Not an e-mail address.")], **more)


def rate(**more: Any) -> fields.String:
    """A share from 0 to 1 as decimal text, never a float."""
    return fields.String(validate=validate.Regexp(r"0(\.[0-9]{1,6})?\Z", error='A decimal text below one, such as "0.05".'), **more)


def amount(**more: Any) -> fields.Integer:
    """Whole minor units; floats, texts and booleans are refused."""
    return fields.Integer(strict=True, validate=validate.Range(1, BIGGEST_AMOUNT), metadata={"description": "Minor units", "examples": [120000]}, **more)


def currency(**more: Any) -> fields.String:
    return fields.String(validate=validate.Regexp(r"[A-Z]{3}\Z", error="A currency is three capital letters."), metadata={"examples": ["USD"]}, **more)


def country(**more: Any) -> fields.String:
    return fields.String(validate=validate.Regexp(r"[A-Z]{2}\Z", error="A country is two capital letters (ISO 3166-1)."), **more)


def freelancer_id(**more: Any) -> fields.String:
    return fields.String(validate=validate.Regexp(r"frl_[0-7][0-9a-hjkmnp-tv-z]{25}\Z", error="Not the id of a freelancer."), **more)


def staff_id(**more: Any) -> fields.String:
    return fields.String(validate=validate.Regexp(r"stf_[0-7][0-9a-hjkmnp-tv-z]{25}\Z", error="Not the id of a person of staff."), **more)
