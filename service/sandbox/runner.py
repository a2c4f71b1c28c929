"""The sandbox's own due work, and the clock that runs everything that becomes due on its way, in
order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from service.platform import clock
from service.platform.db import Database
from service.sandbox.store import Store
from service.sandbox.stripe import checkout, disputes, payments, payouts, refunds, webhooks
from service.sandbox.stripe.objects import SESSION

MAX_STEPS = 20_000

Pump = Callable[[Database], bool]
"""Works off everything that is due now, here or by waiting for the worker; returns whether nothing
due is left.
"""

_TIMERS: dict[str, Callable[[Store, str], object]] = {
    "debit.settle": payments.settle_debit,
    "refund.succeed": refunds.succeed_refund,
    "refund.fail": refunds.fail_refund,
    "dispute.open": disputes.open_by_card,
    "dispute.overdue": disputes.overdue,
    "dispute.decide": disputes.decide,
    "fraud.warn": disputes.warn,
    "payout.leave": payouts.leave,
    "payout.pay": payouts.pay_payout,
    "payout.fail": payouts.fail_payout,
}


@dataclass(frozen=True)
class SandboxWork:
    """What a worker does for the sandbox: one due timer or webhook at a time."""

    db: Database
    send: webhooks.Send
    sign: Callable[[bytes, str, int], str]
    secrets: tuple[str, ...]

    def run_one(self) -> bool:
        return run_timer(self.db) or webhooks.deliver_next(
            self.db, self.send, self.sign, self.secrets
        )


def run_timer(db: Database) -> bool:
    """Do the sandbox's next due timer. Returns False when none is due."""
    with db.transaction() as session:
        store = Store(session)
        row = session.execute(
            text(
                "SELECT id, kind, subject FROM sandbox.timer WHERE NOT done AND due_at <= :now "
                "ORDER BY due_at, id LIMIT 1 FOR UPDATE"
            ),
            {"now": store.now},
        ).one_or_none()
        if row is None:
            return False
        session.execute(text("UPDATE sandbox.timer SET done = true WHERE id = :id"), {"id": row.id})
        if row.kind == "session.expire":
            if store.get(row.subject, SESSION)["status"] == "open":
                checkout.expire_session(store, row.subject)
        else:
            _TIMERS[row.kind](store, row.subject)
    return True


# The search for lost news is done wherever the clock stops, but stops it nowhere itself: every
# night is a stop.
_NEXT = text("""
    SELECT min(due_at) FROM (
        SELECT min(due_at) AS due_at FROM job WHERE state = 'waiting' AND kind <> 'sweep'
        UNION ALL SELECT min(due_at) FROM sandbox.timer WHERE NOT done
        UNION ALL SELECT min(due_at) FROM sandbox.delivery WHERE state = 'waiting') AS due
""")


def advance(db: Database, pump: Pump, target: datetime) -> bool:
    """Move the clock to `target`, stopping at each instant at which something is due until it is
    done.

    Returns False when due work could not be finished in time; the clock then stands at that
    instant.
    """
    for _ in range(MAX_STEPS):
        if not pump(db):
            return False
        with db.transaction() as session:
            due: datetime | None = session.execute(_NEXT).scalar_one()
            step = target if due is None else min(due, target)
            if clock.now(session) >= target and (due is None or due > target):
                return True
            clock.move_to(session, step)
    return False
