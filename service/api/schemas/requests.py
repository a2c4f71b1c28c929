"""What comes in: bodies and queries. Unknown fields are refused by the parser."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from service.api.schemas.fields import (
    BIGGEST_AMOUNT,
    Day,
    Instant,
    amount,
    country,
    currency,
    email,
    freelancer_id,
    line,
    no_controls,
    prose,
    rate,
    staff_id,
    whole,
)
from service.domain.money.fees import BEARERS
from service.models import KINDS, RELATIONSHIPS, STAFF_ROLES


class ClientIn(Schema):
    email = email(required=True)
    name = line(120, required=True)
    company = line(160, allow_none=True)
    country = country(allow_none=True)


class PreCheckClientIn(Schema):
    email = email(required=True)


class MilestoneIn(Schema):
    title = line(140, required=True)
    amount = amount(required=True)
    due_on = Day(allow_none=True)


def _metadata(value: dict[str, Any]) -> None:
    if len(value) > 50 or any(
        not isinstance(v, str) or len(v) > 500 or len(k) > 40 for k, v in value.items()
    ):
        raise ValidationError("Up to 50 keys of 40 characters with texts of up to 500.")
    for key, text in value.items():
        no_controls(key)
        no_controls(text)


class ContractIn(Schema):
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


class ContractEdit(ContractIn):
    """As creation, without `freelancer`: the whole of the terms is replaced."""

    class Meta:
        exclude = ("freelancer",)


class Nothing(Schema):
    """An empty object."""


class ConversionIn(Schema):
    kind = fields.String(
        required=True, validate=validate.OneOf([k for k in KINDS if k != "direct"])
    )
    note = prose(2_000, load_default="")


class FeedbackIn(Schema):
    """Lenient on purpose: a kind that takes no feedback says so whatever was sent; the view is
    strict for the others.
    """

    class Meta:
        unknown = INCLUDE

    rating = whole(1, 5, load_default=None, strict=True)
    words = prose(2_000, load_default="")


class PreCheckIn(Schema):
    client = fields.Nested(PreCheckClientIn, required=True)
    relationship = fields.String(required=True, validate=validate.OneOf(RELATIONSHIPS))
    kind = fields.String(load_default="direct", validate=validate.OneOf(KINDS))
    freelancer = freelancer_id(load_default=None, metadata={"description": "Platform keys only"})


class ReasonIn(Schema):
    reason = line(200, load_default="", least=0)


class SubmissionIn(Schema):
    note = prose(10_000, required=True, least=1)


def object_id(prefix: str, **more: Any) -> fields.String:
    """An id of one kind."""
    return fields.String(
        validate=validate.Regexp(
            rf"{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}\Z", error=f"Not an id of kind {prefix}."
        ),
        **more,
    )


def share(**more: Any) -> fields.Integer:
    """Whole minor units, nothing included."""
    return whole(0, BIGGEST_AMOUNT, strict=True, metadata={"description": "Minor units"}, **more)


class AmendedMilestoneIn(MilestoneIn):
    id = object_id(
        "mst",
        load_default=None,
        allow_none=True,
        metadata={"description": "Of a milestone that exists; left out for a new one"},
    )


class AmendmentIn(Schema):
    milestones = fields.List(
        fields.Nested(AmendedMilestoneIn), required=True, validate=validate.Length(1, 50)
    )
    note = prose(2_000, load_default="")


class RefundIn(Schema):
    amount = amount(load_default=None, allow_none=True)
    reason = line(200, load_default="given by the freelancer")


class DisputeIn(Schema):
    milestone = object_id("mst", required=True)
    amount = amount(load_default=None, allow_none=True)
    refund = share(load_default=None, allow_none=True)
    claim = prose(5_000, required=True, least=1)


class DisputeAnswerIn(Schema):
    words = prose(5_000, required=True, least=1)
    refund = share(required=True)


class OfferIn(Schema):
    refund = share(required=True)
    reasons = prose(2_000, load_default="")
    blind = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class EvidenceIn(Schema):
    words = prose(5_000, required=True, least=1)
    file = object_id("fil", load_default=None, allow_none=True)


class FileIn(Schema):
    file = fields.Raw(required=True, metadata={"type": "string", "format": "binary"})


class RulingIn(Schema):
    refund = share(required=True)
    reasons = prose(5_000, required=True, least=1)


class EmailChangeIn(Schema):
    email = email(required=True)


class FloatIn(Schema):
    currency = currency(required=True)
    amount = amount(required=True)
    direction = fields.String(required=True, validate=validate.OneOf(("in", "out")))
    reference = line(200, required=True)


class ScheduleIn(Schema):
    schedule = fields.String(
        required=True, validate=validate.OneOf(("manual", "weekly", "monthly"))
    )
    freelancer = freelancer_id(load_default=None)


class LinkIn(Schema):
    revoke_old = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class PayoutIn(Schema):
    amount = amount(required=True)
    currency = currency(required=True)
    freelancer = freelancer_id(load_default=None)


class FreelancerIn(Schema):
    external_ref = line(120, required=True)
    email = email(required=True)
    display_name = line(120, required=True)
    country = country(required=True)


class KeyIn(Schema):
    freelancer = freelancer_id(required=True)
    scopes = fields.List(
        fields.String(validate=validate.Length(max=40)),
        load_default=None,
        validate=validate.Length(1, 30),
        allow_none=True,
    )
    expires_at = Instant(load_default=None, allow_none=True)


STAFF_KEYS = (*STAFF_ROLES, "platform")


class KeyRequestIn(Schema):
    """`staff`: whose key it will be; or `name` and `email` of somebody new; or the `name` of a
    marketplace's key.
    """

    role = fields.String(required=True, validate=validate.OneOf(STAFF_KEYS))
    staff = staff_id(load_default=None, allow_none=True, metadata={"example": None})
    name = line(120, load_default=None, allow_none=True)
    email = email(load_default=None, allow_none=True)


class PageQuery(Schema):
    limit = whole(1, 100, load_default=20)
    cursor = fields.String(load_default=None, validate=validate.Length(max=600))


class OutcomeQuery(PageQuery):
    since = Instant(load_default=None, metadata={"description": "Closed at this instant or later"})
    freelancer = freelancer_id(load_default=None, metadata={"description": "Platform keys only"})


class MarginQuery(PageQuery):
    losing = fields.Boolean(load_default=False)


class ContractQuery(PageQuery):
    state = fields.String(load_default=None, validate=validate.Length(max=30))
    external_ref = fields.String(
        load_default=None,
        validate=validate.Length(max=500),
        metadata={"description": "metadata.external_ref"},
    )


class QuoteQuery(Schema):
    kind = fields.String(load_default="direct", validate=validate.OneOf(KINDS))
    currency = currency(required=True)
    amount = whole(1, BIGGEST_AMOUNT, required=True)
    client = fields.String(load_default=None, validate=validate.Length(max=254))
    billed_before = whole(0, BIGGEST_AMOUNT, load_default=None)
    on = Day(load_default=None)
    processing_borne_by = fields.String(load_default="platform", validate=validate.OneOf(BEARERS))
    freelancer = freelancer_id(load_default=None, metadata={"description": "Platform keys only"})


class FreelancerQuery(Schema):
    freelancer = freelancer_id(load_default=None)


class PayoutQuery(PageQuery):
    freelancer = freelancer_id(load_default=None)


class EventQuery(PageQuery):
    contract = fields.String(load_default=None, validate=validate.Length(max=40))
    type = fields.String(load_default=None, validate=validate.Length(max=60))
