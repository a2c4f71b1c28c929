"""The only writer of the event log, and the only place that changes a state.

`move` looks the change up in the lifecycle table, applies it and records the fact; `record` writes
a fact that changes no state. Both happen in the caller's transaction. What follows from a fact
(mails, webhooks) is decided elsewhere.
"""

from __future__ import annotations

from typing import Any

from service.core.context import Context
from service.domain.states.feed import FEED
from service.domain.states.lifecycle import Transition, allowed_transition
from service.models import (
    Amendment,
    Appeal,
    Chargeback,
    Confiscation,
    Contract,
    Dispute,
    Event,
    Freelancer,
    Hold,
    Milestone,
    Payment,
    Payout,
    PayoutAccount,
    Refund,
    RefundRequest,
    new_id,
)

Stateful = (
    Contract
    | Milestone
    | Payment
    | Refund
    | Payout
    | PayoutAccount
    | Amendment
    | RefundRequest
    | Dispute
    | Chargeback
    | Hold
    | Appeal
    | Confiscation
)


def transition(
    ctx: Context,
    subject: Stateful,
    event: str,
    *,
    contract: Contract | None = None,
    actor: str | None = None,
    **data: Any,
) -> Transition:
    """Make the move that `event` names and record its fact.

    Raises StateConflict with what would be possible.

    `actor` overrides the role of the context in the table: what the system does because a client
    acted.
    """
    made = allowed_transition(subject.__tablename__, subject.state, event, actor or ctx.role)
    before, subject.state = subject.state, made.target
    record(
        ctx, made.fact, subject, contract=contract, from_state=before, to_state=made.target, **data
    )
    return made


def record(
    ctx: Context,
    fact: str,
    subject: Any,
    *,
    contract: Contract | None = None,
    public: bool = True,
    from_state: str | None = None,
    to_state: str | None = None,
    **data: Any,
) -> Event:
    """Write one fact about `subject`.

    `data` is what follows from it needs, and staff read; no secrets, no card data.

    Nobody outside is told of it unless `domain.feed` lists its type, and then only what is listed
    there.
    """
    contract = subject if isinstance(subject, Contract) else contract
    event = Event(
        id=new_id("evt"),
        type=fact,
        public=public and fact in FEED,
        object_id=subject.id if hasattr(subject, "id") else subject.freelancer_id,
        contract_id=contract.id if contract else None,
        contract_kind=contract.kind if contract else None,
        freelancer_id=_freelancer_of(subject, contract),
        from_state=from_state,
        to_state=to_state,
        data=data,
        actor=ctx.actor,
        request_id=ctx.request_id,
        policy_version=contract.policy_version if contract else ctx.policies.windows.version,
        occurred_at=ctx.now,
    )
    ctx.session.add(event)
    return event


def _freelancer_of(subject: Any, contract: Contract | None) -> str | None:
    if contract:
        return contract.freelancer_id
    if isinstance(subject, Freelancer):
        return subject.id
    return getattr(subject, "freelancer_id", None)
