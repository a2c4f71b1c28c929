"""Taking money for good needs due process: a hold, a notice, time to answer, two who agree.

Until the case is carried out not a cent moves; what was wrong comes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from service.core.context import Context
from service.core.repository import EVERYONE
from service.domain.errors import Forbidden, Invalid, OnHold, StateConflict
from service.domain.money.chart import AccountCode
from service.models import Confiscation, Hold
from service.operations.contracts import milestones
from service.operations.safety import case_drafts, cases
from service.operations.safety.case_drafts import CaseRequest
from service.workflows import staff_actions
from tests.operations.arranging import available, held
from tests.operations.stage import Money, Stage


def _draft_under(stage: Stage, hold_id: str, *lines: CaseRequest) -> str:
    with _by(stage, "Florence") as ctx:
        hold = staff_actions.hold(ctx, hold_id)
        return case_drafts.open_case(
            ctx, hold, "USD", "Terms, section 9", "The work was stolen.", [], list(lines)
        ).id


def _draft(stage: Stage, *lines: CaseRequest) -> str:
    """A hold and a case of these lines under it, both by Florence; the case's id."""
    return _draft_under(stage, held(stage, "release", "refund", "outflow"), *lines)


def _from_escrow(stage: Stage, amount_minor: int = 10_000, target: str = "client") -> CaseRequest:
    return CaseRequest("escrow", amount_minor, target, stage.milestone)


@contextmanager
def _by(stage: Stage, who: str) -> Iterator[Context]:
    with stage.acting(stage.staff(who)) as ctx:
        yield ctx


def _approved(stage: Stage, *lines: CaseRequest) -> str:
    """Noticed, the time to answer over, and agreed to by Mary and Olympe."""
    case_id = _draft(stage, *lines)
    with _by(stage, "Florence") as ctx:
        staff_actions.notice(ctx, case_id)
    stage.later(days=14)
    for who in ("Mary", "Olympe"):
        with _by(stage, who) as ctx:
            staff_actions.approve(ctx, case_id)
    return case_id


def _executed(stage: Stage, *lines: CaseRequest) -> str:
    case_id = _approved(stage, *lines)
    with _by(stage, "Mary") as ctx:
        staff_actions.execute(ctx, case_id)
    return case_id


def test_drafting_and_noticing_moves_nothing(stage: Stage) -> None:
    """The person is told of sums and clause and has 14 days; their money stays where it is."""
    case_id = _draft(stage, _from_escrow(stage))
    with _by(stage, "Florence") as ctx:
        case = staff_actions.notice(ctx, case_id)
        assert case.answer_until == ctx.now + timedelta(days=14)
    assert stage.state(Confiscation, case_id) == "noticed"
    assert stage.money() == {"escrow": 10_000}


def test_a_case_is_about_what_is_there(stage: Stage) -> None:
    """No line takes more than its account has."""
    hold_id = held(stage, "release")
    with stage.refused(Invalid, "more_than_there_is"):
        _draft_under(stage, hold_id, _from_escrow(stage, 10_001))


def test_one_approval_is_not_enough(stage: Stage) -> None:
    """The second approval approves the case, and it is another person's."""
    case_id = _draft(stage, _from_escrow(stage))
    with _by(stage, "Florence") as ctx:
        staff_actions.notice(ctx, case_id)
    with _by(stage, "Mary") as ctx:
        staff_actions.approve(ctx, case_id)
    assert stage.state(Confiscation, case_id) == "noticed"
    with stage.refused(Forbidden), _by(stage, "Mary") as ctx:
        staff_actions.approve(ctx, case_id)
    with _by(stage, "Olympe") as ctx:
        staff_actions.approve(ctx, case_id)
    assert stage.state(Confiscation, case_id) == "approved"
    assert stage.money() == {"escrow": 10_000}


def test_who_opened_it_does_not_approve_it(stage: Stage) -> None:
    """Whoever opened the hold or the case is none of the two."""
    case_id = _draft(stage, _from_escrow(stage))
    with _by(stage, "Florence") as ctx:
        staff_actions.notice(ctx, case_id)
    with stage.refused(Forbidden), _by(stage, "Florence") as ctx:
        staff_actions.approve(ctx, case_id)


