"""Money to the freelancer: the account at Stripe, asking for a payout, and what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core import events, queue, repository, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import (
    Invalid,
    NotEnough,
    NotFound,
    PayoutAccountNotReady,
    PayoutCoolDown,
    PayoutsStopped,
)
from service.domain.identity.actors import PSP, SYSTEM
from service.domain.money.money import payable_part, plain
from service.domain.money.psp import AccountSnapshot
from service.domain.states.job_types import JobType
from service.escrow import payout_sources
from service.ledger import accounts, balance, entries, post
from service.models import (
    Installation,
    Payout,
    PayoutAccount,
    PayoutSource,
    TransferReversal,
    new_id,
)
from service.shared import holds


def account_of(session: Session, freelancer_id: str) -> PayoutAccount | None:
    return session.get(PayoutAccount, freelancer_id)


def open_account(ctx: Context, freelancer_id: str) -> PayoutAccount:
    """The freelancer's payout account row, made on the first call; Stripe hears of it
    afterwards.
    """
    repository.freelancer(ctx.session, freelancer_id, lock=True)
    account = account_of(ctx.session, freelancer_id)
    if account is None:
        account = PayoutAccount(
            freelancer_id=freelancer_id,
            state="onboarding",
            stripe_account_id=None,
            requirements=[],
            created_at=ctx.now,
            updated_at=ctx.now,
        )
        ctx.session.add(account)
        events.record(ctx, "payout_account.created", account, to_state="onboarding")
    return account


def attach_account(ctx: Context, freelancer_id: str, stripe_account_id: str) -> None:
    """Remember which account Stripe made. Raises NotFound without a row."""
    account = _locked_account(ctx, freelancer_id)
    account.stripe_account_id = account.stripe_account_id or stripe_account_id
    account.updated_at = ctx.now


def apply_account(ctx: Context, freelancer_id: str, snapshot: AccountSnapshot) -> None:
    """Bring the account to what Stripe says: `active` may receive transfers, everything else names
    what is missing.
    """
    account = _locked_account(ctx, freelancer_id)
    account.requirements = snapshot.requirements
    account.updated_at = ctx.now
    _apply_bank(ctx, account, snapshot.bank_reference)
    account.instruments = list(snapshot.instruments)
    wanted = (
        "closed"
        if snapshot.closed
        else {"active": "active", "pending": "onboarding"}.get(
            snapshot.transfers_status, "restricted"
        )
    )
    if (
        wanted == account.state
        or account.state == "closed"
        or (wanted == "onboarding" and account.state != "onboarding")
    ):
        return
    event = {"active": "activate", "restricted": "restrict", "closed": "close"}[wanted]
    events.transition(ctx.as_(PSP), account, event, requirements=snapshot.requirements)
    if wanted == "active":
        for payout_id in _waiting_for_account(ctx.session, freelancer_id):
            queue.enqueue(ctx, JobType.PAYOUT_SEND, payout_id)


def _apply_bank(ctx: Context, account: PayoutAccount, reference: str | None) -> None:
    """Another bank account than before: payouts that have not left are taken back, and new ones
    wait for three days.
    """
    before, account.bank_reference = account.bank_reference, reference or account.bank_reference
    if reference is None or before is None or reference == before:
        return
    account.bank_changed_at = ctx.now
    events.record(ctx.as_(PSP), "payout_account.bank_changed", account)
    waiting = select(Payout).where(
        Payout.freelancer_id == account.freelancer_id, Payout.state.in_(("requested", "held"))
    )
    for payout in ctx.session.execute(waiting.with_for_update()).scalars():
        cancel(ctx.as_(SYSTEM), payout)


def _waiting_for_account(session: Session, freelancer_id: str) -> list[str]:
    query = select(Payout.id).where(
        Payout.freelancer_id == freelancer_id,
        Payout.state.in_(("requested", "in_transit")),
        Payout.waiting_for == "payout_account",
    )
    return list(session.execute(query).scalars())


def unsettled_accounts(session: Session) -> list[str]:
    """Connected accounts that are not active yet, at most 200: Stripe's thin events about them are
    not in its list of events.
    """
    query = select(PayoutAccount.stripe_account_id).where(
        PayoutAccount.state.in_(("onboarding", "restricted")),
        PayoutAccount.stripe_account_id.is_not(None),
    )
    return [
        account_id
        for account_id in session.execute(
            query.order_by(PayoutAccount.updated_at).limit(200)
        ).scalars()
        if account_id
    ]


def freelancer_behind(session: Session, stripe_account_id: str) -> str | None:
    """Whose connected account this is."""
    return session.execute(
        select(PayoutAccount.freelancer_id).where(
            PayoutAccount.stripe_account_id == stripe_account_id
        )
    ).scalar_one_or_none()


def _locked_account(ctx: Context, freelancer_id: str) -> PayoutAccount:
    repository.freelancer(ctx.session, freelancer_id, lock=True)
    account = account_of(ctx.session, freelancer_id)
    if account is None:
        raise NotFound("There is no payout account yet.")
    return account


def request(
    ctx: Context, freelancer_id: str, amount_minor: int, currency: str, asked_by: str = "freelancer"
) -> Payout:
    """Ask for a payout out of what is available.

    The money leaves the balance now and Stripe hears of it by a job.

    Raises Invalid, NotEnough, PayoutAccountNotReady, PayoutsStopped, PayoutCoolDown, OnHold.
    """
    repository.freelancer(ctx.session, freelancer_id, lock=True)
    _check_request(ctx, amount_minor, currency, asked_by)
    account = _ready_account(ctx, freelancer_id)
    held = holds.stopping(ctx.session, "outflow", [freelancer_id]) is not None
    _check_available(ctx.session, freelancer_id, amount_minor, currency)
    payout = _requested(ctx, account, amount_minor, currency, asked_by, held=held)
    if held:
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
        to_state="requested",
        amount=amount_minor,
        currency=currency,
    )
    queue.enqueue(ctx, JobType.PAYOUT_SEND, payout.id)
    return payout


def _ready_account(ctx: Context, freelancer_id: str) -> PayoutAccount:
    """Raises PayoutAccountNotReady, PayoutCoolDown."""
    account = account_of(ctx.session, freelancer_id)
    if account is None or account.state != "active" or account.stripe_account_id is None:
        raise PayoutAccountNotReady(
            "Finish the payout account first.",
            {"requirements": account.requirements if account else []},
        )
    cool_until = _cool_until(ctx, account)
    if cool_until > ctx.now:
        raise PayoutCoolDown(
            "The bank account was changed a short while ago.", {"until": cool_until.isoformat()}
        )
    return account


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
    held: bool,
) -> Payout:
    return Payout(
        id=new_id("pyo"),
        freelancer_id=account.freelancer_id,
        state="held" if held else "requested",
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
        to_state="held",
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
    return int(session.execute(query.where(Payout.state == "held")).scalar_one())


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


def _cool_until(ctx: Context, account: PayoutAccount) -> datetime:
    hours = ctx.policies.windows.payout_cooldown_hours_after_bank_change
    return account.bank_changed_at + timedelta(hours=hours) if account.bank_changed_at else ctx.now


def set_schedule(ctx: Context, freelancer_id: str, schedule: str) -> PayoutAccount:
    """`manual`, `weekly` or `monthly`. Raises NotFound without an account."""
    account = _locked_account(ctx, freelancer_id)
    account.schedule = schedule
    account.updated_at = ctx.now
    return account


def cancel(ctx: Context, payout: Payout) -> Payout:
    """Take a payout back before Stripe has heard of it. Raises StateConflict."""
    was_held = payout.state == "held"
    events.transition(ctx, payout, "cancel", amount=payout.amount_minor, currency=payout.currency)
    for source in payout.sources:
        source.reversed_minor, source.state = source.amount_minor, "reversed"
    if not was_held:
        post(ctx, entries.payout_returned(payout))
    return payout


def begin_sending(ctx: Context, payout: Payout) -> bool:
    """Whether the payout may go to Stripe now.

    Decided under its lock; from here on it can no longer be cancelled.
    """
    if payout.state == "requested":
        stopped = _stopped(ctx.session, payout.currency)
        account = account_of(ctx.session, payout.freelancer_id)
        ready = account is not None and account.state == "active"
        payout.waiting_for = (
            None if ready and not stopped else "payout_account" if not ready else "books"
        )
        if payout.waiting_for:
            return False
        events.transition(
            ctx.as_(SYSTEM), payout, "send", amount=payout.amount_minor, currency=payout.currency
        )
        payout.sent_at = ctx.now
    return payout.state == "in_transit"


def _stopped(session: Session, currency: str) -> bool:
    """The books differ, or the platform's own money in this currency is below its floor."""
    why, below = session.execute(
        select(Installation.payouts_stopped, Installation.below_floor)
    ).one()
    return bool(why) or currency in below


