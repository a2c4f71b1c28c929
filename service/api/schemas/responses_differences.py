"""What comes in and goes out about differences with the processor."""

from __future__ import annotations

from marshmallow import Schema, fields

from service.api.platform.dump import ActorText
from service.api.schemas.fields import BIGGEST_AMOUNT, currency, line, prose, whole
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


class ExplanationIn(Schema):
    source = line(255, required=True)
    currency = currency(required=True)
    amount = whole(
        -BIGGEST_AMOUNT,
        BIGGEST_AMOUNT,
        strict=True,
        required=True,
        metadata={
            "description": "Theirs less ours, in minor units, as you saw it",
            "examples": [-150],
        },
    )
    reason = prose(1_000, required=True, least=10)


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
