"""Terms of a running contract change when both agree, and what is paid never changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.core import repository
from service.core.context import Context
from service.core.repository import EVERYONE
from service.domain.errors import Forbidden, Invalid, StateConflict
from service.domain.identity.actors import Actor
from service.domain.states.proof import AgreementEvidence, MailboxProof
from service.models import Amendment, Contract
from service.operations.contracts import amendments
from service.operations.contracts.amendment_terms import AmendmentRequest
from tests.operations.arranging import released
from tests.operations.stage import Stage


def _as_it_is(stage: Stage, amount_minor: int = 10_000) -> AmendmentRequest:
    return AmendmentRequest(stage.milestone, "Work", amount_minor, None)


MORE = AmendmentRequest(None, "More", 5_000, None)


def _propose(stage: Stage, actor: Actor, *wanted: AmendmentRequest) -> str:
    with stage.on(actor) as (ctx, contract, _):
        return amendments.propose(ctx, contract, list(wanted), "There is more to do.").id


@contextmanager
def _on(
    stage: Stage, actor: Actor, amendment_id: str
) -> Iterator[tuple[Context, Contract, Amendment]]:
    with stage.acting(actor) as ctx:
        contract = repository.contract(ctx.session, stage.contract, owner=EVERYONE, lock=True)
        yield ctx, contract, amendments.find(ctx.session, contract.id, amendment_id)


def _terms(stage: Stage) -> list[tuple[int, str]]:
    """Amount and state of each milestone."""
    with stage.on(stage.system) as (_, contract, _milestone):
        return [(m.amount_minor, m.state) for m in contract.milestones]


def test_a_proposal_binds_nobody(stage: Stage) -> None:
    """Until the other side agrees the contract is what it was."""
    amendment_id = _propose(stage, stage.freelancer, _as_it_is(stage), MORE)
    assert stage.state(Amendment, amendment_id) == "proposed"
    assert _terms(stage) == [(10_000, "funded")]


def test_agreeing_binds_both(stage: Stage) -> None:
    """With the client's yes the new milestone is to be paid; what is held stays as it is."""
    amendment_id = _propose(stage, stage.freelancer, _as_it_is(stage), MORE)
    with _on(stage, stage.client, amendment_id) as (ctx, contract, amendment):
        proof = MailboxProof(ctx.now, "192.0.2.1", "a browser", "en")
        agreed = AgreementEvidence("Charles Babbage", contract.client.email, proof)
        amendments.accept(ctx, contract, amendment, agreed)
        assert contract.text_version == 2
    assert stage.state(Amendment, amendment_id) == "accepted"
    assert _terms(stage) == [(10_000, "funded"), (5_000, "awaiting_funding")]
    assert stage.money() == {"escrow": 10_000}


def test_the_freelancer_agrees_to_the_clients_proposal(stage: Stage) -> None:
    """Either side may propose; the other one's yes binds in the same way."""
    amendment_id = _propose(stage, stage.client, _as_it_is(stage), MORE)
    with _on(stage, stage.freelancer, amendment_id) as (ctx, contract, amendment):
        amendments.accept(ctx, contract, amendment)
    assert _terms(stage) == [(10_000, "funded"), (5_000, "awaiting_funding")]


def test_refusing_changes_nothing(stage: Stage) -> None:
    """A no leaves the contract as it was, and another proposal can be made."""
    amendment_id = _propose(stage, stage.freelancer, _as_it_is(stage), MORE)
    with _on(stage, stage.client, amendment_id) as (ctx, contract, amendment):
        amendments.reject(ctx, contract, amendment, "It is enough.")
    assert stage.state(Amendment, amendment_id) == "rejected"
    assert _terms(stage) == [(10_000, "funded")]
    _propose(stage, stage.client, _as_it_is(stage), MORE)


def test_taking_it_back(stage: Stage) -> None:
    """Whoever proposed may withdraw it while it is not answered."""
    amendment_id = _propose(stage, stage.freelancer, _as_it_is(stage), MORE)
    with _on(stage, stage.freelancer, amendment_id) as (ctx, contract, amendment):
        amendments.withdraw(ctx, contract, amendment)
    assert stage.state(Amendment, amendment_id) == "withdrawn"
    assert _terms(stage) == [(10_000, "funded")]


@pytest.mark.parametrize(("days", "ended"), [(6, False), (7, True)])
def test_a_week_without_an_answer(stage: Stage, days: int, ended: bool) -> None:
    """A proposal expires after seven days, and not a day earlier."""
    amendment_id = _propose(stage, stage.freelancer, _as_it_is(stage), MORE)
    stage.later(days=days)
    with _on(stage, stage.system, amendment_id) as (ctx, contract, amendment):
        assert amendments.expire(ctx, contract, amendment) is ended
    assert stage.state(Amendment, amendment_id) == ("expired" if ended else "proposed")
    assert _terms(stage) == [(10_000, "funded")]


def test_nobody_answers_their_own_proposal(stage: Stage) -> None:
    """Agreeing and refusing are the other side's; withdrawing is the proposer's."""
    amendment_id = _propose(stage, stage.freelancer, _as_it_is(stage), MORE)
    for verb in (amendments.accept, amendments.reject):
        with (
            stage.refused(Forbidden),
            _on(stage, stage.freelancer, amendment_id) as (ctx, contract, amendment),
        ):
            verb(ctx, contract, amendment)
    with (
        stage.refused(Forbidden),
        _on(stage, stage.client, amendment_id) as (ctx, contract, amendment),
    ):
        amendments.withdraw(ctx, contract, amendment)


@pytest.mark.parametrize("amount_minor", [9_999, 10_001])
def test_what_is_held_keeps_its_amount(stage: Stage, amount_minor: int) -> None:
    """No amendment makes a paid milestone cost less than is held for it, or more."""
    with stage.refused(Invalid, "paid_already"):
        _propose(stage, stage.freelancer, _as_it_is(stage, amount_minor), MORE)


def test_what_is_held_is_not_dropped(stage: Stage) -> None:
    """A milestone for which money is held cannot be left out."""
    with stage.refused(Invalid, "paid_already"):
        _propose(stage, stage.freelancer, MORE)


def test_a_proposal_changes_something(stage: Stage) -> None:
    """What is the same as before is no proposal."""
    with stage.refused(Invalid, "nothing_changed"):
        _propose(stage, stage.freelancer, _as_it_is(stage))


def test_one_proposal_at_a_time(stage: Stage) -> None:
    """While one waits for its answer another one is refused, whoever makes it."""
    _propose(stage, stage.freelancer, _as_it_is(stage), MORE)
    with stage.refused(StateConflict):
        _propose(stage, stage.client, _as_it_is(stage), MORE)


def test_an_answer_is_given_once(stage: Stage) -> None:
    """What was refused cannot be agreed to afterwards."""
    amendment_id = _propose(stage, stage.client, _as_it_is(stage), MORE)
    with _on(stage, stage.freelancer, amendment_id) as (ctx, contract, amendment):
        amendments.reject(ctx, contract, amendment)
    with (
        stage.refused(StateConflict),
        _on(stage, stage.freelancer, amendment_id) as (ctx, contract, amendment),
    ):
        amendments.accept(ctx, contract, amendment)


def test_a_finished_contract_is_not_amended(stage: Stage) -> None:
    """When all is released there is nothing left to change."""
    released(stage)
    with stage.refused(StateConflict):
        _propose(stage, stage.freelancer, _as_it_is(stage), MORE)
