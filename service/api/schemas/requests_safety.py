"""What comes in about holds, suspensions, appeals and cases."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from service.api.schemas.fields import Instant, amount, currency, freelancer_id, line, prose, whole
from service.api.schemas.requests import PageQuery, object_id
from service.domain.states.restrictions import SCOPES
from service.models import CASE_ACCOUNTS, CASE_TARGETS, DISCLOSURES, LEVELS, PAUSE_OUTCOMES


class _WhyIn(Schema):
    reason_code = fields.String(required=True, validate=validate.Length(1, 40))
    clause = line(200, required=True)
    facts = prose(5_000, required=True, least=1)
    disclosure = fields.String(load_default="full", validate=validate.OneOf(DISCLOSURES))
    internal_note = prose(5_000, load_default="")


class HoldIn(_WhyIn):
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


class PauseDecisionIn(Schema):
    outcome = fields.String(required=True, validate=validate.OneOf(PAUSE_OUTCOMES))
    words = prose(500, required=True, least=1)


class SuspensionIn(_WhyIn):
    person = fields.String(
        required=True, validate=validate.Regexp(r"(frl|cli)_[0-7][0-9a-hjkmnp-tv-z]{25}\Z")
    )
    level = fields.String(required=True, validate=validate.OneOf(LEVELS))
    until = Instant(load_default=None, allow_none=True)


class RenewIn(Schema):
    days = whole(1, 180, required=True, strict=True)


class LiftIn(Schema):
    reason = line(500, required=True)


class EndQuery(Schema):
    reason = line(
        500, load_default="", least=0, metadata={"description": "Why it ends; it is needed"}
    )


class JudgeIn(Schema):
    accepted = fields.Boolean(required=True, truthy={True}, falsy={False})


def _files() -> Any:
    return fields.List(
        object_id("fil"),
        load_default=list,
        validate=validate.Length(max=20),
        metadata={"description": "Uploaded before, to this hold"},
    )


class AppealIn(Schema):
    statement = prose(10_000, required=True, least=1)
    files = _files()


class RestoredLineIn(Schema):
    line = whole(1, 50, strict=True, required=True)
    amount = amount(required=True)


class DecideIn(Schema):
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


class CaseLineIn(Schema):
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


class CaseIn(Schema):
    hold = object_id("hld", required=True)
    currency = currency(required=True)
    clause = line(200, required=True)
    facts = prose(5_000, required=True, least=1)
    evidence = fields.List(line(300), load_default=list, validate=validate.Length(max=50))
    lines = fields.List(fields.Nested(CaseLineIn), required=True, validate=validate.Length(1, 50))


class RestoreIn(LiftIn):
    at_platform_cost = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class RequirementIn(Schema):
    words = prose(5_000, required=True, least=1)
    files = _files()


class CaseAnswerIn(Schema):
    words = prose(10_000, required=True, least=1)


class HoldQuery(PageQuery):
    in_force = fields.Boolean(load_default=False)
    freelancer = freelancer_id(
        load_default=None, metadata={"description": "Platform and staff keys only"}
    )


class QuarterQuery(Schema):
    year = whole(2000, 2100, load_default=None)
    quarter = whole(1, 4, load_default=None)
