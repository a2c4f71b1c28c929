"""What a freelancer on hold can read and do: the statement of reasons, and the answers that they are asked for."""

from __future__ import annotations

from typing import Any

from flask import Response

from service.api.framework import Endpoints, after, call
from service.api.schemas import answered, asked
from service.operations import holds, reasons

blueprint = Endpoints("holds", __name__, url_prefix="/v1", description="Holds and appeals")


@blueprint.route("/holds", methods=["GET"])
@blueprint.arguments(asked.HoldQuery, location="query")
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
@blueprint.arguments(asked.RequirementIn)
@blueprint.response(200, answered.AnyOut)
def answer(body: dict[str, Any], hold_id: str, requirement_id: str) -> Response:
    """Give what the hold asks for; somebody looks at it within two business days."""
    with call("contracts:write") as made:
        hold = holds.find(made.act.session, hold_id, owner=made.owner, lock=True)
        holds.answer(made.act, hold, requirement_id, body["words"])
        return made.json(reasons.statement(made.act, hold))
