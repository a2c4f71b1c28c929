"""Which tests go to one worker because they share a world that is expensive to make.

xdist has marks for this (`--dist loadgroup`), but 3.8 writes them into a private name of pytest's
that 9.2 no longer reads: the marks are ignored without a word, and each worker makes every world.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[1]
YEAR = "golden_year"


@functools.cache
def group_of(file: str) -> str | None:
    """The group that a file's tests belong to; None where each may go wherever there is room."""
    text = (ROOT / file).read_text()
    if "year: Golden" in text:
        return YEAR
    return file if 'scope="module"' in text else None


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # the library has no types
    """Groups by what is shared; the largest groups are begun first."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0]) or nodeid


def scheduler(config: Any, log: Any) -> Sharing:
    """For xdist's hook."""
    return Sharing(config, log)
