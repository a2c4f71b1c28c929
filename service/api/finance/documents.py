"""Papers: invoices and credit notes, certificates of earnings, and links for accountants."""

from __future__ import annotations

from flask import Response

from service.api.framework.calls import ApiCall, api_call
from service.api.framework.cursors import after_id
from service.api.framework.endpoints import Endpoints
from service.api.schemas import responses
from service.api.schemas.requests.common import Nothing, NothingBody, PageParameters, PageQuery
from service.api.schemas.requests.documents import (
    AccountantLinkBody,
    AccountantLinkIn,
    AccountantParameters,
    AccountantQuery,
    CertificateBody,
    CertificateIn,
    InvoiceParameters,
    InvoiceQuery,
    PaperParameters,
    PaperQuery,
    RevokeBody,
    RevokeIn,
)
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


def _invoice(invoice: Invoice) -> dict[str, object]:
    return {
        "id": invoice.id,
        "object": "invoice",
        "number": invoice.number,
        "kind": invoice.kind,
        "corrects": invoice.corrects_id,
        "freelancer": invoice.freelancer_id,
        "contract": invoice.contract_id,
        "milestone": invoice.milestone_id,
        "currency": invoice.currency,
        "net": invoice.net_minor,
        "tax": invoice.tax_minor,
        "total": invoice.total_minor,
        "tax_category": invoice.tax_category,
        "tax_rate": invoice.tax_rate,
        "seller": invoice.seller,
        "buyer": invoice.buyer,
        "issued_on": invoice.issued_on.isoformat(),
        "files": {form: f"/v1/invoices/{invoice.id}/files/{form}" for form in invoices.FORMATS},
    }


