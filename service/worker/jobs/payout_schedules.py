"""Payouts that nobody asked for, and those that waited for a hold."""

from __future__ import annotations

from datetime import date

from service.core import events, queue, repository, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import PayoutCoolDown, PayoutsStopped
from service.domain.states.job_types import JobType
from service.domain.states.names import PayoutAccountState, PayoutState
from service.escrow import freezing
from service.models import Payout
from service.operations.contracts import drafts
from service.operations.payouts import payout_accounts, payout_requests, payouts, scheduled_payouts


def housekeeping(ctx: Context, _: str) -> None:
    """Once a day: old drafts go, and money that nobody asked for is paid out.

    It only says what is to be looked at: each draft, and each person's money in each currency, is a
    job of its own.
    """
    queue.enqueue_many(
        ctx,
        [
            queue.JobRequest(JobType.DRAFT_DELETION, contract_id, ctx.now)
            for contract_id in drafts.old_drafts(ctx)
        ],
    )
    queue.enqueue(ctx, JobType.PAYOUT_CANDIDATES, f"{ctx.now.date()}/0")


def payout_candidates(ctx: Context, subject: str) -> None:
    """Who may have a payout due on a day, a page at a time."""
    day, after = subject.split("/")
    found = scheduled_payouts.candidates(ctx, date.fromisoformat(day), int(after))
    queue.enqueue_many(
        ctx,
        [
            queue.JobRequest(
                JobType.SCHEDULED_PAYOUT, f"{one.freelancer_id}/{one.currency}/{day}", ctx.now
            )
            for one in found
        ],
    )
    if len(found) == scheduled_payouts.PAGE:
        queue.enqueue(ctx, JobType.PAYOUT_CANDIDATES, f"{day}/{found[-1].cursor}")


def scheduled_payout(ctx: Context, subject: str) -> None:
    """One person's money in one currency: paid out if it is due on that day."""
    freelancer_id, currency, day = subject.split("/")
    # A job of 0.1 says `schedule` or `forced` where the day stands: it is looked at as of today.
    on = ctx.now.date() if day in ("schedule", "forced") else date.fromisoformat(day)
    due = scheduled_payouts.due(ctx, freelancer_id, currency, on)
    if due is None:
        return
    account = payout_accounts.account_of(ctx.session, freelancer_id)
    if account is None or account.state != PayoutAccountState.ACTIVE:
        scheduled_payouts.remind(ctx, freelancer_id, currency)
        return
    try:
        payout_requests.request_scheduled(ctx, freelancer_id, currency, due.why, due.amount_minor)
    except (PayoutsStopped, PayoutCoolDown):
        queue.enqueue(ctx, JobType.SCHEDULED_PAYOUT, subject, ctx.now + queue.ONE_DAY)


def payouts_resume(ctx: Context, freelancer_id: str) -> None:
    """The last hold may be gone: every payout that waited is looked at, oldest first."""
    repository.freelancer(ctx.session, freelancer_id, lock=True)
    for payout in payouts.on_hold_of(ctx.session, freelancer_id):
        freezing.resume_payout(ctx, payout)


def payout_held_alarm(ctx: Context, payout_id: str) -> None:
    payout: Payout = repository.payout(ctx.session, payout_id, owner=repository.EVERYONE)
    if payout.state == PayoutState.HELD:
        staff_tasks.open_task(ctx, TaskType.PAYOUT_HELD, payout.id, freelancer=payout.freelancer_id)
        events.record(ctx, "payout.held_long", payout, public=False)
