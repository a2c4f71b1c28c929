"""A bank takes the payment back: its money is found wherever it is, and the bank decides.

Held money is locked, released money is set aside, money that is gone is owed or the platform's
loss. Stripe's fee of 15.00 for the bank's dispute is the platform's, whatever is decided.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.core import repository
from service.core.repository import EVERYONE
from service.domain.errors import ChargedBack
from service.domain.money.chart import AccountCode
from service.models import Chargeback, Dispute, Milestone, Payment, RefundRequest
from service.operations.disputes import chargeback_outcomes
from service.operations.payments import refund_requests
from service.operations.payouts import payout_sending
from tests.operations.arranging import (
    asked_back,
    available,
    bank_says,
    disputed,
    released,
    released_by_silence,
    sent,
    submitted,
)
from tests.operations.stage import Money, Stage

LOSSES = AccountCode.LOSSES


def _paid_out(stage: Stage, release: Callable[[Stage], None]) -> None:
    """The freelancer has the 95.00 at their bank."""
    payout_id = sent(stage, release)
    with stage.on_payout(stage.system, payout_id) as (ctx, found):
        payout_sending.mark_paid(ctx, found)


def test_an_inquiry_locks_nothing(stage: Stage) -> None:
    """A bank that only asks has taken nothing: the money stays held."""
    chargeback_id = bank_says(stage, "warning_needs_response")
    assert stage.state(Chargeback, chargeback_id) == "inquiry"
    assert stage.money() == {"escrow": 10_000}
    bank_says(stage, "warning_closed")
    assert stage.state(Chargeback, chargeback_id) == "closed"
    assert stage.money() == {"escrow": 10_000}


@pytest.mark.parametrize(
    ("amount_minor", "money", "milestone"),
    [
        (10_000, {"disputed": 10_000}, "disputed"),
        (4_000, {"escrow": 6_000, "disputed": 4_000}, "funded"),
    ],
)
def test_held_money_is_locked(
    stage: Stage, amount_minor: int, money: Money, milestone: str
) -> None:
    """Exactly what the bank has pulled is locked; the rest goes on."""
    chargeback_id = bank_says(stage, "needs_response", amount_minor)
    assert stage.state(Chargeback, chargeback_id) == "evidence_due"
    assert stage.state(Payment, stage.payment) == "charged_back"
    assert stage.state(Milestone, stage.milestone) == milestone
    assert stage.money() == money


@pytest.mark.parametrize(
    ("outcome", "money", "milestone", "payment"),
    [
        ("won", {"escrow": 10_000}, "submitted", "won"),
        ("lost", {"charged_back": 10_000}, "charged_back", "lost"),
    ],
)
def test_the_bank_decides_about_held_money(
    stage: Stage, outcome: str, money: Money, milestone: str, payment: str
) -> None:
    """Won, everything is as it was before; lost, the client has it back by way of the bank."""
    submitted(stage)
    chargeback_id = bank_says(stage, "needs_response")
    assert stage.money() == {"disputed": 10_000}
    bank_says(stage, outcome)
    assert stage.state(Chargeback, chargeback_id) == outcome
    assert stage.state(Payment, stage.payment) == payment
    assert stage.state(Milestone, stage.milestone) == milestone
    assert stage.money() == money
    assert stage.books(LOSSES, AccountCode.DISPUTE_FEES) == {"dispute_fees": 1_500}


@pytest.mark.parametrize("prepare", [released, available])
def test_released_money_is_set_aside(stage: Stage, prepare: Callable[[Stage], None]) -> None:
    """What was released and is still here waits for the bank's decision, pending or available."""
    prepare(stage)
    bank_says(stage, "needs_response")
    # The bank has pulled 100.00: 95.00 are the freelancer's, 5.00 were the platform's fee.
    assert stage.balance() == {"reserved": 9_500}


