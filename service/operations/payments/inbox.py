"""Stripe's webhooks as they come in: stored once with the job that will act on them, and marked
when acted upon.
"""

from __future__ import annotations

import json

from service.core import queue
from service.core.context import Context
from service.domain.money.psp import InboundEvent
from service.domain.states.job_types import JobType
from service.models import StripeEvent
from service.platform.db import fetch
from service.platform.failpoint import failpoint

_STORE = """
    INSERT INTO stripe_event (id, type, object_id, account_id, payload, received_at)
        VALUES (%s, %s, %s, %s, %s::jsonb, %s)
    ON CONFLICT DO NOTHING RETURNING id
"""


def store(ctx: Context, event: InboundEvent) -> bool:
    """Keep a verified event and have it handled.

    Returns False for one that is known: duplicates die on the key.
    """
    row = (
        event.id,
        event.type,
        event.object_id,
        event.account_id,
        json.dumps(event.payload),
        ctx.now,
    )
    fresh = bool(fetch(ctx.session, _STORE, row))
    failpoint("after_event_insert")
    if fresh:
        queue.enqueue(ctx, JobType.STRIPE_EVENT, event.id)
    return fresh


def handled(ctx: Context, event_id: str) -> None:
    ctx.session.get_one(StripeEvent, event_id).handled_at = ctx.now
