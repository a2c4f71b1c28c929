"""Tax: what a freelancer declares, what was decided about our duties, rates of exchange, and files
for tax offices.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import Response

from service.api.framework.framework import Endpoints, after, api_call
from service.api.schemas import requests_finance, requests_tax, responses
from service.core import repository
from service.domain.errors import Invalid, NotFound
from service.domain.identity import actors
from service.exports.documents import filings
from service.http import web
from service.models import TaxFiling, TaxIdentity
from service.operations.finance import fx_rates
from service.operations.tax import tax_dues, tax_filings, tax_identities, tax_scopes

blueprint = Endpoints(
    "tax", __name__, url_prefix="/v1", description="Tax identities, duties, rates and filings"
)


def _identity(found: TaxIdentity | None, freelancer_id: str, today: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "object": "tax_identity",
        "freelancer": freelancer_id,
        "status": tax_identities.status(found, today),
    }
    if found is None:
        return shown | dict.fromkeys(
            (
                "id",
                "form",
                "seller_kind",
                "country",
                "region",
                "tin_masked",
                "vat_id",
                "signed_at",
                "expires_on",
            )
        )
    return shown | {
        "id": found.id,
        "form": found.form,
        "seller_kind": found.seller_kind,
        "country": found.country,
        "region": found.region,
        "tin_masked": found.tin_masked,
        "vat_id": found.vat_id,
        "printed_on_invoices": found.printed,
        "invoices_by_mandate": found.invoices_by_mandate,
        "signed_at": found.signed_at.isoformat(),
        "expires_on": found.expires_on.isoformat() if found.expires_on else None,
    }


@blueprint.route("/tax-identity", methods=["POST"], permission="payouts:write")
@blueprint.arguments(requests_tax.TaxIdentityIn)
@blueprint.response(201, responses.AnyOut)
def declare(body: dict[str, Any]) -> Response:
    """Declare who you are to tax offices: Form W-9, W-8BEN or W-8BEN-E, or the self-declaration of
    DAC7 and the UK. Sealed; the answer is masked.
    """
    with api_call() as call:
        owner = call.owner_or(body.pop("freelancer"))
        if owner is None:
            raise Invalid.one("/freelancer", "required", "Say for whom.")
        found = tax_identities.declare(call.ctx, web.runtime().encryption, owner, body)
        call.ctx.session.flush()
        return call.json(_identity(found, owner, call.ctx.today), 201)


@blueprint.route("/tax-identity", methods=["GET"], permission="payments:read")
@blueprint.arguments(requests_tax.TaxIdentityQuery, location="query")
@blueprint.response(200, responses.AnyOut)
def identity(query: dict[str, Any]) -> Response:
    """What is on file, masked, and whether it is valid, expired or missing."""
    with api_call() as call:
        owner = call.owner_or(query["freelancer"])
        if owner is None:
            raise NotFound("Say whose: ?freelancer=frl_….")
        return call.json(
            _identity(repository.tax_identity(call.ctx.session, owner), owner, call.ctx.today)
        )


@blueprint.route("/tax-scopes", methods=["POST"], permission="finance:approve")
@blueprint.arguments(requests_tax.ScopeIn)
@blueprint.response(201, responses.AnyOut)
def decide(body: dict[str, Any]) -> Response:
    """Record whether a tax regime asks something of the platform, and why.

    The newest decision counts.
    """
    with api_call() as call:
        found = tax_scopes.decide(call.staff, body["regime"], body["in_scope"], body["reason"])
        return call.json(
            {
                "object": "tax_scope",
                "id": found.id,
                "regime": found.regime,
                "in_scope": found.in_scope,
                "reason": found.reason,
                "decided_by": str(found.decided_by),
            },
            201,
        )


@blueprint.route("/tax-scopes", methods=["GET"], permission="finance:read")
@blueprint.response(200, responses.AnyOut)
def scopes() -> Response:
    """Every regime with the decision that counts; null where nobody has decided."""
    with api_call() as call:
        found = {
            regime: {
                "in_scope": one.in_scope,
                "reason": one.reason,
                "decided_by": str(one.decided_by),
                "decided_at": one.decided_at.isoformat(),
            }
            if one
            else None
            for regime, one in tax_scopes.present(call.ctx.session).items()
        }
        return call.json({"object": "tax_scopes"} | found)


@blueprint.route("/fx-rates", methods=["POST"], permission="finance:act")
@blueprint.arguments(requests_tax.RatesIn)
@blueprint.response(201, responses.AnyOut)
def add_rates(body: dict[str, Any]) -> Response:
    """Store rates as they were published; a rate of the same day and source is never replaced.

    The sheet is export S5.
    """
    with api_call() as call:
        given = [
            (one["base"], one["quote"], Decimal(one["rate"]), one["day"]) for one in body["rates"]
        ]
        return call.json(
            {
                "object": "fx_rates",
                "given": len(given),
                "new": fx_rates.add(call.staff, given, body["source"]),
            },
            201,
        )


def _filing(found: TaxFiling) -> dict[str, Any]:
    return {
        "id": found.id,
        "object": "tax_filing",
        "regime": found.regime,
        "year": found.year,
        "message_ref": found.message_ref,
        "message_type": found.message_type,
        "as_of": found.as_of.isoformat(),
        "sha256": found.sha256,
        "made_by": str(found.made_by),
        "made_at": found.made_at.isoformat(),
        "documents": found.docs,
        "file": f"/v1/tax-filings/{found.id}/file",
    }


@blueprint.route("/tax-filings", methods=["POST"], permission="finance:tax")
@blueprint.arguments(requests_tax.FilingIn)
@blueprint.response(201, responses.AnyOut)
def prepare(body: dict[str, Any]) -> Response:
    """Prepare the platform operator's report of a year: the first is new, later ones correct what
    changed and name what they correct. People file it.
    """
    with api_call() as call:
        runtime = web.runtime()
        found = filings.prepare(
            call.staff,
            runtime.encryption,
            body["regime"],
            body["year"],
            body["as_of"],
            body["home"],
            test=runtime.settings.sandbox,
        )
        call.ctx.session.flush()
        return call.json(
            {
                "object": "list",
                "data": [_filing(one) for one in found],
                "has_more": False,
                "next_cursor": None,
            },
            201,
        )


@blueprint.route("/tax-filings", methods=["GET"], permission="tax:read")
@blueprint.arguments(requests_finance.PageQuery, location="query")
@blueprint.response(200, responses.ListOut)
def listed(query: dict[str, Any]) -> Response:
    """What was prepared, newest first."""
    with api_call() as call:
        found = tax_filings.listed(call.ctx.session, after(query["cursor"]), query["limit"])
        return call.listing([_filing(one) for one in found], query["limit"])


@blueprint.route("/tax-filings/<filing_id>/file", methods=["GET"], permission="tax:read")
@blueprint.response(200, content_type="application/xml")
def file_of(filing_id: str) -> Response:
    """The XML with full names and numbers. That it was taken, and by whom, is written down."""
    with api_call() as call:
        found = tax_filings.find(call.ctx.session, filing_id)
        return web.attachment(
            f"{found.message_ref}.xml",
            "application/xml",
            tax_filings.file_of(call.staff, web.runtime().encryption, found),
        )


def _owed(found: tax_dues.TaxDebt) -> dict[str, Any]:
    due = found.due
    return {
        "id": due.id,
        "object": "tax_due",
        "regime": due.regime,
        "month": f"{due.month:%Y-%m}",
        "currency": due.currency,
        "withheld": found.withheld_minor,
        "releases": found.releases,
        "due_on": due.due_on.isoformat(),
        "remitted_at": due.remitted_at.isoformat() if due.remitted_at else None,
        "reference": due.reference,
        "remitted_by": actors.text(due.remitted_by),
    }


@blueprint.route("/tax-dues", methods=["GET"], permission="finance:read")
@blueprint.arguments(requests_finance.PageQuery, location="query")
@blueprint.response(200, responses.ListOut)
def dues(query: dict[str, Any]) -> Response:
    """Tax withheld from releases, by month and tax office, newest first.

    Each release's part is export S12.
    """
    with api_call() as call:
        found = tax_dues.listed(call.ctx.session, after(query["cursor"]), query["limit"])
        return call.listing([_owed(one) for one in found], query["limit"])


@blueprint.route("/tax-dues/<due_id>/remit", methods=["POST"], permission="finance:approve")
@blueprint.arguments(requests_tax.RemitIn)
@blueprint.response(200, responses.AnyOut)
def remit(body: dict[str, Any], due_id: str) -> Response:
    """Record that the platform has paid a month's withheld tax from its own bank account; the
    withheld money becomes the platform's.
    """
    with api_call() as call:
        return call.json(_owed(tax_dues.remit(call.staff, due_id, body["reference"])))
