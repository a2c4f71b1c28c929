"""What can be read about one contract: its timeline, money, deadlines, versions and text; and a
fresh link to it for the client.
"""

from __future__ import annotations

from flask import Response

from service.api.contracts.blueprints import contracts as blueprint
from service.api.framework.calls import api_call
from service.api.framework.cursors import after_position
from service.api.schemas import responses
from service.api.schemas.requests.common import PageParameters, PageQuery
from service.api.schemas.requests.contracts import LinkBody, LinkIn
from service.core import repository
from service.operations.client_access import access
from service.operations.contracts import contract_reads, deadlines
from service.operations.payments import balances
from service.operations.people import event_reads
from service.shared import agreement

_event = responses.EventOut()


@blueprint.route("/contracts/<contract_id>/timeline", methods=["GET"], permission="contracts:read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, responses.ListOut)
def timeline(query: PageParameters, contract_id: str) -> Response:
    """What happened to a contract, oldest first."""
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner)
        page = event_reads.timeline(
            call.ctx.session,
            call.reader,
            contract.id,
            after_position(query["cursor"]),
            query["limit"],
        )
        return call.page(_event, page, query["limit"], key="number")


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
        listed = [
            {
                "about": d.object_id,
                "what": d.what,
                "at": d.at.isoformat(),
                "silence": d.silence,
                "favours": d.favours,
            }
            for d in deadlines.deadlines_of(call.ctx, contract)
        ]
        return call.json({"object": "deadlines", "contract": contract.id, "data": listed})


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


@blueprint.route("/contracts/<contract_id>/links", methods=["POST"], permission="links:write")
@blueprint.arguments(LinkIn)
@blueprint.response(201, responses.AnyOut)
def new_link(body: LinkBody, contract_id: str) -> Response:
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
