"""Papers: invoices and credit notes, certificates of earnings, and links for accountants."""

from __future__ import annotations

from typing import Any

from flask import Response

from service.api.framework.framework import ApiCall, Endpoints, after, api_call
from service.api.schemas import requests, requests_finance, requests_tax, responses
from service.core import repository
from service.domain.errors import Invalid, NotFound
from service.exports import issued_documents, periods
from service.exports.documents import certificate, invoices
from service.http import web
from service.models import AccountantLink, Certificate, Invoice
from service.operations.finance import invoicing
from service.operations.people import accountant_links
from service.operations.reputation import certificates

blueprint = Endpoints(
    "papers", __name__, url_prefix="/v1", description="Invoices, certificates, accountants"
)


def _invoice(found: Invoice) -> dict[str, Any]:
    return {
        "id": found.id,
        "object": "invoice",
        "number": found.number,
        "kind": found.kind,
        "corrects": found.corrects_id,
        "freelancer": found.freelancer_id,
        "contract": found.contract_id,
        "milestone": found.milestone_id,
        "currency": found.currency,
        "net": found.net_minor,
        "tax": found.tax_minor,
        "total": found.total_minor,
        "tax_category": found.tax_category,
        "tax_rate": found.tax_rate,
        "seller": found.seller,
        "buyer": found.buyer,
        "issued_on": found.issued_on.isoformat(),
        "files": {form: f"/v1/invoices/{found.id}/files/{form}" for form in invoices.FORMATS},
    }


