"""Databases on the tests' PostgreSQL: made as copies, in some tens of milliseconds, and dropped."""

from __future__ import annotations

import os

import psycopg

from service.platform.db import APP_ROLE


def _owner(database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(os.environ["TEST_OWNER_URL"].format(database), autocommit=True)


def create(name: str, template: str) -> None:
    """A copy of a database to which nobody is connected."""
    with _owner() as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {APP_ROLE}')


def drop(name: str) -> None:
    with _owner() as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def set_clock(name: str, now: str) -> None:
    """The sandbox's clock of a database at an instant, earlier ones too: what the service itself
    never does.
    """
    with _owner(name) as connection:
        connection.execute(
            "UPDATE hf.installation SET clock_offset = %s::timestamptz - clock_timestamp()", (now,)
        )


def once(what: str) -> None:
    """Claims something for this run of all workers.

    Raises where another worker has claimed it before.
    """
    with _owner() as connection:
        connection.execute(f'CREATE SCHEMA "{what}"')
