"""What comes in about certificates, invoices, and links for accountants."""

from __future__ import annotations

from typing import TypedDict

from marshmallow import fields, validate

from service.api.schemas.fields import freelancer_id, line, whole
from service.api.schemas.request_schema import RequestSchema
from service.api.schemas.requests.common import PageFields, PageParameters
from service.documents.wording import LANGUAGES
from service.exports import periods


def _freelancer() -> fields.String:
    return freelancer_id(
        load_default=None,
        allow_none=True,
        metadata={"description": "For whom, with a platform's or finance's key"},
    )


class CertificateBody(TypedDict):
    freelancer: str | None
    period: str
    language: str


class CertificateIn(RequestSchema[CertificateBody]):
    freelancer = _freelancer()
    period = fields.String(
        required=True,
        validate=validate.Length(4, 30),
        metadata={"description": periods.EXAMPLES, "example": "2025"},
    )
    language = fields.String(load_default="en", validate=validate.OneOf(LANGUAGES))


class RevokeBody(TypedDict):
    reason: str


class RevokeIn(RequestSchema[RevokeBody]):
    reason = fields.String(
        required=True,
        validate=validate.Length(10, 1_000),
        metadata={"example": "Issued for the wrong period"},
    )


class AccountantLinkBody(TypedDict):
    freelancer: str | None
    name: str
    days: int


class AccountantLinkIn(RequestSchema[AccountantLinkBody]):
    freelancer = _freelancer()
    name = line(
        100,
        required=True,
        metadata={"description": "Whom it is for", "example": "Luca Pacioli, accountant"},
    )
    days = whole(1, 366, load_default=30, strict=True)


class AccountantParameters(TypedDict):
    freelancer: str | None


class AccountantQuery(RequestSchema[AccountantParameters]):
    freelancer = _freelancer()


class InvoiceParameters(PageParameters):
    contract: str | None


class InvoiceQuery(PageFields, RequestSchema[InvoiceParameters]):
    contract = fields.String(
        load_default=None,
        validate=validate.Regexp(r"ctr_[0-7][0-9a-hjkmnp-tv-z]{25}\Z"),
        metadata={"example": "ctr_01m82jfcv7et69qsget0gz6yqr"},
    )


class PaperParameters(TypedDict):
    language: str


class PaperQuery(RequestSchema[PaperParameters]):
    language = fields.String(load_default="en", validate=validate.OneOf(LANGUAGES))
