"""What comes in about holds, suspensions, appeals and cases."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from marshmallow import Schema, fields, validate

from service.api.schemas.fields import (
    Instant,
    amount,
    currency,
    freelancer_id,
    line,
    object_id,
    prose,
    whole,
)
from service.api.schemas.request_schema import RequestSchema
from service.api.schemas.requests.common import PageFields, PageParameters
from service.domain.states.restrictions import SCOPES
from service.models import CASE_ACCOUNTS, CASE_TARGETS, DISCLOSURES, LEVELS, PAUSE_OUTCOMES


def _files() -> fields.List[str]:
    return fields.List(
        object_id("fil"),
        load_default=list,
        validate=validate.Length(max=20),
        metadata={"description": "Uploaded before, to this hold"},
    )


class _WhyBody(TypedDict):
    reason_code: str
    clause: str
    facts: str
    disclosure: str
    internal_note: str


class _WhyIn(Schema):
    reason_code = fields.String(required=True, validate=validate.Length(1, 40))
    clause = line(200, required=True)
    facts = prose(5_000, required=True, least=1)
    disclosure = fields.String(load_default="full", validate=validate.OneOf(DISCLOSURES))
    internal_note = prose(5_000, load_default="")


class HoldBody(_WhyBody):
    subject: str
    scopes: list[str]
    amount: int | None
    currency: str | None
    expires_at: datetime | None


class HoldIn(_WhyIn, RequestSchema[HoldBody]):
    subject = fields.String(
        required=True,
        validate=validate.Regexp(r"(frl|cli|ctr|mst|pay|pyo)_[0-7][0-9a-hjkmnp-tv-z]{25}\Z"),
    )
    scopes = fields.List(
        fields.String(validate=validate.OneOf(list(SCOPES))),
        load_default=list,
        validate=validate.Length(max=8),
    )
    amount = amount(load_default=None, allow_none=True)
    currency = currency(load_default=None, allow_none=True)
    expires_at = Instant(load_default=None, allow_none=True)


class PauseDecisionBody(TypedDict):
    outcome: str
    words: str


class PauseDecisionIn(RequestSchema[PauseDecisionBody]):
    outcome = fields.String(required=True, validate=validate.OneOf(PAUSE_OUTCOMES))
    words = prose(500, required=True, least=1)


class SuspensionBody(_WhyBody):
    person: str
    level: str
    until: datetime | None


class SuspensionIn(_WhyIn, RequestSchema[SuspensionBody]):
    person = fields.String(
        required=True, validate=validate.Regexp(r"(frl|cli)_[0-7][0-9a-hjkmnp-tv-z]{25}\Z")
    )
    level = fields.String(required=True, validate=validate.OneOf(LEVELS))
    until = Instant(load_default=None, allow_none=True)


class RenewBody(TypedDict):
    days: int


class RenewIn(RequestSchema[RenewBody]):
    days = whole(1, 180, required=True, strict=True)


class LiftBody(TypedDict):
    reason: str


class _LiftFields(Schema):
    reason = line(500, required=True)


class LiftIn(_LiftFields, RequestSchema[LiftBody]):
    """Why something ends."""


class EndParameters(TypedDict):
    reason: str


class EndQuery(RequestSchema[EndParameters]):
    reason = line(
        500, load_default="", least=0, metadata={"description": "Why it ends; it is needed"}
    )


class JudgeBody(TypedDict):
    accepted: bool


class JudgeIn(RequestSchema[JudgeBody]):
    accepted = fields.Boolean(required=True, truthy={True}, falsy={False})


class AppealBody(TypedDict):
    statement: str
    files: list[str]


class AppealIn(RequestSchema[AppealBody]):
    statement = prose(10_000, required=True, least=1)
    files = _files()


class RestoredLineBody(TypedDict):
    line: int
    amount: int


class RestoredLineIn(RequestSchema[RestoredLineBody]):
    line = whole(1, 50, strict=True, required=True)
    amount = amount(required=True)


class DecideBody(TypedDict):
    outcome: str
    reasons: str
    scopes: list[str]
    restore: list[RestoredLineBody]
    at_platform_cost: bool


class DecideIn(RequestSchema[DecideBody]):
    outcome = fields.String(
        required=True, validate=validate.OneOf(["upheld", "changed", "reversed"])
    )
    reasons = prose(5_000, required=True, least=1)
    scopes = fields.List(
        fields.String(validate=validate.OneOf(list(SCOPES))),
        load_default=list,
        validate=validate.Length(max=8),
    )
    restore = fields.List(
        fields.Nested(RestoredLineIn),
        load_default=list,
        validate=validate.Length(max=50),
        metadata={
            "description": "`changed`, of a case that was carried out: how much of which line "
            "goes back"
        },
    )
    at_platform_cost = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class CaseLineBody(TypedDict):
    account: str
    amount: int
    target: str
    milestone: str | None
    chargeback: str | None


class CaseLineIn(RequestSchema[CaseLineBody]):
    account = fields.String(required=True, validate=validate.OneOf(CASE_ACCOUNTS))
    amount = amount(required=True)
    target = fields.String(required=True, validate=validate.OneOf(CASE_TARGETS))
    milestone = object_id("mst", load_default=None, allow_none=True)
    chargeback = object_id(
        "cbk",
        load_default=None,
        allow_none=True,
        metadata={
            "description": "For `same_contract_chargeback`: which one it pays for; from "
            "`reserve`, out of what it has set aside"
        },
    )


class CaseBody(TypedDict):
    hold: str
    currency: str
    clause: str
    facts: str
    evidence: list[str]
    lines: list[CaseLineBody]


class CaseIn(RequestSchema[CaseBody]):
    hold = object_id("hld", required=True)
    currency = currency(required=True)
    clause = line(200, required=True)
    facts = prose(5_000, required=True, least=1)
    evidence = fields.List(line(300), load_default=list, validate=validate.Length(max=50))
    lines = fields.List(fields.Nested(CaseLineIn), required=True, validate=validate.Length(1, 50))


class RestoreBody(LiftBody):
    at_platform_cost: bool


class RestoreIn(_LiftFields, RequestSchema[RestoreBody]):
    at_platform_cost = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class RequirementBody(TypedDict):
    words: str
    files: list[str]


class RequirementIn(RequestSchema[RequirementBody]):
    words = prose(5_000, required=True, least=1)
    files = _files()


class CaseAnswerBody(TypedDict):
    words: str


class CaseAnswerIn(RequestSchema[CaseAnswerBody]):
    words = prose(10_000, required=True, least=1)


class HoldParameters(PageParameters):
    in_force: bool
    freelancer: str | None


class HoldQuery(PageFields, RequestSchema[HoldParameters]):
    in_force = fields.Boolean(load_default=False)
    freelancer = freelancer_id(
        load_default=None, metadata={"description": "Platform and staff keys only"}
    )


class QuarterParameters(TypedDict):
    year: int | None
    quarter: int | None


class QuarterQuery(RequestSchema[QuarterParameters]):
    year = whole(2000, 2100, load_default=None)
    quarter = whole(1, 4, load_default=None)
