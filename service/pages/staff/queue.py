"""What waits for a person, the most urgent first and why; and one box that finds anything."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from service.core import queue
from service.core.context import Act
from service.domain.errors import StateConflict
from service.domain.money.amounts import Amount
from service.domain.money.money import CURRENCIES
from service.http import web
from service.models import Hold
from service.operations.safety import reasons, rules
from service.operations.staff import console_reads
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
def waiting(act: Act, who: Colleague) -> str:
    """Sorted by a score whose parts are shown."""
    found = console_reads.waiting(act)
    listed_already = {w.subject for w in found}
    tasks = [
        t | {"page": console_reads.page_of(act.session, t["subject"])}
        for t in queue.open_tasks(act.session)
        if t["subject"] not in listed_already
    ]
    counts = {
        kind: sum(w.kind == kind for w in found) for kind in ("appeals", "cases", "holds")
    } | {"tasks": len(tasks), "": len(found) + len(tasks)}
    shown = request.args.get("show", "") if request.args.get("show", "") in TABS else ""
    listed = [w for w in found if shown in ("", w.kind)][:_MOST_SHOWN]
    return page(
        act,
        who,
        "queue.html",
        waiting=[(w, _money(act, w.hold_id)) for w in listed],
        tasks=tasks if shown in ("", "tasks") else [],
        tabs=TABS,
        counts=counts,
        shown=shown,
        dead=queue.dead_jobs(act.session),
    )


def _money(act: Act, hold_id: str | None) -> list[dict[str, Any]]:
    hold = act.session.get(Hold, hold_id) if hold_id else None
    return reasons.money(act, hold) if hold else []


@blueprint.post("/tasks")
@desk("safety:act")
def close_task(act: Act, who: Colleague) -> Response:
    """It is done; it opens again by itself when its cause comes back."""
    if request.form.get("kind") == "offers_paused":
        raise StateConflict(
            "This is done by deciding about it, on the person's page.",
            {"current_state": "open", "allowed_actions": ["offers"]},
        )
    if use_form(act, who):
        queue.close_task(act, request.form.get("kind", ""), request.form.get("subject", ""))
    return redirect("/staff?show=tasks", 303)


@blueprint.get("/search")
@desk()
def search(act: Act, who: Colleague) -> str | Response:
    """By any id of ours or of Stripe's, an e-mail address, a name, a title, or an amount with its
    currency.
    """
    text = " ".join(request.args.get("q", "").split())[:200]
    direct = console_reads.page_of(act.session, text)
    if direct:
        return redirect(f"/staff/at/{direct}", 303)
    return page(act, who, "search.html", q=text, found=_found(act, text))


def _found(act: Act, text: str) -> list[tuple[str, str]]:
    amount, currency = text[:-3].strip(), text[-3:].upper()
    read = read_amount(amount, currency) if currency in CURRENCIES else None
    if isinstance(read, Amount):
        return console_reads.by_amount(act.session, read.minor, currency)
    behind = (
        [(one, f"behind {text}") for one in console_reads.by_stripe_id(act.session, text)]
        if "_" in text
        else []
    )
    return behind or (console_reads.by_words(act.session, text) if len(text) >= 3 else [])


@blueprint.get("/rules")
@desk()
def rules_page(act: Act, who: Colleague) -> str:
    """The automatic rules as they are set, and what each would have done to the newest payments."""
    known = web.runtime().policies.rules
    chosen = known.get(request.args.get("report", ""))
    return page(
        act,
        who,
        "rules.html",
        rules=known.values(),
        report=rules.report(act, chosen) if chosen else None,
    )
