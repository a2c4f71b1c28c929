"""Who asks for a payout, and whether it may be: what is available, the least amount, holds."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core import events, queue, repository
from service.core.context import Context
from service.domain.errors import (
    Invalid,
    NotEnough,
    PayoutsStopped,
)
from service.domain.money.money import payable_part, plain
from service.domain.states.job_types import JobType
from service.domain.states.names import PayoutState
from service.escrow import payout_sources
from service.ledger import accounts, balance, entries, post
from service.models import (
    Installation,
    Payout,
    PayoutAccount,
    new_id,
)
from service.operations.payouts import payout_accounts
from service.shared import hold_checks


def request(
    ctx: Context, freelancer_id: str, amount_minor: int, currency: str, asked_by: str = "freelancer"
) -> Payout:
    """Ask for a payout out of what is available.

    The money leaves the balance now and Stripe hears of it by a job; while a hold stands the payout
    is kept as `held` and nothing moves.

    Raises Invalid, NotEnough, PayoutAccountNotReady, PayoutsStopped, PayoutCoolDown.
    """
    repository.freelancer(ctx.session, freelancer_id, lock=True)
    _check_request(ctx, amount_minor, currency, asked_by)
    account = payout_accounts.ready_account(ctx, freelancer_id)
    on_hold = hold_checks.stopping(ctx.session, "outflow", [freelancer_id]) is not None
    _check_available(ctx.session, freelancer_id, amount_minor, currency)
    payout = _requested(ctx, account, amount_minor, currency, asked_by, on_hold=on_hold)
    if on_hold:
        _wait_for_hold(ctx, payout)
        return payout
    payout.sources = payout_sources.choose(ctx.session, freelancer_id, amount_minor, currency)
    if sum(s.amount_minor for s in payout.sources) < amount_minor:
        raise NotEnough(
            "Part of this money is still on its way back from a failed payout; try again in a "
            "few minutes."
        )
    ctx.session.add(payout)
    post(ctx, entries.payout_request(payout))
    events.record(
        ctx,
        "payout.requested",
        payout,
        to_state=PayoutState.REQUESTED,
        amount=amount_minor,
        currency=currency,
    )
    queue.enqueue(ctx, JobType.PAYOUT_SEND, payout.id)
    return payout


def _check_available(
    session: Session, freelancer_id: str, amount_minor: int, currency: str
) -> None:
    # What waits for a hold was not debited: it is spoken for all the same.
    available = balance(session, accounts.available(freelancer_id), currency) - _requested_minor(
        session, freelancer_id, currency
    )
    if amount_minor > available:
        raise NotEnough(
            f"{plain(available, currency)} is available.",
            {"available": available, "currency": currency},
        )


def _requested(
    ctx: Context,
    account: PayoutAccount,
    amount_minor: int,
    currency: str,
    asked_by: str,
    *,
    on_hold: bool,
) -> Payout:
    return Payout(
        id=new_id("pyo"),
        freelancer_id=account.freelancer_id,
        state=PayoutState.HELD if on_hold else PayoutState.REQUESTED,
        currency=currency,
        amount_minor=amount_minor,
        stripe_payout_id=None,
        stripe_account_id=account.stripe_account_id,
        failure_code=None,
        waiting_for=None,
        asked_by=asked_by,
        requested_at=ctx.now,
        sent_at=None,
        arrived_at=None,
    )


def _wait_for_hold(ctx: Context, payout: Payout) -> None:
    # Nothing is posted: the money stays where the hold keeps it, and the payout is sent when
    # the last hold is lifted.
    payout.holds = 1
    ctx.session.add(payout)
    events.record(
        ctx,
        "payout.requested",
        payout,
        to_state=PayoutState.HELD,
        amount=payout.amount_minor,
        currency=payout.currency,
    )
    queue.enqueue(
        ctx,
        JobType.PAYOUT_HELD_ALARM,
        payout.id,
        ctx.now + timedelta(days=ctx.policies.windows.payout_held_alarm_days),
    )


def _requested_minor(session: Session, freelancer_id: str, currency: str) -> int:
    query = select(func.coalesce(func.sum(Payout.amount_minor), 0)).where(
        Payout.freelancer_id == freelancer_id, Payout.currency == currency
    )
    return int(session.execute(query.where(Payout.state == PayoutState.HELD)).scalar_one())


def _check_request(ctx: Context, amount_minor: int, currency: str, asked_by: str) -> None:
    if currency not in ctx.policies.currencies:
        raise Invalid.one(
            "/currency",
            "unknown_currency",
            f"Payouts can be in {', '.join(ctx.policies.currencies)}.",
        )
    least = ctx.policies.payout_minimum_minor(currency)
    if amount_minor < least and asked_by != "forced":
        raise Invalid.one(
            "/amount", "amount_too_small", f"A payout has at least {plain(least, currency)}."
        )
    if payable_part(amount_minor, currency) != amount_minor:
        whole = plain(payable_part(amount_minor, currency), currency)
        raise Invalid.one(
            "/amount",
            "amount_step",
            f"Banks take {currency} in larger steps; {whole} would be possible and the rest "
            "stays yours.",
        )
    stopped = ctx.session.execute(select(Installation.payouts_stopped)).scalar_one()
    if stopped:
        raise PayoutsStopped("Payouts are paused while the books are checked.")


def request_scheduled(
    ctx: Context, freelancer_id: str, currency: str, asked_by: str, most_minor: int | None = None
) -> Payout | None:
    """A payout of all that is available and not spoken for, or at most of so much, as far as banks
    take it.

    None when there is nothing left. Raises as `request` does.
    """
    free = balance(ctx.session, accounts.available(freelancer_id), currency) - _requested_minor(
        ctx.session, freelancer_id, currency
    )
    amount = payable_part(free if most_minor is None else min(free, most_minor), currency)
    return request(ctx, freelancer_id, amount, currency, asked_by) if amount > 0 else None
