"""The one way in which staff act: a form, then "This will: …" from a preview of the very action,
then the second click.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, redirect, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from service.core.context import Context
from service.domain.errors import HoldfastError, NotFound
from service.domain.money.amounts import Refusal
from service.domain.money.money import CURRENCIES
from service.models import Appeal, Confiscation, Hold
from service.operations.safety import case_lines, reasons
from service.operations.staff.previews import Preview, preview
from service.operations.staff.staff_access import Colleague
from service.pages.formatting import money, read_amount
from service.pages.session import use_form
from service.pages.staff.action import Field, FormValues, Outcome, StaffAction, end_of_day
from service.pages.staff.actions import ACTIONS
from service.pages.staff.session import desk, need, page

blueprint = Blueprint("acts", __name__, url_prefix="/staff/do")


@blueprint.route("/<name>/<object_id>", methods=["GET", "POST"])
@desk(proof=True)
def perform(
    ctx: Context, who: Colleague, name: str, object_id: str
) -> Response | str | tuple[str, int]:
    """Ask, show, do.

    Refusals of the preview are shown beside the form, before anything has happened.
    """
    if name not in ACTIONS:
        raise NotFound("There is no such act.")
    scope, action_for = ACTIONS[name]
    need(who, scope)
    action = action_for(ctx, object_id)
    if (request.method == "GET" and action.fields) or "again" in request.form:
        return _form(ctx, who, action, object_id, [])
    given, problems = _answers(action)
    if problems:
        return _form(ctx, who, action, object_id, problems), 422
    if "confirm" in request.form:
        return _done(ctx, who, action, given, object_id)
    try:
        shown = preview(ctx, lambda ctx: action.do(ctx, given), lambda made: _seen(ctx, made))
    except HoldfastError as refusal:
        found = [(e.pointer.strip("/"), e.message) for e in getattr(refusal, "errors", [])] or [
            ("", str(refusal))
        ]
        return _form(ctx, who, action, object_id, found), 422
    return _check_page(ctx, who, action, given, object_id, shown)


def _check_page(
    ctx: Context,
    who: Colleague,
    action: StaffAction,
    given: FormValues,
    object_id: str,
    shown: Preview,
) -> str:
    """What the action will do, and the button that does it."""
    typed = [
        (key, value)
        for key, value in request.form.items(multi=True)
        if key not in ("form_token", "confirm", "again")
    ]
    return page(
        ctx,
        who,
        "check.html",
        action=action,
        object_id=object_id,
        shown=shown,
        typed=typed,
        amounts=_amounts(action, given),
    )


def _amounts(action: StaffAction, given: FormValues) -> list[tuple[str, Markup]]:
    """Each amount that was typed, as it was read."""
    return [
        (field.label, money(amount, given.texts["currency"]))
        for field in action.fields
        if field.kind == "amount" and (amount := given.amounts[field.name])
    ]


def _done(
    ctx: Context, who: Colleague, action: StaffAction, given: FormValues, object_id: str
) -> Response:
    made = action.do(ctx, given) if use_form(ctx, who) else None
    ctx.session.flush()
    follows = (made[1] or made[0]) if isinstance(made, tuple) else made
    shown = follows.id if isinstance(follows, Hold | Confiscation | Appeal) else object_id
    return redirect(f"/staff/at/{shown}", 303)


def _seen(ctx: Context, made: Outcome) -> dict[str, object]:
    """What a hold that was just made keeps and does, whose money a case moves where; nothing for
    other actions.
    """
    if isinstance(made, Confiscation):
        return {
            "currency": made.currency,
            "lines": case_lines.in_words(ctx.session, made, own=False),
        }
    hold = made[1] if isinstance(made, tuple) else made
    if not isinstance(hold, Hold) or hold.ended_at is not None:
        return {}
    return {
        "keeps": reasons.money(ctx, hold),
        "effects": [(e.what, e.object_id, e.outcome) for e in hold.effects],
        "until": hold.expires_at,
        "confirm_by": hold.confirm_by,
        "scopes": reasons.stopped_by(hold),
    }


def _form(
    ctx: Context,
    who: Colleague,
    action: StaffAction,
    object_id: str,
    problems: list[tuple[str, str]],
) -> str:
    return page(
        ctx,
        who,
        "action.html",
        action=action,
        object_id=object_id,
        problems=problems,
        typed=request.form,
    )


def _answers(action: StaffAction) -> tuple[FormValues, list[tuple[str, str]]]:
    """What was answered, and what is wrong with an answer: the question's name and a sentence."""
    given = FormValues()
    problems: list[tuple[str, str]] = []
    currency = request.form.get("currency", "USD")
    for asked in action.fields:
        try:
            _read(asked, given, currency if currency in CURRENCIES else "USD")
        except ValueError as wrong:
            problems.append((asked.name, f"{asked.label}: {wrong}"))
    return given, problems


def _read(asked: Field, given: FormValues, currency: str) -> None:
    """One answer in its own type. Raises ValueError with the sentence for the person."""
    if asked.kind == "yes":
        given.agreed[asked.name] = request.form.get(asked.name) == "yes"
    elif asked.kind == "checks":
        given.ticked[asked.name] = _ticked(asked)
    elif asked.kind == "day":
        text = _text(asked)
        given.days[asked.name] = _day(text) if text else None
    elif asked.kind == "amount":
        text = _text(asked)
        given.amounts[asked.name] = _amount(text, currency) if text else None
    else:
        text = _text(asked)
        given.texts[asked.name] = text if asked.kind != "line" else " ".join(text.split())


def _ticked(asked: Field) -> tuple[str, ...]:
    ticked = request.form.getlist(asked.name)
    if not {value for value, _ in asked.options}.issuperset(ticked):
        raise ValueError("tick what is offered")
    return tuple(ticked)


def _text(asked: Field) -> str:
    text = request.form.get(asked.name, "").strip()
    if not text and asked.required:
        raise ValueError("this is needed")
    if asked.kind == "choice" and text and text not in {value for value, _ in asked.options}:
        raise ValueError("choose what is offered")
    if len(text) > asked.most:
        raise ValueError(f"at most {asked.most:,} characters")
    return text


def _day(text: str) -> datetime:
    try:
        return end_of_day(text)
    except ValueError:
        raise ValueError("write a day as 2026-12-31") from None


def _amount(text: str, currency: str) -> int:
    found = read_amount(text, currency)
    if isinstance(found, Refusal):
        raise ValueError(found.sentence)
    if not found.minor:
        raise ValueError("enter an amount above 0")
    return found.minor