@blueprint.route("/invoices", methods=["GET"], permission="payments:read")
@blueprint.arguments(requests_tax.InvoiceQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find_invoices(query: dict[str, Any]) -> Response:
    """Invoices and credit notes, newest first: for the platform's fees, and by mandate for the
    work.
    """
    with api_call() as call:
        found = invoicing.listed(
            call.ctx.session,
            owner=call.owner,
            contract_id=query["contract"],
            after=after(query["cursor"]),
            limit=query["limit"],
        )
        return call.listing([_invoice(one) for one in found], query["limit"])


@blueprint.route("/invoices/<invoice_id>", methods=["GET"], permission="payments:read")
@blueprint.response(200, responses.AnyOut)
def read_invoice(invoice_id: str) -> Response:
    """One invoice or credit note; amounts in minor units."""
    with api_call() as call:
        return call.json(_invoice(invoicing.find(call.ctx.session, invoice_id, owner=call.owner)))


@blueprint.route("/invoices/<invoice_id>/files/<form>", methods=["GET"], permission="payments:read")
@blueprint.arguments(requests_tax.PaperQuery, location="query")
@blueprint.response(200, content_type="application/octet-stream")
def invoice_file(query: dict[str, Any], invoice_id: str, form: str) -> Response:
    """`pdf` (Factur-X: the XML is inside), `ubl` or `cii`; EN 16931.

    The same invoice gives the same bytes.
    """
    with api_call() as call:
        if form not in invoices.FORMATS:
            raise NotFound(f"Invoices come as {', '.join(invoices.FORMATS)}.")
        found = invoicing.find(call.ctx.session, invoice_id, owner=call.owner)
        language, platform = query["language"], web.runtime().settings.platform_name
        data = issued_documents.issue_once(
            call.ctx,
            "invoice",
            found.id,
            f"{form}:{language}",
            lambda: invoices.render(call.ctx.session, found, form, language, platform),
        )
        return web.attachment(
            f"{found.number}.{form if form == 'pdf' else form + '.xml'}",
            invoices.FORMATS[form],
            data,
        )


def _certificate(found: Certificate) -> dict[str, Any]:
    return {
        "id": found.id,
        "object": "certificate",
        "code": found.code,
        "state": certificates.state(found),
        "freelancer": found.freelancer_id,
        "first_day": found.first_day.isoformat(),
        "last_day": found.last_day.isoformat(),
        "language": found.language,
        "content": found.content,
        "sha256": found.sha256,
        "issued_at": found.issued_at.isoformat(),
        "superseded_by": found.superseded_by,
        "revoked_at": found.revoked_at.isoformat() if found.revoked_at else None,
        "revoked_reason": found.revoked_reason,
        "file": f"/v1/certificates/{found.id}/file",
        "verify_url": f"{web.runtime().settings.public_url}/verify/{found.code}",
    }


def _whose(call: ApiCall, named: str | None) -> str:
    owner = call.owner_or(named)
    if owner is None:
        raise Invalid.one("/freelancer", "required", "Say for whom.")
    return owner


@blueprint.route("/certificates", methods=["POST"], permission="certificates:write")
@blueprint.arguments(requests_tax.CertificateIn)
@blueprint.response(201, responses.AnyOut)
def issue(body: dict[str, Any]) -> Response:
    """Issue a certificate of earnings over any period; one about the same period before it is
    superseded. Anybody can check it by its code.
    """
    with api_call() as call:
        settings = web.runtime().settings
        issuer = certificate.Issuer(
            settings.platform_name,
            settings.public_url,
            settings.paper_key,
            settings.paper_certificate,
        )
        found = certificate.issue(
            call.ctx,
            issuer,
            _whose(call, body["freelancer"]),
            *periods.parse(body["period"]),
            body["language"],
        )
        call.ctx.session.flush()
        return call.json(_certificate(found), 201)


@blueprint.route("/certificates", methods=["GET"], permission="payments:read")
@blueprint.arguments(requests_finance.PageQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find_certificates(query: dict[str, Any]) -> Response:
    """What was issued, newest first, with its state."""
    with api_call() as call:
        found = certificates.listed(
            call.ctx.session, owner=call.owner, after=after(query["cursor"]), limit=query["limit"]
        )
        return call.listing([_certificate(one) for one in found], query["limit"])


@blueprint.route("/certificates/<certificate_id>/file", methods=["GET"], permission="payments:read")
@blueprint.response(200, content_type="application/pdf")
def certificate_file(certificate_id: str) -> Response:
    """The signed PDF, as it was issued."""
    with api_call() as call:
        found = certificates.find(call.ctx.session, certificate_id, owner=call.owner)
        return web.attachment(f"certificate-{found.code}.pdf", "application/pdf", found.pdf)


@blueprint.route(
    "/certificates/<certificate_id>/revoke", methods=["POST"], permission="finance:act"
)
@blueprint.arguments(requests_tax.RevokeIn)
@blueprint.response(200, responses.AnyOut)
def revoke(body: dict[str, Any], certificate_id: str) -> Response:
    """Revoke one that should not have been issued; its page says so and why."""
    with api_call() as call:
        found = certificates.find(
            call.ctx.session, certificate_id, owner=repository.EVERYONE, lock=True
        )
        certificates.revoke(call.staff, found, body["reason"])
        return call.json(_certificate(found))


def _link(found: AccountantLink, address: str | None = None) -> dict[str, Any]:
    return {
        "id": found.id,
        "object": "accountant_link",
        "name": found.name,
        "freelancer": found.freelancer_id,
        "made_at": found.made_at.isoformat(),
        "expires_at": found.expires_at.isoformat(),
        "revoked_at": found.revoked_at.isoformat() if found.revoked_at else None,
    } | ({"url": address} if address else {})


@blueprint.route("/accountant-links", methods=["POST"], permission="links:write")
@blueprint.arguments(requests_tax.AccountantLinkIn)
@blueprint.response(201, responses.AnyOut)
def give_link(body: dict[str, Any]) -> Response:
    """Let somebody read your figures without an account, until a day.

    The address is shown in this answer only, and is not part of a replay; each use is written down.
    """
    with api_call() as call:
        found = accountant_links.give(
            call.ctx, _whose(call, body["freelancer"]), body["name"], body["days"]
        )
        call.ctx.session.flush()
        token = web.runtime().tokens.sign("accountant", found.id)
        return call.secret(
            _link(found, f"{web.runtime().settings.public_url}/a/{token}"), 201, "url"
        )


@blueprint.route("/accountant-links", methods=["GET"], permission="payments:read")
@blueprint.arguments(requests_tax.AccountantQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find_links(query: dict[str, Any]) -> Response:
    """Yours, newest first, each with its uses."""
    with api_call() as call:
        if call.owner is None and query["freelancer"] is None and call.principal.role != "platform":
            raise Invalid.one("/freelancer", "required", "Say for whom.")
        owner = call.owner_or(query["freelancer"])
        found = accountant_links.listed(call.ctx.session, owner) if owner else []
        shown = [
            _link(one)
            | {
                "visits": [
                    {"at": v.at.isoformat(), "what": v.what, "user_agent": v.user_agent}
                    for v in accountant_links.visits(call.ctx.session, one.id)
                ]
            }
            for one in found
        ]
        return call.json({"object": "list", "data": shown, "has_more": False, "next_cursor": None})


@blueprint.route(
    "/accountant-links/<accountant_link_id>/end", methods=["POST"], permission="links:write"
)
@blueprint.arguments(requests.Nothing)
@blueprint.response(200, responses.AnyOut)
def end_link(body: dict[str, Any], accountant_link_id: str) -> Response:
    """End a link at once."""
    with api_call() as call:
        found = accountant_links.find(call.ctx.session, accountant_link_id, owner=call.owner)
        accountant_links.end(call.ctx, found)
        return call.json(_link(found))
