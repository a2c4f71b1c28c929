"""What happens to milestones because time has passed; each re-reads everything under its locks."""

from __future__ import annotations

from datetime import timedelta

from service.core import events, queue, repository, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.states.job_types import JobType
from service.domain.states.names import ContractState, MilestoneState
from service.models import Contract, Milestone
from service.operations.contracts import contracts, milestones, review_window
from service.platform import clock
from service.shared import hold_checks
from service.workflows import silence


def funding_reminder(ctx: Context, subject: str) -> None:
    contract, milestone = repository.milestone(
        ctx.session, subject.split("/", maxsplit=1)[0], owner=repository.EVERYONE
    )
    if (
        contract.state == ContractState.ACTIVE
        and milestone.state == MilestoneState.AWAITING_FUNDING
    ):
        events.record(
            ctx,
            "milestone.funding_reminded",
            milestone,
            contract=contract,
            day=int(subject.split("/")[1]),
        )


def funding_lapse(ctx: Context, milestone_id: str) -> None:
    contract, milestone = repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)
    milestones.funding_lapse(ctx, contract, milestone)


def changes_reminder(ctx: Context, subject: str) -> None:
    milestone_id, round_number = subject.split("/")
    contract, milestone = repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)
    if milestone.state == MilestoneState.CHANGES_REQUESTED and milestone.round == int(round_number):
        events.record(ctx, "milestone.changes_reminded", milestone, contract=contract)


def review_notice(ctx: Context, subject: str) -> None:
    milestone_id, days = subject.split("/")
    contract, milestone = repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)
    if review_window.notice_is_due(ctx, milestone, int(days)):
        events.record(
            ctx, "milestone.review_reminded", milestone, contract=contract, days=int(days)
        )


def auto_release(ctx: Context, milestone_id: str) -> None:
    contract, milestone = repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)
    if not _release_waits(ctx, contract, milestone):
        review_window.auto_release(ctx, contract, milestone)


def _release_waits(ctx: Context, contract: Contract, milestone: Milestone) -> bool:
    """Releases are on hold: the end of the window waits for the lift, and after two weeks a person
    has to decide.
    """
    due = milestone.auto_release_at
    if milestone.state != MilestoneState.SUBMITTED or due is None or due > ctx.now:
        return False
    hold = hold_checks.stopping(
        ctx.session, "release", hold_checks.subjects_of(contract, milestone.id)
    )
    if hold is None:
        return False
    now = clock.now(ctx.session)
    if now >= due + timedelta(days=ctx.policies.windows.release_pause_days):
        staff_tasks.open_task(
            ctx, TaskType.RELEASE_ON_HOLD, milestone.id, contract=contract.id, hold=hold.id
        )
    queue.enqueue(ctx, JobType.AUTO_RELEASE, milestone.id, now + timedelta(hours=12))
    return True


def settle_pending(ctx: Context, release_id: str) -> None:
    milestones.settle_pending(ctx, release_id)


def holding_alarm(ctx: Context, milestone_id: str) -> None:
    contract, milestone = repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)
    contracts.holding_alarm(ctx, contract, milestone)


def holding_limit(ctx: Context, milestone_id: str) -> None:
    contract, milestone = repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)
    silence.until_the_holding_limit(ctx, contract, milestone)
