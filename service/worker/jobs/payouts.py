"""Payouts and payout accounts, seen from the worker.

A payout is one transfer per charge it draws from, then one payout from the connected account to the
bank. Each leg has its own state; a leg that succeeded is never sent again. The books were debited
when the freelancer asked.
"""

from __future__ import annotations

from datetime import timedelta

from service.core import queue, repository, staff_tasks
from service.core.queue import ClaimedJob
from service.core.runtime import Runtime
from service.core.staff_tasks import TaskType
from service.domain.identity.actors import PSP
from service.domain.money.money import from_stripe, to_stripe
from service.domain.money.psp import BankPayoutSnapshot, TransferSnapshot
from service.domain.states.job_types import JobType
from service.domain.states.names import PayoutSourceState, PayoutState
from service.escrow import freezing
from service.gateways import GatewayFailed, GatewayRefused
from service.models import Hold, Payment, Payout
from service.operations.payouts import payout_accounts, payout_sending, payouts
from service.operations.safety import rules
from service.platform.failpoint import failpoint
from service.shared import hold_checks

_TRY_AGAIN = timedelta(hours=1)
_LOOK_AGAIN = timedelta(days=1)
_GIVE_UP_LOOKING = timedelta(days=30)
_TOO_LATE = "too late: it is at the bank"


def send(runtime: Runtime, job: ClaimedJob) -> None:
    """Bring a payout to the bank, from wherever it stands."""
    with runtime.context(f"job:{job.id}") as ctx:
        payout = repository.payout(ctx.session, job.subject, owner=repository.EVERYONE, lock=True)
        hold_checks.refuse(ctx, "outflow", [payout.freelancer_id, payout.id])
        if payout.failure_code or not payout_sending.begin_sending(ctx, payout):
            if payout.state == PayoutState.REQUESTED and payout.waiting_for:
                queue.enqueue(ctx, JobType.PAYOUT_SEND, payout.id, ctx.now + _TRY_AGAIN)
            return
    failpoint("before_transfers")
    known = runtime.stripe.find_transfers(payout.id) if job.attempts > 1 else {}
    for source in payout.sources:
        if source.state == PayoutSourceState.PLANNED:
            made = known.get(source.number) or _transfer(runtime, job, payout, source.number)
            if made is None:
                return
            with runtime.context(f"job:{job.id}") as ctx:
                payout_sending.record_transfer(
                    repository.payout(ctx.session, payout.id, owner=repository.EVERYONE, lock=True),
                    source.number,
                    made.id,
                )
            failpoint("after_transfer")
    with runtime.context(f"job:{job.id}") as ctx:
        # A hold may have landed while the transfers were made: the bank is not told before it is
        # gone.
        hold_checks.refuse(ctx, "outflow", [payout.freelancer_id, payout.id])
    _to_bank(runtime, job, payout)


def _transfer(
    runtime: Runtime, job: ClaimedJob, payout: Payout, number: int
) -> TransferSnapshot | None:
    source = payout.sources[number - 1]
    with runtime.context(f"job:{job.id}") as ctx:
        charge_id = ctx.session.get_one(Payment, source.payment_id).charge_id or ""
    amount = to_stripe(source.amount_minor, payout.currency)
    try:
        return runtime.stripe.create_transfer(
            payout.id,
            number,
            source.attempt,
            amount=amount,
            currency=payout.currency,
            charge_id=charge_id,
            account_id=payout.stripe_account_id,
        )
    except GatewayRefused as refused:
        _wait(runtime, job, payout.id, refused, leg=number)
        return None
    except GatewayFailed:
        _next_key(runtime, job, payout.id, leg=number)
        raise


def _next_key(runtime: Runtime, job: ClaimedJob, payout_id: str, leg: int | None = None) -> None:
    """Stripe keeps a failure under its key: the next try, which looks first whether the thing
    exists, needs another one.
    """
    with runtime.context(f"job:{job.id}") as ctx:
        payout = repository.payout(ctx.session, payout_id, owner=repository.EVERYONE, lock=True)
        if leg is None:
            payout.attempt += 1
        else:
            payout.sources[leg - 1].attempt += 1


