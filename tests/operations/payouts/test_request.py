"""Asking for a payout: what is available leaves the balance at once, and never more than that."""

from __future__ import annotations

import pytest

from service.domain.errors import (
    Invalid,
    NotEnough,
    PayoutAccountNotReady,
    PayoutCoolDown,
    StateConflict,
)
from service.models import Payout
from service.operations.payouts import payout_requests, payouts
from tests.operations.arranging import available, held, payout, released, with_account
from tests.operations.stage import Stage


def test_the_money_leaves_the_balance_at_once(stage: Stage) -> None:
    """What was asked for is in flight from the first moment: it cannot be asked for twice."""
    available(stage)
    with_account(stage)
    assert stage.balance() == {"available": 9_500}
    payout_id = payout(stage, 4_000)
    assert stage.state(Payout, payout_id) == "requested"
    assert stage.balance() == {"available": 5_500, "in_flight": 4_000}


def test_no_more_than_is_available(stage: Stage) -> None:
    """A cent more than is available is refused, and so is what was asked for before."""
    available(stage)
    with_account(stage)
    with stage.refused(NotEnough):
        payout(stage, 9_501)
    payout(stage, 9_000)
    with stage.refused(NotEnough):
        payout(stage, 1_000)


def test_pending_money_is_not_available(stage: Stage) -> None:
    """Money in its security period cannot be paid out."""
    released(stage)
    with_account(stage)
    assert stage.balance() == {"pending": 9_500}
    with stage.refused(NotEnough):
        payout(stage, 1_000)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "code"),
    [(999, "USD", "amount_too_small"), (1_000, "XAU", "unknown_currency")],
)
def test_below_the_least_amount(stage: Stage, amount_minor: int, currency: str, code: str) -> None:
    """A payout has at least 10.00 of a currency that banks are paid in."""
    available(stage)
    with_account(stage)
    with stage.refused(Invalid, code), stage.acting(stage.freelancer) as ctx:
        payout_requests.request(ctx, stage.ada, amount_minor, currency)


@pytest.mark.parametrize("status", [None, "pending", "restricted"])
def test_not_without_an_account(stage: Stage, status: str | None) -> None:
    """Without an account that may receive money nothing leaves the balance."""
    available(stage)
    if status:
        with_account(stage, status=status)
    with stage.refused(PayoutAccountNotReady):
        payout(stage)


def test_another_bank_account_waits_three_days(stage: Stage) -> None:
    """Whoever changes the bank account cannot empty the balance within 72 hours."""
    available(stage)
    with_account(stage)
    first = payout(stage, 4_000)
    with_account(stage, bank="ba_second")
    assert stage.state(Payout, first) == "canceled", "it would have gone to the old account"
    assert stage.balance() == {"available": 9_500}
    with stage.refused(PayoutCoolDown):
        payout(stage)
    stage.later(hours=72)
    payout(stage)
    assert stage.balance() == {"in_flight": 9_500}


def test_taking_it_back(stage: Stage) -> None:
    """A payout that has not left is taken back: all of it is available again."""
    available(stage)
    with_account(stage)
    payout_id = payout(stage)
    assert stage.balance() == {"in_flight": 9_500}
    with stage.on_payout(stage.freelancer, payout_id) as (ctx, found):
        payouts.cancel(ctx, found)
    assert stage.state(Payout, payout_id) == "canceled"
    assert stage.balance() == {"available": 9_500}


def test_taken_back_once(stage: Stage) -> None:
    """A payout that was taken back gives its money back once."""
    available(stage)
    with_account(stage)
    payout_id = payout(stage)
    with stage.on_payout(stage.freelancer, payout_id) as (ctx, found):
        payouts.cancel(ctx, found)
    with stage.refused(StateConflict), stage.on_payout(stage.freelancer, payout_id) as (ctx, found):
        payouts.cancel(ctx, found)


def test_under_a_hold_it_waits(stage: Stage) -> None:
    """A payout that is asked for under a hold is written down and moves nothing."""
    available(stage)
    with_account(stage)
    held(stage, "outflow")
    payout_id = payout(stage, 4_000)
    assert stage.state(Payout, payout_id) == "held"
    assert stage.balance() == {"available": 9_500, "held": 9_500}
    with stage.refused(NotEnough):
        # 55.00 are not spoken for.
        payout(stage, 5_501)
