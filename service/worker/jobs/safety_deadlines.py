"""What happens to holds and suspensions because time has passed."""

from __future__ import annotations

from service.core import events, queue, repository
from service.core.context import Context
from service.domain.identity.actors import SYSTEM
from service.escrow import freezing
from service.models import Payout
from service.operations.payments import payouts
from service.operations.safety import appeals, cases, holds, rules, suspensions
from service.workflows import staff_actions


def hold_unconfirmed(ctx: Context, hold_id: str) -> None:
    holds.expire(ctx, staff_actions.hold(ctx, hold_id), "unconfirmed")


def hold_expiry(ctx: Context, hold_id: str) -> None:
    holds.expire(ctx, staff_actions.hold(ctx, hold_id), "expired")


def hold_review_due(ctx: Context, hold_id: str) -> None:
    """Nobody has looked within two business days: the promise of a first answer is broken, so it
    goes to the top.
    """
    hold = staff_actions.hold(ctx, hold_id)
    if hold.state == "active":
        queue.open_task(ctx, "hold_review_due", hold.id, reason=hold.reason_code)


def rules_check(ctx: Context, payment_id: str) -> None:
    """Whatever the enabled rules find about a payment is held, at most 72 hours, until a person has
    looked.
    """
    contract, payment = repository.payment(ctx.session, payment_id, lock=False)
    for terms in rules.wanted(ctx, contract, payment):
        hold = holds.place(ctx.as_(SYSTEM), terms)
        queue.open_task(ctx, "rule_fired", hold.id, rule=terms.rule_id)


def appeal_first_answer(ctx: Context, appeal_id: str) -> None:
    appeal = appeals.find(ctx.session, appeal_id, owner=repository.EVERYONE)
    if appeal.state == "submitted":
        queue.open_task(ctx, "appeal_first_answer", appeal.id, hold=appeal.hold_id)


def appeal_overdue(ctx: Context, appeal_id: str) -> None:
    """Fourteen days without a decision are our fault: unless the law holds, releases go on while
    the rest waits for it.
    """
    appeal, hold = staff_actions.appeal(ctx, appeal_id)
    if appeal.decided_at is not None:
        return
    queue.open_task(ctx, "appeal_overdue", appeal.id, hold=hold.id)
    if (
        hold.ended_at is None
        and hold.expires_at is not None
        and "release" in hold.scopes
        and hold.state != "converted"
    ):
        holds.narrow(
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
        queue.enqueue(ctx, "case_final", case.id, pending.decide_by)
        return
    cases.finish(ctx, case)


def payouts_resume(ctx: Context, freelancer_id: str) -> None:
    """The last hold may be gone: every payout that waited is looked at, oldest first."""
    repository.freelancer(ctx.session, freelancer_id, lock=True)
    for payout in payouts.on_hold_of(ctx.session, freelancer_id):
        freezing.resume_payout(ctx, payout)


def payout_held_alarm(ctx: Context, payout_id: str) -> None:
    payout: Payout = repository.payout(ctx.session, payout_id, owner=repository.EVERYONE)
    if payout.state == "held":
        queue.open_task(ctx, "payout_held", payout.id, freelancer=payout.freelancer_id)
        events.record(ctx, "payout.held_long", payout, public=False)


def suspension_long(ctx: Context, suspension_id: str) -> None:
    """Five months: staff open a case or end it."""
    found = suspensions.find(ctx.session, suspension_id)
    if found.ended_at is None:
        queue.open_task(ctx, "suspension_long", found.id, level=found.level)


TIMERS = {
    name: function
    for name, function in globals().copy().items()
    if callable(function)
    and getattr(function, "__module__", "") == __name__
    and not name.startswith("_")
}
