"""The client's open request for held money: found, and ended by whatever moves that money."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, queue
from service.core.context import Context
from service.domain.states.job_types import JobType
from service.domain.states.names import RefundRequestState
from service.models import Contract, RefundRequest


def open_request(session: Session, milestone_id: str) -> RefundRequest | None:
    """The request that waits for the freelancer's answer, if any."""
    query = select(RefundRequest).where(
        RefundRequest.milestone_id == milestone_id, RefundRequest.state == RefundRequestState.OPEN
    )
    found = session.execute(query).scalar_one_or_none()
    # Nothing is flushed by a question: one that has just ended is open in the database still.
    return found if found is not None and found.state == RefundRequestState.OPEN else None


def end(ctx: Context, contract: Contract, request: RefundRequest, event: str, **data: Any) -> None:
    """The only way in which a request ends: nothing waits for its answer any more.

    Raises StateConflict.
    """
    events.transition(ctx, request, event, contract=contract, **data)
    request.answered_at = ctx.now
    queue.cancel(ctx, [JobType.REFUND_REQUEST_DUE, JobType.REFUND_REQUEST_REMINDER], request.id)


def agreed(ctx: Context, contract: Contract, request: RefundRequest, amount_minor: int) -> None:
    """What was asked for goes back: the freelancer says so, or time does."""
    event = "lapse" if ctx.role == "system" else "agree"
    end(ctx, contract, request, event, amount=amount_minor, currency=contract.currency)


def without_meaning(ctx: Context, contract: Contract, milestone_id: str) -> None:
    """The money that was asked for has gone another way: the request, if there is one, ends."""
    request = open_request(ctx.session, milestone_id)
    if request is not None:
        end(ctx.as_("system"), contract, request, "withdraw", amount=request.amount_minor)
