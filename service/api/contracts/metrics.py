"""What counts and what does not: outcomes, job success, feedback, earnings apart, and the question
asked beforehand.
"""

from __future__ import annotations

from flask import Response

from service.api.framework.calls import ApiCall, api_call
from service.api.framework.cursors import after_position
from service.api.framework.endpoints import Endpoints
from service.api.schemas import responses, responses_reputation
from service.api.schemas.requests.common import FreelancerParameters, FreelancerQuery
from service.api.schemas.requests.contracts import (
    FeedbackBody,
    FeedbackIn,
    OutcomeParameters,
    OutcomeQuery,
    PreCheckBody,
    PreCheckIn,
)
from service.core import repository
from service.domain.errors import Invalid, MissingScope, NotFound
from service.domain.money.money import round_half_up
from service.domain.states.scores import WINDOW_DAYS
from service.operations.contracts import pre_checks
from service.operations.reputation import feedback as feedbacks
from service.operations.reputation import metrics

blueprint = Endpoints("metrics", __name__, url_prefix="/v1", description="Metrics and feedback")
_outcome, _feedback, _pre_check = (
    responses_reputation.OutcomeOut(),
    responses_reputation.FeedbackOut(),
    responses_reputation.PreCheckOut(),
)


def _of(call: ApiCall, freelancer_id: str) -> str:
    """A freelancer's own figures, or anybody's for the platform. Raises NotFound."""
    if call.owner not in (repository.EVERYONE, freelancer_id):
        raise NotFound("There is no such object.")
    return repository.freelancer(call.ctx.session, freelancer_id).id


@blueprint.route("/metrics/outcomes", methods=["GET"], permission="contracts:read")
@blueprint.arguments(OutcomeQuery, location="query")
@blueprint.response(200, responses.ListOut)
def outcomes(query: OutcomeParameters) -> Response:
    """Every closed contract, in the order in which they closed: its outcome, whether it counts, and
    why.

    Amounts are of now; a contract closes once, so it stands here once.
    """
    with api_call() as call:
        page = metrics.outcomes(
            call.ctx,
            owner=call.owner_or(query["freelancer"]),
            after=after_position(query["cursor"]),
            since=query["since"],
            limit=query["limit"],
        )
        return call.page(_outcome, page, query["limit"], key="position")


@blueprint.route(
    "/freelancers/<freelancer_id>/job-success", methods=["GET"], permission="contracts:read"
)
@blueprint.response(200, responses.AnyOut)
def job_success(freelancer_id: str) -> Response:
    """The figure over counted outcomes only.

    `percent` is null while there are none; the formula is in docs/metrics.md.
    """
    with api_call() as call:
        owner = _of(call, freelancer_id)
        score = metrics.job_success_of(call.ctx, owner)
        return call.json(
            {
                "object": "job_success",
                "freelancer": owner,
                "percent": score.percent,
                "positive": score.positive,
                "negative": score.negative,
                "neutral": score.neutral,
                "window_days": WINDOW_DAYS,
                "counted_kinds": metrics.counting(call.ctx.policies),
                "formula": "half_up(100 * positive / (positive + negative))",
            }
        )


@blueprint.route(
    "/freelancers/<freelancer_id>/feedback", methods=["GET"], permission="contracts:read"
)
@blueprint.response(200, responses.AnyOut)
def feedback_of(freelancer_id: str) -> Response:
    """The average in hundredths of a star, how many there are, and the newest hundred."""
    with api_call() as call:
        owner = _of(call, freelancer_id)
        count, total, newest = feedbacks.of_freelancer(call.ctx, owner)
        average = round_half_up(100 * total, count) if count else None
        return call.json(
            {
                "object": "feedback_summary",
                "freelancer": owner,
                "count": count,
                "average_hundredths": average,
                "data": _feedback.all_shown(newest),
            }
        )


@blueprint.route(
    "/contracts/<contract_id>/feedback", methods=["POST"], permission="contracts:write"
)
@blueprint.arguments(FeedbackIn)
@blueprint.response(201, responses_reputation.FeedbackOut)
def feedback(body: FeedbackBody, contract_id: str) -> Response:
    """The client's rating of a closed contract, brought by the marketplace.

    A direct contract takes none: 409 `feedback_not_accepted`.
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner, lock=True)
        feedbacks.refuse_by_kind(call.ctx, contract)
        unknown = sorted(set(body) - {"rating", "words"})
        if unknown or body["rating"] is None:
            pointer = f"/{unknown[0]}" if unknown else "/rating"
            raise Invalid.one(
                pointer,
                "unknown_field" if unknown else "required",
                "Send a rating of 1 to 5, and words if there are any.",
            )
        if call.principal.role != "platform":
            raise MissingScope(
                "Feedback is the client's: the marketplace brings it, with a platform key."
            )
        return call.answer(
            _feedback, feedbacks.give(call.ctx, contract, body["rating"], body["words"]), 201
        )


@blueprint.route("/earnings", methods=["GET"], permission="payments:read")
@blueprint.arguments(FreelancerQuery, location="query")
@blueprint.response(200, responses.AnyOut)
def earnings(query: FreelancerParameters) -> Response:
    """Per currency, each kind apart and never mixed: released, fee, net, and what was given
    back.
    """
    with api_call() as call:
        owner = call.owner_or(query["freelancer"])
        if owner is repository.EVERYONE:
            raise Invalid.one("/freelancer", "required", "A platform key says for whom.")
        repository.freelancer(call.ctx.session, owner)
        return call.json(
            {
                "object": "earnings",
                "freelancer": owner,
                "data": metrics.earnings_of(call.ctx, owner),
            }
        )


@blueprint.route("/kinds", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.AnyOut)
def kinds() -> Response:
    """The kinds of contracts: what they are for, what counts, and who may create them."""
    with api_call() as call:
        listed = [
            {**vars(kind), "created_by": list(kind.created_by)}
            for kind in call.ctx.policies.kinds.values()
        ]
        return call.whole_list(listed)


@blueprint.route(
    "/pre-checks", methods=["POST"], permission="contracts:write", allowed_while_blocked=True
)
@blueprint.arguments(PreCheckIn)
@blueprint.response(201, responses_reputation.PreCheckOut)
def pre_check(body: PreCheckBody) -> Response:
    """May I use this for this client?

    No consequence and no penalty; the answer is kept and can be cited later.
    """
    with api_call() as call:
        owner = call.owner_or(body["freelancer"])
        if owner is repository.EVERYONE:
            raise Invalid.one("/freelancer", "required", "A platform key says for whom.")
        answer = pre_checks.ask(
            call.ctx, owner, body["client"]["email"], body["relationship"], body["kind"]
        )
        return call.answer(_pre_check, answer, 201)


@blueprint.route("/pre-checks/<pre_check_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses_reputation.PreCheckOut)
def read_pre_check(pre_check_id: str) -> Response:
    """An answer that was given, word for word."""
    with api_call() as call:
        return call.answer(_pre_check, pre_checks.find(call.ctx, pre_check_id, owner=call.owner))
