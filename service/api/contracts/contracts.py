"""Contracts and their milestones, for the freelancer and the platform."""

from __future__ import annotations

from typing import Any

from flask import Response

from service.api.framework.framework import ApiCall, Endpoints, after, api_call, if_match
from service.api.schemas import requests, responses
from service.core import repository
from service.domain.errors import Invalid
from service.domain.identity import actors
from service.domain.states.terms import ClientTerms, ContractTerms, MilestoneTerms
from service.operations.client_access import access
from service.operations.contracts import contract_reads, contracts, deadlines, milestones, offers
from service.operations.payments import balances
from service.operations.people import event_reads
from service.policies.quotes import Quote, margin_of
from service.shared import agreement

blueprint = Endpoints(
    "contracts", __name__, url_prefix="/v1", description="Contracts and milestones"
)

_contract, _submission, _event = (
    responses.ContractOut(),
    responses.SubmissionOut(),
    responses.EventOut(),
)


def _terms(body: dict[str, Any]) -> ContractTerms:
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


def _may_make(call: ApiCall, body: dict[str, Any]) -> None:
    """The kind says who may create it; a rate of its own is the marketplace's to give.

    Raises Invalid.
    """
    role = "platform" if call.owner is None else "freelancer"
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


def _answer(call: ApiCall, contract: Any, status: int = 200) -> Response:
    """A contract, or what `contract_reads` gives for one; a draft's quote is what would be offered
    now.
    """
    if contract.quote is None:
        contract.present_quote = agreement.quote_of(call.ctx, contract)
    if call.owner is None:
        contract.warnings = _warnings(contract.quote or contract.present_quote)
    return call.answer(_contract, contract, status, etag=f"v{contract.version}")


def _warnings(quoted: Quote) -> list[dict[str, Any]]:
    """What the platform should know before it agrees to this: it is told, not stopped."""
    margin = margin_of(quoted)
    if margin >= 0:
        return []
    words = (
        "The fee does not cover what the payment costs: the platform would pay for this contract."
    )
    return [{"code": "platform_pays", "margin": margin, "message": words}]


@blueprint.route("/contracts", methods=["POST"], permission="contracts:write")
@blueprint.arguments(requests.ContractIn)
@blueprint.response(201, responses.ContractOut)
def create(body: dict[str, Any]) -> Response:
    """Create a contract as a draft.

    Amounts are whole minor units of the contract's one currency. Platform keys name the
    `freelancer`.
    """
    with api_call() as call:
        freelancer_id = call.owner_or(body["freelancer"])
        if freelancer_id is None:
            raise Invalid.one(
                "/freelancer", "required", "A platform key says for whom the contract is."
            )
        _may_make(call, body)
        return _answer(
            call,
            offers.create(
                call.ctx.as_(actors.freelancer(freelancer_id)), freelancer_id, _terms(body)
            ),
            201,
        )


