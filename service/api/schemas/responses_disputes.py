"""What goes out about changes and disagreements: amendments, refunds, disputes, chargebacks, files;
the platform's float.
"""

from __future__ import annotations

from collections.abc import Sequence

from marshmallow import Schema, fields

from service.api.platform.dump import ActorText, PartyText
from service.api.schemas.responses import Out
from service.domain.states.capabilities import capabilities
from service.domain.states.lifecycle import FREELANCER
from service.models import Dispute, DisputeEvidence


class AmendmentOut(Out):
    kind_name = "amendment"
    id = fields.String()
    contract = fields.String(attribute="contract_id")
    state = fields.String()
    proposed_by = fields.String()
    base_text_version = fields.Integer()
    note = fields.String()
    milestones = fields.List(fields.Dict())
    differences = fields.List(fields.Dict())
    converts_to = fields.String(allow_none=True)
    proposed_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime()
    answered_at = fields.AwareDateTime(allow_none=True)


class RefundOut(Out):
    kind_name = "refund"
    id = fields.String()
    state = fields.String()
    payment = fields.String(attribute="payment_id")
    milestone = fields.String(attribute="milestone_id", allow_none=True)
    source = fields.String()
    attempt = fields.Integer()
    amount = fields.Integer(attribute="amount_minor")
    from_freelancer = fields.Integer(attribute="from_freelancer_minor")
    currency = fields.String()
    reason = fields.String()
    failure_reason = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()


class RefundRequestOut(Out):
    kind_name = "refund_request"
    id = fields.String()
    contract = fields.String(attribute="contract_id")
    milestone = fields.String(attribute="milestone_id")
    state = fields.String()
    amount = fields.Integer(attribute="amount_minor")
    reason = fields.String()
    after_release = fields.Boolean()
    silence_means = fields.String()
    asked_at = fields.AwareDateTime()
    answer_by = fields.AwareDateTime()
    answered_at = fields.AwareDateTime(allow_none=True)
    allowed_actions = fields.Function(lambda r: capabilities("refund_request", r.state, FREELANCER))


class FileOut(Out):
    kind_name = "file"
    id = fields.String()
    name = fields.String()
    media_type = fields.String()
    bytes = fields.Integer(attribute="byte_count")
    sha256 = fields.String()
    uploaded_by = PartyText()
    uploaded_at = fields.AwareDateTime()


class EvidenceOut(Out):
    kind_name = "evidence"
    id = fields.String()
    shown_by = fields.String()
    words = fields.String()
    file = fields.String(attribute="file_id", allow_none=True)
    sha256 = fields.String()
    shown_at = fields.AwareDateTime()


class OfferOut(Out):
    kind_name = "dispute_offer"
    id = fields.String()
    made_by = fields.String()
    refund = fields.Function(
        lambda o: None if o.blind and o.made_by != FREELANCER else o.refund_minor
    )
    blind = fields.Boolean()
    reasons = fields.Function(lambda o: "" if o.blind and o.made_by != FREELANCER else o.reasons)
    made_at = fields.AwareDateTime()
    freelancer_agreed_at = fields.AwareDateTime(allow_none=True)
    client_agreed_at = fields.AwareDateTime(allow_none=True)


class DisputeWithEvidence:
    """A dispute, with the evidence that is shown beside it."""

    def __init__(self, dispute: Dispute, shown_evidence: Sequence[DisputeEvidence]) -> None:
        self.dispute = dispute
        self.shown_evidence = shown_evidence

    def __getattr__(self, name: str) -> object:
        return getattr(self.dispute, name)


class DisputeOut(Out):
    """Of a `DisputeWithEvidence`."""

    kind_name = "dispute"
    id = fields.String()
    contract = fields.String(attribute="contract_id")
    milestone = fields.String(attribute="milestone_id")
    state = fields.String()
    opened_by = fields.String()
    amount = fields.Integer(attribute="amount_minor")
    claimed_refund = fields.Integer(attribute="claimed_refund_minor")
    claim = fields.String()
    answer = fields.String(allow_none=True)
    answered_refund = fields.Integer(attribute="answered_refund_minor", allow_none=True)
    refund = fields.Integer(attribute="refund_minor", allow_none=True)
    reasons = fields.String(allow_none=True)
    offers = fields.List(fields.Nested(OfferOut))
    evidence = fields.List(fields.Nested(EvidenceOut), attribute="shown_evidence")
    opened_at = fields.AwareDateTime()
    deadline_at = fields.AwareDateTime(allow_none=True)
    hard_stop_at = fields.AwareDateTime()
    closed_at = fields.AwareDateTime(allow_none=True)
    allowed_actions = fields.Function(lambda d: capabilities("dispute", d.state, FREELANCER))


class ChargebackLineOut(Schema):
    place = fields.String()
    milestone = fields.String(attribute="milestone_id", allow_none=True)
    amount = fields.Integer(attribute="amount_minor")


class ChargebackOut(Out):
    kind_name = "chargeback"
    id = fields.String()
    contract = fields.String(attribute="contract_id")
    payment = fields.String(attribute="payment_id")
    state = fields.String()
    reason = fields.String()
    amount = fields.Integer(attribute="amount_minor")
    currency = fields.String()
    fee = fields.Integer(attribute="fee_minor")
    protected = fields.Boolean(allow_none=True)
    lines = fields.List(fields.Nested(ChargebackLineOut))
    evidence_file = fields.String(attribute="pack_file_id", allow_none=True)
    evidence_due_at = fields.AwareDateTime(allow_none=True)
    submit_by = fields.AwareDateTime(allow_none=True)
    submitted_at = fields.AwareDateTime(allow_none=True)
    opened_at = fields.AwareDateTime()
    closed_at = fields.AwareDateTime(allow_none=True)


class FloatMovementOut(Out):
    kind_name = "float_movement"
    id = fields.String()
    currency = fields.String()
    amount = fields.Integer(attribute="amount_minor")
    direction = fields.String()
    reference = fields.String()
    asked_by = ActorText()
    approved_by = ActorText(allow_none=True)
    asked_at = fields.AwareDateTime()
    approved_at = fields.AwareDateTime(allow_none=True)
