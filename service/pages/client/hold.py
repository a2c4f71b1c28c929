"""A hold as the client sees it: neutral where it is about somebody else, with every reason where it
is about them; and their appeal.
"""

from __future__ import annotations

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from service.core.context import Context
from service.domain.errors import NotFound
from service.domain.states.restrictions import FOR_CLIENTS
from service.escrow.milestone_money import escrowed_minor
from service.exports import issued_documents
from service.exports.documents import case_statement
from service.http import web
from service.models import Contract, Hold
from service.operations.client_access import sessions
from service.operations.safety import appeals, cases, holds, reasons
from service.pages.decision_forms import decide, uploaded, words
from service.pages.session import code_first, visitor
from service.shared import hold_checks as reading

blueprint = Blueprint("hold", __name__)


@blueprint.get("/c/<contract_id>/hold")
def page(contract_id: str) -> str:
    """What is on hold, what happens to your money, and by when something is decided."""
    with web.context() as ctx:
        found, _ = visitor(ctx, contract_id)
        shown = holds.reaching(ctx, found)
        own = [
            (hold, reasons.statement(ctx, hold), appeals.of_hold(ctx.session, hold.id))
            for hold in shown
            if _about_client(hold)
        ]
        others = [hold for hold in shown if not _about_client(hold)]
        return render_template(
            "hold.html",
            contract=found,
            freelancer=found.freelancer,
            own=own,
            others=others,
            stopped={scope for hold in others for scope in reasons.stopped_by(hold)},
            stopped_by=reasons.stopped_by,
            words=FOR_CLIENTS,
            held=sum(escrowed_minor(m) for m in found.milestones),
            decided_by=min((reading.next_decision_at(h) for h in shown), default=None),
        )


@blueprint.get("/c/<contract_id>/cases/<case_id>")
def statement(contract_id: str, case_id: str) -> Response:
    """The signed statement of a case that took some of this contract's money."""
    with web.context() as ctx:
        found, _ = visitor(ctx, contract_id)
        case = next((one for one in cases.touching(ctx.session, found) if one.id == case_id), None)
        if case is None:
            raise NotFound("There is no such statement.")
        settings = web.runtime().settings
        data = issued_documents.issue_once(
            ctx,
            "case_statement",
            case.id,
            f"zip:{case.edition}:{found.id}",
            lambda: case_statement.statement(
                ctx.session, case, found, settings.platform_name, settings.signing_key
            ),
        )
        return web.attachment(f"{case.id}.zip", "application/zip", data)


@blueprint.post("/c/<contract_id>/hold/<hold_id>/appeal")
@code_first
def appeal(contract_id: str, hold_id: str) -> Response:
    """Somebody else decides again; only about a hold that concerns this client."""

    def file(ctx: Context, locked: Contract) -> None:
        hold = next(
            (
                one
                for one in holds.reaching(ctx, locked)
                if one.id == hold_id and _about_client(one)
            ),
            None,
        )
        if hold is None:
            raise NotFound("There is no such hold.")
        appeals.file(ctx, hold, words("statement", 10_000), uploaded(ctx, hold))

    return decide(contract_id, file, span=sessions.BINDS_ANY)


def _about_client(hold: Hold) -> bool:
    return hold.subject_kind == "client"