def _wait(
    runtime: Runtime,
    job: ClaimedJob,
    payout_id: str,
    refused: GatewayRefused,
    leg: int | None = None,
) -> None:
    """A definite no: the next try gets a new number, an hour later at most, or at once when the
    account is in order again.
    """
    _next_key(runtime, job, payout_id, leg)
    with runtime.context(f"job:{job.id}") as ctx:
        payout = repository.payout(ctx.session, payout_id, owner=repository.EVERYONE, lock=True)
        payout.waiting_for = "funds" if refused.code == "balance_insufficient" else "payout_account"
        staff_tasks.open_task(
            ctx, TaskType.PAYOUT_WAITS, payout.id, code=refused.code, waiting_for=payout.waiting_for
        )
        queue.enqueue(ctx, JobType.PAYOUT_SEND, payout.id, ctx.now + _TRY_AGAIN)


def _to_bank(runtime: Runtime, job: ClaimedJob, payout: Payout) -> None:
    if payout.stripe_payout_id is not None:
        return
    made = (
        runtime.stripe.find_bank_payout(payout.id, payout.stripe_account_id)
        if job.attempts > 1
        else None
    )
    try:
        if made is None:
            amount = to_stripe(payout.amount_minor, payout.currency)
            made = runtime.stripe.create_bank_payout(
                payout.id,
                payout.attempt,
                amount=amount,
                currency=payout.currency,
                account_id=payout.stripe_account_id,
            )
    except GatewayFailed:
        _next_key(runtime, job, payout.id)
        raise
    except GatewayRefused as refused:
        # A charge that is not available yet: the transfer stands, the bank payout follows by
        # itself.
        _wait(runtime, job, payout.id, refused)
        return
    failpoint("after_bank_payout")
    with runtime.context(f"job:{job.id}") as ctx:
        locked = repository.payout(ctx.session, payout.id, owner=repository.EVERYONE, lock=True)
        payout_sending.record_bank_payout(locked, made.id)
        locked.waiting_for = None
        queue.enqueue(ctx, JobType.PAYOUT_CHECK, payout.id, ctx.now + 2 * _LOOK_AGAIN)


def recall(runtime: Runtime, job: ClaimedJob) -> None:
    """A hold landed while the payout was on its way: cancel it at the bank if Stripe still can, and
    take the transfers back.
    """
    with runtime.context(f"job:{job.id}") as ctx:
        payout = repository.payout(ctx.session, job.subject, owner=repository.EVERYONE, lock=True)
        if payout.state == PayoutState.IN_TRANSIT and payout.stripe_payout_id is None:
            payout_sending.begin_return(ctx, payout, "on_hold")
    outcome = _TOO_LATE if payout.state == PayoutState.PAID else "its transfers are taken back"
    if payout.state == PayoutState.IN_TRANSIT and payout.stripe_payout_id is not None:
        try:
            _apply_payout(
                runtime,
                job,
                payout.id,
                runtime.stripe.cancel_bank_payout(
                    payout.stripe_payout_id, payout.stripe_account_id
                ),
            )
        except GatewayRefused:
            outcome = _TOO_LATE
    with runtime.context(f"job:{job.id}") as ctx:
        hold = ctx.session.get_one(Hold, str(job.args["hold"]), with_for_update=True)
        freezing.record_effect(ctx, hold, "payout", payout.id, outcome)


def check(runtime: Runtime, job: ClaimedJob) -> None:
    """Ask Stripe about a payout of which no event has told."""
    with runtime.context(f"job:{job.id}") as ctx:
        payout, now = (
            repository.payout(ctx.session, job.subject, owner=repository.EVERYONE),
            ctx.now,
        )
    if payout.state != PayoutState.IN_TRANSIT or payout.stripe_payout_id is None:
        return
    _apply_payout(
        runtime,
        job,
        payout.id,
        runtime.stripe.fetch_bank_payout(payout.stripe_payout_id, payout.stripe_account_id),
    )
    if payout.sent_at and now - payout.sent_at < _GIVE_UP_LOOKING:
        with runtime.context(f"job:{job.id}") as ctx:
            if (
                repository.payout(ctx.session, payout.id, owner=repository.EVERYONE).state
                == PayoutState.IN_TRANSIT
            ):
                queue.enqueue(ctx, JobType.PAYOUT_CHECK, payout.id, ctx.now + _LOOK_AGAIN)


