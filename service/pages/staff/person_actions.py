"""What staff do about a person: suspend them, end that, decide about paused offers."""

from __future__ import annotations

from service.core import repository
from service.core.context import Context
from service.domain.errors import NotFound
from service.models import Freelancer
from service.operations.staff import console_reads
from service.pages.staff.action import REASON, Field, FormValues, Outcome, StaffAction
from service.pages.staff.hold_actions import HOW, why
from service.shared import outreach
from service.workflows import staff_actions


def suspend(ctx: Context, person: str) -> StaffAction:
    levels = (
        ("restricted", "restricted: work under way goes on, nothing new, no payouts"),
        ("blocked", "blocked: nothing but answers, refunds and disputes"),
    )

    def do(ctx: Context, given: FormValues) -> Outcome:
        terms = staff_actions.suspension_terms(
            person,
            given.texts["level"],
            reason_code=given.texts["reason_code"],
            clause=given.texts["clause"],
            facts=given.texts["facts"],
            until=given.days["until"],
            disclosure=given.texts["disclosure"],
            internal_note=given.texts["internal_note"],
        )
        return staff_actions.suspend(ctx, terms, given.texts["level"])

    return StaffAction(
        "Suspend",
        "Suspend now",
        do,
        (
            Field("level", "Level", "choice", options=levels),
            *why(ctx),
            Field("until", "Until", "day", "Empty: until it is ended", required=False),
            *HOW,
        ),
    )


def unsuspend(ctx: Context, person: str) -> StaffAction:
    running = console_reads.suspension_of(ctx.session, person)
    if running is None:
        raise NotFound("This person is not suspended.")
    return StaffAction(
        "End the suspension",
        "End it",
        lambda ctx, given: staff_actions.unsuspend(ctx, running.id, given.texts["reason"]),
        (REASON,),
    )


def decide_about_offers(ctx: Context, freelancer_id: str) -> StaffAction:
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

    def do(ctx: Context, given: FormValues) -> Freelancer:
        outreach.decide(ctx, freelancer_id, given.texts["outcome"], given.texts["words"])
        return repository.freelancer(ctx.session, freelancer_id)

    return StaffAction("Decide about paused offers", "Decide", do, asked)
