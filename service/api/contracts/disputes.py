"""Amendments, refunds, disputes and their evidence, seen by the freelancer and the platform."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from service.api.framework.framework import ApiCall, Endpoints, api_call
from service.api.schemas import requests, responses, responses_disputes
from service.core import repository
from service.domain.errors import Invalid
from service.http import web
from service.models import Contract, Dispute
from service.operations.contracts import amendments, contract_reads, conversions
from service.operations.contracts.amendments import AmendmentRequest
from service.operations.disputes import (
    evidence,
    files,
    mediation,
    negotiation,
    opening,
    outcome,
    sides,
)
from service.operations.payments import refund_requests

blueprint = Endpoints(
    "disagreements",
    __name__,
    url_prefix="/v1",
    description="Amendments, refunds, disputes, chargebacks, files",
)

_amendment, _refund, _request, _file = (
    responses_disputes.AmendmentOut(),
    responses_disputes.RefundOut(),
    responses_disputes.RefundRequestOut(),
    responses_disputes.FileOut(),
)
_dispute, _chargeback, _evidence = (
    responses_disputes.DisputeOut(),
    responses_disputes.ChargebackOut(),
    responses_disputes.EvidenceOut(),
)
_SIDE = "freelancer"


@blueprint.route(
    "/contracts/<contract_id>/amendments", methods=["POST"], permission="contracts:write"
)
@blueprint.arguments(requests.AmendmentIn)
@blueprint.response(201, responses_disputes.AmendmentOut)
def propose(body: dict[str, Any], contract_id: str) -> Response:
    """Propose other milestones for an accepted contract: the whole list as it shall be, existing
    ones by `id`. Binds once the client agrees.
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner, lock=True)
        wanted = [
            AmendmentRequest(m["id"], m["title"], m["amount"], m.get("due_on"))
            for m in body["milestones"]
        ]
        return call.answer(
            _amendment, amendments.propose(call.ctx, contract, wanted, body["note"]), 201
        )


