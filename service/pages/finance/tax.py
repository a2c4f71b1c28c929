"""Finance, tax: what was decided about our duties and why, whose papers are missing, rates, and
files prepared for tax offices.
"""

from __future__ import annotations

import re

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from service.core.context import Context
from service.domain.money.money import CURRENCIES
from service.exports.documents import filings
from service.http import web
from service.models import FILING_REGIMES, TAX_REGIMES
from service.operations.staff.staff_access import Colleague
from service.operations.tax import tax_dues, tax_filings, tax_identities, tax_scopes
from service.pages.session import use_form
from service.pages.staff.session import desk, page

blueprint = Blueprint("finance_tax", __name__, url_prefix="/finance/tax")
WORDS = {
    "us_1099k": "United States: Form 1099-K",
    "eu_dac7": "European Union: DAC7",
    "uk_mrdp": "United Kingdom: digital platforms",
    "in_194o": "India: tax deducted at source, s. 194-O",
    "in_gst_tcs": "India: GST collected at source, s. 52",
    "us_backup": "United States: backup withholding",
}


def _shown(ctx: Context, who: Colleague, problem: str | None = None) -> str:
    filed = tax_filings.listed(ctx.session, None, 50) if "tax:read" in who.scopes else []
    return page(
        ctx,
        who,
        "tax.html",
        scopes=tax_scopes.present(ctx.session),
        words=WORDS,
        filed=filed,
        states=tax_identities.on_file(ctx.session, ctx.today),
        wanting=tax_identities.wanting(ctx.session, ctx.today),
        filing_regimes=FILING_REGIMES,
        owed=tax_dues.listed(ctx.session, None, 24),
        today=ctx.today,
        this_month=ctx.today.replace(day=1),
        last_year=ctx.now.year - 1,
        problem=problem,
    )


@blueprint.get("")
@desk("finance:read")
def overview(ctx: Context, who: Colleague) -> str:
    return _shown(ctx, who)


@blueprint.post("/scopes")
@desk("finance:approve", proof=True)
def decide(ctx: Context, who: Colleague) -> str | tuple[str, int] | Response:
    """A duty is somebody's decision with a reason, never a constant."""
    regime, reason = request.form.get("regime", ""), request.form.get("reason", "").strip()[:2_000]
    if (
        regime not in TAX_REGIMES
        or request.form.get("in_scope") not in ("yes", "no")
        or len(reason) < 10
    ):
        return _shown(ctx, who, problem="Say which duty, yes or no, and why in a sentence."), 422
    if use_form(ctx, who):
        tax_scopes.decide(ctx, regime, request.form["in_scope"] == "yes", reason)
    return redirect(url_for("finance_tax.overview"), 303)


@blueprint.post("/dues/<due_id>")
@desk("finance:approve", proof=True)
def remit(ctx: Context, who: Colleague, due_id: str) -> str | tuple[str, int] | Response:
    """A month's withheld tax was paid from the platform's own bank account."""
    reference = request.form.get("reference", "").strip()[:100]
    if not reference:
        return _shown(ctx, who, problem="Give the tax office's own number of the payment."), 422
    if use_form(ctx, who):
        tax_dues.remit(ctx, due_id, reference)
    return redirect(url_for("finance_tax.overview") + "#dues", 303)


@blueprint.post("/filings")
@desk("finance:tax", proof=True)
def prepare(ctx: Context, who: Colleague) -> str | tuple[str, int] | Response:
    """Prepare the report of a year, or what has changed since the last one."""
    regime, year = request.form.get("regime", ""), request.form.get("year", "")
    home = request.form.get("home", "").strip().upper() or None
    if (
        regime not in FILING_REGIMES
        or not (re.fullmatch("20[0-9]{2}|2100", year) and int(year) >= 2023)
        or (home and home not in CURRENCIES)
    ):
        return _shown(
            ctx,
            who,
            problem="Say which report and which year, such as 2025, and a currency that we know "
            "or none.",
        ), 422
    if use_form(ctx, who):
        filings.prepare(
            ctx,
            web.runtime().encryption,
            regime,
            int(year),
            None,
            home,
            test=web.runtime().settings.sandbox,
        )
    return redirect(url_for("finance_tax.overview") + "#filings", 303)


@blueprint.get("/filings/<filing_id>.xml")
@desk("tax:read")
def file_of(ctx: Context, _: Colleague, filing_id: str) -> Response:
    found = tax_filings.find(ctx.session, filing_id)
    return web.attachment(
        f"{found.message_ref}.xml",
        "application/xml",
        tax_filings.file_of(ctx, web.runtime().encryption, found),
    )
