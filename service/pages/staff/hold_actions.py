"""What staff do with holds: place one, confirm it, let it last longer, lift it, judge an answer."""

from __future__ import annotations

from collections.abc import Callable

from service.core import repository
from service.core.context import Context
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.states.names import RequirementState
from service.domain.states.restrictions import SCOPES
from service.models import Hold
from service.operations.safety import hold_ends, holds
from service.pages.staff.action import (
    REASON,
    ActionFor,
    Field,
    FormValues,
    StaffAction,
    currency_of,
)
from service.shared.hold_checks import HoldTerms
from service.workflows import staff_actions


def why(ctx: Context) -> tuple[Field, ...]:
    known = tuple(
        (code, f"{code.replace('_', ' ')}: {reason.text}")
        for code, reason in ctx.policies.reasons.items()
    )
    return (
        Field(
            "reason_code",
            "Reason",
            "choice",
            "The public text of the statement of reasons",
            options=known,
        ),
        Field("clause", "Clause", hint="The rule it relies on"),
        Field("facts", "Facts", "text", "What it relies on; the person reads this", most=5_000),
    )


HOW = (
    Field(
        "disclosure",
        "What the person is told",
        "choice",
        options=(
            ("full", "everything above"),
            ("restricted", "only that the law forbids to say more"),
        ),
    ),
    Field(
        "internal_note",
        "Note for colleagues",
        "text",
        "Never shown to the person",
        most=5_000,
        required=False,
    ),
)


_STOPPED = Field(
    "scopes",
    "What is stopped",
    "checks",
    "Nothing ticked: what the reason usually stops",
    options=tuple(
        (scope, f"{scope.replace('_', ' ')}: {words}") for scope, words in SCOPES.items()
    ),
    required=False,
)
_UNTIL = Field(
    "expires_at", "Until", "day", "Empty: as long as the reason's policy allows", required=False
)
_AMOUNT = Field(
    "amount",
    "Only this amount",
    "amount",
    "Empty: everything. An amount is set aside of what is available",
    required=False,
)


def freeze(ctx: Context, subject: str) -> StaffAction:
    asked = (*why(ctx), _STOPPED, _UNTIL, *HOW)

    def do(ctx: Context, given: FormValues) -> Hold:
        amount_minor = given.amounts.get("amount")
        terms = HoldTerms(
            subject=subject,
            reason_code=given.texts["reason_code"],
            clause=given.texts["clause"],
            facts=given.texts["facts"],
            scopes=given.ticked["scopes"],
            amount_minor=amount_minor,
            currency=given.texts.get("currency") if amount_minor else None,
            expires_at=given.days["expires_at"],
            disclosure=given.texts["disclosure"],
            internal_note=given.texts["internal_note"],
        )
        return holds.place(ctx, terms)

    return StaffAction(
        "Freeze",
        "Freeze now",
        do,
        (*asked, _AMOUNT, currency_of(ctx))
        if typeid.is_typeid(subject, ObjectKind.FREELANCER)
        else asked,
    )


def _on_hold(
    title: str, button: str, verb: Callable[[Context, Hold, FormValues], Hold], *fields: Field
) -> ActionFor:
    return lambda _, hold_id: StaffAction(
        title,
        button,
        lambda ctx, given: verb(ctx, staff_actions.hold(ctx, hold_id), given),
        fields,
    )


confirm = _on_hold("Confirm the hold", "Confirm", lambda ctx, hold, _: hold_ends.confirm(ctx, hold))
review = _on_hold(
    "Take the hold in hand", "I look at it", lambda ctx, hold, _: hold_ends.review(ctx, hold)
)
lift = _on_hold(
    "Lift the hold",
    "Lift it",
    lambda ctx, hold, given: staff_actions.lift(ctx, hold, given.texts["reason"]),
    REASON,
)


_DAYS = tuple((str(n), f"{n} days") for n in (7, 14, 30, 60, 90))
renew = _on_hold(
    "Let the hold last longer",
    "Renew",
    lambda ctx, hold, given: hold_ends.renew(ctx, hold, int(given.texts["days"])),
    Field("days", "By how long", "choice", options=_DAYS),
)


def judge(ctx: Context, hold_id: str) -> StaffAction:
    hold = hold_ends.find(ctx.session, hold_id, owner=repository.EVERYONE)
    given_ones = tuple(
        (r.id, r.kind.replace("_", " "))
        for r in hold.requirements
        if r.state == RequirementState.GIVEN
    )
    asked = (
        Field("requirement", "Which answer", "choice", options=given_ones),
        Field(
            "outcome",
            "Is it enough?",
            "choice",
            options=(("accepted", "yes, take it"), ("refused", "no, ask again")),
        ),
    )
    return StaffAction(
        "Judge an answer",
        "Say so",
        lambda ctx, given: staff_actions.judge(
            ctx,
            hold_id,
            given.texts["requirement"],
            accepted=given.texts["outcome"] == "accepted",
        ),
        asked,
    )