@pytest.mark.parametrize(
    ("outcome", "balance", "losses"),
    [
        ("won", {"available": 9_500}, {}),
        # The client approved by a code from their mailbox, so the platform bears all of it.
        ("lost", {"available": 9_500}, {"losses": 10_000}),
    ],
)
def test_who_did_all_that_could_be_asked_loses_nothing(
    stage: Stage, outcome: str, balance: Money, losses: Money
) -> None:
    """Work that was handed over and approved by the client stays paid, whatever the bank says."""
    available(stage)
    bank_says(stage, "needs_response")
    assert stage.balance() == {"reserved": 9_500}
    bank_says(stage, outcome)
    assert stage.balance() == balance
    assert stage.books(LOSSES) == losses


def test_otherwise_what_was_set_aside_pays_for_it(stage: Stage) -> None:
    """Money that silence released is not protected: lost, it is gone, and only the fee a loss."""
    released_by_silence(stage)
    bank_says(stage, "needs_response")
    assert stage.balance() == {"reserved": 9_500}
    bank_says(stage, "lost")
    assert stage.balance() == {}
    assert stage.books(LOSSES) == {"losses": 500}


@pytest.mark.parametrize(
    ("release", "balance", "losses"),
    [
        # The client approved: the platform bears all of it.
        (released, {}, {"losses": 10_000}),
        # Silence released it: they owe their 95.00, and the fee of 5.00 is lost.
        (released_by_silence, {"recoverable": 9_500}, {"losses": 500}),
    ],
)
def test_what_was_paid_out_is_a_loss_or_owed(
    stage: Stage, release: Callable[[Stage], None], balance: Money, losses: Money
) -> None:
    """Money that is gone is owed only by whom the checklist does not protect, and only once lost."""
    _paid_out(stage, release)
    bank_says(stage, "needs_response")
    assert stage.balance() == {}, "there is nothing here to set aside"
    bank_says(stage, "lost")
    assert stage.balance() == balance
    assert stage.books(LOSSES) == losses


def test_nothing_is_set_aside_for_ever(stage: Stage) -> None:
    """A bank that does not decide within 120 days frees the reserve; lost later, it is owed."""
    available(stage, released_by_silence)
    chargeback_id = bank_says(stage, "needs_response")
    assert stage.balance() == {"reserved": 9_500}
    stage.later(days=120)
    with stage.acting(stage.system) as ctx:
        contract, found = repository.chargeback(
            ctx.session, chargeback_id, owner=EVERYONE, lock=True
        )
        assert chargeback_outcomes.end_reserve(ctx, contract, found)
    assert stage.balance() == {"available": 9_500}
    bank_says(stage, "lost")
    assert stage.balance() == {"available": 9_500, "recoverable": 9_500}


def test_hearing_it_twice_changes_nothing(stage: Stage) -> None:
    """The same news of the bank again is not booked again."""
    bank_says(stage, "needs_response")
    before = stage.books(), stage.events()
    bank_says(stage, "needs_response")
    assert (stage.books(), stage.events()) == before


def test_what_the_two_were_arguing_about_ends(stage: Stage) -> None:
    """A dispute between the two is superseded: the bank decides about the money now."""
    dispute_id = disputed(stage, amount_minor=4_000)
    bank_says(stage, "needs_response")
    assert stage.state(Dispute, dispute_id) == "withdrawn"
    assert stage.money() == {"disputed": 10_000}


def test_what_the_client_asked_back_ends(stage: Stage) -> None:
    """A request for a refund has no meaning once the client has asked their bank."""
    request_id = asked_back(stage)
    bank_says(stage, "needs_response")
    assert stage.state(RefundRequest, request_id) == "withdrawn"
    assert stage.money() == {"disputed": 10_000}


def test_nothing_is_refunded_that_the_bank_has(stage: Stage) -> None:
    """A refund of a payment that the bank has taken back would pay the client twice."""
    bank_says(stage, "needs_response", 4_000)
    with stage.refused(ChargedBack), stage.on(stage.freelancer) as (ctx, contract, milestone):
        refund_requests.give(ctx, contract, milestone, 1_000, "A discount.")
