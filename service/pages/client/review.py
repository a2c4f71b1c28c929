"""Reviewing work: approve all or part, or ask for changes. Choice, check, then the action."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from service.core.context import Context
from service.escrow.milestone_money import escrowed_minor
from service.http import web
from service.models import Contract, Milestone
from service.operations.client_access import sessions
from service.operations.contracts import milestones
from service.operations.payments import refund_requests
from service.pages.decision_forms import Answers, amount, confirmed, decide, milestone_of
from service.pages.session import code_first, require_code, visitor

blueprint = Blueprint("review", __name__)


def _page(ctx: Context, found: Contract, milestone: Milestone, problem: str | None = None) -> str:
    return render_template(
        "review.html",
        contract=found,
        freelancer=found.freelancer,
        milestone=milestone,
        held=escrowed_minor(milestone),
        problem=problem,
        submission=next(iter(milestones.submissions_of(ctx.session, milestone.id)[::-1]), None),
        typed=request.form,
    )


@blueprint.get("/c/<contract_id>/milestones/<milestone_id>/review")
@code_first
def form(contract_id: str, milestone_id: str) -> str:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who)
        milestone = milestone_of(found, milestone_id)
        milestones.require_open(milestone)
        return _page(ctx, found, milestone)


@blueprint.post("/c/<contract_id>/milestones/<milestone_id>/review")
@code_first
def choose(contract_id: str, milestone_id: str) -> str | tuple[str, int]:
    """The first step: says exactly what the second one will do."""
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who)
        milestone = milestone_of(found, milestone_id)
        milestones.require_open(milestone)
        held = escrowed_minor(milestone)
        choice, what = (
            request.form.get("choice", ""),
            " ".join(request.form.get("what", "").split()),
        )
        answers = Answers()
        wanted = held if choice == "all" else 0
        if choice == "part":
            wanted = answers.ask(lambda: amount("amount", found.currency, most=held - 1), 0)
        rest = request.form.get("rest", "keep")
        problem = next((said for _, said in answers.problems), None) or _problem(choice, what, rest)
        if problem:
            return _page(ctx, found, milestone, problem), 422
        return render_template(
            "review_check.html",
            contract=found,
            freelancer=found.freelancer,
            milestone=milestone,
            choice=choice,
            amount=wanted,
            what=what,
            held=held,
            rest=rest,
        )


def _problem(choice: str, what: str, rest: str) -> str | None:
    if choice not in ("all", "part", "changes"):
        return "Select approve, approve part, or ask for changes."
    if choice == "changes" and not 1 <= len(what) <= 2_000:
        return "Say in up to 2,000 characters what should be changed."
    return None if rest in milestones.REST else "Choose what becomes of the rest."


@blueprint.post("/c/<contract_id>/milestones/<milestone_id>/approve")
@code_first
def approve(contract_id: str, milestone_id: str) -> Response:
    """Release the amount that the check named; the rest does what was chosen."""

    def release(ctx: Context, locked: Contract) -> None:
        milestone, rest = milestone_of(locked, milestone_id), request.form.get("rest", "keep")
        released = confirmed("amount_minor")
        milestones.approve(
            ctx, locked, milestone, released, rest if rest in milestones.REST else "keep"
        )
        if rest == "refund" and escrowed_minor(milestone):
            why = "The rest after a partial release."
            refund_requests.ask_instead(ctx, locked, milestone, None, why)

    return decide(contract_id, release, span=sessions.BINDS_FRESH)


@blueprint.post("/c/<contract_id>/milestones/<milestone_id>/changes")
@code_first
def request_changes(contract_id: str, milestone_id: str) -> Response:
    def ask(ctx: Context, locked: Contract) -> None:
        milestones.request_changes(
            ctx, locked, milestone_of(locked, milestone_id), request.form.get("what", "")[:2_000]
        )

    return decide(contract_id, ask, span=sessions.BINDS_FRESH)
