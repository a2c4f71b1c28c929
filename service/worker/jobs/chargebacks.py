"""Chargebacks, seen from the worker: fetch Stripe's present truth, lock, show the evidence."""

from __future__ import annotations

from typing import Any

from service.core import queue, repository
from service.core.context import Act
from service.core.queue import Claimed
from service.core.runtime import Runtime
from service.documents import compile_pdf
from service.domain.errors import PaperNotMade, TooLarge
from service.domain.identity.actors import PSP
from service.domain.money.psp import ChargebackSnapshot
from service.gateways import GatewayRefused
from service.models import Chargeback, Contract, Refund
from service.operations.disputes import files
from service.operations.payments import (
    chargebacks,
    evidence_pack,
    fraud_warnings,
    payments,
    refunds,
)
from service.platform.failpoint import failpoint
from service.workflows import chargeback_received

_UNDER_WAY = ("inquiry", "evidence_due", "prearb")
_NO_PAPER = "evidence_without_paper"


def event(ctx: Runtime, job: Claimed, stripe_dispute_id: str) -> None:
    """Whatever the event said: what counts is how the bank's dispute stands now."""
    take_in(ctx, job, ctx.stripe.fetch_chargeback(stripe_dispute_id))


def take_in(ctx: Runtime, job: Claimed, snapshot: ChargebackSnapshot) -> None:
    with ctx.act(f"job:{job.id}", PSP) as act:
        payment_id = (
            payments.by_intent(act, snapshot.payment_intent_id)
            if snapshot.payment_intent_id
            else None
        )
        if payment_id is None:
            queue.open_task(act, "chargeback_not_ours", snapshot.id)
            return
        waiting = (
            refunds.unsent(act.session, payment_id)
            if snapshot.status not in chargebacks.INQUIRIES
            else []
        )
    _settle_refunds(ctx, job, waiting, snapshot.payment_intent_id or "")
    with ctx.act(f"job:{job.id}", PSP) as act:
        contract, payment = repository.payment(act.session, payment_id, lock=True)
        chargeback_received.take_in(act, contract, payment, snapshot)


def _settle_refunds(ctx: Runtime, job: Claimed, waiting: list[Refund], intent: str) -> None:
    """A disputed charge takes no refund any more: those that Stripe has are heard, the others are
    called off.
    """
    for refund in waiting:
        known = ctx.stripe.find_refund(refund.id, intent)
        with ctx.act(f"job:{job.id}", PSP) as act:
            contract, payment, locked = repository.refund(act.session, refund.id)
            if known is not None:
                refunds.taken_in(act, contract, payment, locked, known)
            else:
                refunds.call_off(act, contract, payment, locked)


def warning(ctx: Runtime, job: Claimed, warning_id: str) -> None:
    fresh = ctx.stripe.fetch_fraud_warning(warning_id)
    with ctx.act(f"job:{job.id}", PSP) as act:
        payment_id = (
            payments.by_intent(act, fresh.payment_intent_id) if fresh.payment_intent_id else None
        )
        if payment_id is not None:
            contract, payment = repository.payment(act.session, payment_id, lock=True)
            fraud_warnings.warned(
                act, contract, payment, fresh.id, fresh.fraud_type, actionable=fresh.actionable
            )


def pack(ctx: Runtime, job: Claimed) -> None:
    """Make the one PDF, keep it, upload it, stage it: with Stripe, but not yet with the bank.

    Where the PDF cannot be made or taken, the words alone are staged and a person is told: a
    deadline never waits for paper.
    """
    chargeback, text = _prepared(ctx, job)
    if chargeback.state not in _UNDER_WAY:
        return
    if chargeback.stripe_file_id is None and chargeback.pack_file_id is not None:
        chargeback = _uploaded(ctx, job, chargeback)
    ctx.stripe.stage_evidence(chargeback.stripe_dispute_id, chargeback.stripe_file_id, text)


def _prepared(ctx: Runtime, job: Claimed) -> tuple[Chargeback, str]:
    with ctx.act(f"job:{job.id}") as act:
        contract, chargeback = repository.chargeback(
            act.session, job.subject, owner=repository.EVERYONE, lock=True
        )
        _, payment = repository.payment(act.session, chargeback.payment_id)
        platform = ctx.settings.platform_name
        values = evidence_pack.values_of(act.session, contract, payment, chargeback, platform)
        if chargeback.pack_file_id is None and chargeback.state in _UNDER_WAY:
            chargeback.pack_file_id = _kept(act, contract, chargeback, values)
        return chargeback, evidence_pack.text_of(values)


def _kept(
    act: Act, contract: Contract, chargeback: Chargeback, values: dict[str, Any]
) -> str | None:
    """The id of the file; None, and a task, when there is no paper or no room for it."""
    try:
        made = compile_pdf("evidence", values, act.now)
        file_id = files.store(act, contract, f"{chargeback.id}.pdf", made).id
    except (PaperNotMade, TooLarge) as error:
        queue.open_task(act, _NO_PAPER, chargeback.id, contract=contract.id, problem=error.code)
        return None
    queue.close_task(act, _NO_PAPER, chargeback.id)
    return file_id


def _uploaded(ctx: Runtime, job: Claimed, chargeback: Chargeback) -> Chargeback:
    """The chargeback with Stripe's id of the file; without one, and with a task, when Stripe will
    not have it.
    """
    with ctx.act(f"job:{job.id}") as act:
        contract, _ = repository.chargeback(act.session, chargeback.id, owner=repository.EVERYONE)
        found = files.find(act.session, contract, chargeback.pack_file_id or "")
        content = files.content_of(act.session, found)
    try:
        file_id = ctx.stripe.upload_evidence(chargeback.id, f"{chargeback.id}.pdf", content)
    except GatewayRefused as error:
        with ctx.act(f"job:{job.id}") as act:
            queue.open_task(act, _NO_PAPER, chargeback.id, problem=str(error))
        return chargeback
    failpoint("after_evidence_uploaded")
    with ctx.act(f"job:{job.id}") as act:
        locked = repository.chargeback(
            act.session, chargeback.id, owner=repository.EVERYONE, lock=True
        )[1]
        locked.stripe_file_id = file_id
        return locked


def submit(ctx: Runtime, job: Claimed) -> None:
    """Three days before the bank's deadline, or when a person says so: to the bank, which takes it
    once.
    """
    pack(ctx, job)
    chargeback, text = _prepared(ctx, job)
    if chargeback.state not in _UNDER_WAY:
        return
    file_id = chargeback.stripe_file_id
    snapshot = ctx.stripe.submit_evidence(chargeback.stripe_dispute_id, file_id, text)
    failpoint("after_evidence_submitted")
    with ctx.act(f"job:{job.id}") as act:
        contract, locked = repository.chargeback(
            act.session, chargeback.id, owner=repository.EVERYONE, lock=True
        )
        if locked.state in _UNDER_WAY:
            chargebacks.submitted(act, contract, locked)
    take_in(ctx, job, snapshot)


def concede(ctx: Runtime, job: Claimed) -> None:
    """Staff will not contest it: the bank hears so, and closes it as lost."""
    with ctx.act(f"job:{job.id}") as act:
        chargeback = repository.chargeback(act.session, job.subject, owner=repository.EVERYONE)[1]
    take_in(ctx, job, ctx.stripe.concede(chargeback.stripe_dispute_id))
