"""What comes in about refunds, disputes, their evidence, and files."""

from __future__ import annotations

from typing import TypedDict

from marshmallow import fields
from werkzeug.datastructures import FileStorage

from service.api.schemas.fields import amount, line, object_id, prose, share
from service.api.schemas.request_schema import RequestSchema


class RefundBody(TypedDict):
    amount: int | None
    reason: str


class RefundIn(RequestSchema[RefundBody]):
    amount = amount(load_default=None, allow_none=True)
    reason = line(200, load_default="given by the freelancer")


class DisputeBody(TypedDict):
    milestone: str
    amount: int | None
    refund: int | None
    claim: str


class DisputeIn(RequestSchema[DisputeBody]):
    milestone = object_id("mst", required=True)
    amount = amount(load_default=None, allow_none=True)
    refund = share(load_default=None, allow_none=True)
    claim = prose(5_000, required=True, least=1)


class DisputeAnswerBody(TypedDict):
    words: str
    refund: int


class DisputeAnswerIn(RequestSchema[DisputeAnswerBody]):
    words = prose(5_000, required=True, least=1)
    refund = share(required=True)


class OfferBody(TypedDict):
    refund: int
    reasons: str
    blind: bool


class OfferIn(RequestSchema[OfferBody]):
    refund = share(required=True)
    reasons = prose(2_000, load_default="")
    blind = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class EvidenceBody(TypedDict):
    words: str
    file: str | None


class EvidenceIn(RequestSchema[EvidenceBody]):
    words = prose(5_000, required=True, least=1)
    file = object_id("fil", load_default=None, allow_none=True)


class FileBody(TypedDict):
    file: FileStorage


class FileIn(RequestSchema[FileBody]):
    file = fields.Raw(required=True, metadata={"type": "string", "format": "binary"})


class RulingBody(TypedDict):
    refund: int
    reasons: str


class RulingIn(RequestSchema[RulingBody]):
    refund = share(required=True)
    reasons = prose(5_000, required=True, least=1)
