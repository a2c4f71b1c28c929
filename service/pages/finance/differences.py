"""Finance, differences: what Stripe has other than the books, why, and who agreed to that."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from service.core.context import Context
from service.domain.errors import Invalid
from service.domain.text.incoming import is_digits
from service.operations.finance import differences
from service.operations.staff.staff_access import Colleague
from service.pages.session import use_form
from service.pages.staff.session import desk, page

blueprint = Blueprint("finance_differences", __name__, url_prefix="/finance/differences")

_REASON = (
    "Say in a sentence, of at least 10 and at most 1,000 characters, where the difference "
    "comes from."
)


def _shown(ctx: Context, who: Colleague, problem: str | None = None) -> str:
    return page(
        ctx,
        who,
        "differences.html",
        differing=differences.present(ctx.session),
        explanations=differences.explanations(ctx.session),
        problem=problem,
    )


@blueprint.get("")
@desk("finance:read")
def overview(ctx: Context, who: Colleague) -> str:
    return _shown(ctx, who)


@blueprint.post("")
@desk("finance:act", proof=True)
def explain(ctx: Context, who: Colleague) -> str | tuple[str, int] | Response:
    """Ask that the platform bears what is shown, for the reason that is typed."""
    reason = " ".join(request.form.get("reason", "").split())
    if not 10 <= len(reason) <= 1_000:
        return _shown(ctx, who, _REASON), 422
    source, currency = request.form.get("source", ""), request.form.get("currency", "")
    if use_form(ctx, who):
        differences.explain(ctx, source, currency, _seen(request.form.get("amount", "")), reason)
    return redirect(url_for("finance_differences.overview"), 303)


@blueprint.post("/<explanation_id>/<any(approve, refuse):decision>")
@desk("finance:approve", proof=True)
def decide(ctx: Context, who: Colleague, explanation_id: str, decision: str) -> Response:
    """Another person agrees, or does not."""
    if use_form(ctx, who):
        asked = differences.find(ctx.session, explanation_id)
        {"approve": differences.approve, "refuse": differences.refuse}[decision](ctx, asked)
    return redirect(url_for("finance_differences.overview"), 303)


def _seen(amount: str) -> int:
    """What the page itself had written. Raises Invalid for anything else."""
    digits = amount.removeprefix("-")
    if not (is_digits(digits) and len(digits) <= 18):
        raise Invalid.one(
            "amount", "amount", "Open the page again: the amount of the difference is missing."
        )
    return int(amount)
