"""Chargebacks, read by the freelancer and the platform."""

from __future__ import annotations

from flask import Response

from service.api.contracts.blueprints import disagreements as blueprint
from service.api.framework.calls import api_call
from service.api.schemas import responses, responses_disputes
from service.core import repository
from service.operations.contracts import contract_reads

_chargeback = responses_disputes.ChargebackOut()


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
