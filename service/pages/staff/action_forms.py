"""The one way in which staff act: a form, then "This will: …" from a rehearsal of the very act,
then the second click.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from service.core.context import Context
from service.domain.errors import HoldfastError, NotFound
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.money.amounts import Refusal
from service.domain.money.money import CURRENCIES
from service.models import Confiscation, Hold
from service.operations.safety import case_lines, reasons
from service.operations.staff.previews import preview
from service.operations.staff.staff_access import Colleague
from service.pages.formatting import money, read_amount
from service.pages.session import use_form
from service.pages.staff.action import Field, StaffAction, end_of_day
from service.pages.staff.actions import DEEDS
from service.pages.staff.session import desk, need, page

blueprint = Blueprint("acts", __name__, url_prefix="/staff/do")


@blueprint.route("/<name>/<object_id>", methods=["GET", "POST"])
@desk(proof=True)
def perform(ctx: Context, who: Colleague, name: str, object_id: str) -> Any:
    """Ask, show, do.

    Refusals of the rehearsal are shown beside the form, before anything has happened.
    """
    if name not in DEEDS:
        raise NotFound("There is no such act.")
    scope, made_for = DEEDS[name]
    need(who, scope)
    deed = made_for(ctx, object_id)
    if (request.method == "GET" and deed.fields) or "again" in request.form:
        return _form(ctx, who, deed, object_id, [])
    given, problems = _answers(deed)
    if problems:
        return _form(ctx, who, deed, object_id, problems), 422
    if "confirm" in request.form:
        return _done(ctx, who, deed, given, object_id)
    try:
        shown = preview(ctx, lambda ctx: deed.do(ctx, dict(given)), lambda made: _look(ctx, made))
    except HoldfastError as refusal:
        found = [(e.pointer.strip("/"), e.message) for e in getattr(refusal, "errors", [])] or [
            ("", str(refusal))
        ]
        return _form(ctx, who, deed, object_id, found), 422
    typed = [
        (key, value)
        for key, value in request.form.items(multi=True)
        if key not in ("form_token", "confirm", "again")
    ]
    sums = _amounts(deed, given)
    return page(
        ctx,
        who,
        "check.html",
        deed=deed,
        object_id=object_id,
        shown=shown,
        typed=typed,
        amounts=sums,
    )


def _amounts(deed: StaffAction, given: dict[str, Any]) -> list[tuple[str, Markup]]:
    """Each amount that was typed, as it was read."""
    asked = [field for field in deed.fields if field.kind == "amount" and given[field.name]]
    return [(field.label, money(given[field.name], given["currency"])) for field in asked]


def _done(
    ctx: Context, who: Colleague, deed: StaffAction, given: dict[str, Any], object_id: str
) -> Response:
    made = deed.do(ctx, given) if use_form(ctx, who) else None
    ctx.session.flush()
    follow = (
        made[-1]
        if isinstance(made, tuple) and made[-1] is not None
        else made[0]
        if isinstance(made, tuple)
        else made
    )
    there = getattr(follow, "id", "")
    shown = (
        there
        if typeid.is_typeid(there, ObjectKind.HOLD, ObjectKind.CASE, ObjectKind.APPEAL)
        else object_id
    )
    return redirect(f"/staff/at/{shown}", 303)


def _look(ctx: Context, made: Any) -> dict[str, Any]:
    """What a hold that was just made keeps and does, whose money a case moves where; nothing for
    other acts.
    """
    if isinstance(made, Confiscation):
        return {
            "currency": made.currency,
            "lines": case_lines.in_words(ctx.session, made, own=False),
        }
    hold = (
        made
        if isinstance(made, Hold)
        else next((one for one in made if isinstance(one, Hold)), None)
        if isinstance(made, tuple)
        else None
    )
    if hold is None or hold.ended_at is not None:
        return {}
    effects = [(e.what, e.object_id, e.outcome) for e in hold.effects]
    return {
        "keeps": reasons.money(ctx, hold),
        "effects": effects,
        "until": hold.expires_at,
        "confirm_by": hold.confirm_by,
        "scopes": hold.scopes,
    }


def _form(
    ctx: Context, who: Colleague, deed: StaffAction, object_id: str, problems: list[tuple[str, str]]
) -> str:
    return page(
        ctx, who, "deed.html", deed=deed, object_id=object_id, problems=problems, typed=request.form
    )


def _answers(deed: StaffAction) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    given: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    currency = request.form.get("currency", "USD")
    for asked in deed.fields:
        try:
            given[asked.name] = _answer(asked, currency if currency in CURRENCIES else "USD")
        except ValueError as wrong:
            problems.append((asked.name, f"{asked.label}: {wrong}"))
    return given, problems


def _answer(asked: Field, currency: str) -> Any:
    """One answer in its own type. Raises ValueError with the sentence for the person."""
    if asked.kind == "yes":
        return request.form.get(asked.name) == "yes"
    known = {value for value, _ in asked.options}
    if asked.kind == "checks":
        ticked = request.form.getlist(asked.name)
        if not known.issuperset(ticked):
            raise ValueError("tick what is offered")
        return ticked
    text = request.form.get(asked.name, "").strip()
    if not text and asked.required:
        raise ValueError("this is needed")
    if asked.kind == "choice" and text and text not in known:
        raise ValueError("choose what is offered")
    if len(text) > asked.most:
        raise ValueError(f"at most {asked.most:,} characters")
    if asked.kind in ("day", "amount"):
        return _read(asked.kind, text, currency) if text else None
    return text if asked.kind != "line" else " ".join(text.split())


def _read(kind: str, text: str, currency: str) -> Any:
    if kind == "day":
        try:
            return end_of_day(text)
        except ValueError:
            raise ValueError("write a day as 2026-12-31") from None
    found = read_amount(text, currency)
    if isinstance(found, Refusal):
        raise ValueError(found.sentence)
    if not found.minor:
        raise ValueError("enter an amount above 0")
    return found.minor
