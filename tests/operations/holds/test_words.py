"""What people read of a hold is what it stops: every subject with every scope, by trying."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from service.core import repository
from service.core.context import Context
from service.core.repository import EVERYONE
from service.domain.errors import HoldfastError, OnHold
from service.domain.states.names import PayoutState
from service.domain.states.proof import AgreementEvidence, MailboxProof
from service.domain.states.restrictions import FOR_CLIENTS, SCOPES, SUBJECTS
from service.escrow import freezing
from service.models import Amendment, Contract
from service.operations.contracts import amendments, contracts, drafts, milestones
from service.operations.contracts.amendment_terms import AmendmentRequest
from service.operations.payments import checkout, refund_requests
from service.operations.payouts import payout_requests
from service.operations.safety import reasons
from service.shared import hold_checks
from service.worker.emails import safety_emails
from service.workflows import staff_actions
from tests.operations.arranging import available, held, payout, released, with_account
from tests.operations.offers import terms
from tests.operations.stage import Stage


class _Undone(Exception):
    """Leaves a transaction without a trace."""


def _log_in(stage: Stage) -> None:
    with stage.acting(stage.freelancer) as ctx:
        # The door of every changing call of the API.
        hold_checks.refuse(ctx, "login", [stage.ada])
        raise _Undone


def _create(stage: Stage) -> None:
    with stage.acting(stage.freelancer) as ctx:
        drafts.create(ctx, stage.ada, terms())
        raise _Undone


def _accept(stage: Stage) -> None:
    with stage.on(stage.client) as (ctx, contract, _):
        proof = MailboxProof(ctx.now, "192.0.2.1", "a browser", "en")
        who = AgreementEvidence("Charles Babbage", contract.client.email, proof)
        contracts.accept(ctx, contract, contract.text_version, who)


def _pay(stage: Stage) -> None:
    """The second milestone, which is not paid yet."""
    with stage.on(stage.client) as (ctx, contract, _):
        checkout.start(ctx, contract, [contract.milestones[1].id])
        raise _Undone


def _release(stage: Stage) -> None:
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)
        raise _Undone


def _refund(stage: Stage) -> None:
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        refund_requests.give(ctx, contract, milestone, 1_000, "A discount.")
        raise _Undone


def _amend(stage: Stage) -> None:
    with stage.on(stage.client) as (ctx, contract, _):
        _propose(ctx, contract)
        raise _Undone


def _propose(ctx: Context, contract: Contract) -> Amendment:
    wanted = [AmendmentRequest(m.id, m.title, m.amount_minor, None) for m in contract.milestones]
    more = AmendmentRequest(None, "More", 5_000, None)
    return amendments.propose(ctx, contract, [*wanted, more], "There is more to do.")


def _with_another_milestone(stage: Stage) -> None:
    with stage.on(stage.client) as (ctx, contract, _):
        proposed = _propose(ctx, contract)
        ctx.session.flush()
        amendments.accept(ctx.as_(stage.freelancer), contract, proposed)


_ACTS: dict[str, Callable[[Stage], None]] = {
    "login": _log_in,
    "contract_create": _create,
    "accept": _accept,
    "inflow": _pay,
    "release": _release,
    "refund": _refund,
    "amend": _amend,
}


def _payout_stopped(stage: Stage, payout_id: str) -> bool:
    """Whether the payout that was asked for waits now, or one that is asked for now."""
    with stage.on_payout(stage.system, payout_id) as (_, found):
        if found.state == PayoutState.HELD:
            return True
    return _new_payout_waits(stage)


def _new_payout_waits(stage: Stage) -> bool:
    made: list[str] = []
    with suppress(_Undone), stage.acting(stage.freelancer) as ctx:
        made.append(payout_requests.request(ctx, stage.ada, 1_000, "USD").state)
        raise _Undone
    return made == [PayoutState.HELD]


def _stopped(stage: Stage, payout_id: str) -> list[str]:
    """The scopes whose act is refused or kept now, by doing each and taking it back."""
    found = {"outflow"} if _payout_stopped(stage, payout_id) else set()
    for scope, act in _ACTS.items():
        try:
            act(stage)
        except OnHold:
            found.add(scope)
        except _Undone:
            continue
        except HoldfastError:
            # An agreement is agreed to already: it is asked about holds first.
            assert scope == "accept"
    return [scope for scope in SCOPES if scope in found]


def _subjects(stage: Stage, payout_id: str, scope: str) -> dict[str, str]:
    with stage.on(stage.system) as (_, contract, milestone):
        # Only one that is not paid yet can be paid for.
        of_milestone = contract.milestones[1].id if scope == "inflow" else milestone.id
    return {
        "freelancer": stage.ada,
        "client": stage.client_id,
        "contract": stage.contract,
        "milestone": of_milestone,
        "payment": stage.payment,
        "payout": payout_id,
    }


def _letter(stage: Stage, kind: str, hold_id: str) -> str:
    """What the letter to the person names as stopped."""
    with stage.acting(stage.system) as ctx:
        contract = repository.contract(ctx.session, stage.contract, owner=EVERYONE)
        about: safety_emails.EmailParams = (
            {"object": stage.contract, "hold": hold_id} if kind == "client" else {"object": hold_id}
        )
        return safety_emails.values(ctx, about, contract, lambda one: one)["stopped"]


@pytest.mark.parametrize("kind", SUBJECTS)
def test_a_letter_names_what_is_stopped_and_nothing_else(stage: Stage, kind: str) -> None:
    """Each scope by itself over each kind of subject: the letter and the statement of reasons list
    exactly what is refused, and what they call possible is."""
    available(stage, lambda one: released(one, 5_000))
    with_account(stage)
    payout_id = payout(stage, 2_000)
    _with_another_milestone(stage)
    assert _stopped(stage, payout_id) == [], "without a hold nothing is stopped"
    words = FOR_CLIENTS if kind == "client" else SCOPES
    money = stage.money()
    for scope in SCOPES:
        hold_id = held(stage, scope, subject=_subjects(stage, payout_id, scope)[kind])
        really = _stopped(stage, payout_id)
        assert set(really) <= {scope}
        assert _letter(stage, kind, hold_id) == "; ".join(words[one] for one in really), scope
        with stage.acting(stage.system) as ctx:
            said = reasons.statement(ctx, staff_actions.hold(ctx, hold_id))
        assert said["restricted"] == [SCOPES[one] for one in really]
        assert said["still_possible"] == [SCOPES[one] for one in SCOPES if one not in really]
        with stage.acting(stage.staff("Florence")) as ctx:
            staff_actions.lift(ctx, staff_actions.hold(ctx, hold_id), "It was a mistake.")
        with stage.on_payout(stage.system, payout_id) as (ctx, found):
            freezing.resume_payout(ctx, found)
        assert stage.money() == money, "where the money is does not change by a hold that ended"


def test_a_hold_over_an_amount_stops_nothing_else(stage: Stage) -> None:
    """Exactly the amount is set aside: the letter says so, and all acts are possible."""
    available(stage, lambda one: released(one, 5_000))
    with_account(stage)
    payout_id = payout(stage, 1_000)
    _with_another_milestone(stage)
    hold_id = held(stage, "outflow", amount_minor=1_000)
    assert _stopped(stage, payout_id) == []
    assert stage.balance()["reserved"] == 1_000
    assert _letter(stage, "freelancer", hold_id) == "exactly USD 10.00"
    with stage.acting(stage.system) as ctx:
        assert reasons.statement(ctx, staff_actions.hold(ctx, hold_id))["restricted"] == []
