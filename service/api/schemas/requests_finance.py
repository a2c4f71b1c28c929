"""What comes in about exports."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from service.api.schemas.fields import Instant
from service.api.schemas.requests import PageQuery
from service.documents.wording import LANGUAGES
from service.domain.money.money import CURRENCIES
from service.exports import periods

__all__ = ["ExportIn", "PageQuery", "ReportQuery"]
_PARTY = r"(frl|cli)_[0-7][0-9a-hjkmnp-tv-z]{25}\Z"


class ExportIn(Schema):
    export = fields.String(
        required=True,
        validate=validate.Length(1, 40),
        metadata={"description": "M1, M2, … or its name", "example": "M1"},
    )
    period = fields.String(
        required=True,
        validate=validate.Length(4, 30),
        metadata={"description": periods.EXAMPLES, "example": "2026"},
    )
    format = fields.String(
        load_default="csv",
        validate=validate.OneOf(
            ["csv", "xlsx", "jsonl", "parquet", "beancount", "hledger", "pdf", "upwork"]
        ),
    )
    as_of = Instant(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "As it was known then; now when not said. One in the future is refused.",
            "example": "2026-01-31T00:00:00Z",
        },
    )
    party = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(_PARTY))
    home = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(list(CURRENCIES)),
        metadata={"description": "Convert every line to it as well (M1, M2)", "example": "INR"},
    )
    language = fields.String(
        load_default="en", validate=validate.OneOf(LANGUAGES), metadata={"description": "Of a PDF"}
    )
    zone = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 60),
        metadata={
            "description": "Days of this zone and not of the books (M1, M2, M4)",
            "example": "Asia/Kolkata",
        },
    )


class ReportQuery(Schema):
    period = fields.String(
        load_default="",
        validate=validate.Length(max=30),
        metadata={"description": periods.EXAMPLES, "example": "2026"},
    )
    party = fields.String(
        load_default=None,
        validate=validate.Regexp(_PARTY),
        metadata={"example": "frl_01m82jfcv7et69qsget0gz6yqr"},
    )
    home = fields.String(
        load_default=None,
        validate=validate.OneOf(list(CURRENCIES)),
        metadata={"description": "Convert every line to it as well (M1, M2)", "example": "INR"},
    )
    zone = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 60),
        metadata={
            "description": "Days of this zone and not of the books (M1, M2, M4)",
            "example": "Asia/Kolkata",
        },
    )
