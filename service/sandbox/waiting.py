"""For whoever moves the clock without being the worker: wait until the worker has done what is
due.
"""

from __future__ import annotations

import time

from sqlalchemy import text

from service.platform import clock
from service.platform.db import Database

_PATIENCE_SECONDS = 45.0
_LEFT = text("""
    SELECT EXISTS (SELECT 1 FROM job WHERE state = 'waiting' AND due_at <= :now)
        OR EXISTS (SELECT 1 FROM sandbox.timer WHERE NOT done AND due_at <= :now)
        OR EXISTS (SELECT 1 FROM sandbox.delivery WHERE state = 'waiting' AND due_at <= :now)
        OR EXISTS (SELECT 1 FROM event WHERE position IS NULL)
            OR EXISTS (SELECT 1 FROM journal_entry WHERE position IS NULL)
""")


def wait_for_worker(db: Database) -> bool:
    """Wait until the worker has done everything that is due.

    Returns False when it has not in time.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with db.transaction() as session:
            if not session.execute(_LEFT, {"now": clock.now(session)}).scalar_one():
                return True
        time.sleep(0.02)
    return False
