"""Since when each part of a balance has been there, beside a model that follows every single minor
unit.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.money.ageing import Change, Lot, lots

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def test_first_in_first_out() -> None:
    found = lots([Change(day(0), 100), Change(day(10), 50), Change(day(20), -120)])
    assert found == [Lot(day(10), 30)], "100 of day 0 and 20 of day 10 have left"


def test_what_comes_back_is_as_old_as_it_was() -> None:
    found = lots(
        [
            Change(day(0), 100),
            Change(day(10), 50),
            Change(day(20), -120, "pyo"),
            Change(day(30), 120, "pyo"),
        ]
    )
    assert found == [Lot(day(0), 100), Lot(day(10), 30), Lot(day(10), 20)] or found == [
        Lot(day(0), 100),
        Lot(day(10), 20),
        Lot(day(10), 30),
    ]


def test_a_refund_takes_the_newest() -> None:
    found = lots(
        [Change(day(0), 100), Change(day(10), 50), Change(day(20), -60, newest_first=True)]
    )
    assert found == [Lot(day(0), 90)]


def test_of_a_part_the_newest_comes_back() -> None:
    found = lots(
        [
            Change(day(0), 100),
            Change(day(10), 50),
            Change(day(20), -150, "hld"),
            Change(day(30), 60, "hld"),
        ]
    )
    assert found == [Lot(day(0), 10), Lot(day(10), 50)]


def test_what_comes_on_top_of_what_waited_is_new() -> None:
    found = lots([Change(day(0), 100), Change(day(10), -100, "hld"), Change(day(20), 130, "hld")])
    assert found == [Lot(day(0), 100), Lot(day(20), 30)]


def test_more_than_there_was_is_refused() -> None:
    with pytest.raises(ValueError, match="1 more"):
        lots([Change(day(0), 100), Change(day(1), -101)])


class Units:
    """The model: each minor unit is a date of its own, in a list; slow, and hard to get wrong."""

    def __init__(self) -> None:
        self.here: list[datetime] = []
        self.away: dict[str, list[datetime]] = {}
        self.changes: list[Change] = []

    def come(self, at: datetime, amount: int) -> None:
        self.here += [at] * amount
        self.changes.append(Change(at, amount))

    def leave(self, at: datetime, amount: int, name: str | None, *, newest: bool = False) -> None:
        self.here.sort(reverse=newest)
        gone, self.here = self.here[:amount], self.here[amount:]
        if name:
            self.away[name] = gone
        self.changes.append(Change(at, -amount, name, newest_first=newest))

    def come_back(self, at: datetime, name: str, amount: int) -> None:
        waiting = sorted(self.away[name])
        self.away[name], back = waiting[: len(waiting) - amount], waiting[len(waiting) - amount :]
        self.here += back
        self.changes.append(Change(at, amount, name))


@given(st.data())
def test_as_a_model_that_follows_every_unit(data: Any) -> None:
    model = Units()
    for step in range(data.draw(st.integers(1, 25))):
        at = day(3 * step)
        have, out = len(model.here), [name for name, units in model.away.items() if units]
        act = data.draw(
            st.sampled_from(
                [
                    "release",
                    *(["refund", "payout", "hold"] if have else []),
                    *(["back"] if out else []),
                ]
            )
        )
        if act == "release":
            model.come(at, data.draw(st.integers(1, 40)))
        elif act == "back":
            name = data.draw(st.sampled_from(out))
            waiting = len(model.away[name])
            model.come_back(
                at,
                name,
                waiting if name.startswith("payout") else data.draw(st.integers(1, waiting)),
            )
        else:
            name = None if act == "refund" else f"{act} {step}"
            model.leave(at, data.draw(st.integers(1, have)), name, newest=act == "refund")
        found = lots(model.changes)
        assert [lot.since for lot in found for _ in range(lot.amount_minor)] == sorted(model.here)
