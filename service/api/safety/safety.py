"""What trust & safety do through the API: freeze, confirm, renew, lift, suspend.

Each answers with what was written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Response

from service.api.framework.calls import ApiCall, api_call
from service.api.framework.cursors import after_id
from service.api.framework.endpoints import Endpoints
from service.api.schemas import responses
from service.api.schemas.request_schema import RequestSchema
from service.api.schemas.requests.common import Nothing, NothingBody
from service.api.schemas.requests.safety import (
    DecideBody,
    DecideIn,
    EndParameters,
    EndQuery,
    HoldBody,
    HoldIn,
    HoldParameters,
    HoldQuery,
    JudgeBody,
    JudgeIn,
    LiftBody,
    LiftIn,
    PauseDecisionBody,
    PauseDecisionIn,
    RenewBody,
    RenewIn,
    SuspensionBody,
    SuspensionIn,
)
from service.core import repository
from service.core.context import Context
from service.domain.errors import Invalid, NotFound
from service.models import Appeal, Hold, Suspension
from service.operations.safety import appeals, hold_ends, holds, reasons, rules
from service.shared import outreach
from service.shared.hold_checks import HoldTerms
from service.workflows import staff_actions

Parsed = TypeVar("Parsed")
blueprint = Endpoints(
    "safety", __name__, url_prefix="/v1/staff", description="Staff: holds and suspensions"
)


def _terms(body: HoldBody) -> HoldTerms:
    return HoldTerms(
        subject=body["subject"],
        reason_code=body["reason_code"],
        clause=body["clause"],
        facts=body["facts"],
        scopes=tuple(body["scopes"]),
        amount_minor=body["amount"],
        currency=body["currency"],
        expires_at=body["expires_at"],
        disclosure=body["disclosure"],
        internal_note=body["internal_note"],
    )


def _answer(call: ApiCall, hold: Hold, status: int = 200) -> Response:
    call.ctx.session.flush()
    return call.json(reasons.statement(call.ctx, hold, staff=True), status)


@blueprint.route("/holds", methods=["POST"], permission="safety:act")
@blueprint.arguments(HoldIn)
@blueprint.response(201, responses.AnyOut)
def place(body: HoldBody) -> Response:
    """Freeze a person, contract, milestone, payment or payout.

    Once this has answered nothing passes that the scopes stop.
    """
    with api_call() as call:
        return _answer(call, holds.place(call.staff, _terms(body)), 201)


@blueprint.route("/holds", methods=["GET"], permission="safety:read")
@blueprint.arguments(HoldQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find(query: HoldParameters) -> Response:
    """All holds, newest first, as staff see them."""
    with api_call() as call:
        page = hold_ends.listed(
            call.ctx.session,
            owner=query["freelancer"] or repository.EVERYONE,
            in_force_only=query["in_force"],
            after=after_id(query["cursor"]),
            limit=query["limit"],
        )
        return call.listing(
            [reasons.statement(call.ctx, hold, staff=True) for hold in page], query["limit"]
        )


def _step(
    name: str,
    permission: str,
    schema: type[RequestSchema[Parsed]],
    step: Callable[[Context, Hold, Parsed], object],
    doc: str | None,
) -> None:
    """An endpoint for a step of a hold; `doc` says what it does."""

    def view(body: Parsed, hold_id: str) -> Response:
        with api_call() as call:
            hold = staff_actions.hold(call.ctx, hold_id)
            step(call.staff, hold, body)
            return _answer(call, hold)

    view.__doc__ = doc
    blueprint.route(
        f"/holds/<hold_id>/{name}", methods=["POST"], endpoint=f"hold_{name}", permission=permission
    )(blueprint.arguments(schema)(blueprint.response(200, responses.AnyOut)(view)))


def _plain_step(name: str, permission: str, step: Callable[[Context, Hold], object]) -> None:
    """As `_step`, for one that asks nothing; `step` says what the endpoint does."""
    _step(name, permission, Nothing, lambda ctx, hold, _: step(ctx, hold), step.__doc__)


def _renew(ctx: Context, hold: Hold, body: RenewBody) -> Hold:
    return hold_ends.renew(ctx, hold, body["days"])


def _lift(ctx: Context, hold: Hold, body: LiftBody) -> Hold:
    return staff_actions.lift(ctx, hold, body["reason"])


_plain_step("confirm", "safety:approve", hold_ends.confirm)
_step("renew", "safety:approve", RenewIn, _renew, hold_ends.renew.__doc__)
_plain_step("review", "safety:act", hold_ends.review)
_step("lift", "safety:act", LiftIn, _lift, staff_actions.lift.__doc__)


@blueprint.route(
    "/holds/<hold_id>/requirements/<requirement_id>", methods=["POST"], permission="safety:act"
)
@blueprint.arguments(JudgeIn)
@blueprint.response(200, responses.AnyOut)
def judge(body: JudgeBody, hold_id: str, requirement_id: str) -> Response:
    """Take what the person gave, or ask for it again."""
    with api_call() as call:
        staff_actions.judge(call.staff, hold_id, requirement_id, accepted=body["accepted"])
        return _answer(call, staff_actions.hold(call.ctx, hold_id))


@blueprint.route("/suspensions", methods=["POST"], permission="suspensions:write")
@blueprint.arguments(SuspensionIn)
@blueprint.response(201, responses.AnyOut)
def suspend(body: SuspensionBody) -> Response:
    """Restrict or block a person.

    It places one hold with the scopes of the level, and nothing else.
    """
    with api_call() as call:
        terms = staff_actions.suspension_terms(**body)
        suspension, hold = staff_actions.suspend(call.staff, terms, body["level"])
        call.ctx.session.flush()
        return call.json(_shown(call, suspension, hold), 201)


@blueprint.route("/suspensions/<suspension_id>", methods=["DELETE"], permission="suspensions:write")
@blueprint.arguments(EndQuery, location="query")
@blueprint.response(200, responses.AnyOut)
def unsuspend(query: EndParameters, suspension_id: str) -> Response:
    """End a suspension, with a reason: it lifts its one hold and no other."""
    with api_call() as call:
        if not query["reason"]:
            raise Invalid.one("/reason", "required", "Say why it ends.")
        suspension, hold = staff_actions.unsuspend(call.staff, suspension_id, query["reason"])
        call.ctx.session.flush()
        return call.json(_shown(call, suspension, hold))


def _shown(call: ApiCall, suspension: Suspension, hold: Hold) -> dict[str, object]:
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
        waiting = appeals.waiting(call.ctx.session)
        return call.listing([_with_money(call, appeal) for appeal in waiting], 100)


def _with_money(call: ApiCall, appeal: Appeal) -> dict[str, object]:
    hold = hold_ends.find(call.ctx.session, appeal.hold_id, owner=repository.EVERYONE)
    return {**appeals.shown(appeal), "money": reasons.money(call.ctx, hold)}


@blueprint.route("/appeals/<appeal_id>/review", methods=["POST"], permission="safety:approve")
@blueprint.arguments(Nothing)
@blueprint.response(200, responses.AnyOut)
def review_appeal(body: NothingBody, appeal_id: str) -> Response:
    """Take it in hand; whoever decided about the hold cannot."""
    with api_call() as call:
        return call.json(appeals.shown(staff_actions.review_appeal(call.staff, appeal_id)))


@blueprint.route("/appeals/<appeal_id>/decide", methods=["POST"], permission="safety:approve")
@blueprint.arguments(DecideIn)
@blueprint.response(200, responses.AnyOut)
def decide_appeal(body: DecideBody, appeal_id: str) -> Response:
    """Upheld, changed or reversed, with reasons.

    What follows for the hold, its case and the money is in the same transaction.

    `changed`: `scopes` says what of the hold stays; where its case was carried out, `restore` says
    how much of which line goes back.
    """
    with api_call() as call:
        appeal, follows = staff_actions.decide_appeal(call.staff, appeal_id, _ruling(body))
        call.ctx.session.flush()
        statement = reasons.statement(call.ctx, follows, staff=True) if follows else None
        return call.json({**appeals.shown(appeal), "follows": statement})


def _ruling(body: DecideBody) -> staff_actions.Ruling:
    return staff_actions.Ruling(
        outcome=body["outcome"],
        reasons=body["reasons"],
        scopes=tuple(body["scopes"]),
        restore={line["line"]: line["amount"] for line in body["restore"]},
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
@blueprint.arguments(PauseDecisionIn)
@blueprint.response(200, responses.AnyOut)
def decide_offer_pause(body: PauseDecisionBody, freelancer_id: str) -> Response:
    """Somebody said that they do not know this freelancer: lift the pause of their new offers, or
    keep it. They read `words`.
    """
    with api_call() as call:
        pause = outreach.decide(call.staff, freelancer_id, body["outcome"], body["words"])
        return call.json(
            {
                "id": pause.id,
                "object": "offer_pause",
                "freelancer": pause.freelancer_id,
                "contract": pause.contract_id,
                "started_at": pause.started_at.isoformat(),
                "decided_at": call.ctx.now.isoformat(),
                "outcome": pause.outcome,
                "words": pause.words,
            }
        )
