"""What becomes of a refund at Stripe: it arrives, or its money is here again and not lost."""

from __future__ import annotations

import pytest

from service.domain.errors import Invalid
from service.domain.money.chart import AccountCode
from service.domain.money.psp import RefundSnapshot
from service.models import Milestone, Payment, Refund
from service.operations.payments import external_refunds, refund_requests, refund_results
from tests.operations.arranging import released
from tests.operations.stage import Money, Stage


def _given(stage: Stage, amount_minor: int | None) -> str:
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        return refund_requests.give(ctx, contract, milestone, amount_minor, "I cannot do it.").id


def _stripe_says(stage: Stage, refund_id: str, status: str) -> None:
    with stage.on_refund(stage.system, refund_id) as (ctx, contract, payment, refund):
        refund_results.apply_refund(ctx, contract, payment, refund, RefundSnapshot("re_1", status))


@pytest.mark.parametrize(
    ("amount_minor", "money", "payment"),
    [
        (None, {"refunded": 10_000}, "refunded"),
        (2_500, {"escrow": 7_500, "refunded": 2_500}, "partially_refunded"),
    ],
)
def test_it_arrives(stage: Stage, amount_minor: int | None, money: Money, payment: str) -> None:
    """A refund that succeeded is with the client, and the payment says how much of it is."""
    refund_id = _given(stage, amount_minor)
    _stripe_says(stage, refund_id, "succeeded")
    assert stage.state(Refund, refund_id) == "succeeded"
    assert stage.state(Payment, stage.payment) == payment
    assert stage.money() == money


def test_a_part_that_fails_is_held_again(stage: Stage) -> None:
    """While the milestone goes on, what could not be sent is held for it as before."""
    refund_id = _given(stage, 2_500)
    assert stage.money() == {"escrow": 7_500, "refund_in_flight": 2_500}
    _stripe_says(stage, refund_id, "failed")
    assert stage.state(Refund, refund_id) == "failed"
    assert stage.money() == {"escrow": 10_000}


def test_the_whole_that_fails_is_owed_to_the_client(stage: Stage) -> None:
    """When the milestone is over, what could not be sent is the client's and nobody else's."""
    refund_id = _given(stage, None)
    _stripe_says(stage, refund_id, "failed")
    assert stage.state(Milestone, stage.milestone) == "refunded"
    assert stage.books(AccountCode.UNCLAIMED, AccountCode.ESCROW) == {"unclaimed": 10_000}


def test_hearing_it_twice_changes_nothing(stage: Stage) -> None:
    """News that was heard before is not booked again."""
    refund_id = _given(stage, None)
    _stripe_says(stage, refund_id, "succeeded")
    before = stage.books(), stage.events()
    _stripe_says(stage, refund_id, "succeeded")
    assert (stage.books(), stage.events()) == before


def _refunded_at_stripe(stage: Stage, amount_minor: int) -> str:
    snapshot = RefundSnapshot("re_other", "succeeded", amount=amount_minor, currency="usd")
    with stage.on_payment(stage.system) as (ctx, contract, payment):
        return external_refunds.record_external_refund(
            ctx, contract, payment, snapshot, amount_minor, "USD"
        ).id


def test_a_refund_past_the_service_comes_out_of_what_is_held(stage: Stage) -> None:
    """Who refunds at Stripe itself takes held money: the books follow, and nothing is lost."""
    refund_id = _refunded_at_stripe(stage, 10_000)
    assert stage.state(Refund, refund_id) == "succeeded"
    assert stage.money() == {"refunded": 10_000}
    assert stage.state(Milestone, stage.milestone) == "refunded"


def test_a_refund_past_the_service_after_the_release_is_the_platforms_loss(stage: Stage) -> None:
    """The freelancer does not pay for a refund that they did not give."""
    released(stage)
    _refunded_at_stripe(stage, 4_000)
    assert stage.balance() == {"pending": 9_500}
    assert stage.books(AccountCode.LOSSES) == {"losses": 4_000}


def test_no_more_goes_back_than_was_paid(stage: Stage) -> None:
    """What was refunded past the service cannot be given back a second time: of 100.00 that were
    paid, 40.00 are with the client already.
    """
    released(stage)
    _refunded_at_stripe(stage, 4_000)
    with (
        stage.refused(Invalid, "amount_out_of_range"),
        stage.on(stage.freelancer) as (ctx, contract, milestone),
    ):
        refund_requests.give(ctx, contract, milestone, 6_001, "All of it.")
    _given(stage, None)
    # 60.00 of 100.00 go back: the fee on them, 3.00, is the platform's; the freelancer bears 57.00.
    assert stage.balance() == {"pending": 3_800}
    assert stage.books(AccountCode.LOSSES) == {"losses": 4_000}
