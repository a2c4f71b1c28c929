"""Fresh databases for tests, cloned from the migrated template in some tens of milliseconds."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg

from service.db import APP_ROLE
from tests.world import Known, World, make_settings


def create(name: str, template: str) -> None:
    with psycopg.connect(os.environ["TEST_OWNER_URL"].format("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {APP_ROLE}')


def drop(name: str) -> None:
    with psycopg.connect(os.environ["TEST_OWNER_URL"].format("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def once(what: str) -> None:
    """Claims something for this run of all workers. Raises where another worker has claimed it before."""
    with psycopg.connect(os.environ["TEST_OWNER_URL"].format("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{what}"')


@contextmanager
def clone(template: str = "template_holdfast", like: Known | None = None, **settings: Any) -> Iterator[World]:
    """A world on a database of its own; `settings` that differ from the tests' usual ones."""
    name = f"t_{uuid.uuid4().hex[:16]}"
    create(name, template)
    made = World(make_settings(os.environ["TEST_APP_URL"].format(name), owner_url=os.environ["TEST_OWNER_URL"].format(name), **settings), like)
    try:
        yield made
    finally:
        made.close()
        drop(name)


def copy_of(world: World, **settings: Any) -> AbstractContextManager[World]:
    """A world that goes on from where another one stands, with the same people and keys; the other one rests."""
    # A database is copied only while nobody is connected to it.
    world.db.dispose()
    return clone(world.database, like=world, **settings)
