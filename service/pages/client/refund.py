"""The client asks for money back: the form, a page that says the amount, then the request; or takes
it back.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for

from service.core.context import Context
from service.domain.errors import NotFound, StateConflict
from service.escrow import refund_asks
from service.http import web
from service.models import Contract, Milestone
from service.operations.client_access import sessions
from service.operations.payments import refund_requests
from service.pages.decision_forms import (
    Answer,
    Answers,
    Check,
    Problems,
    amount,
    checked,
    confirmed,
    decide,
    is_confirmed,
    milestone_of,
    parts,
    words,
)
from service.pages.formatting import written
from service.pages.session import code_first, require_code, visitor

blueprint = Blueprint("refund", __name__)


@blueprint.get("/c/<contract_id>/milestones/<milestone_id>/refund")
@code_first
def form(contract_id: str, milestone_id: str) -> str:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who, sessions.BINDS_ANY)
        return _refund_page(ctx, found, milestone_of(found, milestone_id))


def _refund_page(
    ctx: Context, found: Contract, milestone: Milestone, problems: Problems = ()
) -> str:
    return render_template(
        "refund.html",
        contract=found,
        freelancer=found.freelancer,
        milestone=milestone,
        most=refund_requests.refundable_minor(ctx, milestone),
        asked=refund_asks.open_request(ctx.session, milestone.id),
        typed=request.form,
        problems=problems,
    )


@blueprint.post("/c/<contract_id>/milestones/<milestone_id>/refund")
@code_first
def refund(contract_id: str, milestone_id: str) -> Answer:
    """Ask for money back, after a check; or take the question back."""

    def ask(ctx: Context, locked: Contract) -> None:
        milestone, wanted = milestone_of(locked, milestone_id), confirmed("amount_minor")
        refund_requests.ask(ctx, locked, milestone, wanted, words("reason", 500))

    def withdraw(ctx: Context, locked: Contract) -> None:
        open_one = refund_asks.open_request(ctx.session, milestone_id)
        if open_one is None:
            raise NotFound("Nothing was asked for.")
        refund_requests.withdraw(ctx, locked, open_one)

    if request.form.get("choice") == "withdraw":
        return decide(contract_id, withdraw)
    return decide(contract_id, ask) if is_confirmed() else _refund_check(contract_id, milestone_id)


def _refund_check(contract_id: str, milestone_id: str) -> Answer:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who, sessions.BINDS_ANY)
        milestone, answers = milestone_of(found, milestone_id), Answers()
        most = refund_requests.refundable_minor(ctx, milestone)
        if not most:
            raise StateConflict("There is no money here to ask back.")
        wanted = answers.ask(lambda: amount("amount", found.currency, most=most, empty=most), 0)
        reason = answers.ask(lambda: words("reason", 500), "")
        if answers.problems:
            return _refund_page(ctx, found, milestone, answers.problems), 422
        return checked(
            found,
            Check(
                title=f"Request a refund of {written(wanted, found.currency)}",
                lead=f"{found.freelancer.display_name} is asked and has time to reply.",
                button=f"Request {written(wanted, found.currency)} back",
                back=url_for("refund.form", contract_id=contract_id, milestone_id=milestone_id),
                hidden={"amount_minor": str(wanted), "reason": reason},
                facts=parts(
                    found.currency, ("Comes back to you", wanted), ("Not affected", most - wanted)
                ),
                words=reason,
            ),
        )
