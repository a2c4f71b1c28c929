"""What trust & safety do through the API: freeze, confirm, renew, lift, suspend.

Each answers with what was written.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from service.api.framework.framework import ApiCall, Endpoints, after, api_call
from service.api.schemas import requests, requests_safety, responses
from service.core import repository
from service.domain.errors import Invalid, NotFound
from service.models import Hold, Suspension
from service.operations.safety import appeals, holds, reasons, rules
from service.shared import outreach
from service.shared.holds import HoldTerms
from service.workflows import staff_actions

blueprint = Endpoints(
    "safety", __name__, url_prefix="/v1/staff", description="Staff: holds and suspensions"
)


def _terms(body: dict[str, Any], **more: Any) -> HoldTerms:
    return HoldTerms(
        reason_code=body["reason_code"],
        clause=body["clause"],
        facts=body["facts"],
        disclosure=body["disclosure"],
        internal_note=body["internal_note"],
        **more,
    )


def _answer(call: ApiCall, hold: Hold, status: int = 200) -> Response:
    call.ctx.session.flush()
    return call.json(reasons.statement(call.ctx, hold, staff=True), status)


@blueprint.route("/holds", methods=["POST"], permission="safety:act")
@blueprint.arguments(requests_safety.HoldIn)
@blueprint.response(201, responses.AnyOut)
def place(body: dict[str, Any]) -> Response:
    """Freeze a person, contract, milestone, payment or payout.

    Once this has answered nothing passes that the scopes stop.
    """
    with api_call() as call:
        terms = _terms(
            body,
            subject=body["subject"],
            scopes=tuple(body["scopes"]),
            amount_minor=body["amount"],
            currency=body["currency"],
            expires_at=body["expires_at"],
        )
        return _answer(call, holds.place(call.staff, terms), 201)


@blueprint.route("/holds", methods=["GET"], permission="safety:read")
@blueprint.arguments(requests_safety.HoldQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find(query: dict[str, Any]) -> Response:
    """All holds, newest first, as staff see them."""
    with api_call() as call:
        found = holds.listed(
            call.ctx.session,
            owner=query["freelancer"],
            in_force_only=query["in_force"],
            after=after(query["cursor"]),
            limit=query["limit"],
        )
        return call.listing(
            [reasons.statement(call.ctx, h, staff=True) for h in found], query["limit"]
        )


def _verb(name: str, scope: str, schema: Any, verb: Any) -> None:
    def view(body: dict[str, Any], hold_id: str) -> Response:
        with api_call() as call:
            hold = staff_actions.hold(call.ctx, hold_id)
            verb(call.staff, hold, **body)
            return _answer(call, hold)

    view.__doc__ = verb.__doc__
    blueprint.route(
        f"/holds/<hold_id>/{name}", methods=["POST"], endpoint=f"hold_{name}", permission=scope
    )(blueprint.arguments(schema)(blueprint.response(200, responses.AnyOut)(view)))


_verb("confirm", "safety:approve", requests.Nothing, holds.confirm)
_verb("renew", "safety:approve", requests_safety.RenewIn, holds.renew)
_verb("review", "safety:act", requests.Nothing, holds.review)
_verb("lift", "safety:act", requests_safety.LiftIn, staff_actions.lift)


@blueprint.route(
    "/holds/<hold_id>/requirements/<requirement_id>", methods=["POST"], permission="safety:act"
)
@blueprint.arguments(requests_safety.JudgeIn)
@blueprint.response(200, responses.AnyOut)
def judge(body: dict[str, Any], hold_id: str, requirement_id: str) -> Response:
    """Take what the person gave, or ask for it again."""
    with api_call() as call:
        staff_actions.judge(call.staff, hold_id, requirement_id, accepted=body["accepted"])
        return _answer(call, staff_actions.hold(call.ctx, hold_id))


@blueprint.route("/suspensions", methods=["POST"], permission="suspensions:write")
@blueprint.arguments(requests_safety.SuspensionIn)
@blueprint.response(201, responses.AnyOut)
def suspend(body: dict[str, Any]) -> Response:
    """Restrict or block a person.

    It places one hold with the scopes of the level, and nothing else.
    """
    with api_call() as call:
        terms = staff_actions.suspension_terms(**body)
        suspension, hold = staff_actions.suspend(call.staff, terms, body["level"])
        call.ctx.session.flush()
        return call.json(_shown(call, suspension, hold), 201)


@blueprint.route("/suspensions/<suspension_id>", methods=["DELETE"], permission="suspensions:write")
@blueprint.arguments(requests_safety.EndQuery, location="query")
@blueprint.response(200, responses.AnyOut)
def unsuspend(query: dict[str, Any], suspension_id: str) -> Response:
    """End a suspension, with a reason: it lifts its one hold and no other."""
    with api_call() as call:
        if not query["reason"]:
            raise Invalid.one("/reason", "required", "Say why it ends.")
        found, hold = staff_actions.unsuspend(call.staff, suspension_id, query["reason"])
        call.ctx.session.flush()
        return call.json(_shown(call, found, hold))


def _shown(call: ApiCall, suspension: Suspension, hold: Hold) -> dict[str, Any]:
    return {
        "id": suspension.id,
        "object": "suspension",
        "level": suspension.level,
        "started_at": suspension.started_at.isoformat(),
        "until": suspension.until.isoformat() if suspension.until else None,
        "ended_at": suspension.ended_at.isoformat() if suspension.ended_at else None,
        "end_reason": suspension.end_reason,
        "hold": reasons.statement(call.ctx, hold, staff=True),
    }


@blueprint.route("/appeals", methods=["GET"], permission="safety:read")
@blueprint.response(200, responses.ListOut)
def find_appeals() -> Response:
    """What waits for a reviewer: oldest first, each with the money at stake."""
    with api_call() as call:
        found = appeals.waiting(call.ctx.session)
        shown = [
            appeals.shown(a)
            | {
                "money": reasons.money(
                    call.ctx, holds.find(call.ctx.session, a.hold_id, owner=repository.EVERYONE)
                )
            }
            for a in found
        ]
        return call.listing(shown, 100)


@blueprint.route("/appeals/<appeal_id>/review", methods=["POST"], permission="safety:approve")
@blueprint.arguments(requests.Nothing)
@blueprint.response(200, responses.AnyOut)
def review_appeal(body: dict[str, Any], appeal_id: str) -> Response:
    """Take it in hand; whoever decided about the hold cannot."""
    with api_call() as call:
        return call.json(appeals.shown(staff_actions.review_appeal(call.staff, appeal_id)))


@blueprint.route("/appeals/<appeal_id>/decide", methods=["POST"], permission="safety:approve")
@blueprint.arguments(requests_safety.DecideIn)
@blueprint.response(200, responses.AnyOut)
def decide_appeal(body: dict[str, Any], appeal_id: str) -> Response:
    """Upheld, changed or reversed, with reasons.

    What follows for the hold, its case and the money is in the same transaction.

    `changed`: `scopes` says what of the hold stays; where its case was carried out, `restore` says
    how much of which line goes back.
    """
    with api_call() as call:
        found, follows = staff_actions.decide_appeal(call.staff, appeal_id, _ruling(body))
        call.ctx.session.flush()
        return call.json(
            appeals.shown(found)
            | {"follows": reasons.statement(call.ctx, follows, staff=True) if follows else None}
        )


def _ruling(body: dict[str, Any]) -> staff_actions.Ruling:
    return staff_actions.Ruling(
        outcome=body["outcome"],
        reasons=body["reasons"],
        scopes=tuple(body["scopes"]),
        restore={one["line"]: one["amount"] for one in body["restore"]},
        at_platform_cost=body["at_platform_cost"],
    )


@blueprint.route("/rules/<name>/report", methods=["GET"], permission="safety:read")
@blueprint.response(200, responses.AnyOut)
def rule_report(name: str) -> Response:
    """Before a rule is switched on: what it would have done to the newest thousand payments, and
    how often it would have been right.
    """
    with api_call() as call:
        rule = call.ctx.policies.rules.get(name)
        if rule is None:
            raise NotFound("There is no such rule.")
        return call.json({"object": "rule_report", **rules.report(call.ctx, rule)})


@blueprint.route(
    "/freelancers/<freelancer_id>/offer-pause", methods=["POST"], permission="safety:act"
)
@blueprint.arguments(requests_safety.PauseDecisionIn)
@blueprint.response(200, responses.AnyOut)
def decide_offer_pause(body: dict[str, Any], freelancer_id: str) -> Response:
    """Somebody said that they do not know this freelancer: lift the pause of their new offers, or
    keep it. They read `words`.
    """
    with api_call() as call:
        found = outreach.decide(call.staff, freelancer_id, body["outcome"], body["words"])
        shown = {
            "id": found.id,
            "object": "offer_pause",
            "freelancer": found.freelancer_id,
            "contract": found.contract_id,
        }
        dates = {"started_at": found.started_at.isoformat(), "decided_at": call.ctx.now.isoformat()}
        return call.json(shown | dates | {"outcome": found.outcome, "words": found.words})
