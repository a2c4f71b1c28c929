"""Tax: what a freelancer declares, what was decided about our duties, rates of exchange, and files
for tax offices.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask import Response

from service.api.framework.calls import api_call
from service.api.framework.cursors import after_id
from service.api.framework.endpoints import Endpoints
from service.api.schemas import responses
from service.api.schemas.requests.common import PageParameters, PageQuery
from service.api.schemas.requests.tax import (
    FilingBody,
    FilingIn,
    RatesBody,
    RatesIn,
    RemitBody,
    RemitIn,
    ScopeBody,
    ScopeIn,
    TaxIdentityBody,
    TaxIdentityIn,
    TaxIdentityParameters,
    TaxIdentityQuery,
)
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


def _identity(identity: TaxIdentity | None, freelancer_id: str, today: date) -> dict[str, object]:
    shown: dict[str, object] = {
        "object": "tax_identity",
        "freelancer": freelancer_id,
        "status": tax_identities.status(identity, today),
    }
    if identity is None:
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
        "id": identity.id,
        "form": identity.form,
        "seller_kind": identity.seller_kind,
        "country": identity.country,
        "region": identity.region,
        "tin_masked": identity.tin_masked,
        "vat_id": identity.vat_id,
        "printed_on_invoices": identity.printed,
        "invoices_by_mandate": identity.invoices_by_mandate,
        "signed_at": identity.signed_at.isoformat(),
        "expires_on": identity.expires_on.isoformat() if identity.expires_on else None,
    }


@blueprint.route("/tax-identity", methods=["POST"], permission="payouts:write")
@blueprint.arguments(TaxIdentityIn)
@blueprint.response(201, responses.AnyOut)
def declare(body: TaxIdentityBody) -> Response:
    """Declare who you are to tax offices: Form W-9, W-8BEN or W-8BEN-E, or the self-declaration of
    DAC7 and the UK. Sealed; the answer is masked.
    """
    with api_call() as call:
        owner = call.owner_or(body["freelancer"])
        if owner is repository.EVERYONE:
            raise Invalid.one("/freelancer", "required", "Say for whom.")
        form = {name: value for name, value in body.items() if name != "freelancer"}
        declared = tax_identities.declare(call.ctx, web.runtime().encryption, owner, form)
        call.ctx.session.flush()
        return call.json(_identity(declared, owner, call.ctx.today), 201)


@blueprint.route("/tax-identity", methods=["GET"], permission="payments:read")
@blueprint.arguments(TaxIdentityQuery, location="query")
@blueprint.response(200, responses.AnyOut)
def identity(query: TaxIdentityParameters) -> Response:
    """What is on file, masked, and whether it is valid, expired or missing."""
    with api_call() as call:
        owner = call.owner_or(query["freelancer"])
        if owner is repository.EVERYONE:
            raise NotFound("Say whose: ?freelancer=frl_….")
        return call.json(
            _identity(repository.tax_identity(call.ctx.session, owner), owner, call.ctx.today)
        )


@blueprint.route("/tax-scopes", methods=["POST"], permission="finance:approve")
@blueprint.arguments(ScopeIn)
@blueprint.response(201, responses.AnyOut)
def decide(body: ScopeBody) -> Response:
    """Record whether a tax regime asks something of the platform, and why.

    The newest decision counts.
    """
    with api_call() as call:
        decision = tax_scopes.decide(call.staff, body["regime"], body["in_scope"], body["reason"])
        return call.json(
            {
                "object": "tax_scope",
                "id": decision.id,
                "regime": decision.regime,
                "in_scope": decision.in_scope,
                "reason": decision.reason,
                "decided_by": str(decision.decided_by),
            },
            201,
        )


@blueprint.route("/tax-scopes", methods=["GET"], permission="finance:read")
@blueprint.response(200, responses.AnyOut)
def scopes() -> Response:
    """Every regime with the decision that counts; null where nobody has decided."""
    with api_call() as call:
        decisions: dict[str, object] = {
            regime: {
                "in_scope": decision.in_scope,
                "reason": decision.reason,
                "decided_by": str(decision.decided_by),
                "decided_at": decision.decided_at.isoformat(),
            }
            if decision
            else None
            for regime, decision in tax_scopes.present(call.ctx.session).items()
        }
        return call.json({"object": "tax_scopes", **decisions})


@blueprint.route("/fx-rates", methods=["POST"], permission="finance:act")
@blueprint.arguments(RatesIn)
@blueprint.response(201, responses.AnyOut)
def add_rates(body: RatesBody) -> Response:
    """Store rates as they were published; a rate of the same day and source is never replaced.

    The sheet is the export `fx_rates`.
    """
    with api_call() as call:
        rates = [
            (rate["base"], rate["quote"], Decimal(rate["rate"]), rate["day"])
            for rate in body["rates"]
        ]
        return call.json(
            {
                "object": "fx_rates",
                "given": len(rates),
                "new": fx_rates.add(call.staff, rates, body["source"]),
            },
            201,
        )


def _filing(filing: TaxFiling) -> dict[str, object]:
    return {
        "id": filing.id,
        "object": "tax_filing",
        "regime": filing.regime,
        "year": filing.year,
        "message_ref": filing.message_ref,
        "message_type": filing.message_type,
        "as_of": filing.as_of.isoformat(),
        "sha256": filing.sha256,
        "made_by": str(filing.made_by),
        "made_at": filing.made_at.isoformat(),
        "documents": filing.docs,
        "file": f"/v1/tax-filings/{filing.id}/file",
    }


@blueprint.route("/tax-filings", methods=["POST"], permission="finance:tax")
@blueprint.arguments(FilingIn)
@blueprint.response(201, responses.AnyOut)
def prepare(body: FilingBody) -> Response:
    """Prepare the platform operator's report of a year: the first is new, later ones correct what
    changed and name what they correct. People file it.
    """
    with api_call() as call:
        runtime = web.runtime()
        prepared = filings.prepare(
            call.staff,
            runtime.encryption,
            body["regime"],
            body["year"],
            body["as_of"],
            body["home"],
            test=runtime.settings.sandbox,
        )
        call.ctx.session.flush()
        return call.whole_list([_filing(filing) for filing in prepared], 201)


@blueprint.route("/tax-filings", methods=["GET"], permission="tax:read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, responses.ListOut)
def listed(query: PageParameters) -> Response:
    """What was prepared, newest first."""
    with api_call() as call:
        page = tax_filings.listed(call.ctx.session, after_id(query["cursor"]), query["limit"])
        return call.listing([_filing(filing) for filing in page], query["limit"])


@blueprint.route("/tax-filings/<filing_id>/file", methods=["GET"], permission="tax:read")
@blueprint.response(200, content_type="application/xml")
def file_of(filing_id: str) -> Response:
    """The XML with full names and numbers. That it was taken, and by whom, is written down."""
    with api_call() as call:
        filing = tax_filings.find(call.ctx.session, filing_id)
        return web.attachment(
            f"{filing.message_ref}.xml",
            "application/xml",
            tax_filings.file_of(call.staff, web.runtime().encryption, filing),
        )


def _owed(debt: tax_dues.TaxDebt) -> dict[str, object]:
    due = debt.due
    return {
        "id": due.id,
        "object": "tax_due",
        "regime": due.regime,
        "month": f"{due.month:%Y-%m}",
        "currency": due.currency,
        "withheld": debt.withheld_minor,
        "releases": debt.releases,
        "due_on": due.due_on.isoformat(),
        "remitted_at": due.remitted_at.isoformat() if due.remitted_at else None,
        "reference": due.reference,
        "remitted_by": actors.text(due.remitted_by),
    }


@blueprint.route("/tax-dues", methods=["GET"], permission="finance:read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, responses.ListOut)
def dues(query: PageParameters) -> Response:
    """Tax withheld from releases, by month and tax office, newest first.

    Each release's part is in the export `withheld_tax`.
    """
    with api_call() as call:
        page = tax_dues.listed(call.ctx.session, after_id(query["cursor"]), query["limit"])
        return call.listing([_owed(debt) for debt in page], query["limit"])


@blueprint.route("/tax-dues/<due_id>/remit", methods=["POST"], permission="finance:approve")
@blueprint.arguments(RemitIn)
@blueprint.response(200, responses.AnyOut)
def remit(body: RemitBody, due_id: str) -> Response:
    """Record that the platform has paid a month's withheld tax from its own bank account; the
    withheld money becomes the platform's.
    """
    with api_call() as call:
        return call.json(_owed(tax_dues.remit(call.staff, due_id, body["reference"])))
