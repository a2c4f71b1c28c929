"""People of staff: who there is, who leaves, and keys that one person asks for and another one
approves.
"""

from __future__ import annotations

from flask import Response

from service.api.framework.calls import api_call
from service.api.framework.endpoints import Endpoints
from service.api.schemas import responses, responses_staff
from service.api.schemas.requests.common import Nothing, NothingBody
from service.api.schemas.requests.people import KeyRequestBody, KeyRequestIn
from service.domain.errors import Invalid
from service.http import web
from service.operations.people import people
from service.operations.staff import staff_members

blueprint = Endpoints(
    "staff_members",
    __name__,
    url_prefix="/v1/staff",
    description="People of staff and their keys",
)

_member, _request = responses_staff.StaffMemberOut(), responses_staff.KeyRequestOut()
_MOST = 200


@blueprint.route("/members", methods=["GET"], permission="staff:read")
@blueprint.response(200, responses.ListOut)
def members() -> Response:
    """Everybody of staff, newest first, also who has left."""
    with api_call() as call:
        return call.page(_member, staff_members.listed(call.ctx.session), _MOST)


@blueprint.route("/members/<staff_id>/end", methods=["POST"], permission="staff:write")
@blueprint.arguments(Nothing)
@blueprint.response(200, responses_staff.StaffMemberOut)
def end(body: NothingBody, staff_id: str) -> Response:
    """Somebody has left: none of their keys and browsers opens anything from now on."""
    with api_call() as call:
        person = staff_members.find(call.ctx.session, staff_id)
        return call.answer(_member, staff_members.leave(call.ctx, person))


@blueprint.route("/key-requests", methods=["GET"], permission="staff:read")
@blueprint.response(200, responses.ListOut)
def key_requests() -> Response:
    """Keys that were asked for, newest first, with who approved them."""
    with api_call() as call:
        return call.page(_request, staff_members.requests(call.ctx.session), _MOST)


@blueprint.route("/key-requests", methods=["POST"], permission="staff:write")
@blueprint.arguments(KeyRequestIn)
@blueprint.response(201, responses_staff.KeyRequestOut)
def ask(body: KeyRequestBody) -> Response:
    """Ask for a key of staff or of the marketplace; another person approves it."""
    with api_call() as call:
        _names_one(body)
        key_request = staff_members.ask_key(
            call.ctx,
            web.bearer(),
            body["role"],
            staff_id=body["staff"],
            name=body["name"] or "",
            email=body["email"],
        )
        return call.answer(_request, key_request, 201)


def _names_one(body: KeyRequestBody) -> None:
    """Raises Invalid for a request that names nobody, or two."""
    if (body["staff"] is None) == (body["name"] is None):
        raise Invalid.one(
            "/staff", "names_one", "Name somebody of staff by `staff`, or somebody new by `name`."
        )
    new_person = body["staff"] is None and body["role"] != "platform"
    if new_person != (body["email"] is not None):
        raise Invalid.one(
            "/email",
            "of_somebody_new",
            "Somebody new has an e-mail address, and nobody else needs one.",
        )


@blueprint.route("/key-requests/<request_id>/approve", methods=["POST"], permission="staff:approve")
@blueprint.arguments(Nothing)
@blueprint.response(200, responses_staff.KeyRequestOut)
def approve(body: NothingBody, request_id: str) -> Response:
    """Make the key that somebody else asked for.

    `secret` is shown this once, and is not part of a replay.
    """
    with api_call() as call:
        fresh = people.new_secret(web.runtime().settings.mode)
        key_request, _ = staff_members.approve_key(
            call.ctx,
            web.bearer(),
            request_id,
            fresh,
            people.digest_of(fresh),
        )
        return call.secret({**_request.shown(key_request), "secret": fresh}, 200, "secret")
