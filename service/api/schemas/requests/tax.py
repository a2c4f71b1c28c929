"""What comes in about tax identities, duties, rates of exchange and filings."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict

from marshmallow import fields, validate

from service.api.schemas.fields import Day, Instant, country, freelancer_id, line, whole
from service.api.schemas.request_schema import RequestSchema
from service.domain.money.money import CURRENCIES
from service.models import FILING_REGIMES, TAX_FORMS, TAX_REGIMES


def _freelancer() -> fields.String:
    return freelancer_id(
        load_default=None,
        allow_none=True,
        metadata={"description": "For whom, with a platform's or finance's key"},
    )


def _issuer() -> fields.String:
    return country(load_default=None, allow_none=True, metadata={"example": "FR"})


class AddressBody(TypedDict):
    street: str | None
    building: str | None
    postcode: str | None
    city: str
    country: str


class Address(RequestSchema[AddressBody]):
    street = line(200, load_default=None, allow_none=True)
    building = line(50, load_default=None, allow_none=True)
    postcode = line(20, load_default=None, allow_none=True)
    city = line(200, required=True)
    country = country(required=True)


class BirthPlaceBody(TypedDict):
    city: str
    country: str


class BirthPlace(RequestSchema[BirthPlaceBody]):
    city = line(200, required=True)
    country = country(required=True)


class AccountBody(TypedDict):
    kind: str
    number: str
    holder: str


class Account(RequestSchema[AccountBody]):
    kind = fields.String(required=True, validate=validate.OneOf(["IBAN", "OBAN", "Other"]))
    number = line(50, required=True)
    holder = line(200, required=True)


class TaxIdentityBody(TypedDict):
    freelancer: str | None
    form: str
    seller_kind: str
    country: str
    region: str | None
    first_name: str | None
    last_name: str | None
    legal_name: str | None
    birth_date: date | None
    birth_place: BirthPlaceBody | None
    address: AddressBody
    tin: str | None
    tin_issued_by: str | None
    vat_id: str | None
    account: AccountBody | None
    invoices_by_mandate: bool
    signed_as: str


class TaxIdentityIn(RequestSchema[TaxIdentityBody]):
    freelancer = _freelancer()
    form = fields.String(
        required=True, validate=validate.OneOf(TAX_FORMS), metadata={"example": "dac7"}
    )
    seller_kind = fields.String(
        load_default="individual", validate=validate.OneOf(["individual", "entity"])
    )
    country = country(required=True, metadata={"description": "Of tax residence", "example": "FR"})
    region = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"[A-Z]{2}\Z"),
        metadata={"description": "The state, in the United States", "example": None},
    )
    first_name = line(200, load_default=None, allow_none=True)
    last_name = line(200, load_default=None, allow_none=True)
    legal_name = line(
        200,
        load_default=None,
        allow_none=True,
        metadata={"description": "Of an entity", "example": None},
    )
    birth_date = Day(load_default=None, allow_none=True, metadata={"example": "1990-05-17"})
    birth_place = fields.Nested(BirthPlace, load_default=None, allow_none=True)
    address = fields.Nested(Address, required=True)
    tin = line(
        30,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "The tax number; sealed, shown masked ever after",
            "example": "3023217600053",
        },
    )
    tin_issued_by = _issuer()
    vat_id = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"([A-Z]{2}[0-9A-Za-z+*]{2,12}|[0-9]{2}[0-9A-Z]{13})\Z"),
        metadata={
            "description": "VAT number with its country, or an Indian GSTIN",
            "example": "FR40123456789",
        },
    )
    account = fields.Nested(Account, load_default=None, allow_none=True)
    invoices_by_mandate = fields.Boolean(
        load_default=False,
        metadata={"description": "We write your invoices to your clients, in your name"},
    )
    signed_as = line(
        200,
        required=True,
        metadata={
            "description": "Your name, typed: you declare under penalty of perjury that this is "
            "true",
            "example": "Ada Lovelace",
        },
    )


class TaxIdentityParameters(TypedDict):
    freelancer: str | None


class TaxIdentityQuery(RequestSchema[TaxIdentityParameters]):
    freelancer = _freelancer()


class RateBody(TypedDict):
    base: str
    quote: str
    rate: str
    day: date


class RateIn(RequestSchema[RateBody]):
    base = fields.String(
        required=True, validate=validate.OneOf(list(CURRENCIES)), metadata={"example": "USD"}
    )
    quote = fields.String(
        required=True, validate=validate.OneOf(list(CURRENCIES)), metadata={"example": "INR"}
    )
    rate = fields.String(
        required=True,
        validate=validate.Regexp(r"[0-9]{1,9}(\.[0-9]{1,10})?\Z"),
        metadata={"description": "As text, exactly as published", "example": "85.50"},
    )
    day = Day(required=True, metadata={"example": "2025-12-29"})


class RatesBody(TypedDict):
    source: str
    rates: list[RateBody]


class RatesIn(RequestSchema[RatesBody]):
    source = line(
        80, required=True, metadata={"description": "Whose rates", "example": "SBI TT buying"}
    )
    rates = fields.List(fields.Nested(RateIn), required=True, validate=validate.Length(1, 500))


class ScopeBody(TypedDict):
    regime: str
    in_scope: bool
    reason: str


class ScopeIn(RequestSchema[ScopeBody]):
    regime = fields.String(required=True, validate=validate.OneOf(TAX_REGIMES))
    in_scope = fields.Boolean(required=True)
    reason = fields.String(
        required=True,
        validate=validate.Length(10, 2_000),
        metadata={
            "example": "Counsel's opinion of 3 March: we match nobody and only process payments"
        },
    )


class FilingBody(TypedDict):
    regime: str
    year: int
    as_of: datetime | None
    home: str | None


class FilingIn(RequestSchema[FilingBody]):
    regime = fields.String(required=True, validate=validate.OneOf(FILING_REGIMES))
    year = whole(2023, 2100, required=True, strict=True, metadata={"example": 2025})
    as_of = Instant(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "As it was known then; now when not said. One in the future is refused.",
            "example": "2026-01-31T00:00:00Z",
        },
    )
    home = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(list(CURRENCIES)),
        metadata={
            "description": "Convert every line to it, instead of the operator's reporting currency",
            "example": "GBP",
        },
    )


class RemitBody(TypedDict):
    reference: str


class RemitIn(RequestSchema[RemitBody]):
    reference = line(
        100,
        required=True,
        metadata={
            "description": "The tax office's own number of the payment",
            "example": "Challan 0510308 of 2026-02-05",
        },
    )
