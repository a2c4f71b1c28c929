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
