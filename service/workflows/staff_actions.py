"""What staff do, each action composed of operations: one place for the API and the console, so that
they cannot differ.

Every function runs in the caller's transaction, takes its locks itself (hold before case and
appeal, people before contracts inside the operations) and raises what the operations raise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from service.core.context import Context
from service.core.repository import EVERYONE, Owner
from service.domain.errors import StateConflict
from service.domain.identity.actors import SYSTEM
from service.domain.states.names import CaseState, HoldState
from service.models import Appeal, Confiscation, Hold, Requirement, Suspension
from service.operations.safety import appeals, cases, hold_ends, holds, requirements, suspensions
from service.shared.hold_checks import HoldTerms


def hold(ctx: Context, hold_id: str) -> Hold:
    """A hold as staff see it, locked. Raises NotFound."""
    return hold_ends.find(ctx.session, hold_id, owner=EVERYONE, lock=True)


def judge(ctx: Context, hold_id: str, requirement_id: str, *, accepted: bool) -> Requirement:
    """Take what the person gave, or ask for it again."""
    return requirements.judge(ctx, hold(ctx, hold_id), requirement_id, accepted=accepted)


def suspend(ctx: Context, terms: HoldTerms, level: str) -> tuple[Suspension, Hold]:
    """Restrict or block a person until `terms.expires_at`: one hold with the scopes of the level,
    and the status.
    """
    placed = holds.place(ctx, terms)
    return suspensions.start(ctx, placed, level, terms.expires_at), placed


def unsuspend(ctx: Context, suspension_id: str, reason: str) -> tuple[Suspension, Hold]:
    """End a suspension: its one hold is lifted and no other.

    Raises StateConflict while a case needs it.
    """
    found = suspensions.find(ctx.session, suspension_id)
    return found, lift(ctx, hold(ctx, found.hold_id), reason)


def lift(ctx: Context, under: Hold, reason: str) -> Hold:
    """End a hold. Raises StateConflict while its case, or an appeal against that, is under way."""
    about = cases.of_hold(ctx.session, under.id)
    if under.ended_at is None and about is not None and _binds(ctx, about):
        raise StateConflict(
            "A case needs this hold until it has ended, and the appeal too: drop the case, or "
            "decide the appeal.",
            {"current_state": under.state, "allowed_actions": [], "case": about.id},
        )
    return hold_ends.lift(ctx, under, reason)


def _binds(ctx: Context, about: Confiscation) -> bool:
    appeal = appeals.of_hold(ctx.session, about.hold_id)
    contested = appeal is not None and appeal.decided_at is None
    return about.state in cases.UNDER_WAY or (about.state == CaseState.EXECUTED and contested)


def case(ctx: Context, case_id: str) -> tuple[Confiscation, Hold]:
    """A case with its hold, both locked, the hold first. Raises NotFound."""
    found = cases.find(ctx.session, case_id, owner=EVERYONE)
    under = hold(ctx, found.hold_id)
    return cases.find(ctx.session, case_id, owner=EVERYONE, lock=True), under


def notice(ctx: Context, case_id: str) -> Confiscation:
    """Tell the person: sums, clause, evidence, and 14 days to answer.

    The hold stays until the case has ended.
    """
    return cases.notice(ctx, *case(ctx, case_id))


def approve(ctx: Context, case_id: str) -> Confiscation:
    """Agree, as one of two people who opened neither the hold nor the case."""
    return cases.approve(ctx, *case(ctx, case_id))


def execute(ctx: Context, case_id: str) -> Confiscation:
    """Post every line; the hold has then served its purpose and ends, unless an appeal is open:
    then with its decision.
    """
    found, under = case(ctx, case_id)
    cases.execute(ctx, found, under)
    ctx.session.flush()
    _serve(ctx, found, under)
    return found


def _serve(ctx: Context, found: Confiscation, under: Hold) -> None:
    """A hold ends with the case that was carried out and the appeal that was filed before."""
    if under.ended_at is None and found.state == CaseState.EXECUTED and not _binds(ctx, found):
        hold_ends.lift(ctx, under, "The case was carried out.")


def drop(ctx: Context, case_id: str, reason: str) -> Confiscation:
    """Take nothing; the hold of the case ends with it."""
    found, under = case(ctx, case_id)
    cases.drop(ctx, found, reason)
    if under.state == HoldState.CONVERTED:
        hold_ends.lift(ctx, under, "The case was dropped.")
    return found


def restore(ctx: Context, case_id: str, reason: str, *, at_platform_cost: bool) -> Confiscation:
    """It was wrong: what is still ours goes back where it came from; each line says what could not,
    and why.
    """
    found, _ = case(ctx, case_id)
    return cases.restore(ctx, found, reason, at_platform_cost=at_platform_cost)


def review_appeal(ctx: Context, appeal_id: str) -> Appeal:
    """Take it in hand; whoever decided about the hold cannot."""
    found, under = appeal(ctx, appeal_id)
    return appeals.review(ctx, found, under, cases.people_of(ctx.session, under.id))


def appeal(ctx: Context, appeal_id: str) -> tuple[Appeal, Hold]:
    """An appeal with its hold, both locked, the hold first. Raises NotFound."""
    found = appeals.find(ctx.session, appeal_id, owner=EVERYONE)
    under = hold(ctx, found.hold_id)
    return appeals.find(ctx.session, appeal_id, owner=EVERYONE, lock=True), under


def withdraw_appeal(ctx: Context, appeal_id: str, *, owner: Owner) -> Appeal:
    """The person takes it back; a hold that only waited for it ends.

    Raises NotFound, StateConflict.
    """
    found = appeals.find(ctx.session, appeal_id, owner=owner)
    under = hold(ctx, found.hold_id)
    appeals.withdraw(ctx, appeals.find(ctx.session, appeal_id, owner=owner, lock=True))
    ctx.session.flush()
    about = cases.of_hold(ctx.session, under.id)
    if about is not None:
        _serve(ctx.as_(SYSTEM), about, under)
    return found


@dataclass(frozen=True)
class Ruling:
    """What somebody decides about an appeal.

    `scopes`: what of the hold stays when it is changed; `restore`: how many minor units of which
    line of its case, where that was carried out.
    """

    outcome: str
    reasons: str
    scopes: tuple[str, ...] = ()
    restore: dict[int, int] = field(default_factory=dict)
    at_platform_cost: bool = False


def decide_appeal(ctx: Context, appeal_id: str, ruling: Ruling) -> tuple[Appeal, Hold | None]:
    """Upheld, changed or reversed, with reasons; what follows for the hold, its case and the money
    is in the same transaction.

    Also returns the smaller hold that goes on, if any. Raises Forbidden, StateConflict, Invalid.
    """
    found, under = appeal(ctx, appeal_id)
    appeals.decide(
        ctx, found, under, ruling.outcome, ruling.reasons, cases.people_of(ctx.session, under.id)
    )
    ctx.session.flush()
    about = cases.of_hold(ctx.session, under.id)
    if about is not None and about.state == CaseState.EXECUTED:
        _rule_on_case(ctx, about, ruling)
        _serve(ctx, about, under)
    if under.ended_at is not None:
        return found, None
    if ruling.outcome == "reversed":
        if about is not None and about.state in (CaseState.DRAFTED, *cases.UNDER_WAY):
            cases.drop(ctx, about, "The appeal was right.")
            ctx.session.flush()
        hold_ends.lift(ctx, under, "The appeal was right.")
    elif ruling.outcome == "changed":
        return found, hold_ends.narrow(ctx, under, ruling.scopes, "The appeal was partly right.")
    return found, None


def _rule_on_case(ctx: Context, about: Confiscation, ruling: Ruling) -> None:
    if ruling.outcome == "reversed":
        cases.restore(ctx, about, "The appeal was right.", at_platform_cost=ruling.at_platform_cost)
    elif ruling.outcome == "changed":
        cases.change(ctx, about, ruling.restore, at_platform_cost=ruling.at_platform_cost)
    ctx.session.flush()


def suspension_terms(
    person: str,
    level: str,
    *,
    reason_code: str,
    clause: str,
    facts: str,
    until: datetime | None,
    disclosure: str,
    internal_note: str,
) -> HoldTerms:
    """The terms of a suspension's hold: a level says the scopes."""
    return HoldTerms(
        subject=person,
        scopes=suspensions.scopes_of(person, level),
        reason_code=reason_code,
        clause=clause,
        facts=facts,
        expires_at=until,
        disclosure=disclosure,
        internal_note=internal_note,
    )
