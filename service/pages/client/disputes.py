"""The client disagrees: opens or answers a dispute, shows evidence.

What names or settles an amount has two steps: the form, and a page that says the amount before
anything happens.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from service.core import repository
from service.core.context import Context
from service.domain.errors import Invalid, NotFound, StateConflict
from service.escrow.milestone_money import escrowed_minor
from service.http import web
from service.models import Contract, Dispute, File, Milestone
from service.operations.client_access import sessions
from service.operations.client_access.sessions import Visitor
from service.operations.disputes import evidence, files, mediation, negotiation, outcome
from service.pages.client.dispute_checks import CHECKS
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
from service.pages.session import code_first, require_code, use_form, visitor
from service.workflows import dispute_opened

blueprint = Blueprint("disagree", __name__)
_SIDE = "client"


@blueprint.get("/c/<contract_id>/milestones/<milestone_id>/dispute")
@code_first
def dispute_form(contract_id: str, milestone_id: str) -> str:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who, sessions.BINDS_ANY)
        return _dispute_form(found, milestone_of(found, milestone_id))


def _dispute_form(found: Contract, milestone: Milestone, problems: Problems = ()) -> str:
    return render_template(
        "dispute_open.html",
        contract=found,
        freelancer=found.freelancer,
        milestone=milestone,
        held=escrowed_minor(milestone),
        typed=request.form,
        problems=problems,
    )


@blueprint.post("/c/<contract_id>/milestones/<milestone_id>/dispute")
@code_first
def open_dispute(contract_id: str, milestone_id: str) -> Answer:
    """Lock exactly the disputed amount, after a check; a refund that was asked for becomes this
    dispute.
    """

    def start(ctx: Context, locked: Contract) -> None:
        milestone = milestone_of(locked, milestone_id)
        disputed, wanted = confirmed("amount_minor"), confirmed("refund_minor")
        dispute_opened.open_dispute(
            ctx, locked, milestone, _SIDE, disputed, wanted, words("claim", 5_000)
        )

    return decide(contract_id, start) if is_confirmed() else _open_check(contract_id, milestone_id)


def _open_check(contract_id: str, milestone_id: str) -> Answer:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who, sessions.BINDS_ANY)
        milestone, answers = milestone_of(found, milestone_id), Answers()
        held, currency = escrowed_minor(milestone), found.currency
        if not held:
            raise StateConflict("Only money that is still held can be disputed.")
        disputed = answers.ask(lambda: amount("amount", currency, most=held, empty=held), held)
        wanted = answers.ask(
            lambda: amount("refund", currency, most=disputed, least=0, empty=disputed), 0
        )
        claim = answers.ask(lambda: words("claim", 5_000), "")
        if answers.problems:
            return _dispute_form(found, milestone, answers.problems), 422
        return checked(
            found,
            Check(
                title=f"Open a dispute about {written(disputed, currency)}",
                lead="Only this amount is frozen. Everything else continues.",
                button="Open the dispute",
                back=url_for(
                    "disagree.dispute_form", contract_id=contract_id, milestone_id=milestone_id
                ),
                hidden={
                    "amount_minor": str(disputed),
                    "refund_minor": str(wanted),
                    "claim": claim,
                },
                facts=parts(
                    currency,
                    ("Frozen", disputed),
                    ("You want back", wanted),
                    (f"You leave to {found.freelancer.display_name}", disputed - wanted),
                    ("Not disputed", held - disputed),
                ),
                words=claim,
            ),
        )


def _dispute(ctx: Context, found: Contract, dispute_id: str, *, lock: bool = False) -> Dispute:
    contract, dispute = repository.dispute(
        ctx.session, dispute_id, owner=repository.EVERYONE, lock=lock
    )
    if contract.id != found.id:
        raise NotFound("There is no such dispute.")
    return dispute


@blueprint.get("/c/<contract_id>/disputes/<dispute_id>")
def dispute_page(contract_id: str, dispute_id: str) -> str:
    """Claim, answer, offers, evidence, and what can be done now.

    Looking needs no code; deciding does.
    """
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        return _dispute_page(ctx, found, who, _dispute(ctx, found, dispute_id))


def _dispute_page(
    ctx: Context, found: Contract, who: Visitor, dispute: Dispute, problems: Problems = ()
) -> str:
    shown = evidence.evidence_of(ctx.session, dispute)
    named = {one.file_id: ctx.session.get_one(File, one.file_id) for one in shown if one.file_id}
    return render_template(
        "dispute.html",
        contract=found,
        freelancer=found.freelancer,
        dispute=dispute,
        milestone=milestone_of(found, dispute.milestone_id),
        shown=shown,
        files=named,
        decides=who.role == "payer",
        typed=request.form,
        problems=problems,
    )


@blueprint.post("/c/<contract_id>/disputes/<dispute_id>")
@code_first
def move_dispute(contract_id: str, dispute_id: str) -> Answer:
    """Every action of the client in a dispute, by the button that was pressed; what settles or
    names an amount is checked first.
    """

    def move(ctx: Context, locked: Contract) -> None:
        dispute = _dispute(ctx, locked, dispute_id, lock=True)
        if choice not in _ACTS:
            raise Invalid.one("choice", "unknown_choice", "Choose what should happen.")
        _ACTS[choice](ctx, locked, dispute)

    choice = request.form.get("choice", "")
    if choice in CHECKS and not is_confirmed():
        return _move_check(contract_id, dispute_id, choice)
    decide(contract_id, move)
    return redirect(
        url_for("disagree.dispute_page", contract_id=contract_id, dispute_id=dispute_id), 303
    )


def _move_check(contract_id: str, dispute_id: str, choice: str) -> Answer:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who, sessions.BINDS_ANY)
        dispute, answers = _dispute(ctx, found, dispute_id), Answers()
        move = CHECKS[choice](answers, found, dispute)
        if answers.problems:
            return _dispute_page(ctx, found, who, dispute, answers.problems), 422
        rest = dispute.amount_minor - move.refund_minor
        return checked(
            found,
            Check(
                title=move.title,
                lead=move.lead,
                button=move.title,
                back=url_for(
                    "disagree.dispute_page", contract_id=contract_id, dispute_id=dispute_id
                ),
                hidden=move.hidden | {"choice": choice, "refund_minor": str(move.refund_minor)},
                facts=parts(
                    found.currency,
                    ("Comes back to you", move.refund_minor),
                    (f"Goes to {found.freelancer.display_name}", rest),
                ),
                words=move.words,
            ),
        )


def _answer(ctx: Context, locked: Contract, dispute: Dispute) -> None:
    negotiation.answer(
        ctx, locked, dispute, _SIDE, words("words", 5_000), confirmed("refund_minor")
    )


def _offer(ctx: Context, locked: Contract, dispute: Dispute) -> None:
    blind = request.form.get("blind") == "yes"
    reasons = words("reasons", 2_000, required=False)
    negotiation.offer(ctx, locked, dispute, _SIDE, confirmed("refund_minor"), reasons, blind=blind)


_ACTS: dict[str, Callable[[Context, Contract, Dispute], object]] = {
    "accept": lambda ctx, contract, dispute: negotiation.accept_claim(
        ctx, contract, dispute, _SIDE
    ),
    "answer": _answer,
    "offer": _offer,
    "agree": lambda ctx, contract, dispute: negotiation.agree_to(
        ctx, contract, dispute, request.form.get("offer", ""), _SIDE
    ),
    "reject": lambda ctx, contract, dispute: negotiation.reject_proposal(
        ctx, contract, dispute, _SIDE
    ),
    "mediation": mediation.ask_mediation,
    "withdraw": lambda ctx, contract, dispute: outcome.withdraw(ctx, contract, dispute, _SIDE),
}


@blueprint.post("/c/<contract_id>/disputes/<dispute_id>/evidence")
def show_evidence(contract_id: str, dispute_id: str) -> Response:
    """Words, or a file, or both; kept as they are for good."""
    with web.context() as ctx:
        _, who = visitor(ctx, contract_id)
        require_code(ctx, who, sessions.BINDS_ANY)
        locked = repository.contract(ctx.session, contract_id, owner=repository.EVERYONE, lock=True)
        dispute = _dispute(ctx, locked, dispute_id, lock=True)
        if use_form(ctx, who):
            mine = ctx.as_(who.actor)
            sent = request.files.get("file")
            content = sent.read() if sent else b""
            file = (
                files.store(mine, locked, (sent.filename if sent else "") or "file", content)
                if content
                else None
            )
            evidence.show(mine, locked, dispute, _SIDE, words("words", 5_000), file)
    return redirect(
        url_for("disagree.dispute_page", contract_id=contract_id, dispute_id=dispute_id), 303
    )


@blueprint.get("/c/<contract_id>/files/<file_id>")
def file(contract_id: str, file_id: str) -> Response:
    with web.context() as ctx:
        found, _ = visitor(ctx, contract_id)
        stored = files.find(ctx.session, found, file_id)
        return web.attachment(stored.name, stored.media_type, files.content_of(ctx.session, stored))
