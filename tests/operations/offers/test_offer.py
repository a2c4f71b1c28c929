"""An offer on its way to an agreement: until the client agrees nothing binds anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from service.core import repository
from service.core.context import Context
from service.core.repository import EVERYONE
from service.domain.errors import Invalid, OffersPaused, Stale, StateConflict
from service.domain.identity import actors
from service.domain.identity.actors import Actor
from service.models import Contract
from service.operations.contracts import contracts, drafts, offers
from tests.operations.offers import accept, drafted, sent, terms
from tests.operations.stage import Stage


@contextmanager
def _on(
    stage: Stage, contract_id: str, actor: Actor | None = None
) -> Iterator[tuple[Context, Contract]]:
    """By the offer's own client unless said."""
    with stage.acting(stage.system) as ctx:
        contract = repository.contract(ctx.session, contract_id, owner=EVERYONE, lock=True)
        yield ctx.as_(actor or actors.client(contract.client_id)), contract


def _edit(stage: Stage, contract_id: str, amount_minor: int) -> None:
    with _on(stage, contract_id, stage.freelancer) as (ctx, contract):
        drafts.edit(ctx, contract, terms(amount_minor), contract.version)


def test_a_draft_is_the_freelancers(stage: Stage) -> None:
    """A draft can be changed at will, and has no text that anybody could agree to."""
    contract_id = drafted(stage)
    _edit(stage, contract_id, 30_000)
    with _on(stage, contract_id) as (_, contract):
        assert (contract.state, contract.text_version) == ("draft", 0)
        assert [m.amount_minor for m in contract.milestones] == [30_000]


def test_sending_fixes_the_text(stage: Stage) -> None:
    """What is sent has a version and a hash, and 30 days to be answered."""
    contract_id = sent(stage)
    with _on(stage, contract_id) as (ctx, contract):
        assert (contract.state, contract.text_version) == ("sent", 1)
        assert contract.text_hash
        assert contract.offer_expires_at is not None
        assert (contract.offer_expires_at - ctx.now).days == 29, "30 days less a moment"


def test_agreeing_binds_both(stage: Stage) -> None:
    """With the client's yes the contract waits for its payment; no money has moved."""
    contract_id = sent(stage)
    accept(stage, contract_id, version=1)
    with _on(stage, contract_id) as (_, contract):
        assert contract.state == "accepted"
        assert [m.state for m in contract.milestones] == ["awaiting_funding"]


def test_a_change_after_sending_is_a_new_version(stage: Stage) -> None:
    """The client agrees to the text that they read: an older version is refused."""
    contract_id = sent(stage)
    _edit(stage, contract_id, 30_000)
    assert stage.state(Contract, contract_id) == "sent"
    with stage.refused(Stale):
        accept(stage, contract_id, version=1)
    accept(stage, contract_id, version=2)
    assert stage.state(Contract, contract_id) == "accepted"


def test_three_new_versions(stage: Stage) -> None:
    """An offer is changed three times; then it is withdrawn and made anew."""
    contract_id = sent(stage)
    for amount_minor in (21_000, 22_000, 23_000):
        _edit(stage, contract_id, amount_minor)
    with stage.refused(StateConflict):
        _edit(stage, contract_id, 24_000)


def test_somebody_else_was_faster(stage: Stage) -> None:
    """An edit that was made from an older reading is refused."""
    contract_id = drafted(stage)
    with stage.refused(Stale), _on(stage, contract_id, stage.freelancer) as (ctx, contract):
        drafts.edit(ctx, contract, terms(30_000), contract.version - 1)


def _withdraw(ctx: Context, contract: Contract) -> object:
    return offers.withdraw(ctx, contract)


def _decline(ctx: Context, contract: Contract) -> object:
    return offers.decline(ctx, contract, "price")


