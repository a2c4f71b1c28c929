"""A confiscation case: its lines, who agreed, the clocks, and every posting it would make."""

from __future__ import annotations

from flask import Blueprint

from service.core import repository
from service.core.context import Act
from service.escrow import confiscation
from service.operations.safety import case_lines, cases, holds
from service.operations.staff import console_reads
from service.operations.staff.staff_access import Colleague
from service.pages.staff.session import desk, page

blueprint = Blueprint("desk_cases", __name__, url_prefix="/staff/cases")


@blueprint.get("/<case_id>")
@desk()
def case(act: Act, who: Colleague, case_id: str) -> str:
    found = cases.find(act.session, case_id, owner=repository.EVERYONE)
    return page(
        act,
        who,
        "case.html",
        case=found,
        hold=holds.find(act.session, found.hold_id, owner=repository.EVERYONE),
        postings=confiscation.plan(found),
        approvers=cases.APPROVERS,
        timeline=console_reads.timeline(act.session, found.id),
        lines=case_lines.in_words(act.session, found, own=False),
        heard=found.answer_until is not None and found.answer_until <= act.now,
    )
