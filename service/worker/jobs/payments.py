"""Payments and refunds, seen from the worker: fetch Stripe's present truth, then take it in."""

from __future__ import annotations

from datetime import timedelta

from service.core import queue, repository, staff_tasks
from service.core.context import Context
from service.core.queue import ClaimedJob
from service.core.runtime import Runtime
from service.core.staff_tasks import TaskType
from service.domain.identity.actors import PSP
from service.domain.money.money import from_stripe, to_stripe
from service.domain.money.psp import CheckoutSnapshot, InboundEvent
from service.domain.states.job_types import JobType
from service.domain.states.names import PaymentState, RefundState
from service.gateways import GatewayFailed, GatewayRefused
from service.models import Payment, StripeEvent
from service.operations.finance import reconciliation
from service.operations.payments import (
    checkout,
    external_refunds,
    inbox,
    payments,
    refund_results,
    refunds,
)
from service.operations.payouts import payout_accounts
from service.platform.failpoint import failpoint
from service.shared import hold_checks
from service.worker.jobs import chargebacks
from service.worker.jobs import payouts as payout_jobs

_OVERLAP = timedelta(hours=48)
_DEBIT_CHECK_EVERY = timedelta(hours=12)
_GIVE_UP_CHECKING = timedelta(days=21)


def stripe_event(runtime: Runtime, job: ClaimedJob) -> None:
    """Act on a stored event.

    Its body is only a hint; the object is fetched fresh, so order and duplicates do not matter.
    """
    with runtime.context(f"job:{job.id}") as ctx:
        stored = ctx.session.get_one(StripeEvent, job.subject)
        kind, object_id, account_id, payload = (
            stored.type,
            stored.object_id or "",
            stored.account_id,
            stored.payload,
        )
    data = payload.get("data")
    hint = data.get("object") if isinstance(data, dict) else None
    snapshot = hint if isinstance(hint, dict) else {}
    if kind.startswith("checkout.session."):
        _apply_checkout(runtime, job, runtime.stripe.fetch_checkout(object_id))
    elif kind.startswith("charge.dispute."):
        chargebacks.event(runtime, job, object_id)
    elif kind.startswith("radar.early_fraud_warning."):
        chargebacks.warning(runtime, job, object_id)
    elif kind.startswith(("payment_intent.", "charge.")):
        intent = object_id if kind.startswith("payment_intent.") else snapshot.get("payment_intent")
        found = runtime.stripe.find_checkout(intent) if intent else None
        if found is not None:
            _apply_checkout(runtime, job, found)
    elif kind.startswith("refund."):
        _refund_event(runtime, job, object_id, snapshot)
    elif kind.startswith("transfer."):
        payout_jobs.transfer_event(runtime, job, object_id)
    elif kind.startswith("payout.") and account_id:
        payout_jobs.payout_event(runtime, job, object_id, account_id, snapshot)
    elif kind.startswith("account.external_account.") and account_id:
        payout_jobs.account_event(runtime, job, account_id)
    elif kind.startswith("v2.core.account") or kind == "account.updated":
        payout_jobs.account_event(runtime, job, object_id)
    with runtime.context(f"job:{job.id}") as ctx:
        inbox.handled(ctx, job.subject)


def _apply_checkout(runtime: Runtime, job: ClaimedJob, snapshot: CheckoutSnapshot) -> None:
    with runtime.context(f"job:{job.id}", PSP) as ctx:
        payments.apply_checkout(ctx, snapshot)


def _state(runtime: Runtime, job: ClaimedJob) -> Payment:
    with runtime.context(f"job:{job.id}") as ctx:
        return repository.payment(ctx.session, job.subject)[1]


def check(runtime: Runtime, job: ClaimedJob) -> None:
    """Ask Stripe about a payment of which no event has told: the webhook may be lost, the payment
    page abandoned.
    """
    payment = _state(runtime, job)
    if payment.state not in checkout.UNFINISHED:
        return
    if payment.session_id is not None:
        _apply_checkout(runtime, job, runtime.stripe.fetch_checkout(payment.session_id))
    payment = _state(runtime, job)
    with runtime.context(f"job:{job.id}") as ctx:
        now = ctx.now
    over = payment.session_expires_at is None or payment.session_expires_at <= now
    if payment.state in (PaymentState.CREATED, PaymentState.REQUIRES_ACTION) and over:
        _close(runtime, job, payment)
        payment = _state(runtime, job)
    if payment.state in checkout.UNFINISHED and now - payment.created_at < _GIVE_UP_CHECKING:
        wait = (
            _DEBIT_CHECK_EVERY if payment.state == PaymentState.PROCESSING else checkout.CHECK_EVERY
        )
        with runtime.context(f"job:{job.id}") as ctx:
            queue.enqueue(ctx, JobType.PAYMENT_CHECK, payment.id, ctx.now + wait)


def close(runtime: Runtime, job: ClaimedJob) -> None:
    """Close an attempt that has lost its reason: at Stripe first, here only on Stripe's word."""
    payment = _state(runtime, job)
    if payment.state in (PaymentState.CREATED, PaymentState.REQUIRES_ACTION):
        _close(runtime, job, payment)


