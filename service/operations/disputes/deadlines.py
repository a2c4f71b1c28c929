"""What silence means in each state of a dispute, and until when each side has time."""

from __future__ import annotations

from datetime import timedelta

from service.core import events, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.identity.actors import SYSTEM
from service.domain.states.names import DisputeState
from service.models import Contract, Dispute
from service.operations.disputes import mediation, outcome


def due(ctx: Context, contract: Contract, dispute: Dispute, *, heard: bool) -> None:
    """A deadline has passed.

    `heard`: a notice is proved to have reached who was silent; without it nobody is defaulted.
    """
    if (
        dispute.closed_at is not None
        or dispute.deadline_at is None
        or dispute.deadline_at > ctx.now
    ):
        return
    system = ctx.as_(SYSTEM)
    if dispute.state == DisputeState.OPEN and heard:
        events.transition(system, dispute, "default", contract=contract)
        outcome.carry_out(system, contract, dispute, "execute", dispute.claimed_refund_minor)
    elif dispute.state in (DisputeState.OPEN, DisputeState.NEGOTIATION):
        mediation.ask_mediation(system, contract, dispute)
    elif dispute.state == DisputeState.MEDIATION:
        staff_tasks.open_task(
            ctx, TaskType.DISPUTE_MEDIATION_OVERDUE, dispute.id, contract=contract.id
        )
    elif dispute.state == DisputeState.PROPOSAL:
        agreed = dispute.offers[-1].client_agreed_at or dispute.offers[-1].freelancer_agreed_at
        if agreed or not heard:
            events.transition(system, dispute, "arbitrate", contract=contract, by="silence")
            outcome.to_decision(ctx, contract, dispute)
        else:
            outcome.carry_out(system, contract, dispute, "execute", dispute.offers[-1].refund_minor)
    elif dispute.state == DisputeState.ARBITRATION:
        staff_tasks.open_task(
            ctx, TaskType.DISPUTE_DECISION_OVERDUE, dispute.id, contract=contract.id
        )


def remind(ctx: Context, contract: Contract, dispute: Dispute) -> None:
    """Silence is about to decide.

    `by` is who has said what they have to say: only the other one, or both, are told.
    """
    if dispute.deadline_at is None or dispute.deadline_at - ctx.now > timedelta(
        days=ctx.policies.windows.silence_reminder_days
    ):
        return
    if dispute.state == DisputeState.OPEN:
        events.record(
            ctx,
            "dispute.reminded",
            dispute,
            contract=contract,
            by=dispute.opened_by,
            state=dispute.state,
        )
    elif dispute.state == DisputeState.PROPOSAL:
        offer = dispute.offers[-1]
        answered = (
            "client"
            if offer.client_agreed_at
            else "freelancer"
            if offer.freelancer_agreed_at
            else "nobody"
        )
        events.record(
            ctx,
            "dispute.reminded",
            dispute,
            contract=contract,
            by=answered,
            state=dispute.state,
            refund=offer.refund_minor,
        )


def hard_stop(ctx: Context, contract: Contract, dispute: Dispute) -> None:
    """Sixty days: whoever is responsible hears of it."""
    if dispute.closed_at is None:
        staff_tasks.open_task(
            ctx, TaskType.DISPUTE_HARD_STOP, dispute.id, contract=contract.id, state=dispute.state
        )
        events.record(ctx, "dispute.escalated", dispute, contract=contract)
