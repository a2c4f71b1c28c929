"""The golden year in books of other zones: the same figures to the cent.

No act of it lies on another day in these.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import clone
from tests.finance import golden
from tests.finance import test_golden as checks
from tests.finance.conftest import BASIS
from tests.finance.golden import Golden


@pytest.fixture(scope="module", params=["Asia/Kolkata", "America/Los_Angeles"])
def elsewhere(request: pytest.FixtureRequest) -> Iterator[Golden]:
    with clone(forfeit_legal_basis=BASIS, book_zone=request.param) as world:
        yield golden.drive(world)


def test_every_figure_is_the_same(elsewhere: Golden, tmp_path: Path) -> None:
    for ours, period in (
        ("2025", "2025"),
        ("2026", "2026"),
        ("FY2025-26", "IN2025-26"),
        ("FY2026-27", "IN2026-27"),
    ):
        checks.test_what_the_freelancer_earned(elsewhere, tmp_path, ours, period)
    for period in ("2025", "2026"):
        checks.test_what_was_held_for_the_client(elsewhere, tmp_path, period)
        checks.test_profit_and_loss(elsewhere, tmp_path, period)
    for day in checks.ENDS:
        checks.test_the_books_at_the_end_of(elsewhere, tmp_path, day)
        checks.test_the_three_ways(elsewhere, tmp_path, day)
    checks.test_the_lines_of_the_history(elsewhere, tmp_path)
    checks.test_the_register(elsewhere, tmp_path)
