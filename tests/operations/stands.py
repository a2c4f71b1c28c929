"""Where the verbs of `two_doors` begin: a copy of one stand, brought to where a side may act.

Each function takes the copy and the side, and gives the id of what is acted on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.core import repository
from service.core.repository import EVERYONE
from service.domain.identity import typeid
from service.domain.identity.actors import Actor
from service.operations.client_access import codes, links, sessions
from service.operations.contracts import amendments
from service.operations.contracts.amendment_terms import AmendmentRequest
from service.operations.disputes import mediation, negotiation
from service.operations.safety import case_drafts
from service.operations.safety.case_drafts import CaseRequest
from service.workflows import staff_actions
from tests.journey import Person, Program, WsgiHttp
from tests.operations.arranging import disputed, held, negotiating, submitted
from tests.operations.offers import accept, sent
from tests.operations.stage import Stage
from tests.world import World

CLIENT = "charles@babbage.example"


@dataclass
class Place:
    """A copy of the stand: the service, the operations to arrange it with, and the client's
    browser.
    """

    world: World
    stage: Stage
    client: Person

    @property
    def ada(self) -> Program:
        return self.world.program()


Arrange = Callable[[Place, str], str]
"""Brings a copy to where `side` (freelancer or client) may act; gives what is acted on."""


def _other(side: str) -> str:
    return "client" if side == "freelancer" else "freelancer"


def _actor(place: Place, side: str) -> Actor:
    return place.stage.client if side == "client" else place.stage.freelancer


def milestone(place: Place, _: str) -> str:
    return place.stage.milestone


def handed_over(place: Place, _: str) -> str:
    submitted(place.stage)
    return place.stage.contract


def claimed_by_the_other(place: Place, side: str) -> str:
    return disputed(place.stage, _other(side), refund_minor=4_000)


def claimed(place: Place, side: str) -> str:
    return disputed(place.stage, side, refund_minor=4_000)


def being_negotiated(place: Place, _: str) -> str:
    return negotiating(place.stage)


def offered_by_the_other(place: Place, side: str) -> str:
    dispute_id, other = negotiating(place.stage), _other(side)
    with place.stage.on_dispute(_actor(place, other), dispute_id) as (ctx, contract, dispute):
        negotiation.offer(ctx, contract, dispute, other, 4_000, "To end it.", blind=False)
    return dispute_id


def proposed(place: Place, _: str) -> str:
    stage, dispute_id = place.stage, negotiating(place.stage)
    with stage.on_dispute(stage.client, dispute_id) as (ctx, contract, dispute):
        mediation.ask_mediation(ctx, contract, dispute)
    with stage.on_dispute(stage.staff("Hypatia"), dispute_id) as (ctx, contract, dispute):
        mediation.propose(ctx, contract, dispute, 3_000, "Two thirds are there.")
    return dispute_id


def proposed_and_agreed_by_the_other(place: Place, side: str) -> str:
    dispute_id, other = proposed(place, side), _other(side)
    with place.stage.on_dispute(_actor(place, other), dispute_id) as (ctx, contract, dispute):
        negotiation.agree_to(ctx, contract, dispute, dispute.offers[-1].id, other)
    return dispute_id


def amendment_by(place: Place, side: str) -> str:
    with place.stage.on(_actor(place, side)) as (ctx, contract, milestone):
        same = AmendmentRequest(milestone.id, milestone.title, milestone.amount_minor, None)
        wanted = [same, AmendmentRequest(None, "More", 5_000, None)]
        return amendments.propose(ctx, contract, wanted, "There is more to do.").id


def amendment_by_the_other(place: Place, side: str) -> str:
    return amendment_by(place, _other(side))


def unpaid(place: Place, _: str) -> str:
    """Another contract with the same client, agreed to and not paid, open in their browser."""
    stage, http = place.stage, place.client.http
    assert isinstance(http, WsgiHttp)
    (cookie,) = (one.value for one in http.cookies.values())
    contract_id = sent(stage, email=CLIENT)
    accept(stage, contract_id, version=1)
    with stage.acting(stage.client) as ctx:
        contract = repository.contract(ctx.session, contract_id, owner=EVERYONE)
        link = links.current_link(ctx, contract)
        ctx.session.flush()
        assert sessions.open_session(ctx, link, cookie, "a browser") == cookie
    with stage.acting(stage.client) as ctx:
        who = sessions.visitor(ctx, cookie, typeid.decode(contract_id))
        assert who is not None
        contract = repository.contract(ctx.session, contract_id, owner=EVERYONE)
        keys = stage.runtime.settings.secret_keys
        asked = codes.ask_code(ctx, who, contract)
        ctx.session.flush()
        assert codes.verify_code(ctx, who, keys, codes.code_of(keys[0], asked.id)) is None
    return contract_id


def on_hold(place: Place, _: str) -> str:
    hold_id = held(place.stage, "outflow")
    place.world.work()
    return hold_id


def noticed(place: Place, _: str) -> str:
    stage, hold_id = place.stage, held(place.stage, "release", "refund", "outflow")
    line = CaseRequest("escrow", 10_000, "client", stage.milestone)
    with stage.acting(stage.staff("Florence")) as ctx:
        hold = staff_actions.hold(ctx, hold_id)
        case = case_drafts.open_case(ctx, hold, "USD", "Terms, 9", "It was stolen.", [], [line])
        staff_actions.notice(ctx, case.id)
        case_id = case.id
    place.world.work()
    return case_id