def payout_event(
    runtime: Runtime,
    job: ClaimedJob,
    stripe_payout_id: str,
    account_id: str,
    hint: dict[str, object],
) -> None:
    metadata = hint.get("metadata")
    with runtime.context(f"job:{job.id}") as ctx:
        ours = metadata.get("payout_id") if isinstance(metadata, dict) else None
        payout_id = payouts.by_stripe_id(ctx.session, stripe_payout_id) or ours
    if payout_id is not None:
        _apply_payout(
            runtime, job, payout_id, runtime.stripe.fetch_bank_payout(stripe_payout_id, account_id)
        )


def _apply_payout(
    runtime: Runtime, job: ClaimedJob, payout_id: str, snapshot: BankPayoutSnapshot
) -> None:
    with runtime.context(f"job:{job.id}", PSP) as ctx:
        payout = repository.payout(ctx.session, payout_id, owner=repository.EVERYONE, lock=True)
        payout_sending.record_bank_payout(payout, snapshot.id)
        if snapshot.status == "paid":
            payout_sending.mark_paid(ctx, payout)
        elif snapshot.status in ("failed", "canceled"):
            payout_sending.begin_return(ctx, payout, snapshot.failure_code or snapshot.status)


def unwind(runtime: Runtime, job: ClaimedJob) -> None:
    """Take the transfers of a failed payout back, each once; then the money is the freelancer's
    again.
    """
    with runtime.context(f"job:{job.id}") as ctx:
        payout = repository.payout(ctx.session, job.subject, owner=repository.EVERYONE)
    for source in payout.sources:
        if source.transfer_id and source.state == PayoutSourceState.SENT:
            found = runtime.stripe.fetch_transfer(source.transfer_id)
            left = found.amount - found.amount_reversed
            if left:
                found = runtime.stripe.reverse_transfer(
                    source.transfer_id, left, f"{payout.id}:{source.number}:{found.amount_reversed}"
                )
            failpoint("after_reversal")
            parts = tuple(
                (reversal_id, from_stripe(amount, payout.currency))
                for reversal_id, amount in found.reversals
            )
            with runtime.context(f"job:{job.id}") as ctx:
                locked = repository.payout(
                    ctx.session, payout.id, owner=repository.EVERYONE, lock=True
                )
                payout_sending.record_recall(ctx, locked, source.number, parts)
    with runtime.context(f"job:{job.id}", PSP) as ctx:
        payout_sending.mark_failed(
            ctx, repository.payout(ctx.session, payout.id, owner=repository.EVERYONE, lock=True)
        )


def transfer_event(runtime: Runtime, job: ClaimedJob, transfer_id: str) -> None:
    """A transfer was reversed by somebody else, perhaps: Stripe's total counts, so hearing it twice
    changes nothing.
    """
    with runtime.context(f"job:{job.id}") as ctx:
        found = payouts.by_transfer(ctx.session, transfer_id)
    if found is None:
        return
    fresh = runtime.stripe.fetch_transfer(transfer_id)
    with runtime.context(f"job:{job.id}", PSP) as ctx:
        payout = repository.payout(ctx.session, found[0], owner=repository.EVERYONE, lock=True)
        payout_sending.record_reversal(
            ctx, payout, found[1], from_stripe(fresh.amount_reversed, payout.currency)
        )


def account_event(runtime: Runtime, job: ClaimedJob, account_id: str) -> None:
    with runtime.context(f"job:{job.id}") as ctx:
        freelancer_id = payout_accounts.freelancer_behind(ctx.session, account_id)
    if freelancer_id is None:
        return
    fresh = runtime.stripe.fetch_account(account_id)
    with runtime.context(f"job:{job.id}", PSP) as ctx:
        payout_accounts.apply_account(ctx, freelancer_id, fresh)
        rules.look_again(ctx, freelancer_id)