@blueprint.route("/contracts", methods=["GET"], permission="contracts:read")
@blueprint.arguments(requests.ContractQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find(query: dict[str, Any]) -> Response:
    """List contracts, newest first."""
    with api_call(reads=True) as call:
        found = contract_reads.find_many(
            call.ctx.session,
            owner=call.owner,
            state=query["state"],
            external=query["external_ref"],
            after=after(query["cursor"]),
            limit=query["limit"],
        )
        return call.page(_contract, found, query["limit"])


@blueprint.route("/contracts/<contract_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.ContractOut)
def read(contract_id: str) -> Response:
    """Read one contract with its milestones."""
    with api_call(reads=True) as call:
        return _answer(call, contract_reads.one(call.ctx.session, contract_id, owner=call.owner))


@blueprint.route("/contracts/<contract_id>", methods=["PATCH"], permission="contracts:write")
@blueprint.arguments(requests.ContractEdit)
@blueprint.response(200, responses.ContractOut)
def edit(body: dict[str, Any], contract_id: str) -> Response:
    """Replace the terms of a draft; an offer that was sent gets a new version that the client is
    told of. `If-Match` carries the ETag.
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner, lock=True)
        version = if_match(contract)
        _may_make(call, body)
        return _answer(call, offers.edit(call.ctx, contract, _terms(body), version))


def _verb(name: str, verb: Any) -> None:
    def view(body: dict[str, Any], contract_id: str) -> Response:
        with api_call() as call:
            contract = repository.contract(
                call.ctx.session, contract_id, owner=call.owner, lock=True
            )
            verb(call.ctx, contract, **body)
            return _answer(call, contract)

    view.__doc__ = verb.__doc__
    blueprint.route(
        f"/contracts/<contract_id>/{name}",
        methods=["POST"],
        endpoint=name,
        permission="contracts:write",
        allowed_while_blocked=name in ("cancel", "withdraw"),
    )(
        blueprint.arguments(
            requests.ReasonIn if name in ("cancel", "refuse-change") else requests.Nothing
        )(blueprint.response(200, responses.ContractOut)(view))
    )


for _name, _act in {
    "send": offers.send,
    "withdraw": offers.withdraw,
    "cancel": contracts.cancel,
    "remind": offers.remind,
    "refuse-change": offers.refuse_change,
}.items():
    _verb(_name, _act)


@blueprint.route("/contracts/<contract_id>/timeline", methods=["GET"], permission="contracts:read")
@blueprint.arguments(requests.PageQuery, location="query")
@blueprint.response(200, responses.ListOut)
def timeline(query: dict[str, Any], contract_id: str) -> Response:
    """What happened to a contract, oldest first."""
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner)
        found = event_reads.timeline(
            call.ctx.session, call.reader, contract.id, after(query["cursor"]) or 0, query["limit"]
        )
        return call.page(_event, found, query["limit"], key="number")


@blueprint.route("/contracts/<contract_id>/money", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.AnyOut)
def money(contract_id: str) -> Response:
    """Where every cent of a contract is, and why: `places` add up to `paid`."""
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner)
        places = balances.money_of(call.ctx.session, contract)
        listed = [
            {"milestone": p.milestone_id, "where": p.where, "amount": p.amount_minor, "why": p.why}
            for p in places
        ]
        paid = sum(m.funded_minor for m in contract.milestones)
        return call.json(
            {
                "object": "contract_money",
                "contract": contract.id,
                "currency": contract.currency,
                "paid": paid,
                "places": listed,
            }
        )


@blueprint.route("/contracts/<contract_id>/deadlines", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.AnyOut)
def calendar(contract_id: str) -> Response:
    """What happens next by itself, next first: `about`, `what`, `at`, what `silence` does, and whom
    it `favours`.
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner)
        found = deadlines.deadlines_of(call.ctx, contract)
        listed = [
            {
                "about": d.object_id,
                "what": d.what,
                "at": d.at.isoformat(),
                "silence": d.silence,
                "favours": d.favours,
            }
            for d in found
        ]
        return call.json({"object": "deadlines", "contract": contract.id, "data": listed})


@blueprint.route(
    "/contracts/<contract_id>/end",
    methods=["POST"],
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(requests.ReasonIn)
@blueprint.response(200, responses.ContractOut)
def end(body: dict[str, Any], contract_id: str) -> Response:
    """End a contract that is under way: what is held and was not handed over goes back at once,
    what is not paid is cancelled.
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner, lock=True)
        contracts.end(call.ctx, contract, **body)
        return _answer(call, contract)


@blueprint.route("/contracts/<contract_id>/links", methods=["POST"], permission="links:write")
@blueprint.arguments(requests.LinkIn)
@blueprint.response(201, responses.AnyOut)
def new_link(body: dict[str, Any], contract_id: str) -> Response:
    """Mail the client a fresh link; with `revoke_old` every older one ends at once."""
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner, lock=True)
        fresh = access.reissue(call.ctx, contract, revoke_old=body["revoke_old"])
        return call.json(
            {
                "id": fresh.id,
                "object": "link",
                "contract": contract.id,
                "expires_at": fresh.expires_at.isoformat(),
            },
            201,
        )


@blueprint.route("/contracts/<contract_id>/versions", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.AnyOut)
def versions(contract_id: str) -> Response:
    """Every version of the text that was sent or amended, with its hash and the hash of the one
    before.
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner)
        texts = contract_reads.versions_of(call.ctx.session, contract.id)
        pairs = zip([None, *texts[:-1]], texts, strict=True)
        listed = [
            {
                "text_version": t.text_version,
                "sha256": t.text_hash,
                "previous_sha256": t.previous_hash,
                "made_at": t.made_at.isoformat(),
                "differences": agreement.differences(before.text, t.text) if before else [],
            }
            for before, t in pairs
        ]
        return call.json({"object": "contract_versions", "contract": contract.id, "data": listed})


@blueprint.route("/contracts/<contract_id>/document", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.AnyOut)
def document(contract_id: str) -> Response:
    """The text that is agreed on, and the SHA-256 of its canonical JSON (sorted keys, no spaces,
    UTF-8).
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner)
        text = agreement.text_of(contract)
        return call.json(
            {
                "object": "contract_document",
                "text": text,
                "sha256": agreement.text_hash(text),
                "terms": agreement.TERMS_TEXT,
            }
        )


@blueprint.route(
    "/milestones/<milestone_id>/submissions", methods=["POST"], permission="contracts:write"
)
@blueprint.arguments(requests.SubmissionIn)
@blueprint.response(201, responses.SubmissionOut)
def submit(body: dict[str, Any], milestone_id: str) -> Response:
    """Hand work over; the client's review window starts (`auto_release_at` on the milestone)."""
    with api_call() as call:
        contract, milestone = repository.milestone(call.ctx.session, milestone_id, owner=call.owner)
        return call.answer(
            _submission, milestones.submit(call.ctx, contract, milestone, body["note"]), 201
        )
