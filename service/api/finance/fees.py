"""What contracts cost: quotes beside every other kind, the schedules behind them, and what the
platform keeps.
"""

from __future__ import annotations

from flask import Response

from service.api.framework.calls import ApiCall, api_call
from service.api.framework.cursors import after_id
from service.api.framework.endpoints import Endpoints
from service.api.schemas import responses
from service.api.schemas.requests.finance import (
    MarginParameters,
    MarginQuery,
    QuoteParameters,
    QuoteQuery,
)
from service.core import repository
from service.domain.errors import Invalid
from service.operations.finance import margins
from service.policies.quotes import Pair, QuoteRequest, as_terms, margin_of, quote
from service.shared import agreement, clients

blueprint = Endpoints("fees", __name__, url_prefix="/v1", description="Fees")
_margin = responses.MarginOut()


@blueprint.route("/fee-quote", methods=["GET"], permission="contracts:read")
@blueprint.arguments(QuoteQuery, location="query")
@blueprint.response(200, responses.AnyOut)
def fee_quote(query: QuoteParameters) -> Response:
    """What a contract of this kind and amount would cost, beside the other kinds.

    `client` (their id or address, of a client you have had) or `billed_before` matter where tiers
    count lifetime billings; `on` asks for another day's schedules.
    """
    with api_call() as call:
        _check_currency(call, query["currency"])
        owner = call.owner_or(query["freelancer"])
        alias = (
            clients.alias_of(call.ctx.session, owner, query["client"])
            if owner is not repository.EVERYONE and query["client"]
            else None
        )
        price = quote(call.ctx.policies, *_question(call, query, query["kind"], alias))
        body: dict[str, object] = {
            "object": "fee_quote",
            "currency": query["currency"],
            "amount": query["amount"],
            "applied": price["applied"],
            "fee": price["fee"],
            "rate": price["rate"],
            "schedule": price["schedule"],
            "normal_schedule": price["normal_schedule"],
            "normal_fee": price["normal_fee"],
            "net": price["net"],
            "tax": price["tax"],
            "client_fee": price["client_fee"],
        }
        if call.owner is repository.EVERYONE:
            body["margin"] = margin_of(price)
        body["processing"] = {
            "cost": price["processing"]["cost"],
            "borne_by": query["processing_borne_by"],
        }
        body["comparison"] = {
            kind: _compared(call, query, kind, alias) for kind in call.ctx.policies.kinds
        }
        return call.json(body)


def _check_currency(call: ApiCall, currency: str) -> None:
    if currency not in call.ctx.policies.currencies:
        raise Invalid.one(
            "/currency",
            "unknown_currency",
            f"Contracts can be in {', '.join(call.ctx.policies.currencies)}.",
        )


def _question(
    call: ApiCall, query: QuoteParameters, kind: str, alias: str | None
) -> tuple[Pair, QuoteRequest]:
    """What is to be priced, and by which schedules. Raises Invalid for a kind without any."""
    on = query["on"] or call.ctx.today
    pair = agreement.pair_for(call.ctx, kind, query["currency"], on, alias)
    known = agreement.billed_before(call.ctx, alias, query["currency"]) if alias else 0
    tax = (
        agreement.fee_tax_of(call.ctx, call.owner, on)
        if call.owner is not repository.EVERYONE and pair.own.tax != "none"
        else None
    )
    before = known if query["billed_before"] is None else query["billed_before"]
    return pair, QuoteRequest(
        kind, query["currency"], [query["amount"]], query["processing_borne_by"], on, before, tax
    )


def _compared(
    call: ApiCall, query: QuoteParameters, kind: str, alias: str | None
) -> dict[str, object] | None:
    """None for a kind that had no price on that day."""
    try:
        price = quote(call.ctx.policies, *_question(call, query, kind, alias))
    except Invalid:
        return None
    return {"fee": price["fee"], "schedule": price["schedule"]}


@blueprint.route("/fee-schedules", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.AnyOut)
def fee_schedules() -> Response:
    """Every schedule that this service knows, with its days, tiers and source; thresholds in US
    cents and the like.
    """
    with api_call() as call:
        return call.whole_list([as_terms(schedule) for schedule in call.ctx.policies.schedules])


@blueprint.route("/margins", methods=["GET"], permission="finance:read")
@blueprint.arguments(MarginQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find_margins(query: MarginParameters) -> Response:
    """What the platform keeps of each contract, from the books, newest first; `losing` shows only
    those it paid for.
    """
    with api_call() as call:
        rows = margins.margins(
            call.ctx.session,
            after=after_id(query["cursor"]),
            losing_only=query["losing"],
            limit=query["limit"],
        )
        return call.page(_margin, [responses.MarginRow(row) for row in rows], query["limit"])
