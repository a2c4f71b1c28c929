"""A person proposes, another one decides: one number each, with reasons that both sides read."""

from __future__ import annotations

from service.core import events, four_eyes, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import Forbidden
from service.domain.identity.actors import SYSTEM
from service.domain.states.calendar import add_business_days
from service.domain.states.names import DisputeState
from service.escrow import states
from service.models import Contract, Dispute, DisputeOffer
from service.operations.disputes import negotiation, outcome, sides


def ask_mediation(ctx: Context, contract: Contract, dispute: Dispute) -> None:
    """A person shall propose. Raises StateConflict."""
    events.transition(ctx, dispute, "mediate", contract=contract)
    sides.set_deadline(
        ctx,
        dispute,
        add_business_days(
            ctx.now,
            ctx.policies.windows.dispute_proposal_business_days,
            ctx.policies.stripe_country,
        ),
    )
    staff_tasks.open_task(ctx, TaskType.DISPUTE_MEDIATION, dispute.id, contract=contract.id)
    states.touch(ctx, contract)


def propose(
    ctx: Context, contract: Contract, dispute: Dispute, refund_minor: int, reasons: str
) -> DisputeOffer:
    """The mediator's number, with reasons. Raises StateConflict, Invalid."""
    sides.check_amount(dispute, refund_minor)
    events.transition(ctx, dispute, "propose", contract=contract, refund=refund_minor)
    dispute.mediator = ctx.actor
    made = negotiation.add_offer(
        ctx, contract, dispute, "mediator", refund_minor, reasons, blind=False
    )
    windows = ctx.policies.windows
    sides.set_deadline(
        ctx,
        dispute,
        add_business_days(
            ctx.now, windows.dispute_answer_to_proposal_business_days, ctx.policies.stripe_country
        ),
        reminded=True,
    )
    staff_tasks.close_task(ctx, TaskType.DISPUTE_MEDIATION, dispute.id)
    return made


def decide(
    ctx: Context, contract: Contract, dispute: Dispute, refund_minor: int, reasons: str
) -> None:
    """The last word, by somebody who did not mediate. Raises StateConflict, Forbidden, Invalid."""
    sides.check_amount(dispute, refund_minor)
    if four_eyes.is_one_of(ctx, dispute.mediator):
        raise Forbidden("Who proposed cannot decide.")
    if dispute.state != DisputeState.ARBITRATION:
        raise sides.not_possible_now(dispute)
    dispute.decider, dispute.reasons = ctx.actor, reasons
    events.transition(ctx, dispute, "decide", contract=contract, refund=refund_minor)
    staff_tasks.close_task(ctx, TaskType.DISPUTE_DECISION, dispute.id)
    outcome.carry_out(ctx.as_(SYSTEM), contract, dispute, "execute", refund_minor)
