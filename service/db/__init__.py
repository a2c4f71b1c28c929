"""The database: engines, the one way to open a transaction, and time-outs that no connection escapes.

A view or a worker's handler opens `Database.transaction()` in a visible `with` block; nothing below it commits, and
nothing inside it calls the network. Leaving the block commits, deferred constraints included.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool, QueuePool

from service.domain.errors import Unavailable

APP_ROLE = "holdfast_app"

_SESSION = {
    "search_path": "hf",
    "timezone": "UTC",
    "lock_timeout": "5s",
    "statement_timeout": "20s",
    "idle_in_transaction_session_timeout": "30s",
}

_TRANSIENT = {"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53300"}
"""Serialization, deadlock, lock and statement time-out, shutdown and restart, too many connections."""


def driver_url(url: str) -> str:
    """A `postgresql://` address with the driver named, as SQLAlchemy wants it."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def make_engine(url: str, *, role: str | None = APP_ROLE, pool_size: int = 8, pooled: bool = True) -> Engine:
    """An engine whose connections act as `role` with our time-outs. `role=None` keeps the log-in role (migrations)."""
    settings = dict(_SESSION) | ({"role": role} if role else {"statement_timeout": "0"})
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    connect_args = {"options": options, "application_name": "holdfast", "connect_timeout": 5}
    if not pooled:
        return create_engine(driver_url(url), poolclass=NullPool, connect_args=connect_args)
    return create_engine(
        driver_url(url), poolclass=QueuePool, pool_size=pool_size, max_overflow=4, pool_timeout=10, pool_pre_ping=True, connect_args=connect_args
    )


class Database:
    """One database as one role. The engine is made lazily per process, so that a forked server never shares a connection."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self._pool_size = pool_size
        self._engine: tuple[int, Engine] | None = None

    @property
    def engine(self) -> Engine:
        if self._engine is None or self._engine[0] != os.getpid():
            self._engine = (os.getpid(), make_engine(self.url, pool_size=self._pool_size))
        return self._engine[1]

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block ends and rolls back when it raises.

        Rows are written when the block ends or where code flushes on purpose: a query in the middle of an act must not
        send half of it.

        Raises Unavailable when the database is away or a lock could not be had in time: nothing was written.
        """
        try:
            with Session(self.engine, expire_on_commit=False, autoflush=False) as session, session.begin():
                yield session
        except OperationalError as error:
            raise Unavailable("The database did not answer in time; nothing was written.") from error
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) in _TRANSIENT or error.connection_invalidated:
                raise Unavailable("The database did not answer in time; nothing was written.") from error
            raise

    def dispose(self) -> None:
        if self._engine is not None and self._engine[0] == os.getpid():
            self._engine[1].dispose()
        self._engine = None


def constraint_of(error: DBAPIError) -> str | None:
    """The name of the constraint that refused a statement: decisions are made on names, never on message texts."""
    diagnosis = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "constraint_name", None)
