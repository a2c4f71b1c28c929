"""A person, a contract, a hold and an appeal as staff see them: money, history, and what can be
done now.
"""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from service.core import four_eyes, repository
from service.core.context import Context
from service.domain.errors import NotFound
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.states.restrictions import SUBJECTS
from service.http import web
from service.models import Client, Confiscation, Freelancer, Hold
from service.operations.disputes import files
from service.operations.safety import appeals, cases, hold_ends, reasons
from service.operations.staff import console_reads, lookup
from service.operations.staff.staff_access import Colleague
from service.pages.staff.session import desk, page
from service.shared import hold_checks as reading
from service.shared import outreach

blueprint = Blueprint("looking", __name__, url_prefix="/staff")


_VIEWS = {
    ObjectKind.FREELANCER: "person",
    ObjectKind.CLIENT: "person",
    ObjectKind.CONTRACT: "contract",
    ObjectKind.HOLD: "hold",
    ObjectKind.APPEAL: "appeal",
    ObjectKind.CASE: "cases",
}


@blueprint.get("/at/<object_id>")
@desk()
def at(ctx: Context, _: Colleague, object_id: str) -> Response:
    """The page on which an object is shown. Raises NotFound."""
    shown = lookup.page_of(ctx.session, object_id)
    if shown is None:
        raise NotFound("Nothing is known by this number.")
    name = _VIEWS[typeid.kind_of(shown)]
    return redirect(
        url_for("desk_cases.case", case_id=shown)
        if name == "cases"
        else url_for(f"looking.{name}", object_id=shown),
        303,
    )


@blueprint.get("/people/<object_id>")
@desk()
def person(ctx: Context, who: Colleague, object_id: str) -> str:
    """A freelancer or a client: where their money lies, what is on hold, contracts, payouts, and
    the newest facts.
    """
    session = ctx.session
    is_freelancer = typeid.is_typeid(object_id, ObjectKind.FREELANCER)
    found: Freelancer | Client | None = None
    if is_freelancer:
        found = repository.freelancer(session, object_id)
    elif typeid.is_typeid(object_id, ObjectKind.CLIENT):
        found = session.get(Client, object_id)
    if found is None:
        raise NotFound("There is no such person.")
    return page(
        ctx,
        who,
        "person.html",
        person=found,
        is_freelancer=is_freelancer,
        money_at=console_reads.money(session, object_id),
        holds=console_reads.holds_about(session, [object_id]),
        suspension=console_reads.suspension_of(session, object_id),
        contracts=console_reads.contracts_of(session, object_id),
        payouts=console_reads.payouts_of(session, object_id) if is_freelancer else [],
        timeline=console_reads.timeline(session, object_id),
        pause=outreach.running_pause(session, object_id) if is_freelancer else None,
    )


@blueprint.get("/contracts/<object_id>")
@desk()
def contract(ctx: Context, who: Colleague, object_id: str) -> str:
    """A contract: milestones, payments with Stripe's ids, where its money lies, every hold that
    reaches it, every fact.
    """
    found = repository.contract(ctx.session, object_id, owner=repository.EVERYONE)
    paid = console_reads.payments_of(ctx.session, found.id)
    about = [*reading.subjects_of(found), *(m.id for m in found.milestones), *(p.id for p in paid)]
    return page(
        ctx,
        who,
        "contract.html",
        contract=found,
        payments=paid,
        money_at=console_reads.money(ctx.session, found.id),
        holds=console_reads.holds_about(ctx.session, about),
        timeline=console_reads.timeline(ctx.session, found.id),
    )


@blueprint.get("/holds/<object_id>")
@desk()
def hold(ctx: Context, who: Colleague, object_id: str) -> str:
    """The statement of reasons as staff see it, what the hold did to what was under way, what the
    person gave, and its history.
    """
    found = hold_ends.find(ctx.session, object_id, owner=repository.EVERYONE)
    return page(
        ctx,
        who,
        "hold.html",
        hold=found,
        said=reasons.statement(ctx, found, staff=True),
        subject=subject_of(found),
        case=cases.of_hold(ctx.session, found.id),
        appeal=appeals.of_hold(ctx.session, found.id),
        files={f.id: f for f in files.all_of(ctx.session, found)},
        timeline=console_reads.timeline(ctx.session, found.id),
    )


def subject_of(found: Hold) -> str:
    return typeid.encode(SUBJECTS[found.subject_kind], found.subject_id)


@blueprint.get("/holds/<object_id>/files/<file_id>")
@desk()
def file(ctx: Context, _: Colleague, object_id: str, file_id: str) -> Response:
    stored = files.find(
        ctx.session, hold_ends.find(ctx.session, object_id, owner=repository.EVERYONE), file_id
    )
    return web.attachment(stored.name, stored.media_type, files.content_of(ctx.session, stored))


@blueprint.get("/appeals/<object_id>")
@desk()
def appeal(ctx: Context, who: Colleague, object_id: str) -> str:
    """The appeal beside the decision it is against."""
    found = appeals.find(ctx.session, object_id, owner=repository.EVERYONE)
    under = hold_ends.find(ctx.session, found.hold_id, owner=repository.EVERYONE)
    case: Confiscation | None = cases.of_hold(ctx.session, under.id)
    decided = [under.opened_by, under.confirmed_by, *cases.people_of(ctx.session, under.id)]
    return page(
        ctx,
        who,
        "appeal.html",
        appeal=found,
        hold=under,
        said=reasons.statement(ctx, under, staff=True),
        case=case,
        may_decide=not four_eyes.among(ctx.session, who.actor, *decided),
        files={f.id: f for f in files.all_of(ctx.session, under)},
    )
