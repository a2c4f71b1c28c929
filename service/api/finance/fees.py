"""What contracts cost: quotes beside every other kind, the schedules behind them, and what the
platform keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response

from service.api.framework.framework import ApiCall, Endpoints, after, api_call
from service.api.schemas import requests, responses
from service.domain.errors import Invalid
from service.operations.finance import margins
from service.policies.quotes import Quote, QuoteRequest, as_terms, margin_of, quote
from service.shared import agreement, clients

blueprint = Endpoints("fees", __name__, url_prefix="/v1", description="Fees")
_margin = responses.MarginOut()
_ANSWERED = (
    "applied",
    "fee",
    "rate",
    "schedule",
    "normal_schedule",
    "normal_fee",
    "net",
    "tax",
    "client_fee",
)


@blueprint.route("/fee-quote", methods=["GET"], permission="contracts:read")
@blueprint.arguments(requests.QuoteQuery, location="query")
@blueprint.response(200, responses.AnyOut)
def fee_quote(query: dict[str, Any]) -> Response:
    """What a contract of this kind and amount would cost, beside the other kinds.

    `client` (their id or address, of a client you have had) or `billed_before` matter where tiers
    count lifetime billings; `on` asks for another day's schedules.
    """
    with api_call() as call:
        if query["currency"] not in call.ctx.policies.currencies:
            raise Invalid.one(
                "/currency",
                "unknown_currency",
                f"Contracts can be in {', '.join(call.ctx.policies.currencies)}.",
            )
        owner = call.owner_or(query["freelancer"])
        alias = (
            clients.alias_of(call.ctx.session, owner, query["client"])
            if owner and query["client"]
            else None
        )
        main = _priced(call, query, query["kind"], alias)
        quoted: Mapping[str, object] = main
        answer = {key: quoted[key] for key in _ANSWERED}
        if call.owner is None:
            answer["margin"] = margin_of(main)
        return call.json(
            {
                "object": "fee_quote",
                "currency": query["currency"],
                "amount": query["amount"],
                **answer,
                "processing": {
                    "cost": main["processing"]["cost"],
                    "borne_by": query["processing_borne_by"],
                },
                "comparison": {
                    kind: _compared(call, query, kind, alias) for kind in call.ctx.policies.kinds
                },
            }
        )


def _priced(call: ApiCall, query: dict[str, Any], kind: str, alias: str | None) -> Quote:
    on: date = query["on"] or call.ctx.today
    pair = agreement.pair_for(call.ctx, kind, query["currency"], on, alias)
    known = agreement.billed_before(call.ctx, alias, query["currency"]) if alias else 0
    tax = (
        agreement.fee_tax_of(call.ctx, call.owner, on)
        if call.owner and pair.own.tax != "none"
        else None
    )
    before = known if query["billed_before"] is None else query["billed_before"]
    asks = QuoteRequest(
        kind, query["currency"], [query["amount"]], query["processing_borne_by"], on, before, tax
    )
    return quote(call.ctx.policies, pair, asks)


def _compared(
    call: ApiCall, query: dict[str, Any], kind: str, alias: str | None
) -> dict[str, Any] | None:
    """None for a kind that had no price on that day."""
    try:
        priced = _priced(call, query, kind, alias)
    except Invalid:
        return None
    return {"fee": priced["fee"], "schedule": priced["schedule"]}


@blueprint.route("/fee-schedules", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.AnyOut)
def fee_schedules() -> Response:
    """Every schedule that this service knows, with its days, tiers and source; thresholds in US
    cents and the like.
    """
    with api_call() as call:
        return call.json(
            {
                "object": "list",
                "data": [as_terms(s) for s in call.ctx.policies.schedules],
                "has_more": False,
                "next_cursor": None,
            }
        )


@blueprint.route("/margins", methods=["GET"], permission="finance:read")
@blueprint.arguments(requests.MarginQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find_margins(query: dict[str, Any]) -> Response:
    """What the platform keeps of each contract, from the books, newest first; `losing` shows only
    those it paid for.
    """
    with api_call() as call:
        found = margins.margins(
            call.ctx.session,
            after=after(query["cursor"]),
            losing_only=query["losing"],
            limit=query["limit"],
        )
        return call.page(_margin, [responses.MarginRow(row) for row in found], query["limit"])