def _close(runtime: Runtime, job: ClaimedJob, payment: Payment) -> None:
    if payment.session_id is not None:
        _apply_checkout(runtime, job, runtime.stripe.expire_checkout(payment.session_id))
        return
    # No page was ever made, or its making was never answered: nobody has its address, so nobody can
    # pay on it.
    with runtime.context(f"job:{job.id}") as ctx:
        contract, locked = repository.payment(ctx.session, payment.id, lock=True)
        if locked.session_id is None:
            payments.abandon(ctx, contract, locked)


def send_refund(runtime: Runtime, job: ClaimedJob) -> None:
    """Have Stripe send money back.

    After an unheard answer it is looked up before it is sent again.
    """
    with runtime.context(f"job:{job.id}") as ctx:
        contract, payment, refund = repository.refund(ctx.session, job.subject)
        hold_checks.refuse(
            ctx,
            "refund",
            hold_checks.subjects_of(
                contract, payment.id, *([refund.milestone_id] if refund.milestone_id else [])
            ),
        )
    if (
        refund.state != RefundState.PENDING
        or refund.stripe_refund_id
        or payment.payment_intent_id is None
    ):
        return
    made = (
        runtime.stripe.find_refund(refund.id, payment.payment_intent_id)
        if job.attempts > 1
        else None
    )
    if made is None:
        amount = to_stripe(refund.amount_minor, refund.currency)
        try:
            made = runtime.stripe.create_refund(
                refund.id, refund.key_number, payment.payment_intent_id, amount
            )
        except GatewayFailed:
            with runtime.context(f"job:{job.id}") as ctx:
                repository.refund(ctx.session, job.subject)[2].key_number += 1
            raise
    failpoint("after_refund_created")
    with runtime.context(f"job:{job.id}", PSP) as ctx:
        contract, payment, refund = repository.refund(ctx.session, job.subject)
        refund_results.apply_refund(ctx, contract, payment, refund, made)


def _refund_event(
    runtime: Runtime, job: ClaimedJob, stripe_refund_id: str, hint: dict[str, object]
) -> None:
    fresh = runtime.stripe.fetch_refund(stripe_refund_id)
    metadata = hint.get("metadata")
    with runtime.context(f"job:{job.id}", PSP) as ctx:
        refund_id = refunds.by_stripe_id(ctx.session, stripe_refund_id) or (
            metadata.get("refund_id") if isinstance(metadata, dict) else None
        )
        if refund_id is not None:
            contract, payment, refund = repository.refund(ctx.session, refund_id)
            refund_results.apply_refund(ctx, contract, payment, refund, fresh)
            return
        payment_id = (
            payments.by_intent(ctx, fresh.payment_intent_id) if fresh.payment_intent_id else None
        )
        if payment_id is None:
            staff_tasks.open_task(
                ctx, TaskType.REFUND_OUTSIDE, stripe_refund_id, status=fresh.status
            )
        elif fresh.status == "succeeded":
            contract, payment = repository.payment(ctx.session, payment_id, lock=True)
            external_refunds.record_external_refund(
                ctx,
                contract,
                payment,
                fresh,
                from_stripe(fresh.amount, fresh.currency),
                fresh.currency,
            )


def sweep(runtime: Runtime, job: ClaimedJob) -> None:
    """Events that never reached us: read Stripe's own list and take in what is new."""
    with runtime.context(f"job:{job.id}") as ctx:
        since = ctx.now - _OVERLAP
    missed: list[InboundEvent] = []
    try:
        missed = runtime.stripe.events_since(since)
    except GatewayRefused:
        with runtime.context(f"job:{job.id}") as ctx:
            staff_tasks.open_task(ctx, TaskType.SWEEP_REFUSED, "platform")
    with runtime.context(f"job:{job.id}") as ctx:
        for account_id in payout_accounts.unsettled_accounts(ctx.session):
            queue.enqueue(ctx, JobType.ACCOUNT_CHECK, account_id)
    with runtime.context(f"job:{job.id}") as ctx:
        # Below the floor payouts wait, and a person is called.
        for currency in reconciliation.watch_floor(ctx):
            staff_tasks.open_task(ctx, TaskType.OPERATING_BELOW_FLOOR, currency)
    for event in missed:
        # One that cannot be kept stops none of the others that came before it, and no check.
        with runtime.context(f"job:{job.id}") as ctx:
            inbox.store(ctx, event)


def suspense_return(ctx: Context, payment_id: str) -> None:
    contract, payment = repository.payment(ctx.session, payment_id, lock=True)
    refunds.request_return(ctx, contract, payment)


def refund_retry(ctx: Context, refund_id: str) -> None:
    contract, _, refund = repository.refund(ctx.session, refund_id)
    refunds.retry(ctx, contract, refund)


def refunds_resume(ctx: Context, payment_id: str) -> None:
    contract, payment = repository.payment(ctx.session, payment_id, lock=True)
    if payment.state not in (PaymentState.CHARGED_BACK, PaymentState.LOST):
        refunds.resume(ctx, contract, payment)
