"""Milestones: work is handed over."""

from __future__ import annotations

from flask import Response

from service.api.contracts.blueprints import contracts as blueprint
from service.api.framework.calls import api_call
from service.api.schemas import responses
from service.api.schemas.requests.contracts import SubmissionBody, SubmissionIn
from service.core import repository
from service.operations.contracts import milestones

_submission = responses.SubmissionOut()


@blueprint.route(
    "/milestones/<milestone_id>/submissions", methods=["POST"], permission="contracts:write"
)
@blueprint.arguments(SubmissionIn)
@blueprint.response(201, responses.SubmissionOut)
def submit(body: SubmissionBody, milestone_id: str) -> Response:
    """Hand work over; the client's review window starts (`auto_release_at` on the milestone)."""
    with api_call() as call:
        contract, milestone = repository.milestone(call.ctx.session, milestone_id, owner=call.owner)
        return call.answer(
            _submission, milestones.submit(call.ctx, contract, milestone, body["note"]), 201
        )
