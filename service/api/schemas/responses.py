"""What goes out. Answers name their kind and leave nothing out: what is not known is null."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from types import SimpleNamespace
from typing import Protocol
from uuid import UUID

from marshmallow import Schema, fields

from service.api.platform.dump import ActorText, Step, compiled
from service.domain.identity import typeid
from service.domain.states.capabilities import capabilities
from service.domain.states.lifecycle import FREELANCER
from service.http import web
from service.models import Contract


class Out(Schema):
    """Answers name their kind, and leave nothing out: what is not known is null."""

    kind_name = ""

    def shown(self, row: object) -> dict[str, object]:
        """As the library's `dump`, several times faster; see `service.api.platform.dump`."""
        shown: dict[str, object] = (
            {"id": None, "object": self.kind_name}
            if "id" in self.dump_fields
            else {"object": self.kind_name}
        )
        for key, step in self._steps:
            shown[key] = step(row)
        return shown

    def all_shown(self, rows: Iterable[object]) -> list[dict[str, object]]:
        return [self.shown(row) for row in rows]

    def dump(self, obj: object, *, many: bool | None = None) -> object:
        """`shown`, by the name that a nested field of the library calls."""
        return self.all_shown(obj) if many and isinstance(obj, Iterable) else self.shown(obj)

    @cached_property
    def _steps(self) -> list[Step]:
        return compiled(self)


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
    refunding = fields.Integer(attribute="refunding_minor")
    refunded_after_release = fields.Integer(attribute="refunded_after_release_minor")
    disputed = fields.Integer(attribute="disputed_minor")
    charged_back = fields.Integer(attribute="charged_back_minor")
    confiscated = fields.Integer(attribute="confiscated_minor")
    fee_taken = fields.Integer(attribute="fee_taken_minor")
    due_on = fields.Date(allow_none=True)
    round = fields.Integer()
    auto_release_at = fields.AwareDateTime(allow_none=True)
    hold_limit_at = fields.AwareDateTime(allow_none=True)
    allowed_actions = fields.Function(lambda m: capabilities("milestone", m.state, FREELANCER))


class ContractOut(Out):
    """In lists `fee_quote` is null for a draft, and there are no warnings: one contract that is
    read has both.
    """

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
    fee_quote = fields.Function(lambda c: c.quote)
    review_period_days = fields.Integer()
    processing_borne_by = fields.String()
    relationship = fields.String(attribute="relation", allow_none=True)
    fee_rate = fields.String(allow_none=True)
    converted_from = fields.String(allow_none=True)
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
    warnings = fields.Function(lambda _: [])

    def get_client(self, contract: Contract | SimpleNamespace) -> dict[str, object]:
        return {
            "id": contract.client_alias_id,
            "email": contract.client.email,
            "name": contract.client_name,
            "company": contract.client_company,
            "country": contract.client_country,
        }


class PayoutOut(Out):
    kind_name = "payout"
    id = fields.String()
    state = fields.String()
    amount = fields.Integer(attribute="amount_minor")
    currency = fields.String()
    freelancer = fields.String(attribute="freelancer_id")
    failure_code = fields.String(allow_none=True)
    waiting_for = fields.String(allow_none=True)
    asked_by = fields.String()
    requested_at = fields.AwareDateTime()
    sent_at = fields.AwareDateTime(allow_none=True)
    arrived_at = fields.AwareDateTime(allow_none=True)


class PayoutAccountOut(Out):
    kind_name = "payout_account"
    freelancer = fields.String(attribute="freelancer_id")
    state = fields.String()
    schedule = fields.String()
    bank_changed_at = fields.AwareDateTime(allow_none=True)
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
    staff = fields.String(attribute="staff_id", allow_none=True)
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
    data = fields.Dict()
    metrics = fields.Function(lambda e: web.runtime().policies.metrics_of(e.contract_kind))


class _Margin(Protocol):
    """A row of the margins report as it is read."""

    @property
    def id(self) -> UUID: ...

    def _asdict(self) -> dict[str, object]: ...


class MarginRow:
    """A row of the margins report with its contract's id as people see it."""

    def __init__(self, row: _Margin) -> None:
        self.__dict__ = row._asdict() | {"id": typeid.encode("ctr", row.id)}


class MarginOut(Out):
    kind_name = "margin"
    id = fields.String(metadata={"description": "The contract"})
    currency = fields.String()
    fees = fields.Integer(attribute="fees_minor")
    processing_recovered = fields.Integer(attribute="recovered_minor")
    processing_cost = fields.Integer(attribute="processing_minor")
    dispute_fees = fields.Integer(attribute="dispute_fees_minor")
    losses = fields.Integer(attribute="losses_minor")
    margin = fields.Integer(attribute="margin_minor")


class EntryOut(Out):
    kind_name = "journal_entry"
    id = fields.String()
    position = fields.Integer()
    kind = fields.String()
    cause = fields.String()
    contract = fields.String(attribute="contract_id", allow_none=True)
    actor = ActorText()
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


class AnyOut(Schema):
    """An object described in the text of the endpoint."""

    object = fields.String()
