"""Confiscation by due process, and back if it was wrong.

A notice with sums, clause and evidence; time to answer; two people who opened nothing.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, four_eyes, queue, repository
from service.core.context import Context
from service.core.repository import EVERYONE, Owner
from service.domain.errors import Forbidden, Invalid, StateConflict
from service.domain.identity.actors import Actor
from service.domain.money.money import plain
from service.domain.states.job_types import JobType
from service.domain.states.names import CaseState
from service.escrow import confiscation, restitution
from service.models import (
    CaseApproval,
    CaseLine,
    Chargeback,
    Confiscation,
    Contract,
    Hold,
    Milestone,
)

FAST = ("legal_order", "stolen_card")


APPROVERS = 2


LONGEST_ANSWER = 50_000


UNDER_WAY = ("noticed", "answered", "approved")
"""The person has been told, and nothing has been taken yet."""


def notice(ctx: Context, case: Confiscation, hold: Hold) -> Confiscation:
    """The person learns sums, clause and evidence, and has 14 days to answer; 48 hours by court
    order or for a stolen card. Raises StateConflict.
    """
    events.transition(ctx, case, "notice", hold=hold.id)
    windows = ctx.policies.windows
    time = (
        timedelta(hours=windows.case_fast_hours)
        if hold.reason_code in FAST
        else timedelta(days=windows.case_answer_days)
    )
    case.noticed_at, case.answer_until = ctx.now, ctx.now + time
    events.transition(ctx, hold, "convert", case=case.id)
    return case


def answer(ctx: Context, case: Confiscation, words: str) -> Confiscation:
    """What the person says to it, and adds to it until their time is over.

    Who agreed before has to read it and agree again.

    Raises StateConflict once it is too late, Invalid when all of it together is too long.
    """
    if case.answer_until is not None and ctx.now > case.answer_until:
        raise StateConflict(
            "The time to answer is over.", {"current_state": case.state, "allowed_actions": []}
        )
    events.transition(ctx, case, "answer")
    whole = f"{case.answer}\n\n{words}" if case.answer else words
    if len(whole) > LONGEST_ANSWER:
        raise Invalid.one(
            "/words",
            "too_long",
            f"All of your answer together may have {LONGEST_ANSWER:,} characters.",
        )
    case.answer, case.answered_at = whole, ctx.now
    return case


def approve(ctx: Context, case: Confiscation, hold: Hold) -> Confiscation:
    """One of two people who opened neither case nor hold.

    The second one approves the case. Raises Forbidden, StateConflict.

    An approval is of the answer as it was read: PostgreSQL writes down which, and one before an
    addition counts no more.
    """
    if four_eyes.is_one_of(ctx, case.opened_by, hold.opened_by):
        raise Forbidden("Whoever opened the hold or the case cannot approve it.")
    if four_eyes.is_one_of(ctx, *case.agreed):
        raise Forbidden("The second approval has to be another person's.")
    if case.state not in (CaseState.NOTICED, CaseState.ANSWERED):
        raise StateConflict(
            "Only a case that was noticed is approved.",
            {"current_state": case.state, "allowed_actions": []},
        )
    case.approvals.append(CaseApproval(approved_by=ctx.actor, approved_at=ctx.now))
    ctx.session.flush()
    ctx.session.refresh(case, ["approvals"])
    events.record(ctx, "case.approval", case, public=False)
    if len(case.agreed) >= APPROVERS:
        events.transition(ctx, case, "approve")
    return case


def execute(ctx: Context, case: Confiscation, hold: Hold) -> Confiscation:
    """Post every line.

    Not before the time to answer is over, whatever was answered; what is forfeited becomes the
    platform's only when the time for an appeal is over, and is nobody's until then.

    Raises StateConflict, Conflict, NotEnough.
    """
    if case.answer_until is None or ctx.now < case.answer_until:
        raise StateConflict(
            "The person still has time to answer.",
            {"current_state": case.state, "allowed_actions": [], "until": str(case.answer_until)},
        )
    contracts = locked(ctx, case)
    case.executed_by, case.executed_at = ctx.actor, ctx.now
    events.transition(ctx, case, "execute", hold=hold.id)
    confiscation.execute(ctx, case, contracts)
    if any(line.target == "forfeit" for line in case.lines):
        queue.enqueue(ctx, JobType.CASE_FINAL, case.id, hold.appeal_until)
    return case


def finish(ctx: Context, case: Confiscation) -> bool:
    """Nobody can appeal any more: what was forfeited becomes the platform's.

    Returns False when the case was reversed or is final.
    """
    if case.state != CaseState.EXECUTED or case.final_at is not None:
        return False
    case.final_at = ctx.now
    amount = confiscation.finish(ctx, case)
    events.record(ctx, "case.final", case, public=False, amount=amount, currency=case.currency)
    return True


def locked(ctx: Context, case: Confiscation) -> dict[str, tuple[Contract, Milestone]]:
    """The person, then every contract that a line touches, in the one order of locks; by
    milestone.
    """
    repository.freelancer(ctx.session, case.freelancer_id, lock=True)
    ids = [line.milestone_id for line in case.lines if line.milestone_id]
    contested = [line.chargeback_id for line in case.lines if line.chargeback_id]
    owners = sorted(
        {ctx.session.get_one(Milestone, one).contract_id for one in ids}
        | {ctx.session.get_one(Chargeback, one).contract_id for one in contested}
    )
    contracts = {
        one: repository.contract(ctx.session, one, owner=EVERYONE, lock=True) for one in owners
    }
    return {m.id: (c, m) for c in contracts.values() for m in c.milestones if m.id in ids}


def drop(ctx: Context, case: Confiscation, reason: str) -> Confiscation:
    """Nothing is taken. Raises StateConflict once it was executed."""
    events.transition(ctx, case, "drop", reason=reason)
    case.ended_at, case.ended_by, case.end_reason = ctx.now, ctx.actor, reason
    return case


def restore(
    ctx: Context, case: Confiscation, reason: str, *, at_platform_cost: bool
) -> Confiscation:
    """It was wrong: everything that is still ours goes back, within 180 days.

    Raises StateConflict, Forbidden for who executed it.
    """
    if case.executed_at is not None and ctx.now > case.executed_at + timedelta(
        days=ctx.policies.windows.appeal_days
    ):
        raise StateConflict(
            "A case is restored within 180 days.",
            {"current_state": case.state, "allowed_actions": []},
        )
    if four_eyes.is_one_of(ctx, case.executed_by):
        raise Forbidden("Somebody else than who executed the case has to restore it.")
    contracts = locked(ctx, case)
    events.transition(ctx, case, "reverse", reason=reason)
    case.ended_at, case.ended_by, case.end_reason = ctx.now, ctx.actor, reason
    rest = {line.number: line.amount_minor - line.restored_minor for line in case.lines}
    restitution.restore(ctx, case, contracts, rest, at_platform_cost=at_platform_cost)
    return case


def find(session: Session, case_id: str, *, owner: Owner, lock: bool = False) -> Confiscation:
    """Staff see all; the person sees a case once it was noticed. Raises NotFound."""
    noticed = Confiscation.noticed_at.is_not(None)
    found: Confiscation = repository.owned(
        session,
        Confiscation,
        "cas",
        case_id,
        owner=owner,
        missing="There is no such case.",
        lock=lock,
        only=noticed,
    )
    return found


def touching(session: Session, contract: Contract) -> list[Confiscation]:
    """Cases that were carried out and took some of a contract's money, oldest first, at most 20."""
    query = (
        select(Confiscation)
        .join(CaseLine)
        .where(
            CaseLine.milestone_id.in_([m.id for m in contract.milestones]),
            Confiscation.executed_at.is_not(None),
        )
    )
    return list(session.execute(query.distinct().order_by(Confiscation.id).limit(20)).scalars())


