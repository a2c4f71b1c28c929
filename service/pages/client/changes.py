"""The client changes what was offered or agreed: asks for a change, answers an amendment, ends the
contract, does not know this person.
"""

from __future__ import annotations

from itertools import pairwise

from flask import Blueprint, g, render_template, request
from werkzeug.wrappers import Response

from service.core import events, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.states.names import AmendmentState
from service.domain.states.proof import AgreementEvidence
from service.http import web
from service.models import Contract
from service.operations.client_access import sessions
from service.operations.contracts import amendments, contract_reads, conversions, offers
from service.pages.decision_forms import decide, words
from service.pages.session import code_first, mailbox_proof, require_code, visitor
from service.shared import agreement
from service.workflows import contract_end

blueprint = Blueprint("changes", __name__)
TOPICS = {
    "price": "The price",
    "dates": "The dates",
    "scope": "The work described",
    "terms": "The terms",
    "my_details": "My name or details",
    "other": "Something else",
}


@blueprint.get("/c/<contract_id>/change")
@code_first
def change_form(contract_id: str) -> str:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who, sessions.BINDS_ANY)
        return render_template(
            "change.html", contract=found, freelancer=found.freelancer, topics=TOPICS
        )


@blueprint.post("/c/<contract_id>/change")
@code_first
def change(contract_id: str) -> Response:
    """Back to the freelancer with what should be different; the offer stands again if they do not
    answer.
    """
    return decide(
        contract_id,
        lambda ctx, locked: offers.ask_change(
            ctx, locked, request.form.getlist("topic"), words("words", 2_000)
        ),
    )


@blueprint.get("/c/<contract_id>/unknown")
def unknown_form(contract_id: str) -> str:
    with web.context() as ctx:
        found, _ = visitor(ctx, contract_id)
        return render_template("unknown.html", contract=found, freelancer=found.freelancer)


@blueprint.post("/c/<contract_id>/unknown")
def unknown(contract_id: str) -> Response:
    """No code: whoever does not know the sender shall not have to prove anything.

    Only an offer can end this way.
    """

    def report(ctx: Context, locked: Contract) -> None:
        offers.decline(ctx, locked, offers.UNKNOWN_PERSON)
        staff_tasks.open_task(
            ctx, TaskType.UNKNOWN_PERSON, locked.id, freelancer=locked.freelancer_id
        )
        events.record(ctx, "contract.reported", locked, public=False)

    return decide(contract_id, report, span=None)


@blueprint.get("/c/<contract_id>/amendments/<amendment_id>")
@code_first
def amendment_form(contract_id: str, amendment_id: str) -> str:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who)
        proposed = amendments.find(ctx.session, found.id, amendment_id)
        offered = (
            conversions.offered(ctx, found, proposed.converts_to)
            if proposed.converts_to and proposed.state == AmendmentState.PROPOSED
            else None
        )
        return render_template(
            "amendment.html",
            contract=found,
            freelancer=found.freelancer,
            amendment=proposed,
            offered=offered,
        )


@blueprint.post("/c/<contract_id>/amendments/<amendment_id>")
@code_first
def answer_amendment(contract_id: str, amendment_id: str) -> Response:
    """Yes binds: with the same evidence as the first agreement. No leaves everything as it is."""

    def answer(ctx: Context, locked: Contract) -> None:
        proposed = amendments.find(ctx.session, locked.id, amendment_id)
        choice = request.form.get("choice")
        if choice == "yes" and proposed.converts_to:
            conversions.agree(ctx, locked, proposed, _evidence(locked))
        elif choice == "yes":
            amendments.accept(ctx, locked, proposed, _evidence(locked))
        elif choice == "withdraw":
            amendments.withdraw(ctx, locked, proposed)
        else:
            amendments.reject(ctx, locked, proposed, words("reason", 500, required=False))

    return decide(contract_id, answer, span=sessions.BINDS_FRESH)


def _evidence(locked: Contract) -> AgreementEvidence:
    return AgreementEvidence(words("full_name", 120), locked.client.email, mailbox_proof(g.visitor))


@blueprint.get("/c/<contract_id>/end")
@code_first
def end_form(contract_id: str) -> str:
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        require_code(ctx, who)
        return render_template("end.html", contract=found, freelancer=found.freelancer)


@blueprint.post("/c/<contract_id>/end")
@code_first
def end(contract_id: str) -> Response:
    return decide(
        contract_id,
        lambda ctx, locked: contract_end.by_client(
            ctx, locked, words("reason", 500, required=False)
        ),
        span=sessions.BINDS_FRESH,
    )


@blueprint.get("/c/<contract_id>/versions")
def versions(contract_id: str) -> str:
    """Every version that was sent, and what changed from one to the next."""
    with web.context() as ctx:
        found, _ = visitor(ctx, contract_id)
        texts = contract_reads.versions_of(ctx.session, found.id)
        changed = [agreement.differences(a.text, b.text) for a, b in pairwise(texts)]
        return render_template(
            "versions.html",
            contract=found,
            freelancer=found.freelancer,
            texts=list(zip(texts, [[], *changed], strict=True))[::-1],
        )
