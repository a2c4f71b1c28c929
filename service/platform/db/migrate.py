"""Migrations: run as the owner, in one advisory lock and one transaction, and tell whether a
database fits this code.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from service.platform.db import APP_ROLE, ModeMismatch, make_engine, schema

_LOCK = 0x686F6C64
_LOCK_ALL = text("""
    DO $$
    DECLARE
        busy text;
    BEGIN
        SELECT string_agg(format('hf.%I', tablename), ', ' ORDER BY tablename) INTO busy
            FROM pg_tables WHERE schemaname = 'hf';
        SET LOCAL lock_timeout = '250ms';
        IF busy IS NOT NULL THEN EXECUTE 'LOCK TABLE ' || busy || ' IN ACCESS EXCLUSIVE MODE';
            END IF;
        SET LOCAL lock_timeout = '5s';
    END $$
""")
_APP_ROLE = text(f"""
    DO $$ BEGIN
        -- An owner who may make no roles finds it made: deploy/roles.sql.
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{APP_ROLE}')
            THEN CREATE ROLE {APP_ROLE} NOLOGIN; END IF;
    EXCEPTION WHEN duplicate_object THEN NULL;
    END $$
""")
_TRIES, _REST_SECONDS = 100, 0.2
_LOCK_NOT_AVAILABLE = "55P03"


class MigrationRefused(Exception):
    """This database is not one that can be upgraded here; nothing was changed.

    The message says what to do.
    """


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(schema.FOLDER))
    config.attributes["connection"] = connection
    return config


def upgrade(owner_url: str, mode: str) -> None:
    """Bring the database to the newest migration and write down its mode.

    Raises MigrationRefused, ModeMismatch.

    Revisions and replaced objects are one transaction: whoever works on the database meanwhile sees
    the schema of before or the one of afterwards, and waits for as long as it takes. When the
    tables stay busy it gives up, with nothing changed.
    """
    engine = make_engine(owner_url, role=None, pooled=False)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS hf"))
        connection.execute(_APP_ROLE)
        connection.commit()
        with _alone(connection):
            _recognise(connection)
            _bring_to_head(connection)
            found = _mode_of(connection, mode)
            if found != mode:
                raise ModeMismatch(
                    f"This database was made for {found} mode; HOLDFAST_MODE is {mode}."
                )
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """A transaction in which nobody else touches the tables.

    All of them are locked before anything changes, and each try waits a quarter of a second at
    most: so an upgrade is never in a circle of waiting with a call that holds one table and wants
    another, and calls wait behind it no longer than that.
    """
    for _ in range(_TRIES):
        transaction = connection.begin()
        try:
            connection.execute(_LOCK_ALL)
        except DBAPIError as error:
            transaction.rollback()
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            time.sleep(_REST_SECONDS)
            continue
        with transaction:
            yield
        return
    raise MigrationRefused(
        "The tables were in use all the time, so nothing was changed; stop the workers and run "
        "it again."
    )


def _bring_to_head(connection: Connection) -> None:
    if current(connection) == head() and not schema.differs(connection):
        return
    command.upgrade(_config(connection), "head")
    schema.replay(connection)


def _mode_of(connection: Connection, mode: str) -> str:
    connection.execute(
        text(
            "INSERT INTO hf.installation (singleton, mode, clock_offset, created_at) VALUES "
            "(true, :mode, interval '0', now()) ON CONFLICT DO NOTHING"
        ),
        {"mode": mode},
    )
    return str(connection.execute(text("SELECT mode FROM hf.installation")).scalar_one())


def _recognise(connection: Connection) -> None:
    at = current(connection)
    if not at:
        return
    if at not in _known():
        raise MigrationRefused(
            f"The database stands at migration {at}, which is newer than this code ({head()}). "
            "Install the newer release."
        )
    state = schema.state_of(connection)
    if state is None:
        _recognise_first(connection, at)
    else:
        _recognise_frozen(state)


def _recognise_first(connection: Connection, at: str) -> None:
    """0.1 did not write down what made its schema, and builds before it used the same numbers for
    other tables.
    """
    fingerprints = {
        release["fingerprint"]
        for release in schema.released().values()
        if release["revision"] == at
    }
    if schema.fingerprint(connection) not in fingerprints:
        raise MigrationRefused(
            f"The database says migration {at}, but its tables are not those of a release: it "
            "was made by a build from before 0.1.0,"
            " which cannot be upgraded. Take what you need out of it with the build that made "
            "it, and begin with an empty database."
        )


def _recognise_frozen(state: schema.SchemaState) -> None:
    for release in schema.released().values():
        for name, digest in release["files"].items():
            if state.files.get(name, digest) != digest:
                raise MigrationRefused(
                    f"The database was made with another {name} than the released one; it cannot "
                    "be upgraded from here."
                )


def check(owner_url: str) -> None:
    """Compare the models with the migrated database.

    Raises alembic's CommandError when they differ.
    """
    with make_engine(owner_url, role=None, pooled=False).connect() as connection:
        command.check(_config(connection))


@cache
def _known() -> tuple[str, ...]:
    """Every revision that this code has, newest first."""
    config = Config()
    config.set_main_option("script_location", str(schema.FOLDER))
    return tuple(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())


def head() -> str:
    """The newest migration that this code knows."""
    return _known()[0]


def current(connection: Connection) -> str:
    """The migration at which a database stands; empty when it has none."""
    context = MigrationContext.configure(connection, opts={"version_table_schema": "hf"})
    return context.get_current_revision() or ""


def unfit(connection: Connection) -> str | None:
    """Why this code should not work on the database, as a sentence; None when it may.

    A newer schema is fine as long as it says that code of this revision still works on it.
    """
    at = current(connection)
    if at == head():
        other = schema.differs(connection)
        return (
            f"The schema was made by another build ({', '.join(other[:3])}); run: holdfast migrate"
            if other
            else None
        )
    state = schema.state_of(connection)
    if at and at not in _known() and state is not None and state.works_from <= head():
        return None
    return (
        f"The database stands at migration {at or 'none'}, this code needs {head()}; run: "
        "holdfast migrate"
    )
