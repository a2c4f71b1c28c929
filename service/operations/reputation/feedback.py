"""What a client says of a closed contract, where its kind takes feedback at all.

A direct contract is refused by name.
"""

from __future__ import annotations

from sqlalchemy import func, select

from service.core import events
from service.core.context import Context
from service.domain.errors import FeedbackNotAccepted, StateConflict
from service.domain.states.names import ContractState
from service.models import Contract, Feedback

MOST_SHOWN = 100


def give(ctx: Context, contract: Contract, rating: int, words: str) -> Feedback:
    """Keep the client's rating of 1 to 5.

    Raises FeedbackNotAccepted by kind, StateConflict before the end or a second time.
    """
    refuse_by_kind(ctx, contract)
    if (
        contract.state not in (ContractState.COMPLETED, ContractState.CANCELLED)
        or contract.accepted_at is None
    ):
        raise StateConflict(
            "Feedback is given once the contract has ended.",
            {"current_state": contract.state, "allowed_actions": []},
        )
    if ctx.session.get(Feedback, contract.id) is not None:
        raise StateConflict(
            "The client has given feedback already.",
            {"current_state": contract.state, "allowed_actions": []},
        )
    given = Feedback(
        contract_id=contract.id,
        contract_kind=contract.kind,
        freelancer_id=contract.freelancer_id,
        rating=rating,
        words=words,
        given_at=ctx.now,
    )
    ctx.session.add(given)
    events.record(ctx, "contract.feedback_given", contract, rating=rating)
    return given


def refuse_by_kind(ctx: Context, contract: Contract) -> None:
    """Raises FeedbackNotAccepted for a kind that takes none: said before anything else about a body
    is.
    """
    if not ctx.policies.kinds[contract.kind].accepts_feedback:
        raise FeedbackNotAccepted(f"A {contract.kind} contract takes no feedback.")


def of_freelancer(ctx: Context, freelancer_id: str) -> tuple[int, int, list[Feedback]]:
    """(how many there are, the sum of their ratings, the newest hundred)."""
    mine = Feedback.freelancer_id == freelancer_id
    count, total = ctx.session.execute(
        select(func.count(), func.coalesce(func.sum(Feedback.rating), 0)).where(mine)
    ).one()
    newest = select(Feedback).where(mine).order_by(Feedback.contract_id.desc()).limit(MOST_SHOWN)
    return int(count), int(total), list(ctx.session.execute(newest).scalars())
