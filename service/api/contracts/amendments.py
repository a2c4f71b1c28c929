"""Amendments of accepted contracts, and conversions to another kind."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response

from service.api.contracts.blueprints import disagreements as blueprint
from service.api.framework.calls import api_call
from service.api.schemas import responses, responses_disputes
from service.api.schemas.requests.common import Nothing, NothingBody
from service.api.schemas.requests.contracts import (
    AmendmentBody,
    AmendmentIn,
    ConversionBody,
    ConversionIn,
)
from service.core import repository
from service.core.context import Context
from service.models import Amendment, Contract
from service.operations.contracts import amendments, conversions
from service.operations.contracts.amendment_terms import AmendmentRequest

_amendment = responses_disputes.AmendmentOut()


@blueprint.route(
    "/contracts/<contract_id>/amendments", methods=["POST"], permission="contracts:write"
)
@blueprint.arguments(AmendmentIn)
@blueprint.response(201, responses_disputes.AmendmentOut)
def propose(body: AmendmentBody, contract_id: str) -> Response:
    """Propose other milestones for an accepted contract: the whole list as it shall be, existing
    ones by `id`. Binds once the client agrees.
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner, lock=True)
        milestones = [
            AmendmentRequest(m["id"], m["title"], m["amount"], m.get("due_on"))
            for m in body["milestones"]
        ]
        return call.answer(
            _amendment, amendments.propose(call.ctx, contract, milestones, body["note"]), 201
        )


@blueprint.route(
    "/contracts/<contract_id>/conversions", methods=["POST"], permission="contracts:write"
)
@blueprint.arguments(ConversionIn)
@blueprint.response(201, responses_disputes.AmendmentOut)
def convert(body: ConversionBody, contract_id: str) -> Response:
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


def _answer_amendment(name: str, verb: Callable[[Context, Contract, Amendment], None]) -> None:
    def view(body: NothingBody, contract_id: str, amendment_id: str) -> Response:
        with api_call() as call:
            contract = repository.contract(
                call.ctx.session, contract_id, owner=call.owner, lock=True
            )
            amendment = amendments.find(call.ctx.session, contract.id, amendment_id)
            verb(call.ctx, contract, amendment)
            return call.answer(_amendment, amendment)

    view.__doc__ = verb.__doc__
    blueprint.route(
        f"/contracts/<contract_id>/amendments/<amendment_id>/{name}",
        methods=["POST"],
        endpoint=f"amendment_{name}",
        permission="contracts:write",
    )(blueprint.arguments(Nothing)(blueprint.response(200, responses_disputes.AmendmentOut)(view)))


_answer_amendment("accept", amendments.accept)
_answer_amendment("reject", amendments.reject)
_answer_amendment("withdraw", amendments.withdraw)
