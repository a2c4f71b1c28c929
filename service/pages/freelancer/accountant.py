"""An accountant's page: a freelancer's figures by tax year, their exports and invoices.

Opened from a link, read only, each look written down.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.core import repository
from service.core.context import Context
from service.domain.errors import Invalid, NotFound
from service.exports import availability, inline, issued_documents, periods, registry
from service.exports.definitions import ExportRequest
from service.exports.documents import invoices, summary
from service.exports.formats import delimited
from service.exports.registry.people import EARNINGS
from service.http import incoming, web
from service.models import AccountantLink
from service.operations.finance import invoicing
from service.operations.people import accountant_links
from service.pages import link_cookies
from service.pages.session import LinkNeeded, same_origin
from service.shared import link_sessions
from service.shared.link_sessions import ACCOUNTANT

blueprint = Blueprint("accountant", __name__)
EXPORTS = ("transactions", "earnings", "payouts", "invoices", "india_statement")


@blueprint.get("/a/<token>")
def landing(token: str) -> str:
    """Changes nothing, and shows nothing: mail scanners follow every link."""
    link_cookies.subject(ACCOUNTANT, token)
    return render_template("accountant_link.html")


@blueprint.post("/a/<token>")
def come_in(token: str) -> AnyResponse:
    same_origin()
    link_id = link_cookies.subject(ACCOUNTANT, token)
    with web.context() as ctx:
        accountant_links.require_open(ctx, link_id)
        cookie = link_sessions.come_in_signed(
            ctx, ACCOUNTANT, web.runtime().tokens, link_id, incoming.browser()
        )
    return link_cookies.let_in(ACCOUNTANT, cookie, url_for("accountant.page"))


def _inside(ctx: Context, what: str) -> AccountantLink:
    """The link this browser came by, with this look written down. Raises LinkNeeded, Gone."""
    cookie, tokens = link_cookies.value(ACCOUNTANT), web.runtime().tokens
    who = link_sessions.look_signed(ctx, ACCOUNTANT, tokens, cookie, what, incoming.browser())
    if who is None:
        raise LinkNeeded("This page opens from the link that you were given.")
    return accountant_links.require_open(ctx, who.subject)


def _asked(ctx: Context, link: AccountantLink) -> ExportRequest:
    """By the page's own form: a period, and perhaps a currency. Raises Invalid."""
    words, home = (
        request.args.get("period", "").strip() or str(ctx.today.year),
        request.args.get("home", "").strip().upper() or None,
    )
    language, platform = request.args.get("language", "en"), web.runtime().settings.platform_name
    own_zone = request.args.get("zone", "").strip() or None
    availability.check(
        EARNINGS,
        "csv",
        link.freelancer_id,
        home=home,
        language=language,
        own_zone=own_zone,
    )
    zone = ctx.policies.book_zone.key
    return ExportRequest(
        *periods.parse(words),
        ctx.now,
        link.freelancer_id,
        home,
        language,
        platform,
        zone=zone,
        own_zone=own_zone,
    )


@blueprint.get("/accountant")
def page() -> str | tuple[str, int]:
    """The summary of a period, and everything behind it to take away."""
    with web.context() as ctx:
        link = _inside(ctx, f"summary {request.args.get('period', '')}"[:80])
        person = repository.freelancer(ctx.session, link.freelancer_id)
        shown: dict[str, object] = {
            "person": person,
            "link": link,
            "examples": periods.EXAMPLES,
            "asked": request.args,
            "problem": None,
        }
        try:
            asked = _asked(ctx, link)
        except Invalid as wrong:
            return render_template(
                "accountant.html",
                **shown | {"problem": wrong.errors[0].message, "found": None, "papers": []},
            ), 422
        found = inline.records(ctx.session, EARNINGS, asked)
        papers = [
            one
            for one in invoicing.listed(
                ctx.session, owner=person.id, contract_id=None, after=None, limit=200
            )
            if asked.first_day <= one.issued_on <= asked.last_day
        ]
        return render_template(
            "accountant.html",
            **shown,
            found=found,
            period=asked,
            exports=[registry.EXPORTS[name] for name in EXPORTS],
            papers=papers,
        )


@blueprint.get("/accountant/exports/<name>.<form>")
def export(name: str, form: str) -> AnyResponse:
    """An export of this person and period: csv, jsonl, and the summary as pdf."""
    with web.context() as ctx:
        link = _inside(ctx, f"{name} {form} {request.args.get('period', '')}"[:80])
        wanted, asked = registry.find(name), _asked(ctx, link)
        if (
            wanted.name not in EXPORTS
            or form not in ("csv", "jsonl", "pdf")
            or (form == "pdf" and not wanted.pdf)
        ):
            raise NotFound("There is no such file.")
        if form == "pdf":
            data = summary.render(wanted, asked, iter(inline.typed(ctx.session, wanted, asked)))
        else:
            data = b"".join(
                (delimited.as_csv if form == "csv" else delimited.as_jsonl)(
                    wanted, inline.columns(ctx.session, wanted, asked)
                )
            )
        return web.attachment(
            f"{wanted.name}-{asked.first_day}-{asked.last_day}.{form}",
            "application/octet-stream",
            data,
        )


@blueprint.get("/accountant/invoices/<invoice_id>.<form>")
def invoice(invoice_id: str, form: str) -> AnyResponse:
    with web.context() as ctx:
        link = _inside(ctx, f"invoice {invoice_id} {form}")
        found = invoicing.find(ctx.session, invoice_id, owner=link.freelancer_id)
        if form not in invoices.FORMATS:
            raise NotFound("There is no such file.")
        language, platform = "en", web.runtime().settings.platform_name
        data = issued_documents.issue_once(
            ctx,
            "invoice",
            found.id,
            f"{form}:{language}",
            lambda: invoices.render(ctx.session, found, form, language, platform),
        )
        return web.attachment(
            f"{found.number}.{form if form == 'pdf' else form + '.xml'}",
            invoices.FORMATS[form],
            data,
        )
