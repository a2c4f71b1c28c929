"""The client disagrees: asks for money back, opens or answers a dispute, shows evidence."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from service import rows, web
from service.act import Act
from service.domain.errors import Invalid, NotFound
from service.escrow.money import held_minor
from service.models import Contract, Dispute, File
from service.operations import disputes, evidence, files, links, refund_requests
from service.pages.deciding import amount, decide, milestone_of, words
from service.pages.session import code_first, require_code, use_form, visitor

blueprint = Blueprint("disagree", __name__)
_SIDE = "client"


@blueprint.get("/c/<contract_id>/milestones/<milestone_id>/refund")
@code_first
def refund_form(contract_id: str, milestone_id: str) -> str:
    with web.act() as act:
        found, who = visitor(act, contract_id)
        require_code(act, who, links.BINDS_ANY)
        milestone = milestone_of(found, milestone_id)
        most = milestone.released_minor - milestone.refunded_after_release_minor if milestone.state == "released" else held_minor(milestone)
        asked = refund_requests.open_request(act.session, milestone.id)
        return render_template("refund.html", contract=found, freelancer=found.freelancer, milestone=milestone, most=most, asked=asked)


@blueprint.post("/c/<contract_id>/milestones/<milestone_id>/refund")
@code_first
def refund(contract_id: str, milestone_id: str) -> Response:
    """Ask for money back, or take the question back."""

    def ask(act: Act, locked: Contract) -> None:
        milestone = milestone_of(locked, milestone_id)
        open_one = refund_requests.open_request(act.session, milestone.id)
        if request.form.get("choice") == "withdraw":
            if open_one is None:
                raise NotFound("Nothing was asked for.")
            refund_requests.withdraw(act, locked, open_one)
        else:
            wanted = amount("amount", locked.currency, empty=0) or None
            refund_requests.ask(act, locked, milestone, wanted, words("reason", 500))

    return decide(contract_id, ask)


@blueprint.get("/c/<contract_id>/milestones/<milestone_id>/dispute")
@code_first
def dispute_form(contract_id: str, milestone_id: str) -> str:
    with web.act() as act:
        found, who = visitor(act, contract_id)
        require_code(act, who, links.BINDS_ANY)
        milestone = milestone_of(found, milestone_id)
        return render_template("dispute_open.html", contract=found, freelancer=found.freelancer, milestone=milestone, held=held_minor(milestone))


@blueprint.post("/c/<contract_id>/milestones/<milestone_id>/dispute")
@code_first
def open_dispute(contract_id: str, milestone_id: str) -> Response:
    """Lock exactly the disputed amount; a refund that was asked for becomes this dispute."""

    def start(act: Act, locked: Contract) -> None:
        milestone = milestone_of(locked, milestone_id)
        asked = refund_requests.open_request(act.session, milestone.id)
        if asked is not None:
            refund_requests.becomes_dispute(act, locked, asked)
            act.session.flush()
        disputed = amount("amount", locked.currency, empty=held_minor(milestone))
        wanted = amount("refund", locked.currency, empty=disputed)
        disputes.start(act, locked, milestone, _SIDE, disputed, wanted, words("claim", 5_000))

    return decide(contract_id, start)


def _dispute(act: Act, found: Contract, dispute_id: str, *, lock: bool = False) -> Dispute:
    contract, dispute = rows.dispute(act.session, dispute_id, owner=rows.EVERYONE, lock=lock)
    if contract.id != found.id:
        raise NotFound("There is no such dispute.")
    return dispute


@blueprint.get("/c/<contract_id>/disputes/<dispute_id>")
def dispute_page(contract_id: str, dispute_id: str) -> str:
    """Claim, answer, offers, evidence, and what can be done now. Looking needs no code; deciding does."""
    with web.act() as act:
        found, who = visitor(act, contract_id)
        dispute = _dispute(act, found, dispute_id)
        shown = evidence.evidence_of(act.session, dispute)
        named = {one.file_id: act.session.get_one(File, one.file_id) for one in shown if one.file_id}
        return render_template(
            "dispute.html", contract=found, freelancer=found.freelancer, dispute=dispute, milestone=milestone_of(found, dispute.milestone_id),
            shown=shown, files=named, decides=who.role == "payer",
        )  # fmt: skip


@blueprint.post("/c/<contract_id>/disputes/<dispute_id>")
@code_first
def move_dispute(contract_id: str, dispute_id: str) -> Response:
    """Every act of the client in a dispute, by the button that was pressed."""

    def move(act: Act, locked: Contract) -> None:
        dispute = _dispute(act, locked, dispute_id, lock=True)
        choice = request.form.get("choice", "")
        if choice not in _ACTS:
            raise Invalid.one("choice", "unknown_choice", "Choose what should happen.")
        _ACTS[choice](act, locked, dispute)

    decide(contract_id, move)
    return redirect(url_for("disagree.dispute_page", contract_id=contract_id, dispute_id=dispute_id), 303)


def _answer(act: Act, locked: Contract, dispute: Dispute) -> None:
    disputes.answer(act, locked, dispute, _SIDE, words("words", 5_000), amount("refund", locked.currency))


def _offer(act: Act, locked: Contract, dispute: Dispute) -> None:
    blind = request.form.get("blind") == "yes"
    disputes.offer(act, locked, dispute, _SIDE, amount("refund", locked.currency), words("reasons", 2_000, required=False), blind=blind)


_ACTS: dict[str, Callable[[Act, Contract, Dispute], object]] = {
    "accept": lambda act, contract, dispute: disputes.accept_claim(act, contract, dispute, _SIDE),
    "answer": _answer,
    "offer": _offer,
    "agree": lambda act, contract, dispute: disputes.agree_to(act, contract, dispute, request.form.get("offer", ""), _SIDE),
    "reject": lambda act, contract, dispute: disputes.reject_proposal(act, contract, dispute, _SIDE),
    "mediation": disputes.ask_mediation,
    "withdraw": lambda act, contract, dispute: disputes.withdraw(act, contract, dispute, _SIDE),
}


@blueprint.post("/c/<contract_id>/disputes/<dispute_id>/evidence")
def show_evidence(contract_id: str, dispute_id: str) -> Response:
    """Words, or a file, or both; kept as they are for good."""
    with web.act() as act:
        _, who = visitor(act, contract_id)
        require_code(act, who, links.BINDS_ANY)
        locked = rows.contract(act.session, contract_id, owner=rows.EVERYONE, lock=True)
        dispute = _dispute(act, locked, dispute_id, lock=True)
        if use_form(act, who):
            mine = act.as_(who.actor)
            sent = request.files.get("file")
            content = sent.read() if sent else b""
            file = files.store(mine, locked, (sent.filename if sent else "") or "file", content) if content else None
            evidence.show(mine, locked, dispute, _SIDE, words("words", 5_000), file)
    return redirect(url_for("disagree.dispute_page", contract_id=contract_id, dispute_id=dispute_id), 303)


@blueprint.get("/c/<contract_id>/files/<file_id>")
def file(contract_id: str, file_id: str) -> Response:
    with web.act() as act:
        found, _ = visitor(act, contract_id)
        stored = files.find(act.session, found, file_id)
        return web.attachment(stored.name, stored.media_type, files.content_of(act.session, stored))
