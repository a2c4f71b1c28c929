"""Every act of the console as data: what it is called, who may, what is asked, and the function of
`service.workflows.staff_actions` that does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.core import repository
from service.core.context import Context
from service.domain.errors import NotFound
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.states.restrictions import SCOPES
from service.models import Freelancer, Hold
from service.operations.safety import hold_ends, holds
from service.operations.staff import console_reads
from service.pages.staff import case_form
from service.pages.staff.action import Field, StaffAction, currency_of
from service.shared import outreach
from service.shared.hold_checks import HoldTerms
from service.workflows import staff_actions

_REASON = Field("reason", "Why", most=500, hint="Kept with the hold; the person reads it")


def _why(ctx: Context) -> tuple[Field, ...]:
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


_HOW = (
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


def _freeze(ctx: Context, subject: str) -> StaffAction:
    asked = (*_why(ctx), _STOPPED, _UNTIL, *_HOW)

    def do(ctx: Context, given: dict[str, Any]) -> Hold:
        sum_minor, currency = given.pop("amount", None), given.pop("currency", None)
        scopes = tuple(given.pop("scopes"))
        return holds.place(
            ctx,
            HoldTerms(
                subject=subject,
                amount_minor=sum_minor,
                currency=currency if sum_minor else None,
                scopes=scopes,
                **given,
            ),
        )

    return StaffAction(
        "Freeze",
        "Freeze now",
        do,
        (*asked, _AMOUNT, currency_of(ctx))
        if typeid.is_typeid(subject, ObjectKind.FREELANCER)
        else asked,
    )


def _suspend(ctx: Context, person: str) -> StaffAction:
    levels = (
        ("restricted", "restricted: work under way goes on, nothing new, no payouts"),
        ("blocked", "blocked: nothing but answers, refunds and disputes"),
    )

    def do(ctx: Context, given: dict[str, Any]) -> Any:
        return staff_actions.suspend(
            ctx, staff_actions.suspension_terms(person, **given), given["level"]
        )

    return StaffAction(
        "Suspend",
        "Suspend now",
        do,
        (
            Field("level", "Level", "choice", options=levels),
            *_why(ctx),
            Field("until", "Until", "day", "Empty: until it is ended", required=False),
            *_HOW,
        ),
    )


def _unsuspend(ctx: Context, person: str) -> StaffAction:
    running = console_reads.suspension_of(ctx.session, person)
    if running is None:
        raise NotFound("This person is not suspended.")
    return StaffAction(
        "End the suspension",
        "End it",
        lambda ctx, given: staff_actions.unsuspend(ctx, running.id, given["reason"]),
        (_REASON,),
    )


def _pause(ctx: Context, freelancer_id: str) -> StaffAction:
    if outreach.running_pause(ctx.session, freelancer_id) is None:
        raise NotFound("New offers of this person are not paused.")
    choices = (
        ("lifted", "lift it: they may send offers again"),
        ("kept", "keep it: no new offers for now"),
    )
    asked = (
        Field("outcome", "Decision", "choice", options=choices),
        Field("words", "Why", "text", "The person reads this", most=500),
    )

    def do(ctx: Context, given: dict[str, Any]) -> Freelancer:
        outreach.decide(ctx, freelancer_id, **given)
        return repository.freelancer(ctx.session, freelancer_id)

    return StaffAction("Decide about paused offers", "Decide", do, asked)


def _on_hold(
    title: str, button: str, verb: Callable[..., Any], *fields: Field
) -> Callable[[Context, str], StaffAction]:
    return lambda _, hold_id: StaffAction(
        title,
        button,
        lambda ctx, given: verb(ctx, staff_actions.hold(ctx, hold_id), **given),
        fields,
    )


def _renew(ctx: Context, hold: Hold, days: str) -> Hold:
    return hold_ends.renew(ctx, hold, int(days))


_DAYS = tuple((str(n), f"{n} days") for n in (7, 14, 30, 60, 90))


def _judge(ctx: Context, hold_id: str) -> StaffAction:
    hold = hold_ends.find(ctx.session, hold_id, owner=repository.EVERYONE)
    given_ones = tuple(
        (r.id, r.kind.replace("_", " ")) for r in hold.requirements if r.state == "given"
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
            ctx, hold_id, given["requirement"], accepted=given["outcome"] == "accepted"
        ),
        asked,
    )


def _on_case(
    title: str, button: str, verb: Callable[..., Any], *fields: Field
) -> Callable[[Context, str], StaffAction]:
    return lambda _, case_id: StaffAction(
        title, button, lambda ctx, given: verb(ctx, case_id, **given), fields
    )


_COST = Field(
    "at_platform_cost", "The platform pays what the client has back already", "yes", required=False
)


def _decide(ctx: Context, appeal_id: str) -> StaffAction:
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

    def do(ctx: Context, given: dict[str, Any]) -> Any:
        ruling = staff_actions.Ruling(
            outcome=given["outcome"],
            reasons=given["reasons"],
            scopes=tuple(given["scopes"]),
            restore=case_form.parts(given),
            at_platform_cost=given["at_platform_cost"],
        )
        return staff_actions.decide_appeal(ctx, appeal_id, ruling)

    return StaffAction("Decide the appeal", "Decide", do, asked)


DEEDS: dict[str, tuple[str, Callable[[Context, str], StaffAction]]] = {
    "freeze": ("safety:act", _freeze),
    "suspend": ("suspensions:write", _suspend),
    "unsuspend": ("suspensions:write", _unsuspend),
    "offers": ("safety:act", _pause),
    "confirm": ("safety:approve", _on_hold("Confirm the hold", "Confirm", hold_ends.confirm)),
    "renew": (
        "safety:approve",
        _on_hold(
            "Let the hold last longer",
            "Renew",
            _renew,
            Field("days", "By how long", "choice", options=_DAYS),
        ),
    ),
    "review": ("safety:act", _on_hold("Take the hold in hand", "I look at it", hold_ends.review)),
    "lift": ("safety:act", _on_hold("Lift the hold", "Lift it", staff_actions.lift, _REASON)),
    "judge": ("safety:act", _judge),
    "open-case": ("safety:act", case_form.open_case),
    "notice": ("safety:act", _on_case("Send the notice", "Send it", staff_actions.notice)),
    "approve": ("safety:approve", _on_case("Agree to the case", "Agree", staff_actions.approve)),
    "execute": (
        "safety:act",
        _on_case("Carry the case out", "Carry it out", staff_actions.execute),
    ),
    "drop": ("safety:act", _on_case("Drop the case", "Drop it", staff_actions.drop, _REASON)),
    "restore": (
        "safety:approve",
        _on_case("Give back", "Give back", staff_actions.restore, _REASON, _COST),
    ),
    "review-appeal": (
        "safety:approve",
        _on_case("Take the appeal in hand", "I look at it", staff_actions.review_appeal),
    ),
    "decide": ("safety:approve", _decide),
}
"""By name: the right that it needs, and what it is for an object."""
