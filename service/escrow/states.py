"""What a milestone and its contract are once money has moved: emptied, disputed, resumed; completed
or ended.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from service.core import events, queue
from service.core.context import Context
from service.domain.states.job_types import JobType
from service.domain.states.lifecycle import MILESTONE
from service.domain.states.names import ContractState, MilestoneState
from service.escrow import refund_asks
from service.escrow.milestone_money import escrowed_minor
from service.models import Contract, Milestone

RESUME = {
    "funded": "resume_funded",
    "submitted": "resume_submitted",
    "changes_requested": "resume_changes",
}
SHORTEST_WINDOW = timedelta(days=5)
OPEN_TO_THE_CLIENT = (
    MilestoneState.FUNDED,
    MilestoneState.SUBMITTED,
    MilestoneState.CHANGES_REQUESTED,
)


def pause(
    ctx: Context, contract: Contract, milestone: Milestone, event: str, **data: Any
) -> tuple[str, int | None]:
    """Nothing else is left but what is asked back or disputed: the milestone waits.

    Returns its state and what was left of the review.
    """
    was, left = milestone.state, review_left(ctx.now, milestone)
    events.transition(ctx, milestone, event, contract=contract, **data)
    milestone.auto_release_at = None
    return was, left


def review_left(now: datetime, milestone: Milestone) -> int | None:
    """Seconds that the client still had to answer."""
    return (
        int((milestone.auto_release_at - now).total_seconds())
        if milestone.auto_release_at
        else None
    )


def resume(
    ctx: Context, contract: Contract, milestone: Milestone, was: str, left_seconds: int | None
) -> None:
    """Back to where it was. A review goes on with what was left of it, at least five days."""
    if milestone.state not in (
        MilestoneState.REFUND_REQUESTED,
        MilestoneState.DISPUTED,
    ) or not escrowed_minor(milestone):
        return
    back = was if was in RESUME else "funded"
    events.transition(ctx, milestone, RESUME[back], contract=contract)
    if back == "submitted":
        milestone.auto_release_at = ctx.now + max(
            timedelta(seconds=left_seconds or 0), SHORTEST_WINDOW
        )
        schedule_review(ctx, milestone)


def schedule_review(ctx: Context, milestone: Milestone) -> None:
    """The notices before the end of a review window, and its end."""
    end = milestone.auto_release_at
    assert end is not None, "a submitted milestone has an end of its review window"
    notices: list[queue.JobRequest] = [
        queue.JobRequest(
            JobType.REVIEW_NOTICE, f"{milestone.id}/{days}", end - timedelta(days=days)
        )
        for days in ctx.policies.windows.review_notice_days
        if end - timedelta(days=days) > ctx.now
    ]
    queue.enqueue_many(ctx, [*notices, queue.JobRequest(JobType.AUTO_RELEASE, milestone.id, end)])


def emptied(
    ctx: Context, contract: Contract, milestone: Milestone, event: str, **data: Any
) -> None:
    """Close a milestone that holds nothing any more by `event`; one with locked money is then
    disputed. A request for the money that has gone ends with it.
    """
    if escrowed_minor(milestone) or milestone.state in MILESTONE.final:
        return
    refund_asks.without_meaning(ctx, contract, milestone.id)
    if milestone.disputed_minor:
        if milestone.state != MilestoneState.DISPUTED:
            events.transition(ctx.as_("system"), milestone, "dispute", contract=contract)
    else:
        events.transition(ctx, milestone, event, contract=contract, **data)
    milestone.auto_release_at = None


def accepted(ctx: Context, contract: Contract) -> None:
    """Both are bound: the first milestone waits for its payment, and the contract ends by itself
    when none comes in time.
    """
    windows = ctx.policies.windows
    contract.accepted_at = ctx.now
    contract.fund_by = ctx.now + timedelta(days=windows.fund_within_days)
    touch(ctx, contract)
    events.transition(ctx, contract.milestones[0], "ask_funding", contract=contract, actor="system")
    due: list[queue.JobRequest] = [
        queue.JobRequest(JobType.FUND_REMINDER, f"{contract.id}/{d}", ctx.now + timedelta(days=d))
        for d in windows.fund_reminder_days
    ]
    queue.enqueue_many(
        ctx, [queue.JobRequest(JobType.FUND_EXPIRY, contract.id, contract.fund_by), *due]
    )


def after_change(ctx: Context, contract: Contract) -> None:
    """Complete or end the contract when nothing is left to happen; otherwise ask for the next
    milestone's funding.
    """
    system = ctx.as_("system")
    touch(ctx, contract)
    if contract.state not in (ContractState.ACTIVE, ContractState.CLOSING):
        return
    if all(m.state in MILESTONE.final for m in contract.milestones):
        done = any(m.released_minor for m in contract.milestones)
        events.transition(system, contract, "complete" if done else "close_empty")
        contract.closed_at = ctx.now
        return
    waiting = next((m for m in contract.milestones if m.state == MilestoneState.PLANNED), None)
    if (
        contract.state == ContractState.ACTIVE
        and waiting
        and not any(
            m.state in (MilestoneState.AWAITING_FUNDING, MilestoneState.FUNDING)
            for m in contract.milestones
        )
    ):
        ask_funding(system, contract, waiting)


def ask_funding(ctx: Context, contract: Contract, milestone: Milestone) -> None:
    """It is the client's turn to pay for this milestone; reminded, and after a month it rests until
    somebody picks it.
    """
    events.transition(ctx, milestone, "ask_funding", contract=contract)
    if contract.state == ContractState.ACTIVE:
        windows = ctx.policies.windows
        due: list[queue.JobRequest] = [
            queue.JobRequest(
                JobType.FUNDING_REMINDER, f"{milestone.id}/{days}", ctx.now + timedelta(days=days)
            )
            for days in windows.fund_reminder_days
        ]
        queue.enqueue_many(
            ctx,
            [
                *due,
                queue.JobRequest(
                    JobType.FUNDING_LAPSE,
                    milestone.id,
                    ctx.now + timedelta(days=windows.funding_rests_after_days),
                ),
            ],
        )


def touch(ctx: Context, contract: Contract) -> None:
    """Another version of the contract: its ETag changes, and it is not dormant."""
    contract.version += 1
    contract.updated_at = ctx.now
    if ctx.role in ("freelancer", "client"):
        contract.dormant_at = None
