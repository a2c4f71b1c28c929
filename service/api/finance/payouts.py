"""The freelancer's balance, payout account and payouts."""

from __future__ import annotations

from flask import Response

from service.api.framework.calls import ApiCall, api_call
from service.api.framework.cursors import after_id
from service.api.framework.endpoints import Endpoints
from service.api.schemas import responses
from service.api.schemas.requests.common import (
    FreelancerParameters,
    FreelancerQuery,
    Nothing,
    NothingBody,
)
from service.api.schemas.requests.finance import (
    PayoutBody,
    PayoutIn,
    PayoutParameters,
    PayoutQuery,
    ScheduleBody,
    ScheduleIn,
)
from service.core import repository
from service.domain.errors import Invalid, NotFound
from service.domain.identity import actors
from service.http import web
from service.operations.payments import balances
from service.operations.payouts import payout_accounts, payout_requests, payouts

blueprint = Endpoints("payouts", __name__, url_prefix="/v1", description="Balance and payouts")

_payout, _account = responses.PayoutOut(), responses.PayoutAccountOut()


def _whose(call: ApiCall, freelancer_id: str | None) -> str:
    owner = call.owner_or(freelancer_id)
    if owner is repository.EVERYONE:
        raise Invalid.one("/freelancer", "required", "A platform key says for whom.")
    repository.freelancer(call.ctx.session, owner)
    return owner


@blueprint.route("/balance", methods=["GET"], permission="payments:read")
@blueprint.arguments(FreelancerQuery, location="query")
@blueprint.response(200, responses.AnyOut)
def balance(query: FreelancerParameters) -> Response:
    """Per currency: escrow, disputed, pending, available, reserved, in_flight, recoverable,
    held.
    """
    with api_call() as call:
        owner = _whose(call, query["freelancer"])
        return call.json(
            {
                "object": "balance",
                "freelancer": owner,
                "data": balances.freelancer_balance(call.ctx.session, owner),
            }
        )


@blueprint.route("/payout-account", methods=["GET"], permission="payments:read")
@blueprint.arguments(FreelancerQuery, location="query")
@blueprint.response(200, responses.PayoutAccountOut)
def account(query: FreelancerParameters) -> Response:
    """Whether payouts can be sent, and what is missing."""
    with api_call() as call:
        account = payout_accounts.account_of(call.ctx.session, _whose(call, query["freelancer"]))
        if account is None:
            raise NotFound("There is no payout account yet.")
        return call.answer(_account, account)


@blueprint.route("/payout-account/onboarding", methods=["POST"], permission="payouts:write")
@blueprint.arguments(FreelancerQuery)
@blueprint.response(201, responses.AnyOut)
def onboarding(body: FreelancerParameters) -> Response:
    """A single-use address at Stripe at which the freelancer sets up payouts.

    Two short transactions around the calls.
    """
    gateway, settings = web.runtime().stripe, web.runtime().settings
    with api_call() as call:
        owner = _whose(call, body["freelancer"])
        freelancer = repository.freelancer(call.ctx.session, owner)
        row = payout_accounts.open_account(call.ctx, owner)
        account_id = row.stripe_account_id
        call.response = None  # the address is single-use: nothing to replay
    if account_id is None:
        snapshot = gateway.create_account(
            owner, freelancer.email, freelancer.display_name, freelancer.country
        )
        gateway.set_manual_payouts(snapshot.id)
        account_id = snapshot.id
        with web.context(actors.freelancer(owner)) as ctx:
            payout_accounts.attach_account(ctx, owner, account_id)
    back = f"{settings.public_url}/"
    url = gateway.onboarding_url(account_id, back, back)
    return ApiCall(call.ctx, call.principal).json(
        {"object": "payout_account_onboarding", "url": url}, 201
    )


@blueprint.route("/payout-account/schedule", methods=["POST"], permission="payouts:write")
@blueprint.arguments(ScheduleIn)
@blueprint.response(200, responses.PayoutAccountOut)
def set_schedule(body: ScheduleBody) -> Response:
    """Be paid by hand, every Monday, or on the first of the month, when at least 100.00 (or the
    like) is available.
    """
    with api_call() as call:
        return call.answer(
            _account,
            payout_accounts.set_schedule(
                call.ctx, _whose(call, body["freelancer"]), body["schedule"]
            ),
        )


@blueprint.route(
    "/payouts", methods=["POST"], permission="payouts:write", allowed_while_blocked=True
)
@blueprint.arguments(PayoutIn)
@blueprint.response(201, responses.PayoutOut)
def request_payout(body: PayoutBody) -> Response:
    """Ask for a payout out of what is available."""
    with api_call() as call:
        return call.answer(
            _payout,
            payout_requests.request(
                call.ctx, _whose(call, body["freelancer"]), body["amount"], body["currency"]
            ),
            201,
        )


@blueprint.route("/payouts", methods=["GET"], permission="payments:read")
@blueprint.arguments(PayoutQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find(query: PayoutParameters) -> Response:
    """List payouts, newest first."""
    with api_call() as call:
        owner = call.owner_or(query["freelancer"])
        return call.page(
            _payout,
            payouts.find_many(
                call.ctx.session, owner=owner, after=after_id(query["cursor"]), limit=query["limit"]
            ),
            query["limit"],
        )


@blueprint.route("/payouts/<payout_id>", methods=["GET"], permission="payments:read")
@blueprint.response(200, responses.PayoutOut)
def read(payout_id: str) -> Response:
    """Read one payout."""
    with api_call() as call:
        return call.answer(
            _payout, repository.payout(call.ctx.session, payout_id, owner=call.owner)
        )


@blueprint.route(
    "/payouts/<payout_id>/cancel",
    methods=["POST"],
    permission="payouts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(Nothing)
@blueprint.response(200, responses.PayoutOut)
def cancel(body: NothingBody, payout_id: str) -> Response:
    """Take a payout back before it is sent."""
    with api_call() as call:
        return call.answer(
            _payout,
            payouts.cancel(
                call.ctx,
                repository.payout(call.ctx.session, payout_id, owner=call.owner, lock=True),
            ),
        )
