"""What silence does where it joins areas: a request for a refund, and the law's limit for holding
money, can both end as a dispute.
"""

from __future__ import annotations

from service.core.context import Context
from service.domain.identity.actors import SYSTEM
from service.domain.states.names import RefundRequestState
from service.escrow.milestone_money import escrowed_minor
from service.models import Contract, Milestone, RefundRequest
from service.operations.contracts import contracts
from service.operations.payments import refund_requests
from service.workflows.dispute_opened import open_dispute


def about_refund(ctx: Context, contract: Contract, request: RefundRequest) -> None:
    """The freelancer did not answer: back it goes, or a dispute opens, or (after a release) nothing
    happens. Both rows are locked; one that was answered, or is not due, stays as it is.
    """
    if request.state != RefundRequestState.OPEN or request.answer_by > ctx.now:
        return
    system = ctx.as_(SYSTEM)
    if request.silence_means == "refund":
        refund_requests.agree(system, contract, request)
    elif request.silence_means == "dispute" and not refund_requests.nothing_left(contract, request):
        milestone = next(m for m in contract.milestones if m.id == request.milestone_id)
        amount = min(request.amount_minor, escrowed_minor(milestone))
        open_dispute(system, contract, milestone, "client", amount, amount, request.reason)
    else:
        refund_requests.withdraw(system, contract, request)


def until_the_holding_limit(ctx: Context, contract: Contract, milestone: Milestone) -> None:
    """Money may not stay in escrow longer: what was not handed over goes back, about handed-over
    work a dispute opens. Both rows are locked.
    """
    if contracts.holding_limit(ctx, contract, milestone) == "dispute":
        claim = "The time for which money may be held is nearly over."
        open_dispute(ctx.as_(SYSTEM), contract, milestone, "freelancer", None, 0, claim)