def change(
    ctx: Context, case: Confiscation, parts: dict[int, int], *, at_platform_cost: bool
) -> Confiscation:
    """An appeal was partly right: give back so many minor units of each line, and keep the rest.

    Raises Invalid for a line that there is not, more than is left of it, or money that cannot be
    given back.
    """
    by_number = {line.number: line for line in case.lines}
    for number, amount in parts.items():
        line = by_number.get(number)
        left = line.amount_minor - line.restored_minor if line else 0
        if line is None or line.target == "remainder_to_person" or not 0 < amount <= left:
            said = f"Of line {number}, {plain(left, case.currency)} can be given back at most."
            raise Invalid.one("/restore", "more_than_was_taken", said)
    if not parts:
        raise Invalid.one("/restore", "nothing_changed", "Say how much of which line goes back.")
    contracts = locked(ctx, case)
    case.changed_at = ctx.now
    restitution.restore(ctx, case, contracts, parts, at_platform_cost=at_platform_cost)
    if any(by_number[number].restored_minor == 0 for number in parts):
        said = "Somebody else has this money already; it goes back only at the platform's cost."
        raise Invalid.one("/restore", "not_here_any_more", said)
    events.record(ctx, "case.changed", case, public=False, restored=parts)
    return case


def people_of(session: Session, hold_id: str) -> list[Actor]:
    """Everybody who has decided about a hold's case: none of them decides about an appeal."""
    case = of_hold(session, hold_id)
    return (
        [
            one
            for one in (case.opened_by, case.executed_by, *(a.approved_by for a in case.approvals))
            if one
        ]
        if case
        else []
    )


def of_hold(session: Session, hold_id: str) -> Confiscation | None:
    """The newest case of a hold."""
    query = (
        select(Confiscation)
        .where(Confiscation.hold_id == hold_id)
        .order_by(Confiscation.id.desc())
        .limit(1)
    )
    return session.execute(query).scalar_one_or_none()
