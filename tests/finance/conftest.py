"""The golden year: driven once, and a copy of it for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.databases import clone, copy_of
from tests.finance import golden
from tests.finance.golden import Golden
from tests.servers import once
from tests.sharing import YEAR, group_of

BASIS = "Statute of Uses 1536"


@pytest.fixture(scope="session")
def driven_year() -> Iterator[Golden]:
    once(YEAR)
    with clone(forfeit_legal_basis=BASIS) as world:
        yield golden.drive(world)


@pytest.fixture(scope="module")
def year(driven_year: Golden) -> Iterator[Golden]:
    with copy_of(driven_year.world, forfeit_legal_basis=BASIS) as world:
        golden.own_windows(world)
        yield replace(driven_year, world=world)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for the year lies in a file that goes to the one worker that drives it."""
    for item in items:
        if isinstance(item, pytest.Function) and "year" in item.fixturenames:
            file = item.nodeid.partition("::")[0]
            assert group_of(file) == YEAR, f"{file} asks for the golden year: see tests/sharing.py"
