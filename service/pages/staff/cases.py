"""A confiscation case: its lines, who agreed, the clocks, and every posting it would make."""

from __future__ import annotations

from flask import Blueprint

from service.core import repository
from service.core.context import Context
from service.escrow import confiscation
from service.operations.safety import case_lines, cases, hold_ends
from service.operations.staff import console_reads
from service.operations.staff.staff_access import Colleague
from service.pages.staff.session import desk, page

blueprint = Blueprint("desk_cases", __name__, url_prefix="/staff/cases")


@blueprint.get("/<case_id>")
@desk()
def case(ctx: Context, who: Colleague, case_id: str) -> str:
    found = cases.find(ctx.session, case_id, owner=repository.EVERYONE)
    return page(
        ctx,
        who,
        "case.html",
        case=found,
        hold=hold_ends.find(ctx.session, found.hold_id, owner=repository.EVERYONE),
        postings=confiscation.plan(found),
        approvers=cases.APPROVERS,
        timeline=console_reads.timeline(ctx.session, found.id),
        lines=case_lines.in_words(ctx.session, found, own=False),
        heard=found.answer_until is not None and found.answer_until <= ctx.now,
    )
