"""What comes in about contracts: their terms, milestones, changes, feedback, and the question asked
beforehand.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NotRequired, TypedDict

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from service.api.schemas.fields import (
    Day,
    Instant,
    amount,
    country,
    currency,
    email,
    freelancer_id,
    line,
    no_controls,
    object_id,
    prose,
    rate,
    whole,
)
from service.api.schemas.request_schema import RequestSchema
from service.api.schemas.requests.common import PageFields, PageParameters
from service.domain.money.fees import BEARERS
from service.models import KINDS, RELATIONSHIPS


def _metadata(value: dict[str, str]) -> None:
    if len(value) > 50 or any(
        not isinstance(v, str) or len(v) > 500 or len(k) > 40 for k, v in value.items()
    ):
        raise ValidationError("Up to 50 keys of 40 characters with texts of up to 500.")
    for key, text in value.items():
        no_controls(key)
        no_controls(text)


class ClientBody(TypedDict):
    email: str
    name: str
    company: NotRequired[str | None]
    country: NotRequired[str | None]


class ClientIn(RequestSchema[ClientBody]):
    email = email(required=True)
    name = line(120, required=True)
    company = line(160, allow_none=True)
    country = country(allow_none=True)


class PreCheckClientBody(TypedDict):
    email: str


class PreCheckClientIn(RequestSchema[PreCheckClientBody]):
    email = email(required=True)


class MilestoneBody(TypedDict):
    title: str
    amount: int
    due_on: NotRequired[date | None]


class _MilestoneFields(Schema):
    title = line(140, required=True)
    amount = amount(required=True)
    due_on = Day(allow_none=True)


class MilestoneIn(_MilestoneFields, RequestSchema[MilestoneBody]):
    """A milestone of terms."""


class ContractEditBody(TypedDict):
    client: ClientBody
    title: str
    description: str
    currency: str
    milestones: list[MilestoneBody]
    kind: str
    relationship: str | None
    fee_rate: str | None
    review_period_days: int
    processing_borne_by: str
    metadata: dict[str, str]


class ContractBody(ContractEditBody):
    freelancer: str | None


class _ContractFields(Schema):
    client = fields.Nested(ClientIn, required=True)
    title = line(140, required=True)
    description = prose(20_000, load_default="")
    currency = currency(required=True)
    milestones = fields.List(
        fields.Nested(MilestoneIn), required=True, validate=validate.Length(1, 50)
    )
    kind = fields.String(load_default="direct", validate=validate.OneOf(KINDS))
    relationship = fields.String(
        allow_none=True, load_default=None, validate=validate.OneOf(RELATIONSHIPS)
    )
    fee_rate = rate(load_default=None, allow_none=True)
    review_period_days = whole(3, 30, strict=True, load_default=14)
    processing_borne_by = fields.String(load_default="platform", validate=validate.OneOf(BEARERS))
    freelancer = freelancer_id(load_default=None, metadata={"description": "Platform keys only"})
    metadata = fields.Dict(keys=fields.String(), load_default=dict, validate=_metadata)


class ContractIn(_ContractFields, RequestSchema[ContractBody]):
    """The terms of a contract; a platform's key says for whom."""


class ContractEdit(_ContractFields, RequestSchema[ContractEditBody]):
    """As creation, without `freelancer`: the whole of the terms is replaced."""

    class Meta:
        exclude = ("freelancer",)


class ConversionBody(TypedDict):
    kind: str
    note: str


class ConversionIn(RequestSchema[ConversionBody]):
    kind = fields.String(
        required=True, validate=validate.OneOf([k for k in KINDS if k != "direct"])
    )
    note = prose(2_000, load_default="")


class FeedbackBody(TypedDict):
    rating: int | None
    words: str


class FeedbackIn(RequestSchema[FeedbackBody]):
    """Lenient on purpose: a kind that takes no feedback says so whatever was sent; the view is
    strict for the others.
    """

    class Meta:
        unknown = INCLUDE

    rating = whole(1, 5, load_default=None, strict=True)
    words = prose(2_000, load_default="")


class PreCheckBody(TypedDict):
    client: PreCheckClientBody
    relationship: str
    kind: str
    freelancer: str | None


class PreCheckIn(RequestSchema[PreCheckBody]):
    client = fields.Nested(PreCheckClientIn, required=True)
    relationship = fields.String(required=True, validate=validate.OneOf(RELATIONSHIPS))
    kind = fields.String(load_default="direct", validate=validate.OneOf(KINDS))
    freelancer = freelancer_id(load_default=None, metadata={"description": "Platform keys only"})


class SubmissionBody(TypedDict):
    note: str


class SubmissionIn(RequestSchema[SubmissionBody]):
    note = prose(10_000, required=True, least=1)


class AmendedMilestoneBody(MilestoneBody):
    id: str | None


class AmendedMilestoneIn(_MilestoneFields, RequestSchema[AmendedMilestoneBody]):
    id = object_id(
        "mst",
        load_default=None,
        allow_none=True,
        metadata={"description": "Of a milestone that exists; left out for a new one"},
    )


class AmendmentBody(TypedDict):
    milestones: list[AmendedMilestoneBody]
    note: str


class AmendmentIn(RequestSchema[AmendmentBody]):
    milestones = fields.List(
        fields.Nested(AmendedMilestoneIn), required=True, validate=validate.Length(1, 50)
    )
    note = prose(2_000, load_default="")


class LinkBody(TypedDict):
    revoke_old: bool


class LinkIn(RequestSchema[LinkBody]):
    revoke_old = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class OutcomeParameters(PageParameters):
    since: datetime | None
    freelancer: str | None


class OutcomeQuery(PageFields, RequestSchema[OutcomeParameters]):
    since = Instant(load_default=None, metadata={"description": "Closed at this instant or later"})
    freelancer = freelancer_id(load_default=None, metadata={"description": "Platform keys only"})


class ContractParameters(PageParameters):
    state: str | None
    external_ref: str | None


class ContractQuery(PageFields, RequestSchema[ContractParameters]):
    state = fields.String(load_default=None, validate=validate.Length(max=30))
    external_ref = fields.String(
        load_default=None,
        validate=validate.Length(max=500),
        metadata={"description": "metadata.external_ref"},
    )
