"""Refunds: given by the freelancer, or asked for by the client and answered."""

from __future__ import annotations

from flask import Response

from service.api.contracts.blueprints import disagreements as blueprint
from service.api.framework.calls import ApiCall, api_call
from service.api.schemas import responses_disputes
from service.api.schemas.requests.common import Nothing, NothingBody, ReasonBody, ReasonIn
from service.api.schemas.requests.disputes import RefundBody, RefundIn
from service.core import repository
from service.models import Contract, RefundRequest
from service.operations.payments import refund_requests

_refund, _request = responses_disputes.RefundOut(), responses_disputes.RefundRequestOut()


@blueprint.route(
    "/milestones/<milestone_id>/refunds",
    methods=["POST"],
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(RefundIn)
@blueprint.response(201, responses_disputes.RefundOut)
def give_back(body: RefundBody, milestone_id: str) -> Response:
    """Give money back: what is held, or after the release what the client paid (the platform
    returns its fee on it).
    """
    with api_call() as call:
        # The freelancer before the contract: their balance may pay for it.
        contract, _ = repository.milestone(
            call.ctx.session, milestone_id, owner=call.owner, lock=False
        )
        repository.freelancer(call.ctx.session, contract.freelancer_id, lock=True)
        contract, milestone = repository.milestone(call.ctx.session, milestone_id, owner=call.owner)
        return call.answer(
            _refund,
            refund_requests.give(call.ctx, contract, milestone, body["amount"], body["reason"]),
            201,
        )


def _locked_request(call: ApiCall, request_id: str) -> tuple[Contract, RefundRequest]:
    """The request, behind its freelancer in the order of locks: their balance may pay for it."""
    contract, _ = repository.refund_request(call.ctx.session, request_id, owner=call.owner)
    repository.freelancer(call.ctx.session, contract.freelancer_id, lock=True)
    return repository.refund_request(call.ctx.session, request_id, owner=call.owner, lock=True)


@blueprint.route(
    "/refund-requests/<request_id>/agree",
    methods=["POST"],
    endpoint="refund_request_agree",
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(Nothing)
@blueprint.response(200, responses_disputes.RefundRequestOut)
def agree(body: NothingBody, request_id: str) -> Response:
    """Agree to give back what the client asks for."""
    with api_call() as call:
        contract, refund_request = _locked_request(call, request_id)
        refund_requests.agree(call.ctx, contract, refund_request)
        return call.answer(_request, refund_request)


@blueprint.route(
    "/refund-requests/<request_id>/refuse",
    methods=["POST"],
    endpoint="refund_request_refuse",
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(ReasonIn)
@blueprint.response(200, responses_disputes.RefundRequestOut)
def refuse(body: ReasonBody, request_id: str) -> Response:
    """Refuse; the money stays, and the client may open a dispute."""
    with api_call() as call:
        contract, refund_request = _locked_request(call, request_id)
        refund_requests.refuse(call.ctx, contract, refund_request, body["reason"])
        return call.answer(_request, refund_request)


@blueprint.route("/refund-requests/<request_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses_disputes.RefundRequestOut)
def read_request(request_id: str) -> Response:
    """Read one request of the client for a refund: until when to answer, and what silence means."""
    with api_call() as call:
        return call.answer(
            _request, repository.refund_request(call.ctx.session, request_id, owner=call.owner)[1]
        )
