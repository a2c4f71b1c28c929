"""A chargeback ends: won, lost, or its reserve is free again; each line where its money lies."""

from __future__ import annotations

from sqlalchemy import select

from service.core import events, queue, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.states.job_types import JobType
from service.domain.states.names import PaymentState
from service.escrow import milestone_money, states
from service.ledger import Entry, entries
from service.models import (
    CaseLine,
    Chargeback,
    ChargebackLine,
    Confiscation,
    Contract,
    Milestone,
    Payment,
)


def won(ctx: Context, contract: Contract, payment: Payment, chargeback: Chargeback) -> list[Entry]:
    """Everything is as before: escrowed again, available again; the bank gave the amount back."""
    escrowed = _escrowed(chargeback)
    for line in chargeback.found:
        if line.place == "escrow":
            milestone = _of(contract, line)
            milestone.disputed_minor -= line.amount_minor
            states.resume(
                ctx, contract, milestone, line.milestone_was or "funded", line.review_left_seconds
            )
    queue.enqueue(ctx, JobType.REFUNDS_RESUME, payment.id)
    if payment.state == PaymentState.CHARGED_BACK:
        events.transition(ctx, payment, "win", contract=contract)
    # If the bank takes it up again, it pulls again: another round, with causes of its own.
    entry = entries.chargeback_won(
        contract,
        chargeback,
        escrowed,
        reserved_minor=_reserved(chargeback),
        owed_minor=_at(chargeback, "unclaimed"),
        cleared=_paid_by_cases(ctx, chargeback),
    )
    chargeback.locked, chargeback.round = False, chargeback.round + 1
    return [entry]


def lost(ctx: Context, contract: Contract, payment: Payment, chargeback: Chargeback) -> list[Entry]:
    escrowed = _escrowed(chargeback)
    for line in chargeback.found:
        if line.place == "escrow":
            milestone = _of(contract, line)
            milestone.disputed_minor -= line.amount_minor
            milestone.charged_back_minor += line.amount_minor
            states.emptied(ctx, contract, milestone, "charge_back", chargeback=chargeback.id)
            states.resume(
                ctx, contract, milestone, line.milestone_was or "funded", line.review_left_seconds
            )
    reserved, gone, platform, owed = (
        _reserved(chargeback),
        _at(chargeback, "paid_out"),
        _at(chargeback, "platform"),
        _at(chargeback, "unclaimed"),
    )
    if chargeback.protected:
        # They did all that could be asked of them: the platform bears it, and what was reserved is
        # theirs to pay out.
        for line in chargeback.found:
            line.place = "platform" if line.place in ("pending", "available") else line.place
    if payment.state == PaymentState.CHARGED_BACK:
        events.transition(ctx, payment, "lose", contract=contract)
    protected = bool(chargeback.protected)
    if _at(chargeback, "cleared") == chargeback.amount_minor:
        return []
    entry = entries.chargeback_lost(
        contract,
        chargeback,
        escrowed,
        reserved_minor=0 if protected else reserved,
        freed_minor=reserved if protected else 0,
        owed_minor=owed,
        debt_minor=0 if protected else gone,
        lost_minor=platform + (reserved + gone if protected else 0),
    )
    return [entry]


def _paid_by_cases(ctx: Context, chargeback: Chargeback) -> list[tuple[str, int]]:
    """What cases paid of this round, by case: theirs again, and before people, since the bank did
    not keep it.
    """
    left = _at(chargeback, "cleared")
    query = (
        select(CaseLine)
        .join(Confiscation)
        .where(CaseLine.chargeback_id == chargeback.id, Confiscation.executed_at.is_not(None))
    )
    paid: list[tuple[str, int]] = []
    for line in ctx.session.execute(
        query.order_by(Confiscation.executed_at.desc(), CaseLine.number)
    ).scalars():
        if left >= line.amount_minor:
            paid.append((line.case_id, line.amount_minor))
            left -= line.amount_minor
            staff_tasks.open_task(
                ctx,
                TaskType.CASE_CHARGEBACK_WON,
                line.case_id,
                chargeback=chargeback.id,
                amount=line.amount_minor,
            )
    return paid


def _escrowed(chargeback: Chargeback) -> list[tuple[str, int]]:
    return [
        (str(line.milestone_id), line.amount_minor)
        for line in chargeback.found
        if line.place == "escrow"
    ]


def _at(chargeback: Chargeback, place: str) -> int:
    return sum(line.amount_minor for line in chargeback.found if line.place == place)


def _reserved(chargeback: Chargeback) -> int:
    return sum(
        line.amount_minor for line in chargeback.found if line.place in ("pending", "available")
    )


def end_reserve(ctx: Context, contract: Contract, chargeback: Chargeback) -> bool:
    """Reserved for as long as we may without a decision: free again; should the bank take it, it is
    owed. Returns False when decided.
    """
    reserved = _reserved(chargeback)
    if chargeback.closed_at is not None or not reserved:
        return False
    for line in chargeback.found:
        if line.place in ("pending", "available"):
            line.place = "paid_out"
    staff_tasks.open_task(
        ctx, TaskType.CHARGEBACK_RESERVE_OVER, chargeback.id, contract=contract.id
    )
    milestone_money.post_all(ctx, [entries.chargeback_reserve_over(contract, chargeback, reserved)])
    return True


def _of(contract: Contract, line: ChargebackLine) -> Milestone:
    return next(m for m in contract.milestones if m.id == line.milestone_id)
