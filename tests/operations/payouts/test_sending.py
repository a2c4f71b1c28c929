"""A payout on its way: from here on only the bank's answer moves its money."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.core.staff_tasks import TaskType
from service.domain.errors import StateConflict
from service.domain.money.chart import AccountCode
from service.models import Payout, StaffTask
from service.operations.payouts import payout_sending, payouts
from service.workflows import staff_actions
from tests.operations.arranging import available, held, payout, sent, with_account
from tests.operations.stage import Stage


def _requested(stage: Stage) -> str:
    available(stage)
    with_account(stage)
    return payout(stage)


def test_what_was_sent_cannot_be_taken_back(stage: Stage) -> None:
    """Once Stripe may have heard of it a payout is no longer the freelancer's to cancel."""
    payout_id = sent(stage)
    assert stage.state(Payout, payout_id) == "in_transit"
    with stage.refused(StateConflict), stage.on_payout(stage.freelancer, payout_id) as (ctx, found):
        payouts.cancel(ctx, found)


def test_it_waits_for_the_account(stage: Stage) -> None:
    """A payout is not sent to an account that may not receive money; it waits, and says for what."""
    payout_id = _requested(stage)
    with_account(stage, status="restricted")
    with stage.on_payout(stage.system, payout_id) as (ctx, found):
        assert not payout_sending.begin_sending(ctx, found)
        assert found.waiting_for == "payout_account"
    assert stage.state(Payout, payout_id) == "requested"
    assert stage.balance() == {"in_flight": 9_500}


def test_the_bank_has_it(stage: Stage) -> None:
    """A payout that arrived leaves the service's books: the contract shows it as paid out."""
    payout_id = sent(stage)
    assert stage.money() == {"payout_in_flight": 9_500, "fee": 500}
    with stage.on_payout(stage.system, payout_id) as (ctx, found):
        payout_sending.mark_paid(ctx, found)
    assert stage.state(Payout, payout_id) == "paid"
    assert stage.balance() == {}
    assert stage.money() == {"paid_out": 9_500, "fee": 500}
    assert stage.books(AccountCode.PSP_TRUST) == {}, "the other 5.00 are the platform's own"


def test_hearing_twice_that_it_arrived_changes_nothing(stage: Stage) -> None:
    """The same news again is not booked again."""
    payout_id = sent(stage)
    for _ in range(2):
        with stage.on_payout(stage.system, payout_id) as (ctx, found):
            payout_sending.mark_paid(ctx, found)
    assert stage.money() == {"paid_out": 9_500, "fee": 500}


@pytest.mark.parametrize("had_arrived", [False, True])
def test_the_bank_refuses_it(stage: Stage, had_arrived: bool) -> None:
    """A payout that failed, even after it seemed to have arrived, is available again, whole."""
    payout_id = sent(stage)
    with stage.on_payout(stage.system, payout_id) as (ctx, found):
        if had_arrived:
            payout_sending.mark_paid(ctx, found)
        payout_sending.begin_return(ctx, found, "account_closed")
    assert stage.balance() == ({} if had_arrived else {"in_flight": 9_500}), "not before it is back"
    with stage.on_payout(stage.system, payout_id) as (ctx, found):
        payout_sending.record_recall(ctx, found, 1, (("trr_1", 9_500),))
        payout_sending.mark_failed(ctx, found)
    assert stage.state(Payout, payout_id) == "failed"
    assert stage.balance() == {"available": 9_500}
    payout(stage)
    assert stage.balance() == {"in_flight": 9_500}, "the same money can be asked for again"


def test_a_hold_calls_back_what_is_on_its_way(stage: Stage) -> None:
    """What has left is asked back of Stripe; until that is known its money stays in flight."""
    payout_id = sent(stage)
    hold_id = held(stage, "outflow")
    with stage.acting(stage.staff("Florence")) as ctx:
        (effect,) = staff_actions.hold(ctx, hold_id).effects
        assert (effect.object_id, effect.outcome) == (
            payout_id,
            "was on its way; Stripe is asked to give it back",
        )
    assert stage.state(Payout, payout_id) == "in_transit"
    assert stage.balance() == {"in_flight": 9_500}


def test_a_transfer_that_somebody_else_took_back_is_looked_at(stage: Stage) -> None:
    """A reversal that we did not ask for moves nothing in the books: a person decides."""
    payout_id = sent(stage)
    with stage.on_payout(stage.system, payout_id) as (ctx, found):
        payout_sending.record_reversal(ctx, found, 1, 9_500)
    with stage.acting(stage.system) as ctx:
        (task,) = ctx.session.execute(
            select(StaffTask).where(StaffTask.subject == payout_id)
        ).scalars()
        assert task.kind == TaskType.TRANSFER_REVERSED_OUTSIDE
    assert stage.balance() == {"in_flight": 9_500}
