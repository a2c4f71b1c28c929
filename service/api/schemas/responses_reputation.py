"""What goes out about outcomes, feedback and pre-checks."""

from __future__ import annotations

from marshmallow import fields

from service.api.schemas.responses import Out
from service.domain.identity import typeid


class OutcomeOut(Out):
    kind_name = "outcome"
    position = fields.Integer()
    contract = fields.Function(lambda o: typeid.encode("ctr", o.row.id))
    external_ref = fields.String(attribute="row.external_ref", allow_none=True)
    freelancer = fields.Function(lambda o: typeid.encode("frl", o.row.freelancer_id))
    client = fields.Function(lambda o: typeid.encode("cli", o.row.client_alias_id))
    kind = fields.String(attribute="row.kind")
    state = fields.String(attribute="row.state")
    currency = fields.String(attribute="row.currency")
    accepted_at = fields.AwareDateTime(attribute="row.accepted_at", allow_none=True)
    closed_at = fields.AwareDateTime(attribute="row.closed_at")
    paid = fields.Integer(attribute="row.paid_minor")
    released = fields.Integer(attribute="row.released_minor")
    refunded = fields.Integer(attribute="row.refunded_minor")
    refunded_after_release = fields.Integer(attribute="row.refunded_after_release_minor")
    charged_back = fields.Integer(attribute="row.charged_back_minor")
    confiscated = fields.Integer(attribute="row.confiscated_minor")
    disputes = fields.Integer(attribute="row.disputes")
    rating = fields.Integer(attribute="row.rating", allow_none=True)
    result = fields.String()
    result_why = fields.String()
    included = fields.Boolean()
    why = fields.String()

    def shown(self, row: object) -> dict[str, object]:
        """Through the library itself: these attributes are a level deeper than the compiled steps
        read.
        """
        return {"object": self.kind_name, **super(Out, self).dump(row)}


class FeedbackOut(Out):
    kind_name = "feedback"
    contract = fields.String(attribute="contract_id")
    freelancer = fields.String(attribute="freelancer_id")
    rating = fields.Integer()
    words = fields.String()
    given_at = fields.AwareDateTime()


class PreCheckOut(Out):
    kind_name = "pre_check"
    id = fields.String()
    freelancer = fields.String(attribute="freelancer_id")
    client_email = fields.String()
    relationship = fields.String(attribute="relation")
    kind = fields.String()
    allowed = fields.Boolean()
    findings = fields.List(fields.Dict())
    policy_version = fields.String()
    asked_at = fields.AwareDateTime()
