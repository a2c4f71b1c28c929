"""A case that was wrong: what is still here goes back to whom it was taken from, once.

What a milestone cannot hold any more is the client's, and leaves by the way they paid.
"""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.core import staff_tasks
from service.core.repository import EVERYONE
from service.domain.errors import Forbidden, StateConflict
from service.domain.money.chart import AccountCode
from service.domain.money.psp import RefundSnapshot
from service.domain.states.job_types import JobType
from service.models import Confiscation, Event, Job, Milestone, Payment, Refund
from service.operations.disputes import negotiation
from service.operations.payments import refund_requests, refund_results, refunds
from service.operations.safety import cases
from service.operations.safety.case_drafts import CaseRequest
from service.pages.formatting import milestone_words
from service.workflows import staff_actions
from tests.operations.arranging import asked_back, available, bank_says, disputed, released
from tests.operations.cases.carrying_out import by, executed, from_escrow
from tests.operations.stage import Money, Stage


def test_what_was_wrong_is_held_again(stage: Stage) -> None:
    """A milestone that goes on holds again what an authority has not had yet; nothing is sent."""
    case_id = executed(stage, from_escrow(stage, 4_000, "authority"))
    assert stage.money() == {"escrow": 6_000, "confiscated": 4_000}
    restored(stage, case_id)
    assert stage.state(Confiscation, case_id) == "reversed"
    assert stage.money() == {"escrow": 10_000}
    assert stage.books(*_PLACES) == {"escrow": 10_000}


def test_a_milestone_that_is_over_gives_it_back_to_the_client(stage: Stage) -> None:
    """All of a milestone was taken and it was wrong: the client paid for it and gets it back by the
    way they paid, and everybody reads that it was given back."""
    case_id = executed(stage, from_escrow(stage, 10_000, "authority"))
    assert stage.books(*_PLACES) == {"authority_payable": 10_000}
    restored(stage, case_id)
    assert stage.books(*_PLACES) == {"refund_in_flight": 10_000}
    assert stage.money() == {"refunded": 10_000}
    assert _line(stage, case_id) == (10_000, "back to the client, by the way it came")
    assert stage.state(Milestone, stage.milestone) == "confiscated", "a final state stays"
    with stage.acting(stage.system) as ctx:
        milestone = ctx.session.get_one(Milestone, stage.milestone)
        assert (milestone.confiscated_minor, milestone.refunded_minor) == (0, 10_000)
        assert milestone_words(milestone) == "Given back to you"
    assert "milestone.given_back" in _told(stage)
    refund_id = _sent_back(stage)
    with stage.on_refund(stage.system, refund_id) as (ctx, contract, payment, refund):
        snapshot = RefundSnapshot("re_1", "succeeded", amount=10_000, currency="usd")
        refund_results.apply_refund(ctx, contract, payment, refund, snapshot)
    assert stage.books(*_PLACES) == {}
    assert stage.money() == {"refunded": 10_000}
    assert stage.state(Payment, stage.payment) == "refunded"


def test_what_a_release_left_is_the_client_s(stage: Stage) -> None:
    """A part was taken and the rest was released: the part that comes back is the client's, and
    nothing of the freelancer's moves."""
    case_id = executed(stage, from_escrow(stage, 4_000, "authority"))
    released(stage)
    # 5 % of 60.00 is 3.00.
    assert stage.money() == {"confiscated": 4_000, "pending": 5_700, "fee": 300}
    restored(stage, case_id)
    assert stage.money() == {"refunded": 4_000, "pending": 5_700, "fee": 300}
    assert stage.books(*_PLACES) == {"refund_in_flight": 4_000}
    assert stage.state(Refund, _sent_back(stage)) == "pending"


def test_an_appeal_that_was_partly_right_gives_that_part_back(stage: Stage) -> None:
    """Each part of a milestone that is over is sent back by itself, and no more than was taken."""
    case_id = executed(stage, from_escrow(stage, 10_000, "authority"))
    for part in (4_000, 3_500):
        with by(stage, "Olympe") as ctx:
            case = cases.find(ctx.session, case_id, owner=EVERYONE, lock=True)
            cases.change(ctx, case, {1: part}, at_platform_cost=False)
    assert stage.books(*_PLACES) == {"authority_payable": 2_500, "refund_in_flight": 7_500}
    assert stage.money() == {"confiscated": 2_500, "refunded": 7_500}
    restored(stage, case_id)
    assert stage.books(*_PLACES) == {"refund_in_flight": 10_000}
    assert _refunds(stage) == [(4_000, "pending"), (3_500, "pending"), (2_500, "pending")]


def test_it_is_given_back_once(stage: Stage) -> None:
    """A case that was reversed is not reversed again."""
    case_id = executed(stage, from_escrow(stage, 10_000, "authority"))
    restored(stage, case_id)
    with stage.refused(StateConflict):
        restored(stage, case_id)


def test_what_the_freelancer_lost_is_theirs_again(stage: Stage) -> None:
    """A case over a balance gives back to the balance: no refund is made of it."""
    available(stage)
    case_id = executed(stage, CaseRequest("available", 4_000, "proven_loss", None))
    assert stage.balance() == {"available": 5_500}
    restored(stage, case_id)
    assert stage.balance() == {"available": 9_500}
    assert _refunds(stage) == []


