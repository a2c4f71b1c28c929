"""What a hold does to money when it lands and when it goes: gates, payouts that had not left, an
amount set aside.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from service.core import events, queue
from service.core.context import Context
from service.core.queue import JobRequest
from service.domain.errors import NotEnough
from service.domain.identity import typeid
from service.domain.states.job_types import JobType
from service.domain.states.lifecycle import CONTRACT
from service.domain.states.names import MilestoneState, PaymentState, PayoutSourceState, PayoutState
from service.domain.states.restrictions import SUBJECTS
from service.escrow import payout_sources
from service.ledger import accounts, balance, entries, post
from service.models import Contract, Hold, HoldEffect, Milestone, Payment, Payout
from service.platform.db import fetch
from service.shared.hold_checks import stopping

_REGATE = "SELECT hold_regate(%s) AS accounts"
_OPEN_PAYMENTS = (PaymentState.CREATED, PaymentState.REQUIRES_ACTION)


def record_effect(ctx: Context, hold: Hold, what: str, object_id: str, outcome: str) -> None:
    """Write down what the hold met, beside it."""
    number = len(hold.effects) + 1
    hold.effects.append(
        HoldEffect(number=number, object_id=object_id, what=what, outcome=outcome, at=ctx.now)
    )


def refresh_gates(ctx: Context, hold: Hold) -> None:
    """Close or open the gates of every account that the hold's subject has; what is opened later is
    born with them.
    """
    ctx.session.flush()
    fetch(ctx.session, _REGATE, (hold.subject_id,))


def contracts_of(ctx: Context, hold: Hold) -> list[Contract]:
    """The contracts that are under way and that the hold reaches, locked in the one order, at most
    10,000.
    """
    subject = typeid.encode(SUBJECTS[hold.subject_kind], hold.subject_id)
    if hold.subject_kind == "milestone":
        subject = ctx.session.get_one(Milestone, subject).contract_id
    if hold.subject_kind == "payment":
        subject = ctx.session.get_one(Payment, subject).contract_id
    column = {"freelancer": Contract.freelancer_id, "client": Contract.client_id}.get(
        hold.subject_kind, Contract.id
    )
    if hold.subject_kind == "payout":
        return []
    # Of a person those under way; one that is named itself even when it is over, since what was
    # released can still go back.
    over = () if column is Contract.id else ("draft", *CONTRACT.final)
    query = (
        select(Contract)
        .where(column == subject, Contract.state.not_in(over))
        .order_by(Contract.id)
        .limit(10_000)
    )
    return list(
        ctx.session.execute(
            query.with_for_update(key_share=True).execution_options(populate_existing=True)
        ).scalars()
    )


def close_payment_pages(ctx: Context, hold: Hold, contracts: list[Contract]) -> None:
    """Payment pages that are open at Stripe are closed by jobs; what is paid all the same arrives
    and is frozen.
    """
    query = select(Payment).where(
        Payment.contract_id.in_([c.id for c in contracts]), Payment.state.in_(_OPEN_PAYMENTS)
    )
    for payment in ctx.session.execute(query.limit(1_000)).scalars():
        queue.enqueue(ctx, JobType.PAYMENT_CLOSE, payment.id)
        record_effect(ctx, hold, "payment page", payment.id, "Stripe is asked to close it")


def stop_payouts(ctx: Context, hold: Hold, freelancer_id: str, only: str | None = None) -> None:
    """Payouts that have not left become `held` and their money is available again; those on their
    way are called back by a job.
    """
    query = select(Payout).where(
        Payout.freelancer_id == freelancer_id,
        Payout.state.in_((PayoutState.REQUESTED, PayoutState.IN_TRANSIT)),
    )
    query = query.where(Payout.id == only) if only else query
    for payout in ctx.session.execute(query.order_by(Payout.id).with_for_update()).scalars():
        if payout.state == PayoutState.REQUESTED and not any(
            source.state != PayoutSourceState.PLANNED for source in payout.sources
        ):
            _hold_payout(ctx, payout)
            record_effect(
                ctx,
                hold,
                "payout",
                payout.id,
                "had not left; its money is back in the held balance",
            )
        else:
            queue.enqueue_many(
                ctx,
                [JobRequest(JobType.PAYOUT_RECALL, payout.id, ctx.now, {"hold": hold.id})],
            )
            record_effect(
                ctx, hold, "payout", payout.id, "was on its way; Stripe is asked to give it back"
            )


def _hold_payout(ctx: Context, payout: Payout) -> None:
    queue.cancel(ctx, [JobType.PAYOUT_SEND], payout.id)
    for source in list(payout.sources):
        payout.sources.remove(source)
    events.transition(
        ctx.as_("system"), payout, "hold", amount=payout.amount_minor, currency=payout.currency
    )
    post(ctx, entries.payout_held(payout))
    payout.holds += 1
    queue.enqueue(
        ctx,
        JobType.PAYOUT_HELD_ALARM,
        payout.id,
        ctx.now + timedelta(days=ctx.policies.windows.payout_held_alarm_days),
    )


def resume_payout(ctx: Context, payout: Payout) -> bool:
    """The last hold is lifted: the payout goes on if the money is still there, else it is canceled.

    Returns whether anything was done.
    """
    if (
        payout.state != PayoutState.HELD
        or stopping(ctx.session, "outflow", [payout.freelancer_id, payout.id]) is not None
    ):
        return False
    system = ctx.as_("system")
    legs = payout_sources.choose(
        ctx.session, payout.freelancer_id, payout.amount_minor, payout.currency
    )
    if (
        balance(ctx.session, accounts.available(payout.freelancer_id), payout.currency)
        < payout.amount_minor
        or sum(s.amount_minor for s in legs) < payout.amount_minor
    ):
        events.transition(system, payout, "cancel", reason="less is available now")
        return True
    payout.sources = legs
    payout.requested_at = ctx.now
    events.transition(
        system, payout, "resume", amount=payout.amount_minor, currency=payout.currency
    )
    post(ctx, entries.payout_request(payout))
    queue.enqueue(ctx, JobType.PAYOUT_SEND, payout.id)
    return True


def resume_reviews(ctx: Context, hold: Hold) -> None:
    """Review windows that ended meanwhile are looked at now."""
    column = {
        "freelancer": Contract.freelancer_id,
        "client": Contract.client_id,
        "contract": Contract.id,
        "milestone": Milestone.id,
    }.get(hold.subject_kind)
    if column is None:
        return
    subject = typeid.encode(SUBJECTS[hold.subject_kind], hold.subject_id)
    over = (
        select(Milestone.id)
        .join(Contract)
        .where(
            column == subject,
            Milestone.state == MilestoneState.SUBMITTED,
            Milestone.auto_release_at <= ctx.now,
        )
    )
    queue.enqueue_many(
        ctx,
        [
            queue.JobRequest(JobType.AUTO_RELEASE, milestone_id, ctx.now)
            for milestone_id in ctx.session.execute(over.limit(1_000)).scalars()
        ],
    )


def reserve(ctx: Context, hold: Hold, freelancer_id: str) -> None:
    """Set exactly the hold's amount aside, of what is available.

    The freelancer is locked. Raises NotEnough for more than that.
    """
    assert hold.amount_minor is not None, "only a hold over an amount reserves"
    currency = hold.currency or ""
    available = balance(ctx.session, accounts.available(freelancer_id), currency)
    if available < hold.amount_minor:
        raise NotEnough(
            "Less than that is available; hold the person's payouts instead.",
            {"available": available, "currency": currency},
        )
    post(ctx, entries.hold_reserve(hold, freelancer_id, hold.amount_minor))


def return_reserve(ctx: Context, hold: Hold, freelancer_id: str) -> None:
    """What was set aside is available again."""
    left = (
        balance(ctx.session, accounts.reserved_by_hold(hold.id), hold.currency)
        if hold.currency
        else 0
    )
    if left:
        post(ctx, entries.hold_return(hold, freelancer_id, left))
