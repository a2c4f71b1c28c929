"""Shapes of what comes in and goes out. Shape only: rules that need the database are operations."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_dump, validate

from service.domain.capabilities import capabilities
from service.domain.fees import BEARERS
from service.domain.lifecycle import FREELANCER
from service.models import KINDS

BIGGEST_AMOUNT = 2**53 - 1
_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_EMAIL = re.compile(r"[^@\s<>\"(),:;\\\[\]]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")


def no_controls(text: str, *, lines: bool = False) -> None:
    """Refuses control characters and those that turn the direction of what follows: text is shown to other people."""
    for ch in text:
        if ch in _BIDI:
            raise ValidationError("Direction-changing characters are not allowed.")
        if unicodedata.category(ch) in ("Cc", "Cs") and not (lines and ch in "\n\t"):
            raise ValidationError("Control characters are not allowed.")


def line(limit: int, *, required: bool = False, least: int = 1, **more: Any) -> fields.String:
    """One line of text."""
    return fields.String(required=required, validate=[validate.Length(least, limit), no_controls, _not_blank(least)], **more)


def _not_blank(least: int) -> Any:
    def check(text: str) -> None:
        if least and not text.strip():
            raise ValidationError("Must not be blank.")

    return check


def prose(limit: int, *, required: bool = False, least: int = 0, **more: Any) -> fields.String:
    """Text of several lines."""
    return fields.String(required=required, validate=[validate.Length(least, limit), lambda text: no_controls(text, lines=True), _not_blank(least)], **more)


def email(**more: Any) -> fields.String:
    return fields.String(validate=[validate.Length(3, 254), validate.Regexp(_EMAIL.pattern + r"\Z", error="Not an e-mail address.")], **more)


def amount(**more: Any) -> fields.Integer:
    """Whole minor units; floats, texts and booleans are refused."""
    return fields.Integer(strict=True, validate=validate.Range(1, BIGGEST_AMOUNT), metadata={"description": "Minor units", "examples": [120000]}, **more)


def currency(**more: Any) -> fields.String:
    return fields.String(validate=validate.Regexp(r"[A-Z]{3}\Z", error="A currency is three capital letters."), metadata={"examples": ["USD"]}, **more)


def country(**more: Any) -> fields.String:
    return fields.String(validate=validate.Regexp(r"[A-Z]{2}\Z", error="A country is two capital letters (ISO 3166-1)."), **more)


def freelancer_id(**more: Any) -> fields.String:
    return fields.String(validate=validate.Regexp(r"frl_[0-7][0-9a-hjkmnp-tv-z]{25}\Z", error="Not the id of a freelancer."), **more)


class ClientIn(Schema):
    email = email(required=True)
    name = line(120, required=True)
    company = line(160, allow_none=True)
    country = country(allow_none=True)


class MilestoneIn(Schema):
    title = line(140, required=True)
    amount = amount(required=True)
    due_on = fields.Date(allow_none=True)


def _metadata(value: dict[str, Any]) -> None:
    if len(value) > 50 or any(not isinstance(v, str) or len(v) > 500 or len(k) > 40 for k, v in value.items()):
        raise ValidationError("Up to 50 keys of 40 characters with texts of up to 500.")
    for key, text in value.items():
        no_controls(key)
        no_controls(text)


class ContractIn(Schema):
    client = fields.Nested(ClientIn, required=True)
    title = line(140, required=True)
    description = prose(20_000, load_default="")
    currency = currency(required=True)
    milestones = fields.List(fields.Nested(MilestoneIn), required=True, validate=validate.Length(1, 50))
    kind = fields.String(load_default="direct", validate=validate.OneOf(KINDS))
    relationship = line(300, allow_none=True, load_default=None)
    review_period_days = fields.Integer(strict=True, load_default=14, validate=validate.Range(3, 30))
    processing_borne_by = fields.String(load_default="platform", validate=validate.OneOf(BEARERS))
    freelancer = freelancer_id(load_default=None, metadata={"description": "Platform keys only"})
    metadata = fields.Dict(keys=fields.String(), load_default=dict, validate=_metadata)


class ContractEdit(ContractIn):
    """As creation, without `freelancer`: the whole of the terms is replaced."""

    class Meta:
        exclude = ("freelancer",)


class Nothing(Schema):
    """An empty object."""


class ReasonIn(Schema):
    reason = line(200, load_default="", least=0)


class SubmissionIn(Schema):
    note = prose(10_000, required=True, least=1)


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
    scopes = fields.List(fields.String(validate=validate.Length(max=40)), load_default=None, validate=validate.Length(1, 30), allow_none=True)
    expires_at = fields.AwareDateTime(load_default=None, allow_none=True)


class PageQuery(Schema):
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))
    cursor = fields.String(load_default=None, validate=validate.Length(max=600))


class ContractQuery(PageQuery):
    state = fields.String(load_default=None, validate=validate.Length(max=30))
    external_ref = fields.String(load_default=None, validate=validate.Length(max=500), metadata={"description": "metadata.external_ref"})


class QuoteQuery(Schema):
    kind = fields.String(load_default="direct", validate=validate.OneOf(KINDS))
    currency = currency(required=True)
    amount = fields.Integer(required=True, validate=validate.Range(1, BIGGEST_AMOUNT))
    client = fields.String(load_default=None, validate=validate.Length(max=254))


class FreelancerQuery(Schema):
    freelancer = freelancer_id(load_default=None)


class PayoutQuery(PageQuery):
    freelancer = freelancer_id(load_default=None)


class EventQuery(PageQuery):
    contract = fields.String(load_default=None, validate=validate.Length(max=40))
    type = fields.String(load_default=None, validate=validate.Length(max=60))


class Out(Schema):
    """Answers name their kind, and leave nothing out: what is not known is null."""

    kind_name = ""

    @post_dump
    def name_kind(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"id": data["id"], "object": self.kind_name, **data} if "id" in data else {"object": self.kind_name, **data}


class MilestoneOut(Out):
    kind_name = "milestone"
    id = fields.String()
    number = fields.Integer()
    state = fields.String()
    title = fields.String()
    amount = fields.Integer(attribute="amount_minor")
    funded = fields.Integer(attribute="funded_minor")
    released = fields.Integer(attribute="released_minor")
    refunded = fields.Integer(attribute="refunded_minor")
    confiscated = fields.Integer(attribute="confiscated_minor")
    fee_taken = fields.Integer(attribute="fee_taken_minor")
    due_on = fields.Date(allow_none=True)
    round = fields.Integer()
    auto_release_at = fields.AwareDateTime(allow_none=True)
    hold_limit_at = fields.AwareDateTime(allow_none=True)
    allowed_actions = fields.Function(lambda m: capabilities("milestone", m.state, FREELANCER))


class ContractOut(Out):
    kind_name = "contract"
    id = fields.String()
    state = fields.String()
    kind = fields.String()
    currency = fields.String()
    total = fields.Integer(attribute="total_minor")
    title = fields.String()
    description = fields.String()
    client = fields.Method("get_client")
    freelancer = fields.String(attribute="freelancer_id")
    milestones = fields.List(fields.Nested(MilestoneOut))
    fee_quote = fields.Method("get_quote")
    review_period_days = fields.Integer()
    processing_borne_by = fields.String()
    relationship = fields.String(attribute="relationship_note", allow_none=True)
    metadata = fields.Dict(attribute="metadata_")
    version = fields.Integer()
    text_version = fields.Integer()
    text_hash = fields.String(allow_none=True)
    opened_at = fields.AwareDateTime(attribute="viewed_at", allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    sent_at = fields.AwareDateTime(allow_none=True)
    offer_expires_at = fields.AwareDateTime(allow_none=True)
    accepted_at = fields.AwareDateTime(allow_none=True)
    fund_by = fields.AwareDateTime(allow_none=True)
    closed_at = fields.AwareDateTime(allow_none=True)
    allowed_actions = fields.Function(lambda c: capabilities("contract", c.state, FREELANCER))

    def get_client(self, contract: Any) -> dict[str, Any]:
        return {
            "id": contract.client_alias_id, "email": contract.client.email, "name": contract.client_name,
            "company": contract.client_company, "country": contract.client_country,
        }  # fmt: skip

    def get_quote(self, contract: Any) -> Any:
        """The frozen or offered quote; for a draft, what would be offered now."""
        return contract.quote if contract.quote is not None else getattr(contract, "present_quote", None)


class PayoutOut(Out):
    kind_name = "payout"
    id = fields.String()
    state = fields.String()
    amount = fields.Integer(attribute="amount_minor")
    currency = fields.String()
    freelancer = fields.String(attribute="freelancer_id")
    failure_code = fields.String(allow_none=True)
    waiting_for = fields.String(allow_none=True)
    requested_at = fields.AwareDateTime()
    sent_at = fields.AwareDateTime(allow_none=True)
    arrived_at = fields.AwareDateTime(allow_none=True)


class PayoutAccountOut(Out):
    kind_name = "payout_account"
    freelancer = fields.String(attribute="freelancer_id")
    state = fields.String()
    requirements = fields.List(fields.String())
    updated_at = fields.AwareDateTime()


class FreelancerOut(Out):
    kind_name = "freelancer"
    id = fields.String()
    external_ref = fields.String()
    email = fields.String()
    display_name = fields.String()
    country = fields.String()
    created_at = fields.AwareDateTime()


class KeyOut(Out):
    kind_name = "api_key"
    id = fields.String()
    role = fields.String()
    freelancer = fields.String(attribute="freelancer_id", allow_none=True)
    hint = fields.String()
    scopes = fields.List(fields.String())
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime(allow_none=True)
    revoked_at = fields.AwareDateTime(allow_none=True)
    last_used_at = fields.AwareDateTime(allow_none=True)


class SubmissionOut(Out):
    kind_name = "submission"
    id = fields.String()
    milestone = fields.String(attribute="milestone_id")
    round = fields.Integer()
    note = fields.String()
    note_hash = fields.String()
    submitted_at = fields.AwareDateTime()


class EventOut(Out):
    kind_name = "event"
    id = fields.String()
    type = fields.String()
    timestamp = fields.AwareDateTime(attribute="occurred_at")
    contract_id = fields.String(allow_none=True)
    sequence = fields.Integer(allow_none=True)
    actor = fields.String()
    data = fields.Method("get_data")
    metrics = fields.Function(lambda _: {"job_success": "excluded", "feedback": "excluded"})

    def get_data(self, event: Any) -> dict[str, Any]:
        return {"object": event.object_id, "from": event.from_state, "to": event.to_state, **event.data}


class EntryOut(Out):
    kind_name = "journal_entry"
    id = fields.String()
    position = fields.Integer()
    kind = fields.String()
    cause = fields.String()
    contract = fields.String(attribute="contract_id", allow_none=True)
    actor = fields.String()
    occurred_at = fields.AwareDateTime()
    posted_on = fields.Date()
    recorded_at = fields.AwareDateTime()
    effective_on = fields.Date()
    description = fields.String()


class ListOut(Schema):
    object = fields.String()
    data = fields.List(fields.Dict())
    has_more = fields.Boolean()
    next_cursor = fields.String(allow_none=True)


class ProblemOut(Schema):
    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    code = fields.String()
    request_id = fields.String()
    errors = fields.List(fields.Dict())


class AnyOut(Schema):
    """An object described in the text of the endpoint."""

    object = fields.String()
