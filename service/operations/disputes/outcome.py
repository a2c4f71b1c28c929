"""How a dispute ends: one number goes back to the client and the rest is released.

It happens in the transaction that decides it, by the same lines as any release and refund.
"""

from __future__ import annotations

from service.core import events, queue, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.identity.actors import SYSTEM
from service.domain.states.calendar import add_business_days
from service.domain.states.job_types import JobType
from service.escrow import milestone_money, refunds, releases, states
from service.ledger import Entry
from service.models import Contract, Dispute, Milestone
from service.operations.disputes import sides


def withdraw(ctx: Context, contract: Contract, dispute: Dispute, side: str) -> None:
    """The opener takes the claim back: everything is as before.

    Raises StateConflict, Forbidden for the other side.
    """
    sides.only_side(dispute, side, opener=True)
    events.transition(ctx, dispute, "withdraw", contract=contract)
    milestone = sides.milestone_of(contract, dispute)
    entry = milestone_money.unlock(contract, milestone, dispute.amount_minor, dispute.id)
    states.resume(ctx, contract, milestone, dispute.milestone_was, dispute.review_left_seconds)
    _close(ctx, contract, dispute)
    milestone_money.post_all(ctx, [entry])


def superseded(ctx: Context, contract: Contract, dispute: Dispute) -> None:
    """A bank has taken the payment back: what it decides goes before what the two were arguing
    about.
    """
    system = ctx.as_(SYSTEM)
    events.transition(system, dispute, "withdraw", contract=contract, reason="chargeback")
    milestone = sides.milestone_of(contract, dispute)
    entry = milestone_money.unlock(contract, milestone, dispute.amount_minor, dispute.id)
    states.resume(system, contract, milestone, dispute.milestone_was, dispute.review_left_seconds)
    _close(system, contract, dispute)
    milestone_money.post_all(system, [entry])


def to_decision(ctx: Context, contract: Contract, dispute: Dispute) -> None:
    sides.set_deadline(
        ctx,
        dispute,
        add_business_days(
            ctx.now,
            ctx.policies.windows.dispute_decision_business_days,
            ctx.policies.stripe_country,
        ),
    )
    staff_tasks.open_task(ctx, TaskType.DISPUTE_DECISION, dispute.id, contract=contract.id)
    states.touch(ctx, contract)


def carry_out(
    ctx: Context, contract: Contract, dispute: Dispute, event: str, refund_minor: int
) -> None:
    """Unlock, send back, release, in one action; a hold on the accounts refuses all of it."""
    dispute.refund_minor = refund_minor
    events.transition(
        ctx,
        dispute,
        event,
        contract=contract,
        refund=refund_minor,
        amount=dispute.amount_minor,
        currency=contract.currency,
    )
    milestone = sides.milestone_of(contract, dispute)
    entries: list[Entry] = [
        milestone_money.unlock(contract, milestone, dispute.amount_minor, dispute.id)
    ]
    if refund_minor:
        entries.append(
            refunds.refund_escrowed(ctx, contract, milestone, refund_minor, "dispute")[1]
        )
    if dispute.amount_minor - refund_minor:
        share_minor = dispute.amount_minor - refund_minor
        entries.append(_release_share(ctx, contract, milestone, share_minor))
    states.emptied(ctx.as_(SYSTEM), contract, milestone, "settle")
    # More may be held than when it opened: what a failed refund or a reversed case brought.
    states.resume(
        ctx.as_(SYSTEM), contract, milestone, dispute.milestone_was, dispute.review_left_seconds
    )
    _close(ctx, contract, dispute)
    states.after_change(ctx, contract)
    milestone_money.post_all(ctx, entries)


def _release_share(
    ctx: Context, contract: Contract, milestone: Milestone, share_minor: int
) -> Entry:
    """What the dispute leaves to the freelancer; the entry is posted by the caller."""
    release, entry = releases.release(ctx, contract, milestone, share_minor)
    events.record(
        ctx,
        "milestone.share_released",
        milestone,
        contract=contract,
        amount=release.gross_minor,
        release=release.id,
    )
    return entry


def _close(ctx: Context, contract: Contract, dispute: Dispute) -> None:
    dispute.closed_at, dispute.deadline_at = ctx.now, None
    queue.cancel(
        ctx, [JobType.DISPUTE_DUE, JobType.DISPUTE_HARD_STOP, JobType.DISPUTE_REMINDER], dispute.id
    )
    states.touch(ctx, contract)
