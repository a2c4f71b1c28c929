"""Chargebacks, seen from the worker: fetch Stripe's present truth, lock, show the evidence."""

from __future__ import annotations

from typing import Any

from service.core import repository, staff_tasks
from service.core.context import Context
from service.core.queue import ClaimedJob
from service.core.runtime import Runtime
from service.core.staff_tasks import TaskType
from service.documents import compile_pdf
from service.domain.errors import PaperNotMade, TooLarge
from service.domain.identity.actors import PSP
from service.domain.money.psp import ChargebackSnapshot
from service.domain.states.names import ChargebackState
from service.gateways import GatewayRefused
from service.models import Chargeback, Contract, Refund
from service.operations.disputes import (
    chargeback_outcomes,
    chargebacks,
    evidence_pack,
    files,
    fraud_warnings,
)
from service.operations.payments import payments, refund_results, refunds
from service.platform.failpoint import failpoint
from service.workflows import chargeback_received

_UNDER_WAY = (ChargebackState.INQUIRY, ChargebackState.EVIDENCE_DUE, ChargebackState.PREARB)
_NO_PAPER = TaskType.EVIDENCE_WITHOUT_PAPER


def event(runtime: Runtime, job: ClaimedJob, stripe_dispute_id: str) -> None:
    """Whatever the event said: what counts is how the bank's dispute stands now."""
    apply_dispute(runtime, job, runtime.stripe.fetch_chargeback(stripe_dispute_id))


def apply_dispute(runtime: Runtime, job: ClaimedJob, snapshot: ChargebackSnapshot) -> None:
    with runtime.context(f"job:{job.id}", PSP) as ctx:
        payment_id = (
            payments.by_intent(ctx, snapshot.payment_intent_id)
            if snapshot.payment_intent_id
            else None
        )
        if payment_id is None:
            staff_tasks.open_task(ctx, TaskType.CHARGEBACK_NOT_OURS, snapshot.id)
            return
        waiting = (
            refunds.unsent(ctx.session, payment_id)
            if snapshot.status not in chargebacks.INQUIRIES
            else []
        )
    _settle_refunds(runtime, job, waiting, snapshot.payment_intent_id or "")
    with runtime.context(f"job:{job.id}", PSP) as ctx:
        contract, payment = repository.payment(ctx.session, payment_id, lock=True)
        chargeback_received.take_in(ctx, contract, payment, snapshot)


def _settle_refunds(runtime: Runtime, job: ClaimedJob, waiting: list[Refund], intent: str) -> None:
    """A disputed charge takes no refund any more: those that Stripe has are heard, the others are
    called off.
    """
    for refund in waiting:
        known = runtime.stripe.find_refund(refund.id, intent)
        with runtime.context(f"job:{job.id}", PSP) as ctx:
            contract, payment, locked = repository.refund(ctx.session, refund.id)
            if known is not None:
                refund_results.apply_refund(ctx, contract, payment, locked, known)
            else:
                refunds.cancel_unsent(ctx, contract, payment, locked)


def warning(runtime: Runtime, job: ClaimedJob, warning_id: str) -> None:
    fresh = runtime.stripe.fetch_fraud_warning(warning_id)
    with runtime.context(f"job:{job.id}", PSP) as ctx:
        payment_id = (
            payments.by_intent(ctx, fresh.payment_intent_id) if fresh.payment_intent_id else None
        )
        if payment_id is not None:
            contract, payment = repository.payment(ctx.session, payment_id, lock=True)
            fraud_warnings.warned(
                ctx, contract, payment, fresh.id, fresh.fraud_type, actionable=fresh.actionable
            )


def pack(runtime: Runtime, job: ClaimedJob) -> None:
    """Make the one PDF, keep it, upload it, stage it: with Stripe, but not yet with the bank.

    Where the PDF cannot be made or taken, the words alone are staged and a person is told: a
    deadline never waits for paper.
    """
    chargeback, text = _prepared(runtime, job)
    if chargeback.state not in _UNDER_WAY:
        return
    if chargeback.stripe_file_id is None and chargeback.pack_file_id is not None:
        chargeback = _uploaded(runtime, job, chargeback)
    runtime.stripe.stage_evidence(chargeback.stripe_dispute_id, chargeback.stripe_file_id, text)


