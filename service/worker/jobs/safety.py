"""What happens to holds, appeals, cases and suspensions because time has passed."""

from __future__ import annotations

from service.core import queue, repository, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.identity.actors import SYSTEM
from service.domain.states.job_types import JobType
from service.domain.states.names import AppealState, HoldState
from service.operations.safety import appeals, cases, hold_ends, holds, rules, suspensions
from service.workflows import staff_actions


def hold_unconfirmed(ctx: Context, hold_id: str) -> None:
    hold_ends.expire(ctx, staff_actions.hold(ctx, hold_id), "unconfirmed")


def hold_expiry(ctx: Context, hold_id: str) -> None:
    hold_ends.expire(ctx, staff_actions.hold(ctx, hold_id), "expired")


def hold_review_due(ctx: Context, hold_id: str) -> None:
    """Nobody has looked within two business days: the promise of a first answer is broken, so it
    goes to the top.
    """
    hold = staff_actions.hold(ctx, hold_id)
    if hold.state == HoldState.ACTIVE:
        staff_tasks.open_task(ctx, TaskType.HOLD_REVIEW_DUE, hold.id, reason=hold.reason_code)


def rules_check(ctx: Context, payment_id: str) -> None:
    """Whatever the enabled rules find about a payment is put on hold, at most 72 hours, until a
    person has looked.
    """
    contract, payment = repository.payment(ctx.session, payment_id, lock=False)
    for terms in rules.wanted(ctx, contract, payment):
        hold = holds.place(ctx.as_(SYSTEM), terms)
        staff_tasks.open_task(ctx, TaskType.RULE_FIRED, hold.id, rule=terms.rule_id)


def appeal_first_answer(ctx: Context, appeal_id: str) -> None:
    appeal = appeals.find(ctx.session, appeal_id, owner=repository.EVERYONE)
    if appeal.state == AppealState.SUBMITTED:
        staff_tasks.open_task(ctx, TaskType.APPEAL_FIRST_ANSWER, appeal.id, hold=appeal.hold_id)


def appeal_overdue(ctx: Context, appeal_id: str) -> None:
    """Fourteen days without a decision are our fault: unless the law holds, releases go on while
    the rest waits for it.
    """
    appeal, hold = staff_actions.appeal(ctx, appeal_id)
    if appeal.decided_at is not None:
        return
    staff_tasks.open_task(ctx, TaskType.APPEAL_OVERDUE, appeal.id, hold=hold.id)
    if (
        hold.ended_at is None
        and hold.expires_at is not None
        and "release" in hold.scopes
        and hold.state != HoldState.CONVERTED
    ):
        hold_ends.narrow(
            ctx.as_(SYSTEM),
            hold,
            tuple(s for s in hold.scopes if s != "release"),
            "The appeal was not decided in time.",
        )


def case_final(ctx: Context, case_id: str) -> None:
    """The time for an appeal is over. One that is still open is waited for."""
    case, hold = staff_actions.case(ctx, case_id)
    pending = appeals.of_hold(ctx.session, hold.id)
    if pending is not None and pending.decided_at is None:
        queue.enqueue(ctx, JobType.CASE_FINAL, case.id, pending.decide_by)
        return
    cases.finish(ctx, case)


def suspension_long(ctx: Context, suspension_id: str) -> None:
    """Five months: staff open a case or end it."""
    found = suspensions.find(ctx.session, suspension_id)
    if found.ended_at is None:
        staff_tasks.open_task(ctx, TaskType.SUSPENSION_LONG, found.id, level=found.level)