def record_transfer(payout: Payout, number: int, transfer_id: str) -> None:
    """Stripe has made the transfer of one leg."""
    source = payout.sources[number - 1]
    source.transfer_id, source.state = transfer_id, "sent"


def record_reversal(ctx: Context, payout: Payout, number: int, reversed_minor: int) -> None:
    """Stripe's total of what was taken back of one leg; the total, so that hearing it twice changes
    nothing.

    Our own reversals belong to a payout that is failing. One that we did not ask for is a task for
    a person: the charge cannot be drawn from again until the books say whose the money is.
    """
    source = payout.sources[number - 1]
    if reversed_minor > source.reversed_minor and payout.failure_code is None:
        staff_tasks.open_task(
            ctx, TaskType.TRANSFER_REVERSED_OUTSIDE, payout.id, leg=number, reversed=reversed_minor
        )


def record_recall(
    ctx: Context, payout: Payout, number: int, reversals: tuple[tuple[str, int], ...]
) -> None:
    """A leg of a failed payout is reversed in full, by us and perhaps by others before
    (`reversals`: id and minor units of each); its charge can be drawn from again. Hearing it again
    changes nothing.
    """
    source = payout.sources[number - 1]
    source.reversed_minor, source.state = source.amount_minor, "reversed"
    source.reversal_ids = sorted(reversal_id for reversal_id, _ in reversals)
    for reversal_id, amount in reversals:
        if ctx.session.get(TransferReversal, reversal_id) is None:
            made = TransferReversal(
                id=reversal_id,
                payout_id=payout.id,
                number=number,
                amount_minor=amount,
                seen_at=ctx.now,
            )
            ctx.session.add(made)


