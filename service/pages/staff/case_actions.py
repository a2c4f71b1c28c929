"""What staff do with a confiscation case and with an appeal."""

from __future__ import annotations

from collections.abc import Callable

from service.core.context import Context
from service.domain.states.restrictions import SCOPES
from service.models import Confiscation
from service.pages.staff import case_form
from service.pages.staff.action import (
    REASON,
    ActionFor,
    Field,
    FormValues,
    Outcome,
    StaffAction,
)
from service.workflows import staff_actions


def _on_case(
    title: str,
    button: str,
    verb: Callable[[Context, str, FormValues], Confiscation],
    *fields: Field,
) -> ActionFor:
    return lambda _, case_id: StaffAction(
        title, button, lambda ctx, given: verb(ctx, case_id, given), fields
    )


_COST = Field(
    "at_platform_cost", "The platform pays what the client has back already", "yes", required=False
)
notice = _on_case(
    "Send the notice", "Send it", lambda ctx, case_id, _: staff_actions.notice(ctx, case_id)
)
approve = _on_case(
    "Agree to the case", "Agree", lambda ctx, case_id, _: staff_actions.approve(ctx, case_id)
)
execute = _on_case(
    "Carry the case out",
    "Carry it out",
    lambda ctx, case_id, _: staff_actions.execute(ctx, case_id),
)
drop = _on_case(
    "Drop the case",
    "Drop it",
    lambda ctx, case_id, given: staff_actions.drop(ctx, case_id, given.texts["reason"]),
    REASON,
)
restore = _on_case(
    "Give back",
    "Give back",
    lambda ctx, case_id, given: staff_actions.restore(
        ctx,
        case_id,
        given.texts["reason"],
        at_platform_cost=given.agreed["at_platform_cost"],
    ),
    REASON,
    _COST,
)


def review_appeal(_: Context, appeal_id: str) -> StaffAction:
    return StaffAction(
        "Take the appeal in hand",
        "I look at it",
        lambda ctx, _: staff_actions.review_appeal(ctx, appeal_id),
    )


def decide_appeal(ctx: Context, appeal_id: str) -> StaffAction:
    under = staff_actions.appeal(ctx, appeal_id)[1]
    stay = tuple((scope, SCOPES[scope]) for scope in under.scopes)
    outcomes = (
        ("upheld", "upheld: it stays"),
        ("changed", "changed: only what is ticked below stays"),
        ("reversed", "reversed: it ends, and what was taken goes back"),
    )
    asked = (
        Field("outcome", "Decision", "choice", options=outcomes),
        Field("reasons", "Reasons", "text", "The person reads this", most=5_000),
        Field("scopes", "What stays, if it is changed", "checks", options=stay, required=False),
        *case_form.restored(ctx, under.id),
        _COST,
    )

    def do(ctx: Context, given: FormValues) -> Outcome:
        ruling = staff_actions.Ruling(
            outcome=given.texts["outcome"],
            reasons=given.texts["reasons"],
            scopes=given.ticked["scopes"],
            restore=case_form.restored_minor(given),
            at_platform_cost=given.agreed["at_platform_cost"],
        )
        return staff_actions.decide_appeal(ctx, appeal_id, ruling)

    return StaffAction("Decide the appeal", "Decide", do, asked)
