"""What a freelancer on hold can read and do: the statement of reasons, and the answers that they
are asked for.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request

from service.api.framework.framework import Endpoints, after, api_call
from service.api.schemas import requests, requests_safety, responses, responses_disputes
from service.http import web
from service.operations.disputes import files
from service.operations.safety import appeals, holds, reasons, requirements, transparency
from service.workflows import staff_actions

blueprint = Endpoints("holds", __name__, url_prefix="/v1", description="Holds and appeals")
_file = responses_disputes.FileOut()


@blueprint.route("/holds", methods=["GET"], permission="contracts:read")
@blueprint.arguments(requests_safety.HoldQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find(query: dict[str, Any]) -> Response:
    """Holds that concern you, newest first, each with its statement of reasons."""
    with api_call() as call:
        owner = call.owner_or(query["freelancer"])
        found = holds.listed(
            call.ctx.session,
            owner=owner,
            in_force_only=query["in_force"],
            after=after(query["cursor"]),
            limit=query["limit"],
        )
        return call.listing([reasons.statement(call.ctx, h) for h in found], query["limit"])


@blueprint.route("/holds/<hold_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.AnyOut)
def read(hold_id: str) -> Response:
    """The statement of reasons: what is restricted and how much, why, since when, what still works,
    what you can do, and what comes next.
    """
    with api_call() as call:
        return call.json(
            reasons.statement(call.ctx, holds.find(call.ctx.session, hold_id, owner=call.owner))
        )


@blueprint.route(
    "/holds/<hold_id>/requirements/<requirement_id>",
    methods=["POST"],
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(requests_safety.RequirementIn)
@blueprint.response(200, responses.AnyOut)
def answer(body: dict[str, Any], hold_id: str, requirement_id: str) -> Response:
    """Give what the hold asks for; somebody looks at it within two business days."""
    with api_call() as call:
        hold = holds.find(call.ctx.session, hold_id, owner=call.owner, lock=True)
        requirements.answer(
            call.ctx,
            hold,
            requirement_id,
            body["words"],
            [files.find(call.ctx.session, hold, one) for one in body["files"]],
        )
        return call.json(reasons.statement(call.ctx, hold))


@blueprint.route(
    "/holds/<hold_id>/appeals",
    methods=["POST"],
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(requests_safety.AppealIn)
@blueprint.response(201, responses.AnyOut)
def appeal(body: dict[str, Any], hold_id: str) -> Response:
    """Ask somebody else to decide again: free, within 180 days, also after the hold has ended.

    A decision comes within 14 days.
    """
    with api_call() as call:
        hold = holds.find(call.ctx.session, hold_id, owner=call.owner, lock=True)
        shown = [files.find(call.ctx.session, hold, one) for one in body["files"]]
        return call.json(appeals.shown(appeals.file(call.ctx, hold, body["statement"], shown)), 201)


@blueprint.route(
    "/holds/<hold_id>/files",
    methods=["POST"],
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(requests.FileIn, location="files")
@blueprint.response(201, responses_disputes.FileOut)
def upload(body: dict[str, Any], hold_id: str) -> Response:
    """Upload a file for an appeal or an answer (multipart field `file`, at most 20 MiB): PDF,
    pictures, plain text, ZIP.
    """
    with api_call() as call:
        hold = holds.find(call.ctx.session, hold_id, owner=call.owner, lock=True)
        sent = request.files["file"]
        return call.answer(
            _file, files.store(call.ctx, hold, sent.filename or "file", sent.read()), 201
        )


@blueprint.route("/holds/<hold_id>/files/<file_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, content_type="application/octet-stream")
def download(hold_id: str, file_id: str) -> Response:
    """A file as it was uploaded, as an attachment; also for staff."""
    with api_call() as call:
        found = files.find(
            call.ctx.session, holds.find(call.ctx.session, hold_id, owner=call.owner), file_id
        )
        return web.attachment(
            found.name, found.media_type, files.content_of(call.ctx.session, found)
        )


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
@blueprint.arguments(requests.Nothing)
@blueprint.response(200, responses.AnyOut)
def withdraw_appeal(body: dict[str, Any], appeal_id: str) -> Response:
    """Take it back."""
    with api_call() as call:
        return call.json(
            appeals.shown(staff_actions.withdraw_appeal(call.ctx, appeal_id, owner=call.owner))
        )


@blueprint.route("/transparency", methods=["GET"], permission="contracts:read")
@blueprint.arguments(requests_safety.QuarterQuery, location="query")
@blueprint.response(200, responses.AnyOut)
def transparency_figures(query: dict[str, Any]) -> Response:
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