def record_bank_payout(payout: Payout, stripe_payout_id: str) -> None:
    payout.stripe_payout_id = stripe_payout_id


def mark_paid(ctx: Context, payout: Payout) -> None:
    """The bank has it: out of trust. Hearing it again changes nothing."""
    if payout.state != "in_transit":
        return
    events.transition(
        ctx.as_(PSP), payout, "arrive", amount=payout.amount_minor, currency=payout.currency
    )
    payout.arrived_at = ctx.now
    post(ctx.as_(PSP), entries.payout_paid(payout))


def begin_return(ctx: Context, payout: Payout, failure_code: str) -> None:
    """The bank refused it.

    The transfers are taken back first (by a job); then the money is the freelancer's again.
    """
    if payout.state in ("in_transit", "paid") and payout.failure_code is None:
        payout.failure_code = failure_code
        queue.enqueue(ctx, JobType.PAYOUT_UNWIND, payout.id)


def mark_failed(ctx: Context, payout: Payout) -> None:
    """Everything is back: available again, not aged anew, with the reason."""
    if payout.state not in ("in_transit", "paid", "requested"):
        return
    had_arrived = payout.state == "paid"
    events.transition(
        ctx.as_(PSP),
        payout,
        "fail",
        amount=payout.amount_minor,
        currency=payout.currency,
        reason=payout.failure_code,
    )
    if had_arrived:
        post(ctx.as_(PSP), entries.payout_bounced(payout))
    else:
        post(ctx.as_(PSP), entries.payout_returned(payout))


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


def on_hold_of(session: Session, freelancer_id: str) -> list[Payout]:
    """Payouts that a hold has stopped, oldest first, locked."""
    query = (
        select(Payout)
        .where(Payout.freelancer_id == freelancer_id, Payout.state == "held")
        .order_by(Payout.id)
        .limit(1_000)
    )
    return list(session.execute(query.with_for_update()).scalars())


def by_stripe_id(session: Session, stripe_payout_id: str) -> str | None:
    return session.execute(
        select(Payout.id).where(Payout.stripe_payout_id == stripe_payout_id)
    ).scalar_one_or_none()


def by_transfer(session: Session, transfer_id: str) -> tuple[str, int] | None:
    """(payout id, leg number) of a transfer of ours."""
    row = session.execute(
        select(PayoutSource.payout_id, PayoutSource.number).where(
            PayoutSource.transfer_id == transfer_id
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None


def find_many(
    session: Session, *, owner: str | None, after: str | None, limit: int
) -> list[Payout]:
    """Newest first, one more than `limit` when there are more."""
    query = select(Payout).order_by(Payout.id.desc()).limit(limit + 1)
    if owner is not repository.EVERYONE:
        query = query.where(Payout.freelancer_id == owner)
    if after:
        query = query.where(Payout.id < after)
    return list(session.execute(query).scalars())
