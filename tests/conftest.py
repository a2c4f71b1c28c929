"""One embedded PostgreSQL per run, one migrated template, a fresh clone per test: real commits, real constraints, no order."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from service.db import APP_ROLE, migrate
from service.db.embedded import EmbeddedServer
from service.sandbox import store
from tests.world import World, make_settings

_SERVER: EmbeddedServer | None = None


def pytest_configure(config: pytest.Config) -> None:
    """The controller starts the server; workers inherit its address."""
    global _SERVER  # noqa: PLW0603
    config.addinivalue_line("markers", "fault(row): a row of the fault matrix that this test proves")
    if hasattr(config, "workerinput"):
        return
    folder = Path("/var/tmp") / f"holdfast-test-{uuid.uuid4().hex[:12]}"  # noqa: S108  must be reachable for PostgreSQL's own user
    _SERVER = EmbeddedServer(folder)
    _SERVER.start()
    _SERVER.create_app_role()
    _SERVER.create_database("template_holdfast")
    owner = _SERVER.url("template_holdfast", owner=True)
    migrate.upgrade(owner, "sandbox")
    store.install(owner)
    os.environ |= {"TEST_OWNER_URL": _SERVER.url("{}", owner=True), "TEST_APP_URL": _SERVER.url("{}")}


def pytest_unconfigure(config: pytest.Config) -> None:
    if _SERVER is not None:
        _SERVER.stop()
        shutil.rmtree(_SERVER.data_dir, ignore_errors=True)


@pytest.fixture
def database() -> Iterator[tuple[str, str]]:
    """(application's address, owner's address) of a fresh migrated database."""
    name = f"t_{uuid.uuid4().hex[:16]}"
    admin = os.environ["TEST_OWNER_URL"].format("postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template_holdfast STRATEGY file_copy')
        connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {APP_ROLE}')
    yield os.environ["TEST_APP_URL"].format(name), os.environ["TEST_OWNER_URL"].format(name)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def world(database: tuple[str, str]) -> Iterator[World]:
    """The whole service over a fresh database: web, worker and sandbox in this process, driven by hand."""
    made = World(make_settings(database[0], owner_url=database[1]))
    yield made
    made.close()
