"""The only source of time.

In live mode it is the machine's clock; in the sandbox an offset in one row moves it, forwards only.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from service.platform.db import fetch

NOW = "clock_timestamp() + clock_offset"
"""As an expression over the one row of `installation`, for statements that begin an action."""
_NOW = f"SELECT {NOW} AS now FROM installation"
_MOVE = text("UPDATE installation SET clock_offset = :offset WHERE clock_offset <= :offset")


def now(session: Session) -> datetime:
    """The service's present instant, UTC.

    Live installations have an offset of zero that nothing may change.
    """
    instant: datetime = fetch(session, _NOW)[0].now
    return instant.astimezone(UTC)


def wall() -> datetime:
    """The machine's own clock: for signatures that a vendor checks against real time, and for
    leases between processes.
    """
    return datetime.now(UTC)


def move_to(session: Session, instant: datetime) -> None:
    """Move the sandbox clock forward to `instant`.

    Moving back is ignored: time only runs forward.
    """
    session.execute(_MOVE, {"offset": instant - wall()})
