"""Contracts, for the freelancer and the platform: their terms, and the steps of their life."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from flask import Response

from service.api.contracts.blueprints import contracts as blueprint
from service.api.framework.calls import ApiCall, api_call, if_match
from service.api.framework.cursors import after_id
from service.api.schemas import responses
from service.api.schemas.requests.common import Nothing, NothingBody, ReasonBody, ReasonIn
from service.api.schemas.requests.contracts import (
    ContractBody,
    ContractEdit,
    ContractEditBody,
    ContractIn,
    ContractParameters,
    ContractQuery,
)
from service.core import repository
from service.core.context import Context
from service.domain.errors import Invalid
from service.domain.identity import actors
from service.domain.states.terms import ClientTerms, ContractTerms, MilestoneTerms
from service.models import Contract
from service.operations.contracts import contract_reads, contracts, drafts, offers
from service.policies.quotes import margin_of
from service.shared import agreement

_contract = responses.ContractOut()


def _terms(body: ContractEditBody) -> ContractTerms:
    return ContractTerms(
        client=ClientTerms(**body["client"]),
        title=body["title"],
        description=body["description"],
        currency=body["currency"],
        milestones=[
            MilestoneTerms(m["title"], m["amount"], m.get("due_on")) for m in body["milestones"]
        ],
        kind=body["kind"],
        relation=body["relationship"],
        fee_rate=body["fee_rate"],
        review_period_days=body["review_period_days"],
        processing_borne_by=body["processing_borne_by"],
        metadata=body["metadata"],
    )


def _may_make(call: ApiCall, body: ContractEditBody) -> None:
    """The kind says who may create it; a rate of its own is the marketplace's to give.

    Raises Invalid.
    """
    role = "platform" if call.owner is repository.EVERYONE else "freelancer"
    if role not in call.ctx.policies.kinds[body["kind"]].created_by:
        raise Invalid.one(
            "/kind", "platform_only", f"A {body['kind']} contract is created with a platform key."
        )
    if body["fee_rate"] is not None and role != "platform":
        raise Invalid.one(
            "/fee_rate",
            "platform_only",
            "The marketplace gives a contract its rate, with a platform key.",
        )


def _answer(call: ApiCall, contract: Contract | SimpleNamespace, status: int = 200) -> Response:
    """A contract, or what `contract_reads` gives for one; a draft's quote is what would be offered
    now.
    """
    quote = agreement.quote_of(call.ctx, contract)
    body = _contract.shown(contract) | {"fee_quote": quote}
    if call.owner is repository.EVERYONE:
        body["warnings"] = _warnings(margin_of(quote))
    return call.json(body, status, etag=f"v{contract.version}")


def _warnings(margin: int) -> list[dict[str, str | int]]:
    """What the platform should know before it agrees to this: it is told, not stopped."""
    if margin >= 0:
        return []
    words = (
        "The fee does not cover what the payment costs: the platform would pay for this contract."
    )
    return [{"code": "platform_pays", "margin": margin, "message": words}]


@blueprint.route("/contracts", methods=["POST"], permission="contracts:write")
@blueprint.arguments(ContractIn)
@blueprint.response(201, responses.ContractOut)
def create(body: ContractBody) -> Response:
    """Create a contract as a draft.

    Amounts are whole minor units of the contract's one currency. Platform keys name the
    `freelancer`.
    """
    with api_call() as call:
        freelancer_id = call.owner_or(body["freelancer"])
        if freelancer_id is repository.EVERYONE:
            raise Invalid.one(
                "/freelancer", "required", "A platform key says for whom the contract is."
            )
        _may_make(call, body)
        return _answer(
            call,
            drafts.create(
                call.ctx.as_(actors.freelancer(freelancer_id)), freelancer_id, _terms(body)
            ),
            201,
        )


@blueprint.route("/contracts", methods=["GET"], permission="contracts:read")
@blueprint.arguments(ContractQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find(query: ContractParameters) -> Response:
    """List contracts, newest first."""
    with api_call(reads=True) as call:
        page = contract_reads.find_many(
            call.ctx.session,
            owner=call.owner,
            state=query["state"],
            external=query["external_ref"],
            after=after_id(query["cursor"]),
            limit=query["limit"],
        )
        return call.page(_contract, page, query["limit"])


@blueprint.route("/contracts/<contract_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.ContractOut)
def read(contract_id: str) -> Response:
    """Read one contract with its milestones."""
    with api_call(reads=True) as call:
        return _answer(call, contract_reads.one(call.ctx.session, contract_id, owner=call.owner))


@blueprint.route("/contracts/<contract_id>", methods=["PATCH"], permission="contracts:write")
@blueprint.arguments(ContractEdit)
@blueprint.response(200, responses.ContractOut)
def edit(body: ContractEditBody, contract_id: str) -> Response:
    """Replace the terms of a draft; an offer that was sent gets a new version that the client is
    told of. `If-Match` carries the ETag.
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner, lock=True)
        version = if_match(contract)
        _may_make(call, body)
        return _answer(call, drafts.edit(call.ctx, contract, _terms(body), version))


def _step(
    name: str, step: Callable[[Context, Contract], object], *, allowed_while_blocked: bool = False
) -> None:
    """An endpoint for a step that asks nothing; `step` says what the endpoint does."""

    def view(body: NothingBody, contract_id: str) -> Response:
        with api_call() as call:
            contract = repository.contract(
                call.ctx.session, contract_id, owner=call.owner, lock=True
            )
            step(call.ctx, contract)
            return _answer(call, contract)

    view.__doc__ = step.__doc__
    blueprint.route(
        f"/contracts/<contract_id>/{name}",
        methods=["POST"],
        endpoint=name,
        permission="contracts:write",
        allowed_while_blocked=allowed_while_blocked,
    )(blueprint.arguments(Nothing)(blueprint.response(200, responses.ContractOut)(view)))


def _step_with_reason(
    name: str,
    step: Callable[[Context, Contract, str], object],
    *,
    allowed_while_blocked: bool = False,
) -> None:
    """As `_step`, for one that may say why."""

    def view(body: ReasonBody, contract_id: str) -> Response:
        with api_call() as call:
            contract = repository.contract(
                call.ctx.session, contract_id, owner=call.owner, lock=True
            )
            step(call.ctx, contract, body["reason"])
            return _answer(call, contract)

    view.__doc__ = step.__doc__
    blueprint.route(
        f"/contracts/<contract_id>/{name}",
        methods=["POST"],
        endpoint=name,
        permission="contracts:write",
        allowed_while_blocked=allowed_while_blocked,
    )(blueprint.arguments(ReasonIn)(blueprint.response(200, responses.ContractOut)(view)))


_step("send", offers.send)
_step("withdraw", offers.withdraw, allowed_while_blocked=True)
_step_with_reason("cancel", contracts.cancel, allowed_while_blocked=True)
_step("remind", offers.remind)
_step_with_reason("refuse-change", offers.refuse_change)


@blueprint.route(
    "/contracts/<contract_id>/end",
    methods=["POST"],
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(ReasonIn)
@blueprint.response(200, responses.ContractOut)
def end(body: ReasonBody, contract_id: str) -> Response:
    """End a contract that is under way: what is held and was not handed over goes back at once,
    what is not paid is cancelled.
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner, lock=True)
        contracts.end(call.ctx, contract, body["reason"])
        return _answer(call, contract)
