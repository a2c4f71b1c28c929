"""What a hold stops from its commit on, whatever it is over, and what it leaves alone.

A hold changes no state and takes no money: it is laid over what is there.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.domain.errors import Invalid, NotEnough, NotFound, OnHold
from service.models import Payout
from service.operations.contracts import amendments, drafts, milestones
from service.operations.contracts.amendment_terms import AmendmentRequest
from service.operations.payments import refund_requests
from tests.operations.arranging import available, disputed, held, payout, submitted, with_account
from tests.operations.offers import terms
from tests.operations.stage import Stage


def _release(stage: Stage) -> None:
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)


def _refund(stage: Stage) -> None:
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        refund_requests.give(ctx, contract, milestone, None, "I cannot do it.")


def _amend(stage: Stage) -> None:
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        same = AmendmentRequest(milestone.id, milestone.title, milestone.amount_minor, None)
        amendments.propose(
            ctx, contract, [same, AmendmentRequest(None, "More", 5_000, None)], "More work."
        )


def _offer(stage: Stage) -> None:
    with stage.acting(stage.freelancer) as ctx:
        drafts.create(ctx, stage.ada, terms())


ACTS: dict[str, Callable[[Stage], None]] = {
    "release": _release,
    "refund": _refund,
    "amend": _amend,
    "contract_create": _offer,
}
"""By the scope that stops it."""


def _subject(stage: Stage, kind: str) -> str:
    return {
        "freelancer": stage.ada,
        "client": stage.client_id,
        "contract": stage.contract,
        "milestone": stage.milestone,
        "payment": stage.payment,
    }[kind]


@pytest.mark.parametrize("scope", ACTS)
def test_what_it_names_is_refused(stage: Stage, scope: str) -> None:
    """A hold over a person stops what its scope names, and not a cent moves."""
    held(stage, scope)
    with stage.refused(OnHold):
        ACTS[scope](stage)


@pytest.mark.parametrize("scope", ACTS)
def test_what_it_does_not_name_goes_on(stage: Stage, scope: str) -> None:
    """Every other scope leaves this alone: a hold stops what it says and nothing else."""
    held(stage, *(other for other in (*ACTS, "outflow") if other != scope))
    before = stage.events()
    ACTS[scope](stage)
    assert stage.events() > before


@pytest.mark.parametrize("kind", ["freelancer", "client", "contract", "milestone", "payment"])
@pytest.mark.parametrize("scope", ["release", "refund"])
def test_whatever_it_is_over(stage: Stage, kind: str, scope: str) -> None:
    """Held money is reached by a hold over either person, the contract, milestone or payment."""
    held(stage, scope, subject=_subject(stage, kind))
    assert stage.money() == {"escrow": 10_000}, "a hold takes nothing"
    with stage.refused(OnHold):
        ACTS[scope](stage)


def test_a_dispute_is_always_possible(stage: Stage) -> None:
    """No hold keeps the two from saying that they disagree: the amount is locked as ever."""
    submitted(stage)
    held(stage, "release", "refund", "outflow", "amend", "login")
    disputed(stage)
    assert stage.money() == {"disputed": 10_000}


def test_held_money_says_so(stage: Stage) -> None:
    """What a hold stops is counted in the freelancer's balance, where it lies."""
    available(stage)
    assert stage.balance() == {"available": 9_500}
    held(stage, "outflow")
    assert stage.balance() == {"available": 9_500, "held": 9_500}


def test_an_amount_is_set_aside_and_the_rest_flows(stage: Stage) -> None:
    """A hold over an amount takes exactly that out of what is available."""
    available(stage)
    held(stage, "outflow", amount_minor=4_000)
    assert stage.balance() == {"available": 5_500, "reserved": 4_000}


def test_no_more_than_is_available_is_set_aside(stage: Stage) -> None:
    """An amount that is not there cannot be held."""
    available(stage)
    with stage.refused(NotEnough):
        held(stage, "outflow", amount_minor=9_501)


def test_an_amount_is_a_persons(stage: Stage) -> None:
    """A contract is held whole: an amount of it is refused."""
    with stage.refused(Invalid, "amount_of_a_person"):
        held(stage, "outflow", subject=stage.contract, amount_minor=4_000)


def test_a_reason_is_one_of_those_that_are_written_down(stage: Stage) -> None:
    """Nobody is held for a reason that the policy does not name."""
    with stage.refused(Invalid, "unknown_reason"):
        held(stage, "outflow", reason="dislike")


def test_something_has_to_be_there(stage: Stage) -> None:
    """A hold over what does not exist is refused."""
    with stage.refused(NotFound):
        held(stage, "outflow", subject=stage.contract.replace("ctr_", "mst_"))


def test_one_payout_is_stopped_and_no_other(stage: Stage) -> None:
    """A hold over a payout takes that one back into the balance, and leaves its neighbour alone."""
    available(stage)
    with_account(stage)
    first, second = payout(stage, 4_000), payout(stage, 5_000)
    assert stage.balance() == {"available": 500, "in_flight": 9_000}
    held(stage, "outflow", subject=first)
    assert stage.state(Payout, first) == "held"
    assert stage.state(Payout, second) == "requested"
    assert stage.balance() == {"available": 4_500, "in_flight": 5_000}
