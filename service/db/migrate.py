"""Migrations: run as the owner, in one advisory lock, and tell whether a database stands at the newest."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from service.db import APP_ROLE, make_engine

FOLDER = Path(__file__).resolve().parents[2] / "migrations"
_LOCK = 0x686F6C64


class ModeMismatch(Exception):
    """The database was made for the other mode."""


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


def upgrade(owner_url: str, mode: str) -> None:
    """Bring the database to the newest migration and write down its mode. Raises ModeMismatch."""
    engine = make_engine(owner_url, role=None, pooled=False)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS hf"))
        connection.execute(text(f"DO $$ BEGIN CREATE ROLE {APP_ROLE} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"))
        connection.commit()
        command.upgrade(_config(connection), "head")
        connection.execute(
            text("INSERT INTO installation (singleton, mode, clock_offset, created_at) VALUES (true, :mode, interval '0', now()) ON CONFLICT DO NOTHING"),
            {"mode": mode},
        )
        found = connection.execute(text("SELECT mode FROM installation")).scalar_one()
        connection.commit()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
    if found != mode:
        raise ModeMismatch(f"This database was made for {found} mode; HOLDFAST_MODE is {mode}.")


def check(owner_url: str) -> None:
    """Compare the models with the migrated database. Raises alembic's CommandError when they differ."""
    with make_engine(owner_url, role=None, pooled=False).connect() as connection:
        command.check(_config(connection))


def make_revision(owner_url: str, message: str, revision: str) -> None:
    """Write a new migration from the difference between models and database."""
    with make_engine(owner_url, role=None, pooled=False).connect() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=revision)


def head() -> str:
    """The newest migration that this code knows."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return ScriptDirectory.from_config(config).get_current_head() or ""


def current(connection: Connection) -> str:
    """The migration at which a database stands; empty when it has none."""
    context = MigrationContext.configure(connection, opts={"version_table_schema": "hf"})
    return context.get_current_revision() or ""
