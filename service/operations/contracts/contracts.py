"""A contract from its acceptance to its end: accepted with evidence, cancelled unfunded, ended by
either side, dormant.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from sqlalchemy import func, select

from service.core import events, queue, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import Stale
from service.domain.identity.actors import SYSTEM
from service.domain.states.job_types import JobType
from service.domain.states.lifecycle import MILESTONE
from service.domain.states.names import ContractState, MilestoneState, PaymentState
from service.domain.states.proof import AgreementEvidence
from service.escrow import milestone_money, refund_asks, refunds, states
from service.ledger import Entry
from service.models import Acceptance, Contract, Event, Milestone, Payment
from service.shared import agreement, hold_checks

_UNPAID = (MilestoneState.PLANNED, MilestoneState.AWAITING_FUNDING, MilestoneState.FUNDING)


def accept(
    ctx: Context, contract: Contract, text_version: int, evidence: AgreementEvidence
) -> Contract:
    """Bind both.

    The text must be the one that was shown; from here on the quote is frozen. Raises StateConflict,
    Stale.
    """
    hold_checks.refuse(ctx, "accept", hold_checks.subjects_of(contract))
    agreement.check_names(ctx, evidence)
    events.transition(ctx, contract, "accept")
    if contract.text_version != text_version:
        raise Stale("The text has changed since you read it.")
    ctx.session.add(
        Acceptance(
            contract_id=contract.id,
            text_version=text_version,
            text_hash=contract.text_hash,
            text=agreement.text_of(contract),
            quote=contract.quote,
            accepted_at=ctx.now,
            **evidence.columns(),
        )
    )
    states.accepted(ctx, contract)
    return contract


def cancel(ctx: Context, contract: Contract, reason: str = "") -> Contract:
    """End an accepted contract into which no money has come.

    Money that still arrives goes back by itself. Raises StateConflict.
    """
    events.transition(ctx, contract, "cancel", reason=reason)
    for milestone in contract.milestones:
        events.transition(ctx, milestone, "cancel", contract=contract, actor="system")
    _close_payments(ctx, contract)
    return _close(ctx, contract)


def expire_unfunded(ctx: Context, contract: Contract) -> bool:
    """Nobody paid in time.

    A bank transfer that was started gets longer. Returns False when there is nothing to do.
    """
    if contract.state != ContractState.ACCEPTED or contract.fund_by is None:
        return False
    on_its_way = select(Payment.id).where(
        Payment.contract_id == contract.id, Payment.state == PaymentState.PROCESSING
    )
    longest = contract.fund_by + timedelta(
        days=ctx.policies.windows.fund_within_days_bank - ctx.policies.windows.fund_within_days
    )
    if ctx.now < longest and ctx.session.execute(on_its_way).first():
        queue.enqueue(ctx, JobType.FUND_EXPIRY, contract.id, longest)
        return False
    cancel(ctx, contract, "not funded in time")
    return True


def viewed(ctx: Context, contract: Contract) -> None:
    """The client opened the contract with a session of their own; told to the freelancer once, as
    opened, never as read.
    """
    if contract.viewed_at is None:
        contract.viewed_at = ctx.now
        events.record(ctx, "contract.opened", contract)


def end(ctx: Context, contract: Contract, reason: str = "") -> list[Milestone]:
    """Either side ends a contract that is under way.

    What is not paid is cancelled.

    The freelancer's end sends back at once what was not handed over; work that was handed over is
    still the client's to answer. Returns the milestones about whose money the client, when they end
    it, must ask (the caller opens the refund requests). Raises StateConflict.
    """
    events.transition(ctx, contract, "end", reason=reason, by=ctx.role)
    contract.ended_by = ctx.role
    _cancel_unpaid(ctx, contract)
    ask: list[Milestone] = []
    entries: list[Entry] = []
    for milestone in contract.milestones:
        if not _not_handed_over(ctx, milestone):
            continue
        if ctx.role != "client":
            entries.append(_give_back(ctx, contract, milestone, "ended by the freelancer"))
        elif milestone.state != MilestoneState.REFUND_REQUESTED:
            ask.append(milestone)
    states.after_change(ctx, contract)
    milestone_money.post_all(ctx, entries)
    return ask


_NOT_HANDED_OVER = (MilestoneState.FUNDED, MilestoneState.CHANGES_REQUESTED)


def _not_handed_over(ctx: Context, milestone: Milestone) -> bool:
    """Whether something is held for work that the client does not have to judge now; also where all
    of it was asked back before the work was handed over.
    """
    state: str = milestone.state
    if state == MilestoneState.REFUND_REQUESTED:
        asked = refund_asks.open_request(ctx.session, milestone.id)
        state = asked.milestone_was if asked is not None else state
    return state in _NOT_HANDED_OVER and milestone_money.escrowed_minor(milestone) > 0


def _give_back(ctx: Context, contract: Contract, milestone: Milestone, why: str) -> Entry:
    """All that is held goes back, and with it what was asked for."""
    held = milestone_money.escrowed_minor(milestone)
    _, entry = refunds.refund_escrowed(ctx, contract, milestone, held, why)
    asked = refund_asks.open_request(ctx.session, milestone.id)
    if asked is not None:
        refund_asks.agreed(ctx, contract, asked, asked.amount_minor)
    states.emptied(ctx, contract, milestone, "refund")
    return entry


def _cancel_unpaid(ctx: Context, contract: Contract) -> None:
    for milestone in contract.milestones:
        if milestone.state in _UNPAID:
            events.transition(ctx, milestone, "cancel", contract=contract, actor="system")
    _close_payments(ctx, contract)


def _close_payments(ctx: Context, contract: Contract) -> None:
    open_payments = select(Payment.id).where(
        Payment.contract_id == contract.id,
        Payment.state.in_((PaymentState.CREATED, PaymentState.REQUIRES_ACTION)),
    )
    for payment_id in ctx.session.execute(open_payments).scalars():
        queue.enqueue(ctx, JobType.PAYMENT_CLOSE, payment_id)


def _quiet_until(ctx: Context, contract: Contract) -> datetime:
    """Ninety days after the last due date, or after the last thing that either of the two did or
    had done for them.
    """
    newest_of_each = (
        select(Event.actor, func.max(Event.occurred_at))
        .where(Event.contract_id == contract.id, Event.public)
        .group_by(Event.actor)
    )
    done = [at for actor, at in ctx.session.execute(newest_of_each) if actor.for_a_party]
    last = max(done, default=contract.created_at)
    due = max((m.due_on for m in contract.milestones if m.due_on), default=None)
    newest = max(last, datetime.combine(due, time.max, UTC)) if due else last
    return newest + timedelta(days=ctx.policies.windows.dormant_after_days)


def dormancy(ctx: Context, contract: Contract) -> str:
    """Nobody has done anything for long: tell the client, a week later the freelancer, a week later
    the system ends it.

    What was not handed over goes back; what was handed over takes the way of its review. Returns
    what was done.
    """
    if contract.state not in (ContractState.ACTIVE, ContractState.CLOSING):
        return "over"
    quiet_until, windows = _quiet_until(ctx, contract), ctx.policies.windows
    if ctx.now < quiet_until:
        contract.dormant_at = None
        queue.enqueue(ctx, JobType.DORMANCY, contract.id, quiet_until)
        return "awake"
    if contract.dormant_at is None:
        contract.dormant_at = ctx.now
        events.record(ctx, "contract.dormant", contract)
        queue.enqueue(
            ctx,
            JobType.DORMANCY,
            contract.id,
            ctx.now + timedelta(days=windows.dormant_freelancer_after_days),
        )
        return "client told"
    if ctx.now < contract.dormant_at + timedelta(days=windows.dormant_act_after_days):
        events.record(ctx, "contract.dormant_again", contract)
        queue.enqueue(
            ctx,
            JobType.DORMANCY,
            contract.id,
            contract.dormant_at + timedelta(days=windows.dormant_act_after_days),
        )
        return "freelancer told"
    end_dormant(ctx, contract)
    return "acted"


def end_dormant(ctx: Context, contract: Contract) -> None:
    """Give back what was not handed over, cancel what was not paid; a submitted milestone is left
    to its review window.
    """
    system = ctx.as_(SYSTEM)
    if contract.state == ContractState.ACTIVE:
        events.transition(
            system, contract, "end", reason="nobody has done anything for long", by="system"
        )
        contract.ended_by = "system"
    _cancel_unpaid(system, contract)
    entries = [
        _give_back(system, contract, milestone, "dormant")
        for milestone in contract.milestones
        if _not_handed_over(ctx, milestone)
    ]
    states.after_change(system, contract)
    milestone_money.post_all(system, entries)


def holding_alarm(ctx: Context, contract: Contract, milestone: Milestone) -> bool:
    """The law lets us hold money only so long: both are told two weeks before.

    Returns False when nothing is escrowed.
    """
    if (
        milestone.state in MILESTONE.final
        or not milestone.funded_minor
        or not (milestone_money.escrowed_minor(milestone) or milestone.disputed_minor)
    ):
        return False
    events.record(
        ctx,
        "milestone.holding_limit_near",
        milestone,
        contract=contract,
        limit=milestone.hold_limit_at.isoformat() if milestone.hold_limit_at else "",
    )
    staff_tasks.open_task(ctx, TaskType.HOLDING_LIMIT_NEAR, milestone.id, contract=contract.id)
    return True


def holding_limit(ctx: Context, contract: Contract, milestone: Milestone) -> str:
    """A week before the limit: money for work that was not handed over goes back.

    Returns `refunded`, `dispute` for handed-over work (the caller opens one: that is not ours to
    give back), `person` for money that is disputed or on its way, or `nothing`.
    """
    if milestone.state in MILESTONE.final or not milestone.funded_minor:
        return "nothing"
    if (
        milestone.state in (MilestoneState.FUNDED, MilestoneState.CHANGES_REQUESTED)
        and milestone_money.escrowed_minor(milestone)
        and not milestone.disputed_minor
    ):
        system = ctx.as_(SYSTEM)
        entry = _give_back(system, contract, milestone, "holding limit")
        states.after_change(system, contract)
        milestone_money.post_all(system, [entry])
        return "refunded"
    if milestone.state == MilestoneState.SUBMITTED and not milestone.disputed_minor:
        return "dispute"
    staff_tasks.open_task(
        ctx,
        TaskType.HOLDING_LIMIT_REACHED,
        milestone.id,
        contract=contract.id,
        state=milestone.state,
    )
    return "person"


def _close(ctx: Context, contract: Contract) -> Contract:
    contract.closed_at = ctx.now
    states.touch(ctx, contract)
    return contract
