"""One verb, one result: what the API does and what a page does are the same operation.

Each verb that both have is driven on two copies of one stand: by the freelancer's key on one, by a
browser on the other. States, money, books and events are the same afterwards. Where the two sides
of a contract have the verb, each copy is brought to where that side is the one to act.

Left out, because only one side has them:
- approving and asking for changes, asking for a refund and taking that back: the client's pages;
- answering a request for a refund, giving money back, payouts: the freelancer's API;
- accepting, declining, asking to change an offer: the client's pages; drafting, sending,
  withdrawing, refusing the change: the freelancer's API;
- proposing an amendment: the freelancer's API; the client has no page for it;
- ending a contract before anything was handed over: both have it, with different results by design
  (the freelancer gives back, the client asks; see `contracts/test_end.py`);
- withdrawing an appeal: the API.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from service.models import Event
from tests.databases import clone, copy_of
from tests.journey import Person, WsgiHttp
from tests.operations.stage import Money, Stage
from tests.operations.stands import CLIENT, Place
from tests.operations.two_doors import ENDS_BEFORE_WORK, VERBS, Act, Verb
from tests.world import World

Stand = tuple[World, Person, dict[str, str]]


@pytest.fixture(scope="module")
def stand(
    funded_template: tuple[str, dict[str, str]],
) -> Iterator[Stand]:
    """100.00 in escrow; the client has opened the contract and typed a code."""
    name, known = funded_template
    with clone(name) as world:
        client = world.client(CLIENT)
        client.open()
        assert client.code(f"/c/{known['contract']}").status == 303
        yield world, client, known


@contextmanager
def _copy(stand: Stand) -> Iterator[Place]:
    world, client, known = stand
    with copy_of(world) as copied:
        there = copied.client(CLIENT)
        assert isinstance(there.http, WsgiHttp)
        assert isinstance(client.http, WsgiHttp)
        there.http.cookies = dict(client.http.cookies)
        there.contract_id = client.contract_id
        stage = Stage(copied.settings, known)
        try:
            yield Place(copied, stage, there)
        finally:
            stage.runtime.db.dispose()


@dataclass(frozen=True)
class Result:
    """What is to be the same, without the ids of what was made."""

    states: Counter[tuple[str, str]]
    money: Money
    books: Money
    balance: Money
    happened: Counter[tuple[str, str | None, str | None]]


def _driven(place: Place, verb: Verb, act: Act, side: str) -> Result:
    stage = place.stage
    thing = verb.arrange(place, side)
    before = _events(stage)
    act(place, thing)
    return Result(
        states=Counter((row_id[:3], state) for row_id, state in stage.states().items()),
        money=stage.money(),
        books=stage.books(),
        balance=stage.balance(),
        happened=_events(stage) - before,
    )


_PAGES_ONLY = ("code.relied_on",)
"""What a page writes down beside the act: the code that the client had typed for it."""


def _events(stage: Stage) -> Counter[tuple[str, str | None, str | None]]:
    with stage.acting(stage.system) as ctx:
        rows = ctx.session.execute(select(Event.type, Event.from_state, Event.to_state))
        return Counter((t, a, b) for t, a, b in rows if t not in _PAGES_ONLY)


@pytest.mark.parametrize("name", VERBS)
def test_api_and_page_do_the_same(stand: Stand, name: str) -> None:
    """Whoever does it, and by whichever door: states, money, books and events are the same."""
    verb = VERBS[name]
    with _copy(stand) as place:
        by_api = _driven(place, verb, verb.api, verb.by[0])
    with _copy(stand) as place:
        by_page = _driven(place, verb, verb.page, verb.by[1])
    assert by_api.happened, "something happened"
    assert by_page == by_api


def test_control_a_difference_is_seen(stand: Stand) -> None:
    """The one verb whose two sides differ by design is told apart: who ends a contract unworked."""
    with _copy(stand) as place:
        given_back = _driven(place, ENDS_BEFORE_WORK, ENDS_BEFORE_WORK.api, "freelancer")
    with _copy(stand) as place:
        asked = _driven(place, ENDS_BEFORE_WORK, ENDS_BEFORE_WORK.page, "client")
    assert given_back.money == {"refund_in_flight": 10_000}
    assert asked.money == {"escrow": 10_000}
