"""Differences with the processor: what differs, and the explanation that one person gives and
another approves.
"""

from __future__ import annotations

from flask import Response

from service.api.framework.calls import api_call
from service.api.framework.endpoints import Endpoints
from service.api.schemas import responses, responses_differences
from service.api.schemas.requests.common import Nothing, NothingBody
from service.api.schemas.requests.finance import ExplanationBody, ExplanationIn
from service.operations.finance import differences

blueprint = Endpoints(
    "differences",
    __name__,
    url_prefix="/v1/differences",
    description="Finance: the processor's rows beside the books",
)

_difference, _explanation = (
    responses_differences.DifferenceOut(),
    responses_differences.ExplanationOut(),
)


@blueprint.route("", methods=["GET"], permission="finance:read")
@blueprint.response(200, responses.ListOut)
def differing() -> Response:
    """What differs now, oldest first, at most 200. `amount` is the processor's less ours.

    Something younger than a day may still be on its way.
    """
    with api_call() as call:
        return call.page(_difference, differences.present(call.ctx.session), differences.MOST)


@blueprint.route("/explanations", methods=["GET"], permission="finance:read")
@blueprint.response(200, responses.ListOut)
def explanations() -> Response:
    """The newest 200 explanations, decided or not."""
    with api_call() as call:
        return call.page(_explanation, differences.explanations(call.ctx.session), differences.MOST)


@blueprint.route("/explanations", methods=["POST"], permission="finance:act")
@blueprint.arguments(ExplanationIn)
@blueprint.response(201, responses_differences.ExplanationOut)
def explain(body: ExplanationBody) -> Response:
    """Ask that the platform bears a difference, and say why; another person approves it.

    `amount` is what you saw: when the difference is another one by now, nothing is written.
    """
    with api_call() as call:
        explanation = differences.explain(
            call.staff, body["source"], body["currency"], body["amount"], body["reason"]
        )
        return call.answer(_explanation, explanation, 201)


@blueprint.route(
    "/explanations/<explanation_id>/approve", methods=["POST"], permission="finance:approve"
)
@blueprint.arguments(Nothing)
@blueprint.response(200, responses_differences.ExplanationOut)
def approve(body: NothingBody, explanation_id: str) -> Response:
    """Agree: the books say what the processor says, on the day of the difference, at the platform's
    cost or gain.
    """
    with api_call() as call:
        explanation = differences.find(call.ctx.session, explanation_id)
        differences.approve(call.staff, explanation)
        return call.answer(_explanation, explanation)


@blueprint.route(
    "/explanations/<explanation_id>/refuse", methods=["POST"], permission="finance:approve"
)
@blueprint.arguments(Nothing)
@blueprint.response(200, responses_differences.ExplanationOut)
def refuse(body: NothingBody, explanation_id: str) -> Response:
    """Not so; nothing is written in the books, and another explanation may be asked for."""
    with api_call() as call:
        explanation = differences.find(call.ctx.session, explanation_id)
        differences.refuse(call.staff, explanation)
        return call.answer(_explanation, explanation)