@pytest.mark.parametrize(
    ("by_freelancer", "verb", "state"),
    [(True, _withdraw, "withdrawn"), (False, _decline, "declined")],
)
def test_either_side_ends_an_offer(
    stage: Stage,
    by_freelancer: bool,
    verb: Callable[[Context, Contract], object],
    state: str,
) -> None:
    """An offer that was withdrawn or declined is over: nobody can agree to it any more."""
    contract_id = sent(stage)
    with _on(stage, contract_id, stage.freelancer if by_freelancer else None) as (ctx, contract):
        verb(ctx, contract)
    assert stage.state(Contract, contract_id) == state
    with stage.refused(StateConflict):
        accept(stage, contract_id, version=1)


def test_whoever_does_not_know_the_sender_stops_the_next_offer(stage: Stage) -> None:
    """A decline by somebody who does not know the freelancer pauses their new offers."""
    contract_id = sent(stage)
    with _on(stage, contract_id) as (ctx, contract):
        offers.decline(ctx, contract, offers.UNKNOWN_PERSON)
    following = drafted(stage)
    with stage.refused(OffersPaused), _on(stage, following, stage.freelancer) as (ctx, contract):
        offers.send(ctx, contract)


@pytest.mark.parametrize(("days", "state"), [(29, "sent"), (30, "expired")])
def test_thirty_days_without_an_answer(stage: Stage, days: int, state: str) -> None:
    """An offer that nobody answers expires after 30 days, and not a day earlier."""
    contract_id = sent(stage)
    stage.later(days=days)
    with _on(stage, contract_id, stage.system) as (ctx, contract):
        assert offers.expire(ctx, contract) is (state == "expired")
    assert stage.state(Contract, contract_id) == state


def test_asking_for_a_change_leaves_the_offer(stage: Stage) -> None:
    """A wish that nobody answers lapses after 14 days: the offer stands again as it was."""
    contract_id = sent(stage)
    with _on(stage, contract_id) as (ctx, contract):
        offers.ask_change(ctx, contract, ["price"], "A little less.")
    assert stage.state(Contract, contract_id) == "change_requested"
    stage.later(days=14)
    with _on(stage, contract_id, stage.system) as (ctx, contract):
        assert offers.change_lapse(ctx, contract)
        assert contract.text_version == 1
    assert stage.state(Contract, contract_id) == "sent"


def test_nobody_offers_themselves_a_contract(stage: Stage) -> None:
    """A contract needs two people: the freelancer's own address is refused."""
    with stage.refused(Invalid, "own_address"), stage.acting(stage.freelancer) as ctx:
        drafts.create(ctx, stage.ada, terms(email="ada@lovelace.example"))


def test_an_unpaid_agreement_is_cancelled_without_a_trace_of_money(stage: Stage) -> None:
    """Either side ends an accepted contract into which no money has come."""
    contract_id = sent(stage)
    accept(stage, contract_id, version=1)
    before = stage.books()
    with _on(stage, contract_id, stage.freelancer) as (ctx, contract):
        contracts.cancel(ctx, contract, "Something came up.")
        assert [m.state for m in contract.milestones] == ["cancelled"]
    assert stage.state(Contract, contract_id) == "cancelled"
    assert stage.books() == before


@pytest.mark.parametrize(("days", "forgotten"), [(89, False), (91, True)])
def test_an_old_draft_is_forgotten(stage: Stage, days: int, forgotten: bool) -> None:
    """A draft that nobody has touched for 90 days is thrown away, and no other contract is."""
    contract_id = drafted(stage)
    stage.later(days=days)
    with stage.acting(stage.system) as ctx:
        assert drafts.old_drafts(ctx) == [contract_id] * forgotten
        assert drafts.forget_draft(ctx, contract_id) is forgotten
    assert (contract_id not in stage.states()) is forgotten
    assert stage.contract in stage.states()


def test_a_client_is_reminded_once_a_day(stage: Stage) -> None:
    """The freelancer cannot fill the client's mailbox with reminders."""
    contract_id = sent(stage)
    with _on(stage, contract_id, stage.freelancer) as (ctx, contract):
        offers.remind(ctx, contract)
    with stage.refused(StateConflict), _on(stage, contract_id, stage.freelancer) as (ctx, contract):
        offers.remind(ctx, contract)
    stage.later(days=1, minutes=1)
    with _on(stage, contract_id, stage.freelancer) as (ctx, contract):
        offers.remind(ctx, contract)