def _prepared(runtime: Runtime, job: ClaimedJob) -> tuple[Chargeback, str]:
    with runtime.context(f"job:{job.id}") as ctx:
        contract, chargeback = repository.chargeback(
            ctx.session, job.subject, owner=repository.EVERYONE, lock=True
        )
        _, payment = repository.payment(ctx.session, chargeback.payment_id)
        platform = runtime.settings.platform_name
        values = evidence_pack.values_of(ctx.session, contract, payment, chargeback, platform)
        if chargeback.pack_file_id is None and chargeback.state in _UNDER_WAY:
            chargeback.pack_file_id = _kept(ctx, contract, chargeback, values)
        return chargeback, evidence_pack.text_of(values)


def _kept(
    ctx: Context, contract: Contract, chargeback: Chargeback, values: dict[str, Any]
) -> str | None:
    """The id of the file; None, and a task, when there is no paper or no room for it."""
    try:
        made = compile_pdf("evidence", values, ctx.now)
        file_id = files.store(ctx, contract, f"{chargeback.id}.pdf", made).id
    except (PaperNotMade, TooLarge) as error:
        staff_tasks.open_task(
            ctx, _NO_PAPER, chargeback.id, contract=contract.id, problem=error.code
        )
        return None
    staff_tasks.close_task(ctx, _NO_PAPER, chargeback.id)
    return file_id


def _uploaded(runtime: Runtime, job: ClaimedJob, chargeback: Chargeback) -> Chargeback:
    """The chargeback with Stripe's id of the file; without one, and with a task, when Stripe will
    not have it.
    """
    with runtime.context(f"job:{job.id}") as ctx:
        contract, _ = repository.chargeback(ctx.session, chargeback.id, owner=repository.EVERYONE)
        found = files.find(ctx.session, contract, chargeback.pack_file_id or "")
        content = files.content_of(ctx.session, found)
    try:
        file_id = runtime.stripe.upload_evidence(chargeback.id, f"{chargeback.id}.pdf", content)
    except GatewayRefused as error:
        with runtime.context(f"job:{job.id}") as ctx:
            staff_tasks.open_task(ctx, _NO_PAPER, chargeback.id, problem=str(error))
        return chargeback
    failpoint("after_evidence_uploaded")
    with runtime.context(f"job:{job.id}") as ctx:
        locked = repository.chargeback(
            ctx.session, chargeback.id, owner=repository.EVERYONE, lock=True
        )[1]
        locked.stripe_file_id = file_id
        return locked


def submit(runtime: Runtime, job: ClaimedJob) -> None:
    """Three days before the bank's deadline, or when a person says so: to the bank, which takes it
    once.
    """
    pack(runtime, job)
    chargeback, text = _prepared(runtime, job)
    if chargeback.state not in _UNDER_WAY:
        return
    file_id = chargeback.stripe_file_id
    snapshot = runtime.stripe.submit_evidence(chargeback.stripe_dispute_id, file_id, text)
    failpoint("after_evidence_submitted")
    with runtime.context(f"job:{job.id}") as ctx:
        contract, locked = repository.chargeback(
            ctx.session, chargeback.id, owner=repository.EVERYONE, lock=True
        )
        if locked.state in _UNDER_WAY:
            chargebacks.mark_submitted(ctx, contract, locked)
    apply_dispute(runtime, job, snapshot)


def accept_dispute(runtime: Runtime, job: ClaimedJob) -> None:
    """Staff will not contest it: the bank hears so, and closes it as lost."""
    with runtime.context(f"job:{job.id}") as ctx:
        chargeback = repository.chargeback(ctx.session, job.subject, owner=repository.EVERYONE)[1]
    apply_dispute(runtime, job, runtime.stripe.concede(chargeback.stripe_dispute_id))


def reserve_over(ctx: Context, chargeback_id: str) -> None:
    contract, chargeback = repository.chargeback(
        ctx.session, chargeback_id, owner=repository.EVERYONE, lock=True
    )
    chargeback_outcomes.end_reserve(ctx, contract, chargeback)
