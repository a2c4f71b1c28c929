"""Tests that share an expensive world go to one worker, whatever pytest and xdist think of
marks.
"""

from __future__ import annotations

from pathlib import Path

import psycopg.errors
import pytest

from tests.servers import once
from tests.sharing import ROOT, YEAR, Sharing, group_of


@pytest.mark.parametrize("name", ["golden", "invoices", "tax"])
def test_the_year_is_one_group(name: str) -> None:
    file = f"tests/finance/test_{name}.py"
    assert group_of(file) == YEAR
    split = Sharing._split_scope
    assert split(None, f"{file}::test_a[1@x]") == split(None, f"{file}::test_b") == YEAR


def test_a_file_that_shares_nothing_is_spread() -> None:
    nodeid = "tests/flow/test_main_job.py::test_three_milestones_to_three_payouts"
    assert Sharing._split_scope(None, nodeid) == nodeid


def test_every_file_with_a_fixture_of_its_own_module_is_a_group() -> None:
    files = [
        p
        for p in (ROOT / "tests").rglob("test_*.py")
        if '@pytest.fixture(scope="module")' in p.read_text()
    ]
    assert len(files) >= 4
    for path in files:
        assert group_of(str(Path(path).relative_to(ROOT))), path


def test_what_is_made_once_cannot_be_made_again() -> None:
    once("made_for_this_test")
    with pytest.raises(psycopg.errors.DuplicateSchema):
        once("made_for_this_test")