@blueprint.route(
    "/contracts/<contract_id>/conversions", methods=["POST"], permission="contracts:write"
)
@blueprint.arguments(requests.ConversionIn)
@blueprint.response(201, responses_disputes.AmendmentOut)
def convert(body: dict[str, Any], contract_id: str) -> Response:
    """Propose that what is not paid yet goes on in a new contract of another kind.

    The old fee and the old exclusion stay.
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner, lock=True)
        return call.answer(
            _amendment, conversions.propose(call.ctx, contract, body["kind"], body["note"]), 201
        )


@blueprint.route(
    "/contracts/<contract_id>/amendments", methods=["GET"], permission="contracts:read"
)
@blueprint.response(200, responses.ListOut)
def find_amendments(contract_id: str) -> Response:
    """All amendments of a contract, newest first."""
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner)
        return call.page(_amendment, amendments.of_contract(call.ctx.session, contract.id), 100)


def _answer_amendment(name: str, verb: Any) -> None:
    def view(body: dict[str, Any], contract_id: str, amendment_id: str) -> Response:
        with api_call() as call:
            contract = repository.contract(
                call.ctx.session, contract_id, owner=call.owner, lock=True
            )
            found = amendments.find(call.ctx.session, contract.id, amendment_id)
            verb(call.ctx, contract, found)
            return call.answer(_amendment, found)

    view.__doc__ = verb.__doc__
    blueprint.route(
        f"/contracts/<contract_id>/amendments/<amendment_id>/{name}",
        methods=["POST"],
        endpoint=f"amendment_{name}",
        permission="contracts:write",
    )(
        blueprint.arguments(requests.Nothing)(
            blueprint.response(200, responses_disputes.AmendmentOut)(view)
        )
    )


for _name, _act in {
    "accept": amendments.accept,
    "reject": amendments.reject,
    "withdraw": amendments.withdraw,
}.items():
    _answer_amendment(_name, _act)


@blueprint.route(
    "/milestones/<milestone_id>/refunds",
    methods=["POST"],
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(requests.RefundIn)
@blueprint.response(201, responses_disputes.RefundOut)
def give_back(body: dict[str, Any], milestone_id: str) -> Response:
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


def _answer_request(name: str, schema: Any) -> None:
    def view(body: dict[str, Any], request_id: str) -> Response:
        with api_call() as call:
            contract, _ = repository.refund_request(call.ctx.session, request_id, owner=call.owner)
            repository.freelancer(call.ctx.session, contract.freelancer_id, lock=True)
            contract, found = repository.refund_request(
                call.ctx.session, request_id, owner=call.owner, lock=True
            )
            if name == "agree":
                refund_requests.agree(call.ctx, contract, found)
            else:
                refund_requests.refuse(call.ctx, contract, found, body["reason"])
            return call.answer(_request, found)

    view.__doc__ = (
        "Agree to give back what the client asks for."
        if name == "agree"
        else "Refuse; the money stays, and the client may open a dispute."
    )
    blueprint.route(
        f"/refund-requests/<request_id>/{name}",
        methods=["POST"],
        endpoint=f"refund_request_{name}",
        permission="contracts:write",
        allowed_while_blocked=True,
    )(
        blueprint.arguments(schema)(
            blueprint.response(200, responses_disputes.RefundRequestOut)(view)
        )
    )


_answer_request("agree", requests.Nothing)
_answer_request("refuse", requests.ReasonIn)


@blueprint.route("/refund-requests/<request_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses_disputes.RefundRequestOut)
def read_request(request_id: str) -> Response:
    """Read one request of the client for a refund: until when to answer, and what silence means."""
    with api_call() as call:
        return call.answer(
            _request, repository.refund_request(call.ctx.session, request_id, owner=call.owner)[1]
        )


@blueprint.route(
    "/disputes", methods=["POST"], permission="disputes:write", allowed_while_blocked=True
)
@blueprint.arguments(requests.DisputeIn)
@blueprint.response(201, responses_disputes.DisputeOut)
def open_dispute(body: dict[str, Any]) -> Response:
    """Dispute held money of a milestone: exactly `amount` is locked; `refund` of it would go to the
    client by your claim.
    """
    with api_call() as call:
        contract, milestone = repository.milestone(
            call.ctx.session, body["milestone"], owner=call.owner
        )
        opened = opening.start(
            call.ctx, contract, milestone, _SIDE, body["amount"], body["refund"], body["claim"]
        )
        return _shown(call, opened, 201)


def _shown(call: ApiCall, dispute: Dispute, status: int = 200) -> Response:
    call.ctx.session.flush()
    dispute.shown_evidence = evidence.evidence_of(call.ctx.session, dispute)  # type: ignore[attr-defined]
    return call.answer(_dispute, dispute, status)


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
        found = sides.of_contract(call.ctx.session, contract.id)
        for one in found:
            one.shown_evidence = []  # type: ignore[attr-defined]
        return call.page(_dispute, found, 100)


def _dispute_act(name: str, schema: Any, verb: Any, doc: str, endpoint: str) -> None:
    def view(body: dict[str, Any], dispute_id: str, **names: str) -> Response:
        with api_call() as call:
            contract, found = repository.dispute(
                call.ctx.session, dispute_id, owner=call.owner, lock=True
            )
            verb(call, contract, found, body | names)
            return _shown(call, found)

    view.__doc__ = doc
    blueprint.route(
        f"/disputes/<dispute_id>/{name}",
        methods=["POST"],
        endpoint=endpoint,
        permission="disputes:write",
        allowed_while_blocked=True,
    )(blueprint.arguments(schema)(blueprint.response(200, responses_disputes.DisputeOut)(view)))


def _offer(call: ApiCall, contract: Contract, dispute: Dispute, body: dict[str, Any]) -> None:
    negotiation.offer(
        call.ctx, contract, dispute, _SIDE, body["refund"], body["reasons"], blind=body["blind"]
    )


def _evidence_of(call: ApiCall, contract: Contract, dispute: Dispute, body: dict[str, Any]) -> None:
    file = files.find(call.ctx.session, contract, body["file"]) if body["file"] else None
    evidence.show(call.ctx, contract, dispute, _SIDE, body["words"], file)


for _path, _schema, _act, _doc, _endpoint in (
    (
        "accept",
        requests.Nothing,
        lambda m, c, d, _: negotiation.accept_claim(m.ctx, c, d, _SIDE),
        "Agree to the client's claim.",
        "dispute_accept",
    ),
    (
        "answer",
        requests.DisputeAnswerIn,
        lambda m, c, d, b: negotiation.answer(m.ctx, c, d, _SIDE, b["words"], b["refund"]),
        "Answer a claim with your account and a number.",
        "dispute_answer",
    ),
    (
        "proposals",
        requests.OfferIn,
        _offer,
        "Offer a number, open or blind; two that meet or cross settle the dispute in the middle.",
        "dispute_offer",
    ),
    (
        "proposals/<offer_id>/accept",
        requests.Nothing,
        lambda m, c, d, b: negotiation.agree_to(m.ctx, c, d, b["offer_id"], _SIDE),
        "Agree to an offer of the client, or to the mediator's proposal.",
        "dispute_agree",
    ),
    (
        "reject",
        requests.Nothing,
        lambda m, c, d, _: negotiation.reject_proposal(m.ctx, c, d, _SIDE),
        "Reject the mediator's proposal; a second person decides.",
        "dispute_reject",
    ),
    (
        "mediation",
        requests.Nothing,
        lambda m, c, d, _: mediation.ask_mediation(m.ctx, c, d),
        "Ask for a mediator.",
        "dispute_mediation",
    ),
    (
        "withdraw",
        requests.Nothing,
        lambda m, c, d, _: outcome.withdraw(m.ctx, c, d, _SIDE),
        "Take your claim back.",
        "dispute_withdraw",
    ),
    (
        "evidence",
        requests.EvidenceIn,
        _evidence_of,
        "Show evidence: words, a file of the contract, or both. It can never be changed.",
        "dispute_evidence",
    ),
):
    _dispute_act(_path, _schema, _act, _doc, _endpoint)


@blueprint.route(
    "/contracts/<contract_id>/files",
    methods=["POST"],
    permission="disputes:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(requests.FileIn, location="files")
@blueprint.response(201, responses_disputes.FileOut)
def upload(body: dict[str, Any], contract_id: str) -> Response:
    """Upload a file (multipart field `file`, at most 20 MiB): PDF, pictures, plain text, ZIP.

    Its type is read from its bytes.
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner, lock=True)
        sent = request.files["file"]
        if sent.filename is None:
            raise Invalid.one("/file", "required", "Send a file.")
        return call.answer(_file, files.store(call.ctx, contract, sent.filename, sent.read()), 201)


@blueprint.route(
    "/contracts/<contract_id>/files/<file_id>", methods=["GET"], permission="contracts:read"
)
@blueprint.response(200, content_type="application/octet-stream")
def download(contract_id: str, file_id: str) -> Response:
    """A file as it was uploaded, as an attachment."""
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner)
        found = files.find(call.ctx.session, contract, file_id)
        return web.attachment(
            found.name, found.media_type, files.content_of(call.ctx.session, found)
        )


@blueprint.route(
    "/contracts/<contract_id>/chargebacks", methods=["GET"], permission="contracts:read"
)
@blueprint.response(200, responses.ListOut)
def find_chargebacks(contract_id: str) -> Response:
    """Chargebacks of a contract: what is locked, until when evidence is due, how they ended."""
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner)
        return call.page(
            _chargeback, contract_reads.chargebacks_of(call.ctx.session, contract.id), 100
        )
