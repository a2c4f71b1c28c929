"""Payouts that nobody asked for: on the freelancer's own days, or because money has lain too
long.
"""

from __future__ import annotations

from datetime import date

import pytest

from service.operations.payouts import payout_accounts, payout_requests, scheduled_payouts
from service.operations.payouts.scheduled_payouts import Due
from tests.operations.arranging import available, payout, with_account
from tests.operations.stage import Stage

MONDAY, TUESDAY, FIRST = date(2026, 12, 7), date(2026, 12, 8), date(2026, 12, 1)


def _due(stage: Stage, on: date) -> Due | None:
    with stage.acting(stage.system) as ctx:
        return scheduled_payouts.due(ctx, stage.ada, "USD", on)


def _schedule(stage: Stage, schedule: str) -> None:
    with stage.acting(stage.freelancer) as ctx:
        payout_accounts.set_schedule(ctx, stage.ada, schedule)


@pytest.mark.parametrize(
    ("schedule", "on"),
    [("manual", MONDAY), ("weekly", MONDAY), ("weekly", TUESDAY), ("monthly", FIRST)],
)
def test_a_schedule_begins_at_a_hundred(stage: Stage, schedule: str, on: date) -> None:
    """95.00 are less than the 100.00 from which a schedule pays: nothing is due on any day."""
    available(stage)
    with_account(stage)
    _schedule(stage, schedule)
    assert _due(stage, on) is None


def test_money_is_forced_out_after_ninety_days(stage: Stage) -> None:
    """What is worth a payout does not lie here for more than 90 days."""
    available(stage)
    with_account(stage)
    stage.later(days=89)
    assert _due(stage, TUESDAY) is None
    stage.later(days=1)
    assert _due(stage, TUESDAY) == Due("forced", 9_500)


def test_small_change_is_forced_out_after_half_a_year(stage: Stage) -> None:
    """What is below the least amount of 10.00 lies for 180 days, and is paid out all the same."""
    available(stage)
    with_account(stage)
    payout(stage, 9_000)
    assert stage.balance() == {"available": 500, "in_flight": 9_000}
    stage.later(days=179)
    assert _due(stage, TUESDAY) is None
    stage.later(days=1)
    assert _due(stage, TUESDAY) == Due("forced", 500)
    with stage.acting(stage.system) as ctx:
        payout_requests.request_scheduled(ctx, stage.ada, "USD", "forced", 500)
    assert stage.balance() == {"in_flight": 9_500}


def test_a_payout_of_everything_leaves_what_waits_for_a_hold(stage: Stage) -> None:
    """All that is available is what nobody has asked for yet; when that is nothing, none is made."""
    available(stage)
    with_account(stage)
    payout(stage)
    with stage.acting(stage.system) as ctx:
        assert payout_requests.request_scheduled(ctx, stage.ada, "USD", "schedule") is None
    assert stage.balance() == {"in_flight": 9_500}
