"""Bodies and queries of more than one area. Unknown fields are refused by the parser."""

from __future__ import annotations

from typing import TypedDict

from marshmallow import Schema, fields, validate

from service.api.schemas.fields import freelancer_id, line, whole
from service.api.schemas.request_schema import RequestSchema


class NothingBody(TypedDict):
    """Nothing is sent."""


class Nothing(RequestSchema[NothingBody]):
    """An empty object."""


class ReasonBody(TypedDict):
    reason: str


class ReasonIn(RequestSchema[ReasonBody]):
    reason = line(200, load_default="", least=0)


class PageParameters(TypedDict):
    limit: int
    cursor: str | None


class PageFields(Schema):
    limit = whole(1, 100, load_default=20)
    cursor = fields.String(load_default=None, validate=validate.Length(max=600))


class PageQuery(PageFields, RequestSchema[PageParameters]):
    """One page of a list."""


class FreelancerParameters(TypedDict):
    freelancer: str | None


class FreelancerQuery(RequestSchema[FreelancerParameters]):
    freelancer = freelancer_id(load_default=None)
