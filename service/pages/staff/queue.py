"""What waits for a person, the most urgent first and why; and one box that finds anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from service.core import queue, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import StateConflict
from service.domain.money.amounts import Amount
from service.domain.money.money import CURRENCIES
from service.http import web
from service.models import Hold
from service.operations.safety import reasons, rules
from service.operations.staff import lookup, review_queue
from service.operations.staff.staff_access import Colleague
from service.pages.formatting import read_amount
from service.pages.session import use_form
from service.pages.staff.session import desk, page

blueprint = Blueprint("desk", __name__, url_prefix="/staff")
TABS = {
    "": "Everything",
    "appeals": "Appeals",
    "cases": "Cases",
    "holds": "Holds",
    "tasks": "Other tasks",
}
_MOST_SHOWN = 60


@blueprint.get("")
@desk()
def waiting(ctx: Context, who: Colleague) -> str:
    """Sorted by a score whose parts are shown."""
    found = review_queue.waiting(ctx)
    listed_already = {w.subject for w in found}
    tasks = [
        t | {"page": lookup.page_of(ctx.session, t["subject"])}
        for t in staff_tasks.open_tasks(ctx.session)
        if t["subject"] not in listed_already
    ]
    counts = {
        kind: sum(w.kind == kind for w in found) for kind in ("appeals", "cases", "holds")
    } | {"tasks": len(tasks), "": len(found) + len(tasks)}
    shown = request.args.get("show", "") if request.args.get("show", "") in TABS else ""
    listed = [w for w in found if shown in ("", w.kind)][:_MOST_SHOWN]
    return page(
        ctx,
        who,
        "queue.html",
        waiting=[(w, _money(ctx, w.hold_id)) for w in listed],
        tasks=tasks if shown in ("", "tasks") else [],
        tabs=TABS,
        counts=counts,
        shown=shown,
        dead=queue.dead_jobs(ctx.session),
    )


def _money(ctx: Context, hold_id: str | None) -> Sequence[Mapping[str, object]]:
    hold = ctx.session.get(Hold, hold_id) if hold_id else None
    return reasons.money(ctx, hold) if hold else []


@blueprint.post("/tasks")
@desk("safety:act")
def close_task(ctx: Context, who: Colleague) -> Response:
    """It is done; it opens again by itself when its cause comes back."""
    if request.form.get("kind") == TaskType.OFFERS_PAUSED:
        raise StateConflict(
            "This is done by deciding about it, on the person's page.",
            {"current_state": "open", "allowed_actions": ["offers"]},
        )
    code = request.form.get("kind", "")
    # One that an older page shows and nobody knows any more is closed already.
    if use_form(ctx, who) and code in set(TaskType):
        staff_tasks.close_task(ctx, TaskType(code), request.form.get("subject", ""))
    return redirect("/staff?show=tasks", 303)


@blueprint.get("/search")
@desk()
def search(ctx: Context, who: Colleague) -> str | Response:
    """By any id of ours or of Stripe's, an e-mail address, a name, a title, or an amount with its
    currency.
    """
    text = " ".join(request.args.get("q", "").split())[:200]
    direct = lookup.page_of(ctx.session, text)
    if direct:
        return redirect(f"/staff/at/{direct}", 303)
    return page(ctx, who, "search.html", q=text, found=_found(ctx, text))


def _found(ctx: Context, text: str) -> list[tuple[str, str]]:
    amount, currency = text[:-3].strip(), text[-3:].upper()
    read = read_amount(amount, currency) if currency in CURRENCIES else None
    if isinstance(read, Amount):
        return lookup.by_amount(ctx.session, read.minor, currency)
    behind = (
        [(one, f"behind {text}") for one in lookup.by_stripe_id(ctx.session, text)]
        if "_" in text
        else []
    )
    return behind or (lookup.by_words(ctx.session, text) if len(text) >= 3 else [])


@blueprint.get("/rules")
@desk()
def rules_page(ctx: Context, who: Colleague) -> str:
    """The automatic rules as they are set, and what each would have done to the newest payments."""
    known = web.runtime().policies.rules
    chosen = known.get(request.args.get("report", ""))
    return page(
        ctx,
        who,
        "rules.html",
        rules=known.values(),
        report=rules.report(ctx, chosen) if chosen else None,
    )
