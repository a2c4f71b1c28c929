"""What comes in about payouts, fees, exports, and differences with the processor."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict

from marshmallow import fields, validate

from service.api.schemas.fields import (
    BIGGEST_AMOUNT,
    Day,
    Instant,
    amount,
    currency,
    freelancer_id,
    line,
    prose,
    whole,
)
from service.api.schemas.request_schema import RequestSchema
from service.api.schemas.requests.common import PageFields, PageParameters
from service.documents.wording import LANGUAGES
from service.domain.money.fees import BEARERS
from service.domain.money.money import CURRENCIES
from service.exports import periods
from service.models import KINDS

_PARTY = r"(frl|cli)_[0-7][0-9a-hjkmnp-tv-z]{25}\Z"


class FloatBody(TypedDict):
    currency: str
    amount: int
    direction: str
    reference: str


class FloatIn(RequestSchema[FloatBody]):
    currency = currency(required=True)
    amount = amount(required=True)
    direction = fields.String(required=True, validate=validate.OneOf(("in", "out")))
    reference = line(200, required=True)


class ScheduleBody(TypedDict):
    schedule: str
    freelancer: str | None


class ScheduleIn(RequestSchema[ScheduleBody]):
    schedule = fields.String(
        required=True, validate=validate.OneOf(("manual", "weekly", "monthly"))
    )
    freelancer = freelancer_id(load_default=None)


class PayoutBody(TypedDict):
    amount: int
    currency: str
    freelancer: str | None


class PayoutIn(RequestSchema[PayoutBody]):
    amount = amount(required=True)
    currency = currency(required=True)
    freelancer = freelancer_id(load_default=None)


class PayoutParameters(PageParameters):
    freelancer: str | None


class PayoutQuery(PageFields, RequestSchema[PayoutParameters]):
    freelancer = freelancer_id(load_default=None)


class QuoteParameters(TypedDict):
    kind: str
    currency: str
    amount: int
    client: str | None
    billed_before: int | None
    on: date | None
    processing_borne_by: str
    freelancer: str | None


class QuoteQuery(RequestSchema[QuoteParameters]):
    kind = fields.String(load_default="direct", validate=validate.OneOf(KINDS))
    currency = currency(required=True)
    amount = whole(1, BIGGEST_AMOUNT, required=True)
    client = fields.String(load_default=None, validate=validate.Length(max=254))
    billed_before = whole(0, BIGGEST_AMOUNT, load_default=None)
    on = Day(load_default=None)
    processing_borne_by = fields.String(load_default="platform", validate=validate.OneOf(BEARERS))
    freelancer = freelancer_id(load_default=None, metadata={"description": "Platform keys only"})


class MarginParameters(PageParameters):
    losing: bool


class MarginQuery(PageFields, RequestSchema[MarginParameters]):
    losing = fields.Boolean(load_default=False)


class ExportBody(TypedDict):
    name: str
    period: str
    format: str
    as_of: datetime | None
    party: str | None
    home: str | None
    language: str
    zone: str | None


class ExportIn(RequestSchema[ExportBody]):
    name = fields.String(
        required=True,
        validate=validate.Length(1, 40),
        metadata={"description": "What finance calls it", "example": "transactions"},
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
        metadata={
            "description": "Convert every line to it as well (transactions, earnings)",
            "example": "INR",
        },
    )
    language = fields.String(
        load_default="en", validate=validate.OneOf(LANGUAGES), metadata={"description": "Of a PDF"}
    )
    zone = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 60),
        metadata={
            "description": "Days of this zone and not of the books, for what a person can have",
            "example": "Asia/Kolkata",
        },
    )


class ReportParameters(TypedDict):
    period: str
    party: str | None
    home: str | None
    zone: str | None


class ReportQuery(RequestSchema[ReportParameters]):
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
        metadata={
            "description": "Convert every line to it as well (transactions, earnings)",
            "example": "INR",
        },
    )
    zone = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 60),
        metadata={
            "description": "Days of this zone and not of the books, for what a person can have",
            "example": "Asia/Kolkata",
        },
    )


class ExplanationBody(TypedDict):
    source: str
    currency: str
    amount: int
    reason: str


class ExplanationIn(RequestSchema[ExplanationBody]):
    source = line(255, required=True)
    currency = currency(required=True)
    amount = whole(
        -BIGGEST_AMOUNT,
        BIGGEST_AMOUNT,
        strict=True,
        required=True,
        metadata={
            "description": "Theirs less ours, in minor units, as you saw it",
            "examples": [-150],
        },
    )
    reason = prose(1_000, required=True, least=10)
