"""What silence means in requests for money back and in disputes."""

from __future__ import annotations

from service.core import events, repository
from service.core.context import Context
from service.domain.states.names import DisputeState, RefundRequestState
from service.operations.contracts import review_window
from service.operations.disputes import deadlines
from service.workflows import silence

_ANSWERABLE = ("dispute_opened", "dispute_proposed")


def refund_request_reminder(ctx: Context, request_id: str) -> None:
    contract, request = repository.refund_request(
        ctx.session, request_id, owner=repository.EVERYONE
    )
    if request.state == RefundRequestState.OPEN and request.silence_means != "nothing":
        events.record(
            ctx,
            "refund_request.reminded",
            request,
            contract=contract,
            amount=request.amount_minor,
            currency=contract.currency,
        )


def refund_request_due(ctx: Context, request_id: str) -> None:
    contract, request = repository.refund_request(
        ctx.session, request_id, owner=repository.EVERYONE, lock=True
    )
    silence.about_refund(ctx, contract, request)


def dispute_due(ctx: Context, dispute_id: str) -> None:
    contract, dispute = repository.dispute(
        ctx.session, dispute_id, owner=repository.EVERYONE, lock=True
    )
    # Freelancers act with their key and see every event; a client's silence counts only when a
    # email is proved to have come.
    heard = dispute.opened_by == "client" and dispute.state == DisputeState.OPEN
    since = (
        dispute.offers[-1].made_at if dispute.state == DisputeState.PROPOSAL else dispute.opened_at
    )
    heard = heard or review_window.notice_proved(ctx, contract, since, _ANSWERABLE)
    deadlines.due(ctx, contract, dispute, heard=heard)


def dispute_reminder(ctx: Context, dispute_id: str) -> None:
    contract, dispute = repository.dispute(
        ctx.session, dispute_id, owner=repository.EVERYONE, lock=True
    )
    deadlines.remind(ctx, contract, dispute)


def dispute_hard_stop(ctx: Context, dispute_id: str) -> None:
    contract, dispute = repository.dispute(
        ctx.session, dispute_id, owner=repository.EVERYONE, lock=True
    )
    deadlines.hard_stop(ctx, contract, dispute)
