"""Reviewing work: approve all or part, or ask for changes. Choice, check, then the act."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from service import rows, web
from service.act import Act
from service.domain.errors import NotFound
from service.domain.money import CURRENCIES
from service.escrow.money import held_minor
from service.models import Contract, Milestone
from service.operations import milestones, refund_requests
from service.pages.session import code_first, require_code, use_form, visitor
from service.pages.shapes import parse_amount

blueprint = Blueprint("review", __name__)


def _milestone(found: Contract, milestone_id: str) -> Milestone:
    milestone = next((m for m in found.milestones if m.id == milestone_id), None)
    if milestone is None:
        raise NotFound("There is no such milestone.")
    return milestone


def _page(act: Act, found: Contract, milestone: Milestone, problem: str | None = None) -> str:
    return render_template(
        "review.html", contract=found, freelancer=found.freelancer, milestone=milestone, held=held_minor(milestone), problem=problem,
        submission=next(iter(milestones.submissions_of(act.session, milestone.id)[::-1]), None), exponent=CURRENCIES[found.currency].exponent,
    )  # fmt: skip


@blueprint.get("/c/<contract_id>/milestones/<milestone_id>/review")
@code_first
def form(contract_id: str, milestone_id: str) -> str:
    with web.act() as act:
        found, who = visitor(act, contract_id)
        require_code(act, who)
        milestone = _milestone(found, milestone_id)
        milestones.require_open(milestone)
        return _page(act, found, milestone)


@blueprint.post("/c/<contract_id>/milestones/<milestone_id>/review")
@code_first
def choose(contract_id: str, milestone_id: str) -> str | tuple[str, int]:
    """The first step: says exactly what the second one will do."""
    with web.act() as act:
        found, who = visitor(act, contract_id)
        require_code(act, who)
        milestone = _milestone(found, milestone_id)
        milestones.require_open(milestone)
        held = held_minor(milestone)
        choice, what = request.form.get("choice", ""), " ".join(request.form.get("what", "").split())
        amount = held if choice == "all" else parse_amount(request.form.get("amount", ""), found.currency) if choice == "part" else 0
        rest = request.form.get("rest", "keep")
        problem = _problem(choice, what, amount, held) or (None if rest in milestones.REST else "Choose what becomes of the rest.")
        if problem:
            return _page(act, found, milestone, problem), 422
        return render_template(
            "review_check.html",
            contract=found,
            freelancer=found.freelancer,
            milestone=milestone,
            choice=choice,
            amount=amount,
            what=what,
            held=held,
            rest=rest,
        )


def _problem(choice: str, what: str, amount: int | None, held: int) -> str | None:
    if choice not in ("all", "part", "changes"):
        return "Choose what should happen."
    if choice == "part" and (amount is None or not 1 <= amount < held):
        return "Write an amount that is more than nothing and less than what is held."
    if choice == "changes" and not 1 <= len(what) <= 2_000:
        return "Say in up to 2,000 characters what should be changed."
    return None


@blueprint.post("/c/<contract_id>/milestones/<milestone_id>/approve")
@code_first
def approve(contract_id: str, milestone_id: str) -> Response:
    with web.act() as act:
        _, who = visitor(act, contract_id)
        require_code(act, who)
        locked, milestone = rows.milestone(act.session, milestone_id, owner=rows.EVERYONE)
        if locked.id != contract_id:
            raise NotFound("There is no such milestone.")
        if use_form(act, who):
            text = request.form.get("amount_minor", "")
            amount = int(text) if text.isdecimal() and len(text) < 16 else 0
            rest = request.form.get("rest", "keep")
            milestones.approve(act.as_(who.actor), locked, milestone, amount, rest if rest in milestones.REST else "keep")
            if rest == "refund" and held_minor(milestone):
                refund_requests.ask(act.as_(who.actor), locked, milestone, None, "The rest after a partial release.")
    return redirect(url_for("client.contract", contract_id=contract_id), 303)


@blueprint.post("/c/<contract_id>/milestones/<milestone_id>/changes")
@code_first
def request_changes(contract_id: str, milestone_id: str) -> Response:
    with web.act() as act:
        _, who = visitor(act, contract_id)
        require_code(act, who)
        locked, milestone = rows.milestone(act.session, milestone_id, owner=rows.EVERYONE)
        if locked.id != contract_id:
            raise NotFound("There is no such milestone.")
        if use_form(act, who):
            milestones.request_changes(act.as_(who.actor), locked, milestone, request.form.get("what", "")[:2_000])
    return redirect(url_for("client.contract", contract_id=contract_id), 303)
