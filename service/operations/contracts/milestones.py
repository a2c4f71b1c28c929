"""Work is handed over, looked at and approved, wholly or in part."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, queue
from service.core.context import Context
from service.domain.errors import Invalid, StateConflict
from service.domain.identity.actors import SYSTEM
from service.domain.money.money import plain
from service.domain.states.job_types import JobType
from service.domain.states.names import ContractState, MilestoneState
from service.escrow import milestone_money, refund_asks, releases, states
from service.ledger import Entry, entries, post
from service.models import (
    Contract,
    Milestone,
    Release,
    Submission,
    new_id,
)

REST = ("keep", "roll", "refund")
"""What becomes of what a partial release leaves: escrowed for this milestone, a milestone of its
own, or asked back.
"""


def submit(ctx: Context, contract: Contract, milestone: Milestone, note: str) -> Submission:
    """Hand the work over; the review window starts. Raises StateConflict."""
    again = milestone.state == MilestoneState.CHANGES_REQUESTED
    events.transition(
        ctx,
        milestone,
        "resubmit" if again else "submit",
        contract=contract,
        round=milestone.round + 1,
    )
    milestone.round += 1
    window = timedelta(days=contract.review_period_days)
    milestone.auto_release_at = ctx.now + (max(window, states.SHORTEST_WINDOW) if again else window)
    milestone.extensions = 0
    submission = Submission(
        id=new_id("sub"),
        milestone_id=milestone.id,
        round=milestone.round,
        note=note,
        note_hash=hashlib.sha256(note.encode()).hexdigest(),
        submitted_at=ctx.now,
    )
    ctx.session.add(submission)
    states.schedule_review(ctx, milestone)
    states.touch(ctx, contract)
    return submission


def request_changes(ctx: Context, contract: Contract, milestone: Milestone, what: str) -> None:
    """The client wants something changed: the clock stops until the work is handed over again.

    Raises StateConflict.
    """
    events.transition(ctx, milestone, "request_changes", contract=contract, what=what)
    milestone.auto_release_at = None
    queue.enqueue(
        ctx,
        JobType.CHANGES_REMINDER,
        f"{milestone.id}/{milestone.round}",
        ctx.now + timedelta(days=ctx.policies.windows.refund_answer_days),
    )
    states.touch(ctx, contract)


def approve(
    ctx: Context,
    contract: Contract,
    milestone: Milestone,
    amount_minor: int | None = None,
    rest: str = "keep",
) -> Release:
    """Release all that is in escrow, or `amount_minor` of it, early or after a submission; `rest`
    says what the remainder does.

    Raises StateConflict, Invalid for an amount out of range, OnHold when a hold stops releases.
    """
    event = (
        "auto_approve"
        if ctx.role == "system"
        else "approve"
        if milestone.state == MilestoneState.SUBMITTED
        else "release_early"
    )
    escrowed = milestone_money.escrowed_minor(milestone)
    amount = escrowed if amount_minor is None else amount_minor
    if milestone.state in states.OPEN_TO_THE_CLIENT:
        _check_amount(amount, escrowed, contract.currency)
    events.transition(ctx, milestone, event, contract=contract, amount=amount)
    milestone.auto_release_at = None
    release, entry = releases.release(ctx, contract, milestone, amount)
    entries = [entry]
    if milestone_money.escrowed_minor(milestone):
        entries += _rest(ctx, contract, milestone, rest, amount, release)
    else:
        states.emptied(
            ctx.as_(SYSTEM), contract, milestone, "release", amount=amount, release=release.id
        )
    states.after_change(ctx, contract)
    # Last, so that every row is written once and the balances stay locked for the shortest time.
    milestone_money.post_all(ctx, entries)
    return release


def _check_amount(amount: int, escrowed: int, currency: str) -> None:
    if not 1 <= amount <= escrowed:
        raise Invalid.one(
            "/amount",
            "amount_out_of_range",
            f"Between {plain(1, currency)} and {plain(escrowed, currency)} can be released.",
        )


def _rest(
    ctx: Context, contract: Contract, milestone: Milestone, rest: str, amount: int, release: Release
) -> list[Entry]:
    system = ctx.as_(SYSTEM)
    if rest == "roll":
        refund_asks.without_meaning(ctx, contract, milestone.id)
        fresh, entry = milestone_money.roll_on(ctx, contract, milestone)
        events.record(
            system,
            "milestone.rolled_on",
            fresh,
            contract=contract,
            amount=fresh.amount_minor,
            rest_of=milestone.id,
        )
        events.transition(
            system, milestone, "release", contract=contract, amount=amount, release=release.id
        )
        return [entry]
    _outgrown(ctx, contract, milestone)
    events.transition(
        system, milestone, "release_part", contract=contract, amount=amount, release=release.id
    )
    return []


def _outgrown(ctx: Context, contract: Contract, milestone: Milestone) -> None:
    """The client releases money that they had asked back: a request for more than is left has no
    meaning any more.
    """
    request = refund_asks.open_request(ctx.session, milestone.id)
    if request is not None and request.amount_minor > milestone_money.escrowed_minor(milestone):
        refund_asks.without_meaning(ctx, contract, milestone.id)


def settle_pending(ctx: Context, release_id: str) -> bool:
    """The security period is over: pending becomes available.

    Returns False when it already did. Raises OnHold.
    """
    query = select(Release).where(Release.id == release_id).with_for_update()
    release = ctx.session.execute(query).scalar_one()
    if release.matured_at is not None or release.matures_at > ctx.now:
        return False
    release.matured_at = ctx.now
    amount = release.net_minor - release.recovered_minor - release.taken_minor
    if amount:
        post(ctx, entries.mature(release, amount))
    return True


def funding_lapse(ctx: Context, contract: Contract, milestone: Milestone) -> bool:
    """A month without a payment: the milestone rests until the client picks it.

    Returns False when there is nothing to do.
    """
    if contract.state != ContractState.ACTIVE or milestone.state != MilestoneState.AWAITING_FUNDING:
        return False
    events.transition(ctx.as_(SYSTEM), milestone, "funding_lapse", contract=contract)
    states.touch(ctx.as_(SYSTEM), contract)
    return True


def submissions_of(session: Session, milestone_id: str) -> list[Submission]:
    """Every round of a milestone, oldest first."""
    return list(
        session.execute(
            select(Submission)
            .where(Submission.milestone_id == milestone_id)
            .order_by(Submission.round)
            .limit(100)
        ).scalars()
    )


def require_open(milestone: Milestone) -> None:
    """For a page on which a client may decide about money in escrow. Raises StateConflict."""
    if milestone.state not in states.OPEN_TO_THE_CLIENT:
        raise StateConflict(
            "There is nothing to decide now.",
            {"current_state": milestone.state, "allowed_actions": []},
        )
