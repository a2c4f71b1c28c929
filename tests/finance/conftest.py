"""The golden year, driven once for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import clone
from tests.finance import golden
from tests.finance.golden import Golden


@pytest.fixture(scope="module")
def year() -> Iterator[Golden]:
    with clone(forfeit_legal_basis="Statute of Uses 1536") as world:
        yield golden.drive(world)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of one module's year go to one worker, so that it is driven once for them and not once in each."""
    for item in items:
        if isinstance(item, pytest.Function) and "year" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))
