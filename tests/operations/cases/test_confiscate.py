"""Taking money for good needs due process: a hold, a notice, time to answer, two who agree.

Until the case is carried out not a cent moves; what was wrong comes back.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.core.repository import EVERYONE
from service.domain.errors import Forbidden, Invalid, OnHold, StateConflict
from service.domain.money.chart import AccountCode
from service.models import Confiscation, Hold
from service.operations.contracts import milestones
from service.operations.safety import cases
from service.operations.safety.case_drafts import CaseRequest
from service.workflows import staff_actions
from tests.operations.arranging import available, held
from tests.operations.cases.carrying_out import (
    approved,
    by,
    draft,
    draft_under,
    executed,
    from_escrow,
)
from tests.operations.stage import Money, Stage


def test_drafting_and_noticing_moves_nothing(stage: Stage) -> None:
    """The person is told of sums and clause and has 14 days; their money stays where it is."""
    case_id = draft(stage, from_escrow(stage))
    with by(stage, "Florence") as ctx:
        case = staff_actions.notice(ctx, case_id)
        assert case.answer_until == ctx.now + timedelta(days=14)
    assert stage.state(Confiscation, case_id) == "noticed"
    assert stage.money() == {"escrow": 10_000}


def test_a_case_is_about_what_is_there(stage: Stage) -> None:
    """No line takes more than its account has."""
    hold_id = held(stage, "release")
    with stage.refused(Invalid, "more_than_there_is"):
        draft_under(stage, hold_id, from_escrow(stage, 10_001))


def test_one_approval_is_not_enough(stage: Stage) -> None:
    """The second approval approves the case, and it is another person's."""
    case_id = draft(stage, from_escrow(stage))
    with by(stage, "Florence") as ctx:
        staff_actions.notice(ctx, case_id)
    with by(stage, "Mary") as ctx:
        staff_actions.approve(ctx, case_id)
    assert stage.state(Confiscation, case_id) == "noticed"
    with stage.refused(Forbidden), by(stage, "Mary") as ctx:
        staff_actions.approve(ctx, case_id)
    with by(stage, "Olympe") as ctx:
        staff_actions.approve(ctx, case_id)
    assert stage.state(Confiscation, case_id) == "approved"
    assert stage.money() == {"escrow": 10_000}


def test_who_opened_it_does_not_approve_it(stage: Stage) -> None:
    """Whoever opened the hold or the case is none of the two."""
    case_id = draft(stage, from_escrow(stage))
    with by(stage, "Florence") as ctx:
        staff_actions.notice(ctx, case_id)
    with stage.refused(Forbidden), by(stage, "Florence") as ctx:
        staff_actions.approve(ctx, case_id)


def test_not_before_the_time_to_answer_is_over(stage: Stage) -> None:
    """Even an approved case waits for the 14 days, whatever was answered."""
    case_id = draft(stage, from_escrow(stage))
    with by(stage, "Florence") as ctx:
        staff_actions.notice(ctx, case_id)
    for who in ("Mary", "Olympe"):
        with by(stage, who) as ctx:
            staff_actions.approve(ctx, case_id)
    stage.later(days=13)
    with stage.refused(StateConflict), by(stage, "Mary") as ctx:
        staff_actions.execute(ctx, case_id)


def test_an_addition_has_to_be_read_by_both(stage: Stage) -> None:
    """Who agreed before the person answered agrees again: an approval is of what was read."""
    case_id = draft(stage, from_escrow(stage))
    with by(stage, "Florence") as ctx:
        staff_actions.notice(ctx, case_id)
    with by(stage, "Mary") as ctx:
        staff_actions.approve(ctx, case_id)
    with stage.acting(stage.freelancer) as ctx:
        cases.answer(
            ctx, cases.find(ctx.session, case_id, owner=stage.ada, lock=True), "It is mine."
        )
    with by(stage, "Olympe") as ctx:
        staff_actions.approve(ctx, case_id)
    assert stage.state(Confiscation, case_id) == "answered"
    with by(stage, "Mary") as ctx:
        staff_actions.approve(ctx, case_id)
    assert stage.state(Confiscation, case_id) == "approved"


@pytest.mark.parametrize(
    ("amount_minor", "target", "money", "books"),
    [
        (10_000, "client", {"confiscated": 10_000}, {"refund_in_flight": 10_000}),
        (
            4_000,
            "client",
            {"escrow": 6_000, "confiscated": 4_000},
            {"escrow": 6_000, "refund_in_flight": 4_000},
        ),
        (10_000, "authority", {"confiscated": 10_000}, {"authority_payable": 10_000}),
    ],
)
def test_held_money_goes_to_its_target(
    stage: Stage, amount_minor: int, target: str, money: Money, books: Money
) -> None:
    """A case that is carried out takes what its lines name, and brings it where they say."""
    case_id = approved(stage, from_escrow(stage, amount_minor, target))
    assert stage.money() == {"escrow": 10_000}
    with by(stage, "Mary") as ctx:
        staff_actions.execute(ctx, case_id)
    assert stage.state(Confiscation, case_id) == "executed"
    assert stage.money() == money
    assert (
        stage.books(
            AccountCode.ESCROW,
            AccountCode.REFUND_IN_FLIGHT,
            AccountCode.AUTHORITY_PAYABLE,
            AccountCode.CONFISCATED,
        )
        == books
    )


def test_available_money_can_pay_a_proven_loss(stage: Stage) -> None:
    """What is taken of a balance leaves the rest of it, and the hold ends with the case."""
    available(stage)
    assert stage.balance() == {"available": 9_500}
    case_id = executed(stage, CaseRequest("available", 4_000, "proven_loss", None))
    assert stage.balance() == {"available": 5_500}
    with by(stage, "Florence") as ctx:
        hold_id = cases.find(ctx.session, case_id, owner=EVERYONE).hold_id
    assert stage.state(Hold, hold_id) == "released", "it has served its purpose"


def test_nothing_is_forfeited_without_a_legal_basis(stage: Stage) -> None:
    """The platform keeps nothing for itself unless its operator has recorded why it may."""
    hold_id = held(stage, "release")
    with stage.refused(Invalid, "forfeit_is_off"):
        draft_under(stage, hold_id, from_escrow(stage, target="forfeit"))


def test_a_case_that_is_dropped_takes_nothing(stage: Stage) -> None:
    """Dropping ends the case and its hold, and the client may release as before."""
    case_id = approved(stage, from_escrow(stage))
    with by(stage, "Florence") as ctx:
        staff_actions.drop(ctx, case_id, "The answer was right.")
    assert stage.state(Confiscation, case_id) == "dropped"
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)
    # 5 % of 100.00 is 5.00.
    assert stage.money() == {"pending": 9_500, "fee": 500}


def test_the_hold_keeps_its_gate_until_then(stage: Stage) -> None:
    """While a case is under way nothing leaves what it is about."""
    approved(stage, from_escrow(stage))
    with stage.refused(OnHold), stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)
