"""After commit, in order: events and journal entries get their position, and each event its mails.

One sequencer works at a time (an advisory lock). Rows are placed as they become visible, lowest
number first: a contract's lock makes the numbers of its events follow its commits, so within a
contract the order is the order of what happened.
"""

from __future__ import annotations

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.core import queue, staff_tasks
from service.core.context import Context
from service.core.runtime import Runtime
from service.core.staff_tasks import TaskType
from service.domain.states.job_types import JobType
from service.domain.states.names import MessageState
from service.domain.states.notifications import NOTICES
from service.ledger import hash_chain
from service.models import Event, Message, new_id
from service.platform.db import fetch
from service.worker.emails.notifications import notices_for

_log = structlog.get_logger()
_BATCH = 200
_ANYTHING = (
    "SELECT EXISTS (SELECT FROM event WHERE position IS NULL) OR EXISTS (SELECT FROM "
    "journal_entry WHERE position IS NULL) AS waiting"
)
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)")
_LAST = text("SELECT coalesce(max(position), 0) FROM event")
_LAST_IN = text("SELECT coalesce(max(sequence), 0) FROM event WHERE contract_id = :contract")


def run_one(runtime: Runtime) -> bool:
    """Place what is new. Returns whether there was anything."""
    with runtime.db.transaction() as session:
        # Asked in every turn of the loop: one statement over two small partial indexes, no lock.
        if not fetch(session, _ANYTHING)[0].waiting:
            return False
    with runtime.context("sequencer") as begun:
        if not begun.session.execute(_TRY_LOCK, {"key": hash_chain.SEQUENCER_LOCK}).scalar_one():
            return False
        # Read again under the lock, or an export could be made between this instant and the seals
        # that bear it.
        ctx = begun.again()
        return bool(_place_events(ctx) + hash_chain.seal_new(ctx))


def _place_events(ctx: Context) -> int:
    waiting = (
        ctx.session.execute(
            select(Event).where(Event.position.is_(None)).order_by(Event.number).limit(_BATCH)
        )
        .scalars()
        .all()
    )
    if not waiting:
        return 0
    position: int = ctx.session.execute(_LAST).scalar_one()
    sequences: dict[str, int] = {}
    for event in waiting:
        position += 1
        event.position = position
        if event.contract_id and event.public:
            last = sequences.get(event.contract_id) or _last_sequence(
                ctx.session, event.contract_id
            )
            event.sequence = sequences[event.contract_id] = last + 1
    ctx.session.flush()
    for event in waiting:
        if event.type in NOTICES:
            _announce_or_say_so(ctx, event)
    return len(waiting)


def _announce_or_say_so(ctx: Context, event: Event) -> None:
    """Emails that cannot be made stop neither the events behind them nor the books: a person is
    told instead.
    """
    try:
        with ctx.session.begin_nested():
            _announce(ctx, event)
    except Exception as error:
        _log.exception("event.not_announced", event_id=event.id, type=event.type)
        staff_tasks.open_task(
            ctx, TaskType.EVENT_NOT_ANNOUNCED, event.id, type=event.type, error=type(error).__name__
        )


def _last_sequence(session: Session, contract_id: str) -> int:
    contract = Event.__table__.c.contract_id.type.process_bind_param(contract_id, None)  # type: ignore[attr-defined]
    found: int = session.execute(_LAST_IN, {"contract": contract}).scalar_one()
    return found


def _announce(ctx: Context, event: Event) -> None:
    for template, recipient in notices_for(ctx.session, event):
        message = Message(
            id=new_id("msg"),
            cause=f"{event.id}:{template}:{recipient}",
            template=template,
            recipient=recipient,
            contract_id=event.contract_id,
            params={"by": event.actor.role}
            | event.data
            | {"object": event.object_id, "fact": event.type},
            state=MessageState.QUEUED,
            created_at=ctx.now,
            sent_at=None,
            bounced_at=None,
        )
        ctx.session.add(message)
        queue.enqueue(ctx, JobType.MAIL_SEND, message.id)