@pytest.mark.parametrize(
    ("said", "paid", "books"),
    [
        # The bank gives the payment back: what the client is owed is sent.
        ("won", 10_000, {"refund_in_flight": 10_000}),
        # The bank keeps it: a person decides what becomes of what the client has already.
        ("lost", 0, {"unclaimed": 10_000}),
    ],
)
def test_while_the_bank_has_the_payment_it_waits(
    stage: Stage, said: str, paid: int, books: Money
) -> None:
    """A payment that a bank has taken back cannot be refunded: the client is owed the money, a
    person is told, and it is sent only if the bank gives the payment back."""
    case_id = executed(stage, from_escrow(stage, 10_000, "authority"))
    bank_says(stage, "needs_response")
    restored(stage, case_id)
    assert stage.books(*_PLACES) == {"unclaimed": 10_000}
    assert _refunds(stage) == [(10_000, "canceled")]
    assert _line(stage, case_id)[1].startswith("owed to the client")
    assert "refund_failed" in _tasks(stage)
    bank_says(stage, said)
    if said == "won":
        with stage.on_payment(stage.system) as (ctx, contract, payment):
            refunds.resume(ctx, contract, payment)
    assert stage.books(*_PLACES) == books
    assert sum(amount for amount, state in _refunds(stage) if state == "pending") == paid


def test_a_chargeback_afterwards_finds_what_was_not_sent(stage: Stage) -> None:
    """The bank pulls the payment before the refund has left: the refund is called off, and what the
    client was owed is set aside for what the bank took."""
    case_id = executed(stage, from_escrow(stage, 10_000, "authority"))
    restored(stage, case_id)
    with stage.on_payment(stage.system) as (ctx, contract, payment):
        (unsent,) = refunds.unsent(ctx.session, payment.id)
        refunds.cancel_unsent(ctx, contract, payment, unsent)
    bank_says(stage, "needs_response")
    assert stage.books(*_PLACES, AccountCode.RESERVE) == {"reserve": 10_000}
    bank_says(stage, "lost")
    assert stage.books(*_PLACES, AccountCode.RESERVE) == {}
    assert stage.books(AccountCode.LOSSES) == {}, "nobody lost by it"


def test_a_dispute_of_the_rest_ends_with_the_milestone_going_on(stage: Stage) -> None:
    """All that was left is in dispute when the taken part comes back: it is held, and when the
    dispute is over the milestone goes on with it instead of staying in a dispute that is none."""
    case_id = executed(stage, from_escrow(stage, 4_000, "authority"))
    dispute_id = disputed(stage, refund_minor=6_000)
    assert stage.state(Milestone, stage.milestone) == "disputed"
    restored(stage, case_id)
    assert stage.money() == {"escrow": 4_000, "disputed": 6_000}
    with stage.on_dispute(stage.freelancer, dispute_id) as (ctx, contract, dispute):
        negotiation.accept_claim(ctx, contract, dispute, "freelancer")
    assert stage.money() == {"escrow": 4_000, "refund_in_flight": 6_000}
    assert stage.state(Milestone, stage.milestone) == "funded"


def test_a_request_for_the_rest_ends_with_the_milestone_going_on(stage: Stage) -> None:
    """The same where a refund of all the rest was asked for: agreeing gives back what was asked,
    and the milestone goes on with what came back."""
    case_id = executed(stage, from_escrow(stage, 4_000, "authority"))
    request_id = asked_back(stage)
    restored(stage, case_id)
    with stage.on_request(stage.freelancer, request_id) as (ctx, contract, request):
        refund_requests.agree(ctx, contract, request)
    assert stage.money() == {"escrow": 4_000, "refund_in_flight": 6_000}
    assert stage.state(Milestone, stage.milestone) == "funded"


_PLACES = (
    AccountCode.AUTHORITY_PAYABLE,
    AccountCode.CONFISCATED,
    AccountCode.ESCROW,
    AccountCode.REFUND_IN_FLIGHT,
    AccountCode.UNCLAIMED,
)


def restored(stage: Stage, case_id: str) -> None:
    with by(stage, "Olympe") as ctx:
        staff_actions.restore(ctx, case_id, "It was hers.", at_platform_cost=False)


def _line(stage: Stage, case_id: str) -> tuple[int, str]:
    with stage.acting(stage.system) as ctx:
        (line,) = ctx.session.get_one(Confiscation, case_id).lines
        return line.restored_minor, line.restore_note or ""


def _refunds(stage: Stage) -> list[tuple[int, str]]:
    with stage.acting(stage.system) as ctx:
        query = select(Refund.amount_minor, Refund.state).order_by(Refund.id)
        return [(amount, str(state)) for amount, state in ctx.session.execute(query)]


def _sent_back(stage: Stage) -> str:
    """The one refund, for which a job is there that sends it."""
    with stage.acting(stage.system) as ctx:
        refund_id = ctx.session.execute(select(Refund.id)).scalar_one()
        query = select(Job.subject).where(Job.kind == JobType.REFUND_SEND)
        assert refund_id in ctx.session.execute(query).scalars().all()
        return refund_id


def _tasks(stage: Stage) -> list[str]:
    with stage.acting(stage.system) as ctx:
        return [task["kind"] for task in staff_tasks.open_tasks(ctx.session)]


def _told(stage: Stage) -> list[str]:
    with stage.acting(stage.system) as ctx:
        query = select(Event.type).where(Event.public).order_by(Event.id)
        return list(ctx.session.execute(query).scalars())


def test_who_carried_it_out_does_not_restore_it(stage: Stage) -> None:
    """Somebody else than who executed a case says that it was wrong."""
    case_id = executed(stage, from_escrow(stage, target="authority"))
    with stage.refused(Forbidden), by(stage, "Mary") as ctx:
        staff_actions.restore(ctx, case_id, "It was hers.", at_platform_cost=False)


def test_not_after_half_a_year(stage: Stage) -> None:
    """After the 180 days of an appeal a case is final."""
    case_id = executed(stage, from_escrow(stage, target="authority"))
    stage.later(days=181)
    with stage.refused(StateConflict), by(stage, "Olympe") as ctx:
        staff_actions.restore(ctx, case_id, "It was hers.", at_platform_cost=False)
