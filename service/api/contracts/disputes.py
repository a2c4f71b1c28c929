"""Disputes and their evidence, seen by the freelancer and the platform."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Response

from service.api.contracts.blueprints import disagreements as blueprint
from service.api.framework.calls import ApiCall, api_call
from service.api.schemas import responses, responses_disputes
from service.api.schemas.request_schema import RequestSchema
from service.api.schemas.requests.common import Nothing, NothingBody
from service.api.schemas.requests.disputes import (
    DisputeAnswerBody,
    DisputeAnswerIn,
    DisputeBody,
    DisputeIn,
    EvidenceBody,
    EvidenceIn,
    OfferBody,
    OfferIn,
)
from service.api.schemas.responses_disputes import DisputeWithEvidence
from service.core import repository
from service.models import Contract, Dispute
from service.operations.disputes import (
    evidence,
    files,
    mediation,
    negotiation,
    outcome,
    sides,
)
from service.workflows import dispute_opened

Parsed = TypeVar("Parsed")
_dispute = responses_disputes.DisputeOut()
_SIDE = "freelancer"


@blueprint.route(
    "/disputes", methods=["POST"], permission="disputes:write", allowed_while_blocked=True
)
@blueprint.arguments(DisputeIn)
@blueprint.response(201, responses_disputes.DisputeOut)
def open_dispute(body: DisputeBody) -> Response:
    """Dispute held money of a milestone: exactly `amount` is locked; `refund` of it would go to the
    client by your claim.
    """
    with api_call() as call:
        contract, milestone = repository.milestone(
            call.ctx.session, body["milestone"], owner=call.owner
        )
        dispute = dispute_opened.open_dispute(
            call.ctx, contract, milestone, _SIDE, body["amount"], body["refund"], body["claim"]
        )
        return _shown(call, dispute, 201)


def _shown(call: ApiCall, dispute: Dispute, status: int = 200) -> Response:
    call.ctx.session.flush()
    shown_evidence = evidence.evidence_of(call.ctx.session, dispute)
    return call.answer(_dispute, DisputeWithEvidence(dispute, shown_evidence), status)


@blueprint.route("/disputes/<dispute_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses_disputes.DisputeOut)
def read_dispute(dispute_id: str) -> Response:
    """Read one dispute with its offers (the other side's blind ones left out) and evidence."""
    with api_call() as call:
        return _shown(call, repository.dispute(call.ctx.session, dispute_id, owner=call.owner)[1])


@blueprint.route("/contracts/<contract_id>/disputes", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.ListOut)
def find_disputes(contract_id: str) -> Response:
    """All disputes of a contract, newest first."""
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner)
        page = [
            DisputeWithEvidence(dispute, [])
            for dispute in sides.of_contract(call.ctx.session, contract.id)
        ]
        return call.page(_dispute, page, 100)


def _step(
    name: str,
    schema: type[RequestSchema[Parsed]],
    step: Callable[[ApiCall, Contract, Dispute, Parsed], object],
    doc: str,
    endpoint: str,
) -> None:
    """An endpoint for a step of a dispute; `doc` says what it does."""

    def view(body: Parsed, dispute_id: str) -> Response:
        with api_call() as call:
            contract, dispute = repository.dispute(
                call.ctx.session, dispute_id, owner=call.owner, lock=True
            )
            step(call, contract, dispute, body)
            return _shown(call, dispute)

    view.__doc__ = doc
    blueprint.route(
        f"/disputes/<dispute_id>/{name}",
        methods=["POST"],
        endpoint=endpoint,
        permission="disputes:write",
        allowed_while_blocked=True,
    )(blueprint.arguments(schema)(blueprint.response(200, responses_disputes.DisputeOut)(view)))


@blueprint.route(
    "/disputes/<dispute_id>/proposals/<offer_id>/accept",
    methods=["POST"],
    endpoint="dispute_agree",
    permission="disputes:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(Nothing)
@blueprint.response(200, responses_disputes.DisputeOut)
def accept_offer(body: NothingBody, dispute_id: str, offer_id: str) -> Response:
    """Agree to an offer of the client, or to the mediator's proposal."""
    with api_call() as call:
        contract, dispute = repository.dispute(
            call.ctx.session, dispute_id, owner=call.owner, lock=True
        )
        negotiation.agree_to(call.ctx, contract, dispute, offer_id, _SIDE)
        return _shown(call, dispute)


def _answer(call: ApiCall, contract: Contract, dispute: Dispute, body: DisputeAnswerBody) -> None:
    negotiation.answer(call.ctx, contract, dispute, _SIDE, body["words"], body["refund"])


def _offer(call: ApiCall, contract: Contract, dispute: Dispute, body: OfferBody) -> None:
    negotiation.offer(
        call.ctx, contract, dispute, _SIDE, body["refund"], body["reasons"], blind=body["blind"]
    )


def _show_evidence(call: ApiCall, contract: Contract, dispute: Dispute, body: EvidenceBody) -> None:
    file = files.find(call.ctx.session, contract, body["file"]) if body["file"] else None
    evidence.show(call.ctx, contract, dispute, _SIDE, body["words"], file)


_step(
    "accept",
    Nothing,
    lambda call, contract, dispute, _: negotiation.accept_claim(call.ctx, contract, dispute, _SIDE),
    "Agree to the client's claim.",
    "dispute_accept",
)
_step(
    "answer",
    DisputeAnswerIn,
    _answer,
    "Answer a claim with your account and a number.",
    "dispute_answer",
)
_step(
    "proposals",
    OfferIn,
    _offer,
    "Offer a number, open or blind; two that meet or cross settle the dispute in the middle.",
    "dispute_offer",
)
_step(
    "reject",
    Nothing,
    lambda call, contract, dispute, _: negotiation.reject_proposal(
        call.ctx, contract, dispute, _SIDE
    ),
    "Reject the mediator's proposal; a second person decides.",
    "dispute_reject",
)
_step(
    "mediation",
    Nothing,
    lambda call, contract, dispute, _: mediation.ask_mediation(call.ctx, contract, dispute),
    "Ask for a mediator.",
    "dispute_mediation",
)
_step(
    "withdraw",
    Nothing,
    lambda call, contract, dispute, _: outcome.withdraw(call.ctx, contract, dispute, _SIDE),
    "Take your claim back.",
    "dispute_withdraw",
)
_step(
    "evidence",
    EvidenceIn,
    _show_evidence,
    "Show evidence: words, a file of the contract, or both. It can never be changed.",
    "dispute_evidence",
)
