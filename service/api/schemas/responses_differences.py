"""What goes out about differences with the processor."""

from __future__ import annotations

from marshmallow import fields

from service.api.platform.dump import ActorText
from service.api.schemas.responses import Out


class DifferenceOut(Out):
    kind_name = "difference"
    source = fields.String()
    currency = fields.String()
    result = fields.String()
    ours = fields.Integer(attribute="our_minor")
    theirs = fields.Integer(attribute="psp_minor")
    amount = fields.Integer(attribute="amount_minor")
    since = fields.AwareDateTime()


class ExplanationOut(Out):
    kind_name = "explanation"
    id = fields.String()
    source = fields.String()
    currency = fields.String()
    ours = fields.Integer(attribute="our_minor")
    theirs = fields.Integer(attribute="psp_minor")
    amount = fields.Integer(attribute="amount_minor")
    since = fields.AwareDateTime()
    reason = fields.String()
    asked_by = ActorText()
    asked_at = fields.AwareDateTime()
    outcome = fields.String(allow_none=True)
    decided_by = ActorText(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
