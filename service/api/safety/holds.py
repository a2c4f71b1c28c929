"""What a freelancer on hold can read and do: the statement of reasons, and the answers that they
are asked for.
"""

from __future__ import annotations

from flask import Response, request

from service.api.framework.calls import api_call
from service.api.framework.cursors import after_id
from service.api.framework.endpoints import Endpoints
from service.api.schemas import responses, responses_disputes
from service.api.schemas.requests.common import Nothing, NothingBody
from service.api.schemas.requests.disputes import FileBody, FileIn
from service.api.schemas.requests.safety import (
    AppealBody,
    AppealIn,
    HoldParameters,
    HoldQuery,
    QuarterParameters,
    QuarterQuery,
    RequirementBody,
    RequirementIn,
)
from service.http import web
from service.operations.disputes import files
from service.operations.safety import appeals, hold_ends, reasons, requirements, transparency
from service.workflows import staff_actions

blueprint = Endpoints("holds", __name__, url_prefix="/v1", description="Holds and appeals")
_file = responses_disputes.FileOut()


@blueprint.route("/holds", methods=["GET"], permission="contracts:read")
@blueprint.arguments(HoldQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find(query: HoldParameters) -> Response:
    """Holds that concern you, newest first, each with its statement of reasons."""
    with api_call() as call:
        owner = call.owner_or(query["freelancer"])
        page = hold_ends.listed(
            call.ctx.session,
            owner=owner,
            in_force_only=query["in_force"],
            after=after_id(query["cursor"]),
            limit=query["limit"],
        )
        return call.listing([reasons.statement(call.ctx, hold) for hold in page], query["limit"])


@blueprint.route("/holds/<hold_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.AnyOut)
def read(hold_id: str) -> Response:
    """The statement of reasons: what is restricted and how much, why, since when, what still works,
    what you can do, and what comes next.
    """
    with api_call() as call:
        return call.json(
            reasons.statement(call.ctx, hold_ends.find(call.ctx.session, hold_id, owner=call.owner))
        )


@blueprint.route(
    "/holds/<hold_id>/requirements/<requirement_id>",
    methods=["POST"],
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(RequirementIn)
@blueprint.response(200, responses.AnyOut)
def answer(body: RequirementBody, hold_id: str, requirement_id: str) -> Response:
    """Give what the hold asks for; somebody looks at it within two business days."""
    with api_call() as call:
        hold = hold_ends.find(call.ctx.session, hold_id, owner=call.owner, lock=True)
        requirements.answer(
            call.ctx,
            hold,
            requirement_id,
            body["words"],
            [files.find(call.ctx.session, hold, file_id) for file_id in body["files"]],
        )
        return call.json(reasons.statement(call.ctx, hold))


@blueprint.route(
    "/holds/<hold_id>/appeals",
    methods=["POST"],
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(AppealIn)
@blueprint.response(201, responses.AnyOut)
def appeal(body: AppealBody, hold_id: str) -> Response:
    """Ask somebody else to decide again: free, within 180 days, also after the hold has ended.

    A decision comes within 14 days.
    """
    with api_call() as call:
        hold = hold_ends.find(call.ctx.session, hold_id, owner=call.owner, lock=True)
        shown = [files.find(call.ctx.session, hold, file_id) for file_id in body["files"]]
        return call.json(appeals.shown(appeals.file(call.ctx, hold, body["statement"], shown)), 201)


@blueprint.route(
    "/holds/<hold_id>/files",
    methods=["POST"],
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(FileIn, location="files")
@blueprint.response(201, responses_disputes.FileOut)
def upload(body: FileBody, hold_id: str) -> Response:
    """Upload a file for an appeal or an answer (multipart field `file`, at most 20 MiB): PDF,
    pictures, plain text, ZIP.
    """
    with api_call() as call:
        hold = hold_ends.find(call.ctx.session, hold_id, owner=call.owner, lock=True)
        sent = request.files["file"]
        return call.answer(
            _file, files.store(call.ctx, hold, sent.filename or "file", sent.read()), 201
        )


@blueprint.route("/holds/<hold_id>/files/<file_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, content_type="application/octet-stream")
def download(hold_id: str, file_id: str) -> Response:
    """A file as it was uploaded, as an attachment; also for staff."""
    with api_call() as call:
        hold = hold_ends.find(call.ctx.session, hold_id, owner=call.owner)
        file = files.find(call.ctx.session, hold, file_id)
        return web.attachment(file.name, file.media_type, files.content_of(call.ctx.session, file))


@blueprint.route("/appeals/<appeal_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.AnyOut)
def read_appeal(appeal_id: str) -> Response:
    """Where it stands, and by when it is decided."""
    with api_call() as call:
        return call.json(appeals.shown(appeals.find(call.ctx.session, appeal_id, owner=call.owner)))


@blueprint.route(
    "/appeals/<appeal_id>/withdraw",
    methods=["POST"],
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(Nothing)
@blueprint.response(200, responses.AnyOut)
def withdraw_appeal(body: NothingBody, appeal_id: str) -> Response:
    """Take it back."""
    with api_call() as call:
        return call.json(
            appeals.shown(staff_actions.withdraw_appeal(call.ctx, appeal_id, owner=call.owner))
        )


@blueprint.route("/transparency", methods=["GET"], permission="contracts:read")
@blueprint.arguments(QuarterQuery, location="query")
@blueprint.response(200, responses.AnyOut)
def transparency_figures(query: QuarterParameters) -> Response:
    """Per quarter (the present one when none is named): holds by reason, time to decision, share
    overturned, money held, confiscated and given back. Computed, never typed.
    """
    with api_call() as call:
        year, quarter = (
            query["year"] or call.ctx.now.year,
            query["quarter"] or (call.ctx.now.month + 2) // 3,
        )
        return call.json(
            {
                "object": "transparency",
                **transparency.quarter(call.ctx.session, *transparency.bounds(year, quarter)),
            }
        )
