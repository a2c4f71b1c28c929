"""One embedded PostgreSQL per run, one migrated template, a fresh clone per test: real commits,
real constraints, no order.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.platform.db.embedded import EmbeddedServer
from tests import kept_server
from tests.databases import PEOPLE, clone
from tests.servers import create, drop
from tests.world import People, Vault, World, make_settings

_SERVER: EmbeddedServer | None = None

START = "2026-11-24T10:00:00Z"
"""A Tuesday before a year's end, whatever day it is: how many days five working days take, and in
which year a payment clears, is the same on every day on which the tests are run.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--browser-required",
        action="store_true",
        help="Fail instead of skipping when there is no chromium.",
    )
    parser.addoption(
        "--start",
        default=START,
        metavar="INSTANT",
        help="The instant at which every world of the tests begins (UTC).",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The controller starts the server; workers inherit its address."""
    global _SERVER
    config.addinivalue_line(
        "markers",
        "row(codes): rows of the state tables that this test drives through the API, the pages "
        "and the clock",
    )
    config.addinivalue_line(
        "markers", "fault(row): a row of the fault matrix that this test proves"
    )
    if hasattr(config, "workerinput"):
        return
    folder = _fastest() / f"holdfast-test-{uuid.uuid4().hex[:12]}"
    _SERVER = kept_server.begin(folder, config.getoption("--start"))


def _fastest() -> Path:
    """In memory, where there is room: a clone is 700 small files, and there is one for each
    test.
    """
    memory = Path("/dev/shm")
    return (
        memory if memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30 else Path("/var/tmp")
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests that share a world go to one worker; see `tests.sharing`."""
    from tests.sharing import scheduler  # noqa: PLC0415  xdist may be switched off

    return scheduler(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _SERVER is not None:
        _SERVER.stop()
        shutil.rmtree(_SERVER.data_dir, ignore_errors=True)


@pytest.fixture
def world() -> Iterator[World]:
    """The whole service over a fresh database: web, worker and sandbox in this process, driven by
    hand.
    """
    with clone() as made:
        yield made


@pytest.fixture(scope="session")
def funded_template() -> Iterator[tuple[str, dict[str, str]]]:
    """A database in which a contract of 100.00 USD has been paid into protection, made once; (name,
    who is who).
    """
    name = f"funded_{uuid.uuid4().hex[:12]}"
    create(name, PEOPLE)
    made = World(
        make_settings(
            os.environ["TEST_APP_URL"].format(name),
            owner_url=os.environ["TEST_OWNER_URL"].format(name),
        ),
        People.from_text(os.environ["TEST_PEOPLE"]),
    )
    contract, _ = made.funded_contract(milestones=[("Work", 10_000)])
    known = {
        "contract": contract["id"],
        "milestone": contract["milestones"][0]["id"],
        "ada": made.ada_id,
    }
    made.close()
    yield name, known
    drop(name)


@pytest.fixture
def funded(funded_template: tuple[str, dict[str, str]]) -> Iterator[Vault]:
    """A clone of the funded database: something to steal.

    `known` names the contract, milestone and freelancer.
    """
    name = f"t_{uuid.uuid4().hex[:16]}"
    create(name, funded_template[0])
    settings = make_settings(
        os.environ["TEST_APP_URL"].format(name), owner_url=os.environ["TEST_OWNER_URL"].format(name)
    )
    made = Vault(settings, funded_template[1])
    try:
        yield made
    finally:
        made.db.dispose()
        drop(name)
