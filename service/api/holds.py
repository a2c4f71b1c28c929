"""What a freelancer on hold can read and do: the statement of reasons, and the answers that they are asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from service.api.framework import Endpoints, after, call
from service.api.schemas import answered, asked, asked_safety
from service.operations import appeals, holds, reasons, requirements, transparency

blueprint = Endpoints("holds", __name__, url_prefix="/v1", description="Holds and appeals")


@blueprint.route("/holds", methods=["GET"])
@blueprint.arguments(asked_safety.HoldQuery, location="query")
@blueprint.response(200, answered.ListOut)
def find(query: dict[str, Any]) -> Response:
    """Holds that concern you, newest first, each with its statement of reasons."""
    with call("contracts:read") as made:
        owner = made.owner_or(query["freelancer"])
        found = holds.listed(made.act.session, owner=owner, in_force_only=query["in_force"], after=after(query["cursor"]), limit=query["limit"])
        return made.listing([reasons.statement(made.act, h) for h in found], query["limit"])


@blueprint.route("/holds/<hold_id>", methods=["GET"])
@blueprint.response(200, answered.AnyOut)
def read(hold_id: str) -> Response:
    """The statement of reasons: what is restricted and how much, why, since when, what still works, what you can do, and what comes next."""
    with call("contracts:read") as made:
        return made.json(reasons.statement(made.act, holds.find(made.act.session, hold_id, owner=made.owner)))


@blueprint.route("/holds/<hold_id>/requirements/<requirement_id>", methods=["POST"])
@blueprint.arguments(asked_safety.RequirementIn)
@blueprint.response(200, answered.AnyOut)
def answer(body: dict[str, Any], hold_id: str, requirement_id: str) -> Response:
    """Give what the hold asks for; somebody looks at it within two business days."""
    with call("contracts:write") as made:
        hold = holds.find(made.act.session, hold_id, owner=made.owner, lock=True)
        requirements.answer(made.act, hold, requirement_id, body["words"])
        return made.json(reasons.statement(made.act, hold))


@blueprint.route("/holds/<hold_id>/appeals", methods=["POST"])
@blueprint.arguments(asked_safety.AppealIn)
@blueprint.response(201, answered.AnyOut)
def appeal(body: dict[str, Any], hold_id: str) -> Response:
    """Ask somebody else to decide again: free, within 180 days, also after the hold has ended. A decision comes within 14 days."""
    with call("contracts:write") as made:
        hold = holds.find(made.act.session, hold_id, owner=made.owner, lock=True)
        return made.json(appeals.shown(appeals.file(made.act, hold, body["statement"])), 201)


@blueprint.route("/appeals/<appeal_id>", methods=["GET"])
@blueprint.response(200, answered.AnyOut)
def read_appeal(appeal_id: str) -> Response:
    """Where it stands, and by when it is decided."""
    with call("contracts:read") as made:
        return made.json(appeals.shown(appeals.find(made.act.session, appeal_id, owner=made.owner)))


@blueprint.route("/appeals/<appeal_id>/withdraw", methods=["POST"])
@blueprint.arguments(asked.Nothing)
@blueprint.response(200, answered.AnyOut)
def withdraw_appeal(body: dict[str, Any], appeal_id: str) -> Response:
    """Take it back."""
    with call("contracts:write") as made:
        return made.json(appeals.shown(appeals.withdraw(made.act, appeals.find(made.act.session, appeal_id, owner=made.owner, lock=True))))


@blueprint.route("/transparency", methods=["GET"])
@blueprint.arguments(asked_safety.QuarterQuery, location="query")
@blueprint.response(200, answered.AnyOut)
def transparency_figures(query: dict[str, Any]) -> Response:
    """Per quarter (the present one when none is named): holds by reason, time to decision, share overturned, money held, confiscated and given back. Computed, never typed."""
    with call("contracts:read") as made:
        year, quarter = query["year"] or made.act.now.year, query["quarter"] or (made.act.now.month + 2) // 3
        start = datetime(year, 3 * quarter - 2, 1, tzinfo=UTC)
        end = datetime(year + quarter // 4, 3 * quarter % 12 + 1, 1, tzinfo=UTC)
        return made.json({"object": "transparency", **transparency.quarter(made.act.session, start, end)})
