"""From what sums on a payee is reported on Form 1099-K: to the federal tax office and to states, by
year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from service.policies.reading import Row, read

_FILE = Path(__file__).parent / "us_1099k.yaml"


@dataclass(frozen=True)
class Threshold:
    """`state` is 'US' for the federal one.

    Reported from `gross_minor` (US cents) and `count` transactions on, both included.
    """

    state: str
    from_year: int
    gross_minor: int
    count: int
    source: str
    verified_on: date


@cache
def thresholds() -> tuple[Threshold, ...]:
    """Every row of the file. Raises PolicyError."""
    file = read(_FILE.read_text(), _FILE.name).known(["federal", "states"])
    # "More than" twenty thousand dollars and two hundred transactions, but "at least" in the
    # states.
    federal = [
        _threshold(row, "US", row["gross_above"] * 100 + 1, row["count_above"] + 1)
        for row in file["federal"]
    ]
    return (
        *federal,
        *(
            _threshold(row, row["state"], row["gross_from"] * 100, row["count_from"])
            for row in file["states"]
        ),
    )


def _threshold(row: Row, state: str, gross_minor: int, count: int) -> Threshold:
    if type(row["verified_on"]) is not date or not isinstance(row["from"], int):
        raise row.refuse("from is a year and verified_on a day")
    return Threshold(state, row["from"], gross_minor, count, str(row["source"]), row["verified_on"])