def test_not_before_the_time_to_answer_is_over(stage: Stage) -> None:
    """Even an approved case waits for the 14 days, whatever was answered."""
    case_id = _draft(stage, _from_escrow(stage))
    with _by(stage, "Florence") as ctx:
        staff_actions.notice(ctx, case_id)
    for who in ("Mary", "Olympe"):
        with _by(stage, who) as ctx:
            staff_actions.approve(ctx, case_id)
    stage.later(days=13)
    with stage.refused(StateConflict), _by(stage, "Mary") as ctx:
        staff_actions.execute(ctx, case_id)


def test_an_addition_has_to_be_read_by_both(stage: Stage) -> None:
    """Who agreed before the person answered agrees again: an approval is of what was read."""
    case_id = _draft(stage, _from_escrow(stage))
    with _by(stage, "Florence") as ctx:
        staff_actions.notice(ctx, case_id)
    with _by(stage, "Mary") as ctx:
        staff_actions.approve(ctx, case_id)
    with stage.acting(stage.freelancer) as ctx:
        cases.answer(
            ctx, cases.find(ctx.session, case_id, owner=stage.ada, lock=True), "It is mine."
        )
    with _by(stage, "Olympe") as ctx:
        staff_actions.approve(ctx, case_id)
    assert stage.state(Confiscation, case_id) == "answered"
    with _by(stage, "Mary") as ctx:
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
    case_id = _approved(stage, _from_escrow(stage, amount_minor, target))
    assert stage.money() == {"escrow": 10_000}
    with _by(stage, "Mary") as ctx:
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
    case_id = _executed(stage, CaseRequest("available", 4_000, "proven_loss", None))
    assert stage.balance() == {"available": 5_500}
    with _by(stage, "Florence") as ctx:
        hold_id = cases.find(ctx.session, case_id, owner=EVERYONE).hold_id
    assert stage.state(Hold, hold_id) == "released", "it has served its purpose"


def test_nothing_is_forfeited_without_a_legal_basis(stage: Stage) -> None:
    """The platform keeps nothing for itself unless its operator has recorded why it may."""
    hold_id = held(stage, "release")
    with stage.refused(Invalid, "forfeit_is_off"):
        _draft_under(stage, hold_id, _from_escrow(stage, target="forfeit"))


def test_a_case_that_is_dropped_takes_nothing(stage: Stage) -> None:
    """Dropping ends the case and its hold, and the client may release as before."""
    case_id = _approved(stage, _from_escrow(stage))
    with _by(stage, "Florence") as ctx:
        staff_actions.drop(ctx, case_id, "The answer was right.")
    assert stage.state(Confiscation, case_id) == "dropped"
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)
    # 5 % of 100.00 is 5.00.
    assert stage.money() == {"pending": 9_500, "fee": 500}


def test_the_hold_keeps_its_gate_until_then(stage: Stage) -> None:
    """While a case is under way nothing leaves what it is about."""
    _approved(stage, _from_escrow(stage))
    with stage.refused(OnHold), stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)


@pytest.mark.parametrize(
    ("amount_minor", "books"),
    [
        # The milestone goes on: all of it is held again.
        (4_000, {"escrow": 10_000}),
        # The milestone is over: the client paid for it, and is owed what they paid.
        (10_000, {"unclaimed": 10_000}),
    ],
)
def test_what_was_wrong_comes_back(stage: Stage, amount_minor: int, books: Money) -> None:
    """A case that is restored gives back what an authority has not had yet."""
    case_id = _executed(stage, _from_escrow(stage, amount_minor, "authority"))
    with _by(stage, "Olympe") as ctx:
        staff_actions.restore(ctx, case_id, "It was hers.", at_platform_cost=False)
    assert stage.state(Confiscation, case_id) == "reversed"
    assert (
        stage.books(AccountCode.AUTHORITY_PAYABLE, AccountCode.ESCROW, AccountCode.UNCLAIMED)
        == books
    )


def test_who_carried_it_out_does_not_restore_it(stage: Stage) -> None:
    """Somebody else than who executed a case says that it was wrong."""
    case_id = _executed(stage, _from_escrow(stage, target="authority"))
    with stage.refused(Forbidden), _by(stage, "Mary") as ctx:
        staff_actions.restore(ctx, case_id, "It was hers.", at_platform_cost=False)


def test_not_after_half_a_year(stage: Stage) -> None:
    """After the 180 days of an appeal a case is final."""
    case_id = _executed(stage, _from_escrow(stage, target="authority"))
    stage.later(days=181)
    with stage.refused(StateConflict), _by(stage, "Olympe") as ctx:
        staff_actions.restore(ctx, case_id, "It was hers.", at_platform_cost=False)
