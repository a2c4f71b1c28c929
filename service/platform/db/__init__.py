"""The database: engines, the one way to open a transaction, and time-outs that no connection
escapes.

A view or a worker's handler opens `Database.transaction()` in a visible `with` block; nothing below
it commits, and nothing inside it calls the network. Leaving the block commits, deferred constraints
included.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from psycopg.abc import Buffer
from psycopg.rows import namedtuple_row
from psycopg.types.string import StrDumper
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

from service.domain.errors import DatabaseRefused, Unavailable
from service.domain.identity.actors import Actor
from service.platform.once import Once

APP_ROLE = "holdfast_app"
_log = structlog.get_logger()

_SESSION = {
    "search_path": "hf",
    "timezone": "UTC",
    "lock_timeout": "5s",
    "statement_timeout": "20s",
    "idle_in_transaction_session_timeout": "30s",
}

_TRANSIENT = {"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53300"}
"""Serialization, deadlock, lock and statement time-out, shutdown and restart, too many connections.
"""


class ModeMismatch(Exception):
    """The database was made for the other mode.

    Play money and real money are never in one place.
    """


class _ActorDumper(StrDumper):
    """An actor goes into the driver's own statements as the text that rows keep."""

    def dump(self, obj: object) -> Buffer | None:
        return super().dump(str(obj))


psycopg.adapters.register_dumper(Actor, _ActorDumper)


def driver_url(url: str) -> str:
    """A `postgresql://` address with the driver named, as SQLAlchemy wants it."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def make_engine(
    url: str, *, role: str | None = APP_ROLE, pool_size: int = 8, pooled: bool = True
) -> Engine:
    """An engine whose connections act as `role` with our time-outs.

    `role=None` keeps the log-in role (migrations).
    """
    settings = dict(_SESSION) | ({"role": role} if role else {"statement_timeout": "0"})
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    connect_args = {"options": options, "application_name": "holdfast", "connect_timeout": 5}
    if not pooled:
        return create_engine(
            driver_url(url), poolclass=NullPool, connect_args=connect_args, hide_parameters=True
        )
    engine = create_engine(
        driver_url(url),
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=4,
        pool_timeout=10,
        connect_args=connect_args,
        hide_parameters=True,
    )
    event.listen(engine, "checkout", _ping_when_idle)
    event.listen(engine, "checkin", _remember_use)
    return engine


_IDLE_SECONDS = 1.0


def _remember_use(_: object, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


def _ping_when_idle(connection: psycopg.Connection, record: ConnectionPoolEntry, _: object) -> None:
    """A connection that rested may have lost its server: ask before it is used.

    Under load nothing is asked.
    """
    if time.monotonic() - record.info.get("used_at", math.inf) < _IDLE_SECONDS:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error as error:
        raise DisconnectionError from error


class _ModeOf:
    """Asks each new connection which mode its database was made for."""

    def __init__(self, mode: str) -> None:
        self._mode = mode

    def __call__(self, connection: psycopg.Connection, _: object) -> None:
        try:
            row = connection.execute("SELECT mode FROM hf.installation").fetchone()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            row = None  # not migrated yet: nothing of it can be used either
        finally:
            connection.rollback()
        if row is not None and row[0] != self._mode:
            raise ModeMismatch(
                f"This database was made for {row[0]} mode; HOLDFAST_MODE is {self._mode}. Use "
                "another database."
            )


class Database:
    """One database as one role.

    The engine is made lazily per process, so that a forked server never shares a connection.
    """

    def __init__(
        self, url: str, *, pool_size: int = 8, role: str | None = APP_ROLE, mode: str | None = None
    ) -> None:
        """`mode`: every connection to a database that was made for another one is refused, with
        ModeMismatch.
        """
        self.url = url
        self._role, self._mode = role, mode
        self._pool_size = pool_size
        self._once = Once(self._made)

    @property
    def engine(self) -> Engine:
        return self._once.get()

    def _made(self) -> Engine:
        engine = make_engine(self.url, role=self._role, pool_size=self._pool_size)
        if self._mode is not None:
            event.listen(engine, "connect", _ModeOf(self._mode))
        return engine

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block ends and rolls back when it raises.

        Rows are written when the block ends or where code flushes on purpose: a query in the middle
        of an action must not send half of it.

        Raises Unavailable when the database is away or a lock could not be had in time: nothing was
        written.
        """
        with _session(self.engine) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session without a transaction, for readers of a statement or two: our isolation level
        gives each statement its own snapshot anyway, and beginning and ending costs as much as
        both. Nothing that has to happen together is done in it.

        Raises Unavailable as `transaction` does.
        """
        with _session(self.engine.execution_options(isolation_level="AUTOCOMMIT")) as session:
            yield session

    @property
    def connected(self) -> bool:
        """Whether anybody has asked for the engine since it was made or disposed of."""
        return self._once.made

    def dispose(self) -> None:
        engine = self._once.forget()
        if engine is not None:
            engine.dispose()


_LATER = re.compile(
    "starting up|shutting down|recovery mode|too many|remaining connection slots|connection limit",
    re.IGNORECASE,
)
"""What a server says that will let us in a little later."""


def _refusal_at_log_in(error: Exception) -> str | None:
    """Why the server did not let us in at all, in its own words; None when it was away, busy, or
    fell silent later.

    libpq tells no SQLSTATE of what happens before a session is there (28P01, 28000, 3D000 …): its
    words are all there is. Whatever is taken for a refusal wrongly is still unavailable, and still
    told by the server's own sentence.
    """
    cause = getattr(error, "orig", error)
    words = str(cause)
    if (
        not isinstance(cause, psycopg.OperationalError)
        or cause.sqlstate is not None
        or "FATAL:" not in words
    ):
        return None
    sentence = words.rpartition("FATAL:")[2].strip().splitlines()[0]
    return None if _LATER.search(sentence) else sentence


@contextmanager
def _session(engine: Engine) -> Iterator[Session]:
    try:
        with Session(engine, expire_on_commit=False, autoflush=False) as session, session.begin():
            try:
                yield session
            except psycopg.OperationalError:
                # From `fetch`: SQLAlchemy has not seen that this connection is of no more use.
                session.invalidate()
                raise
    except (OperationalError, psycopg.OperationalError) as error:
        said = _refusal_at_log_in(error)
        if said:
            _log.error("database.refused", said=said)
            raise DatabaseRefused(said) from error
        raise Unavailable("The database did not answer in time; nothing was written.") from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _TRANSIENT or error.connection_invalidated:
            raise Unavailable(
                "The database did not answer in time; nothing was written."
            ) from error
        raise


def fetch(
    session: Session, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()
) -> list[Any]:
    """Rows, by column name, of one statement in the session's transaction, straight from the
    driver.

    For the handful of statements that every request makes: SQLAlchemy's result costs as much again
    as the answer. Does not flush. Refusals come as the driver's own errors, so nothing that a
    constraint may refuse is written this way.
    """
    driver = session.connection().connection.driver_connection
    assert driver is not None, "a connection in use has its driver"
    cursor = driver.cursor(row_factory=namedtuple_row).execute(statement, parameters)
    # `cursor.description` would build a column object for each column of each answer.
    return (
        list(cursor.fetchall()) if cursor.pgresult is not None and cursor.pgresult.nfields else []
    )


def constraint_of(error: DBAPIError) -> str | None:
    """The name of the constraint that refused a statement: decisions are made on names, never on
    message texts.
    """
    diagnosis = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "constraint_name", None)
