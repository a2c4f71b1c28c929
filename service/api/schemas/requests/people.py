"""What comes in about freelancers, keys, a changed address, and events."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from marshmallow import fields, validate

from service.api.schemas.fields import Instant, country, email, freelancer_id, line, staff_id
from service.api.schemas.request_schema import RequestSchema
from service.api.schemas.requests.common import PageFields, PageParameters
from service.models import STAFF_ROLES

STAFF_KEYS = (*STAFF_ROLES, "platform")


class EmailChangeBody(TypedDict):
    email: str


class EmailChangeIn(RequestSchema[EmailChangeBody]):
    email = email(required=True)


class FreelancerBody(TypedDict):
    external_ref: str
    email: str
    display_name: str
    country: str


class FreelancerIn(RequestSchema[FreelancerBody]):
    external_ref = line(120, required=True)
    email = email(required=True)
    display_name = line(120, required=True)
    country = country(required=True)


class KeyBody(TypedDict):
    freelancer: str
    scopes: list[str] | None
    expires_at: datetime | None


class KeyIn(RequestSchema[KeyBody]):
    freelancer = freelancer_id(required=True)
    scopes = fields.List(
        fields.String(validate=validate.Length(max=40)),
        load_default=None,
        validate=validate.Length(1, 30),
        allow_none=True,
    )
    expires_at = Instant(load_default=None, allow_none=True)


class KeyRequestBody(TypedDict):
    role: str
    staff: str | None
    name: str | None
    email: str | None


class KeyRequestIn(RequestSchema[KeyRequestBody]):
    """`staff`: whose key it will be; or `name` and `email` of somebody new; or the `name` of a
    marketplace's key.
    """

    role = fields.String(required=True, validate=validate.OneOf(STAFF_KEYS))
    staff = staff_id(load_default=None, allow_none=True, metadata={"example": None})
    name = line(120, load_default=None, allow_none=True)
    email = email(load_default=None, allow_none=True)


class EventParameters(PageParameters):
    contract: str | None
    type: str | None


class EventQuery(PageFields, RequestSchema[EventParameters]):
    contract = fields.String(load_default=None, validate=validate.Length(max=40))
    type = fields.String(load_default=None, validate=validate.Length(max=60))
