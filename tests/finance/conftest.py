"""The golden year: driven once, and a copy of it for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.databases import clone, copy_of
from tests.finance import golden
from tests.finance.golden import Golden

BASIS = "Statute of Uses 1536"


@pytest.fixture(scope="session")
def driven_year() -> Iterator[Golden]:
    with clone(forfeit_legal_basis=BASIS) as world:
        yield golden.drive(world)


@pytest.fixture(scope="module")
def year(driven_year: Golden) -> Iterator[Golden]:
    with copy_of(driven_year.world, forfeit_legal_basis=BASIS) as world:
        golden.own_windows(world)
        yield replace(driven_year, world=world)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them go to one worker, so that the year is driven once and not once in each."""
    for item in items:
        if isinstance(item, pytest.Function) and "year" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("golden"))
        if isinstance(item, pytest.Function) and "busy" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("busy"))
