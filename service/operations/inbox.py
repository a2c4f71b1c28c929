"""Stripe's webhooks as they come in: stored once with the job that will act on them, and marked when acted upon."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from service import queue
from service.act import Act
from service.domain.psp import InboundEvent
from service.failpoint import failpoint
from service.models import StripeEvent


def store(act: Act, event: InboundEvent) -> bool:
    """Keep a verified event and have it handled. Returns False for one that is known: duplicates die on the key."""
    statement = insert(StripeEvent).values(
        id=event.id, type=event.type, object_id=event.object_id, account_id=event.account_id, payload=event.payload, received_at=act.now
    )
    fresh = act.session.execute(statement.on_conflict_do_nothing().returning(StripeEvent.id)).one_or_none() is not None
    failpoint("after_event_insert")
    if fresh:
        queue.enqueue(act, "stripe_event", event.id)
    return fresh


def handled(act: Act, event_id: str) -> None:
    act.session.get_one(StripeEvent, event_id).handled_at = act.now