@blueprint.route("/invoices", methods=["GET"], permission="payments:read")
@blueprint.arguments(InvoiceQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find_invoices(query: InvoiceParameters) -> Response:
    """Invoices and credit notes, newest first: for the platform's fees, and by mandate for the
    work.
    """
    with api_call() as call:
        page = invoicing.listed(
            call.ctx.session,
            owner=call.owner,
            contract_id=query["contract"],
            after=after_id(query["cursor"]),
            limit=query["limit"],
        )
        return call.listing([_invoice(invoice) for invoice in page], query["limit"])


@blueprint.route("/invoices/<invoice_id>", methods=["GET"], permission="payments:read")
@blueprint.response(200, responses.AnyOut)
def read_invoice(invoice_id: str) -> Response:
    """One invoice or credit note; amounts in minor units."""
    with api_call() as call:
        return call.json(_invoice(invoicing.find(call.ctx.session, invoice_id, owner=call.owner)))


@blueprint.route("/invoices/<invoice_id>/files/<form>", methods=["GET"], permission="payments:read")
@blueprint.arguments(PaperQuery, location="query")
@blueprint.response(200, content_type="application/octet-stream")
def invoice_file(query: PaperParameters, invoice_id: str, form: str) -> Response:
    """`pdf` (Factur-X: the XML is inside), `ubl` or `cii`; EN 16931.

    The same invoice gives the same bytes.
    """
    with api_call() as call:
        if form not in invoices.FORMATS:
            raise NotFound(f"Invoices come as {', '.join(invoices.FORMATS)}.")
        invoice = invoicing.find(call.ctx.session, invoice_id, owner=call.owner)
        language, platform = query["language"], web.runtime().settings.platform_name
        data = issued_documents.issue_once(
            call.ctx,
            "invoice",
            invoice.id,
            f"{form}:{language}",
            lambda: invoices.render(call.ctx.session, invoice, form, language, platform),
        )
        return web.attachment(
            f"{invoice.number}.{form if form == 'pdf' else form + '.xml'}",
            invoices.FORMATS[form],
            data,
        )


def _certificate(issued: Certificate) -> dict[str, object]:
    return {
        "id": issued.id,
        "object": "certificate",
        "code": issued.code,
        "state": certificates.state(issued),
        "freelancer": issued.freelancer_id,
        "first_day": issued.first_day.isoformat(),
        "last_day": issued.last_day.isoformat(),
        "language": issued.language,
        "content": issued.content,
        "sha256": issued.sha256,
        "issued_at": issued.issued_at.isoformat(),
        "superseded_by": issued.superseded_by,
        "revoked_at": issued.revoked_at.isoformat() if issued.revoked_at else None,
        "revoked_reason": issued.revoked_reason,
        "file": f"/v1/certificates/{issued.id}/file",
        "verify_url": f"{web.runtime().settings.public_url}/verify/{issued.code}",
    }


def _whose(call: ApiCall, named: str | None) -> str:
    owner = call.owner_or(named)
    if owner is repository.EVERYONE:
        raise Invalid.one("/freelancer", "required", "Say for whom.")
    return owner


@blueprint.route("/certificates", methods=["POST"], permission="certificates:write")
@blueprint.arguments(CertificateIn)
@blueprint.response(201, responses.AnyOut)
def issue(body: CertificateBody) -> Response:
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
        issued = certificate.issue(
            call.ctx,
            issuer,
            _whose(call, body["freelancer"]),
            *periods.parse(body["period"]),
            body["language"],
        )
        call.ctx.session.flush()
        return call.json(_certificate(issued), 201)


@blueprint.route("/certificates", methods=["GET"], permission="payments:read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find_certificates(query: PageParameters) -> Response:
    """What was issued, newest first, with its state."""
    with api_call() as call:
        page = certificates.listed(
            call.ctx.session,
            owner=call.owner,
            after=after_id(query["cursor"]),
            limit=query["limit"],
        )
        return call.listing([_certificate(issued) for issued in page], query["limit"])


@blueprint.route("/certificates/<certificate_id>/file", methods=["GET"], permission="payments:read")
@blueprint.response(200, content_type="application/pdf")
def certificate_file(certificate_id: str) -> Response:
    """The signed PDF, as it was issued."""
    with api_call() as call:
        issued = certificates.find(call.ctx.session, certificate_id, owner=call.owner)
        return web.attachment(f"certificate-{issued.code}.pdf", "application/pdf", issued.pdf)


@blueprint.route(
    "/certificates/<certificate_id>/revoke", methods=["POST"], permission="finance:act"
)
@blueprint.arguments(RevokeIn)
@blueprint.response(200, responses.AnyOut)
def revoke(body: RevokeBody, certificate_id: str) -> Response:
    """Revoke one that should not have been issued; its page says so and why."""
    with api_call() as call:
        issued = certificates.find(
            call.ctx.session, certificate_id, owner=repository.EVERYONE, lock=True
        )
        certificates.revoke(call.staff, issued, body["reason"])
        return call.json(_certificate(issued))


def _link(link: AccountantLink, address: str | None = None) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": link.id,
        "object": "accountant_link",
        "name": link.name,
        "freelancer": link.freelancer_id,
        "made_at": link.made_at.isoformat(),
        "expires_at": link.expires_at.isoformat(),
        "revoked_at": link.revoked_at.isoformat() if link.revoked_at else None,
    }
    return shown | {"url": address} if address else shown


@blueprint.route("/accountant-links", methods=["POST"], permission="links:write")
@blueprint.arguments(AccountantLinkIn)
@blueprint.response(201, responses.AnyOut)
def give_link(body: AccountantLinkBody) -> Response:
    """Let somebody read your figures without an account, until a day.

    The address is shown in this answer only, and is not part of a replay; each use is written down.
    """
    with api_call() as call:
        link = accountant_links.give(
            call.ctx, _whose(call, body["freelancer"]), body["name"], body["days"]
        )
        call.ctx.session.flush()
        token = web.runtime().tokens.sign("accountant", link.id)
        return call.secret(
            _link(link, f"{web.runtime().settings.public_url}/a/{token}"), 201, "url"
        )


@blueprint.route("/accountant-links", methods=["GET"], permission="payments:read")
@blueprint.arguments(AccountantQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find_links(query: AccountantParameters) -> Response:
    """Yours, newest first, each with its uses."""
    with api_call() as call:
        owner = call.owner_or(query["freelancer"])
        if owner is repository.EVERYONE and call.principal.role != "platform":
            raise Invalid.one("/freelancer", "required", "Say for whom.")
        links = (
            [] if owner is repository.EVERYONE else accountant_links.listed(call.ctx.session, owner)
        )
        return call.whole_list([_link_with_visits(call, link) for link in links])


def _link_with_visits(call: ApiCall, link: AccountantLink) -> dict[str, object]:
    visits = [
        {"at": visit.at.isoformat(), "what": visit.what, "user_agent": visit.user_agent}
        for visit in accountant_links.visits(call.ctx.session, link.id)
    ]
    return _link(link) | {"visits": visits}


@blueprint.route(
    "/accountant-links/<accountant_link_id>/end", methods=["POST"], permission="links:write"
)
@blueprint.arguments(Nothing)
@blueprint.response(200, responses.AnyOut)
def end_link(body: NothingBody, accountant_link_id: str) -> Response:
    """End a link at once."""
    with api_call() as call:
        link = accountant_links.find(call.ctx.session, accountant_link_id, owner=call.owner)
        accountant_links.end(call.ctx, link)
        return call.json(_link(link))
