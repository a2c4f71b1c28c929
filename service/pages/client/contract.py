"""The client's contract: reading it, agreeing to it, saying no, receipts."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from service.core import repository
from service.core.context import Context
from service.documents.wording import LANGUAGES
from service.domain.errors import Invalid, NotFound
from service.domain.identity import names
from service.domain.identity.names import NameKind
from service.domain.states.proof import AgreementEvidence
from service.domain.text.incoming import is_digits
from service.escrow.milestone_money import escrowed_minor
from service.exports import issued_documents
from service.exports.documents import receipt
from service.http import web
from service.models import Contract, Payment
from service.operations.client_access import access, sessions
from service.operations.client_access.sessions import Visitor
from service.operations.contracts import (
    amendment_terms,
    contract_reads,
    contracts,
    deadlines,
    milestones,
    offers,
)
from service.operations.disputes import sides
from service.operations.payments import balances, payments
from service.operations.safety import cases, holds
from service.pages.decision_forms import decide, rely_on_code
from service.pages.formatting import payable
from service.pages.session import code_first, mailbox_proof, require_code, use_form, visitor
from service.shared import agreement, billing

blueprint = Blueprint("client", __name__)
DECLINE_REASONS = {
    "price": "The price",
    "timing": "The timing",
    "scope": "The work described",
    "not_needed": "No longer needed",
    "other": "Another reason",
}
_FIELDS = {"full_name": 120, "company": 160, "address": 300, "vat_id": 32, "purchase_order": 64}


def _see(ctx: Context, contract: Contract, who: Visitor) -> None:
    """The first look by a person, not by a scanner: they pressed Continue and have a session."""
    if contract.viewed_at is None:
        contracts.viewed(
            ctx.as_(who.actor),
            repository.contract(ctx.session, contract.id, owner=repository.EVERYONE, lock=True),
        )


@blueprint.get("/c/<contract_id>")
def contract(contract_id: str) -> str:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        _see(ctx, found, who)
        return render_template(
            "contract.html",
            contract=found,
            freelancer=found.freelancer,
            quote=agreement.quote_of(ctx, found),
            payable=payable(found),
            submissions={
                m.id: milestones.submissions_of(ctx.session, m.id)
                for m in found.milestones
                if m.round
            },
            receipts=balances.receipts_of(ctx.session, found),
            timeline=contract_reads.timeline(ctx.session, found.id, 0, 100)[:100],
            terms=agreement.TERMS_TEXT.split("\n\n", 1)[1],
            acceptance=contract_reads.acceptance_of(ctx.session, found),
            held=sum(escrowed_minor(m) for m in found.milestones),
            proposed=amendment_terms.open_amendment(ctx.session, found.id),
            all_disputes=(contested := sides.of_contract(ctx.session, found.id)),
            disputes=[d for d in contested if d.closed_at is None],
            deadlines=[
                d
                for d in deadlines.deadlines_of(ctx, found)
                if d.what != "end of the security period"
            ],
            on_hold=holds.reaching(ctx, found),
            cases=cases.touching(ctx.session, found)
            if any(m.funded_minor for m in found.milestones)
            else [],
            moving=access.pending_change(ctx.session, found.id),
        )


@blueprint.get("/c/<contract_id>/accept")
@code_first
def accept_form(contract_id: str) -> str:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who)
        return _accept_page(ctx, found, {}, [])


def _accept_page(
    ctx: Context, found: Contract, values: dict[str, str], problems: list[tuple[str, str]]
) -> str:
    return render_template(
        "accept.html",
        contract=found,
        freelancer=found.freelancer,
        quote=agreement.quote_of(ctx, found),
        values=values,
        problems=problems,
        terms=agreement.TERMS_TEXT.split("\n\n", 1)[1],
    )


@blueprint.post("/c/<contract_id>/accept")
@code_first
def accept(contract_id: str) -> Response | str | tuple[str, int]:
    """Two steps: the first answer is "check before you agree", the second one binds."""
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who)
        values, problems = _acceptance_values()
        if problems:
            return _accept_page(ctx, found, values, problems), 422
        if "confirm" not in request.form:
            return render_template(
                "accept_check.html",
                contract=found,
                freelancer=found.freelancer,
                quote=agreement.quote_of(ctx, found),
                values=values,
            )
        locked = repository.contract(ctx.session, contract_id, owner=repository.EVERYONE, lock=True)
        if use_form(ctx, who):
            contracts.accept(ctx.as_(who.actor), locked, _version(), _evidence(who, locked, values))
    return redirect(url_for("client.contract", contract_id=contract_id), 303)


def _version() -> int:
    text = request.form.get("text_version", "")
    if not is_digits(text) or len(text) > 6:
        raise Invalid.one("text_version", "text_version", "Open the page again.")
    return int(text)


def _acceptance_values() -> tuple[dict[str, str], list[tuple[str, str]]]:
    values = {name: " ".join(request.form.get(name, "").split()) for name in _FIELDS}
    problems = [
        (name, f"At most {limit} characters.")
        for name, limit in _FIELDS.items()
        if len(values[name]) > limit
    ]
    if not values["full_name"]:
        problems.append(("full_name", "Write your full name."))
    judged = ("full_name", NameKind.PERSON), ("company", NameKind.COMPANY)
    found = [
        names.objection(name, values[name], kind, web.runtime().settings.platform_name)
        for name, kind in judged
    ]
    problems += [(one.pointer, one.message) for one in found if one]
    if request.form.get("agree") != "yes":
        problems.append(("agree", "Tick the box to agree to this contract."))
    return values, problems


def _evidence(who: Visitor, found: Contract, values: dict[str, str]) -> AgreementEvidence:
    return AgreementEvidence(
        values["full_name"],
        found.client.email,
        mailbox_proof(who),
        company=values["company"] or None,
        address=values["address"] or None,
        vat_id=values["vat_id"] or None,
        purchase_order=values["purchase_order"] or None,
    )


@blueprint.get("/c/<contract_id>/decline")
@code_first
def decline_form(contract_id: str) -> str:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who, sessions.BINDS_ANY)
        return render_template(
            "decline.html",
            contract=found,
            freelancer=found.freelancer,
            reasons=DECLINE_REASONS,
            problem=None,
        )


@blueprint.post("/c/<contract_id>/decline")
@code_first
def decline(contract_id: str) -> Response | tuple[str, int]:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who, sessions.BINDS_ANY)
        reason = request.form.get("reason", "")
        if reason not in DECLINE_REASONS:
            page = render_template(
                "decline.html",
                contract=found,
                freelancer=found.freelancer,
                reasons=DECLINE_REASONS,
                problem="Choose a reason.",
            )
            return page, 422
        locked = repository.contract(ctx.session, contract_id, owner=repository.EVERYONE, lock=True)
        if use_form(ctx, who):
            rely_on_code(ctx, who, locked)
            offers.decline(ctx.as_(who.actor), locked, reason, request.form.get("note", "")[:500])
    return redirect(url_for("client.contract", contract_id=contract_id), 303)


@blueprint.get("/c/<contract_id>/cancel")
@code_first
def cancel_form(contract_id: str) -> str:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who)
        return render_template("cancel.html", contract=found, freelancer=found.freelancer)


@blueprint.post("/c/<contract_id>/cancel")
@code_first
def cancel(contract_id: str) -> Response:
    """End a contract into which no money has come."""
    return decide(
        contract_id,
        lambda ctx, locked: contracts.cancel(ctx, locked, "ended by the client"),
        span=sessions.BINDS_FRESH,
    )


@blueprint.get("/c/<contract_id>/receipts")
def receipts(contract_id: str) -> str:
    with web.context() as ctx:
        found, _ = visitor(ctx, contract_id)
        return render_template(
            "receipts.html",
            contract=found,
            freelancer=found.freelancer,
            receipts=balances.receipts_of(ctx.session, found),
        )


def _paid(ctx: Context, contract: Contract, payment_id: str) -> Payment:
    """Raises NotFound."""
    paid = next(
        (p for p in payments.payments_of(ctx, contract) if p.id == payment_id and p.succeeded_at),
        None,
    )
    if paid is None:
        raise NotFound("There is no such receipt.")
    return paid


@blueprint.get("/c/<contract_id>/receipts/<payment_id>.pdf")
def receipt_pdf(contract_id: str, payment_id: str) -> Response:
    """The receipt to keep, in the language in which the client agreed."""
    with web.context() as ctx:
        found, _ = visitor(ctx, contract_id)
        paid = _paid(ctx, found, payment_id)
        content = billing.receipt_of(ctx, found, paid)
        language = request.args.get("language", receipt.language_of(content))
        if language not in LANGUAGES:
            raise NotFound(f"Receipts come in {', '.join(LANGUAGES)}.")
        platform = web.runtime().settings.platform_name
        data = issued_documents.issue_once(
            ctx,
            "receipt",
            paid.id,
            f"pdf:{language}",
            lambda: receipt.render(paid, content, platform, language),
        )
        return web.attachment(f"receipt-{payment_id}.pdf", "application/pdf", data)


@blueprint.get("/c/<contract_id>/receipts/<payment_id>", endpoint="receipt")
def receipt_page(contract_id: str, payment_id: str) -> str:
    with web.context() as ctx:
        found, _ = visitor(ctx, contract_id)
        paid = _paid(ctx, found, payment_id)
        content = billing.receipt_of(ctx, found, paid)
        return render_template("receipt.html", contract=found, payment=paid, receipt=content)
