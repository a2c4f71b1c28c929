"""Verbs that both the API and a page have: what each is done to, and how by either door.

Every verb is driven on a copy of one stand, which `arrange` brings to where the side that acts by
this door may act.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.core import repository
from service.core.repository import EVERYONE
from service.domain.identity import typeid
from service.models import Hold
from service.operations.client_access import codes, links, sessions
from service.operations.contracts import amendments
from service.operations.contracts.amendment_terms import AmendmentRequest
from service.operations.disputes import mediation, negotiation
from service.operations.safety import case_drafts
from service.operations.safety.case_drafts import CaseRequest
from service.workflows import staff_actions
from tests.console import with_letter
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
Act = Callable[[Place, str], object]


@dataclass(frozen=True)
class Verb:
    arrange: Arrange
    api: Act
    page: Act
    by: tuple[str, str] = ("freelancer", "client")
    """Who acts by the API, and who on the page."""


# What is acted on


def _other(side: str) -> str:
    return "client" if side == "freelancer" else "freelancer"


def _actor(place: Place, side: str) -> Any:
    return place.stage.client if side == "client" else place.stage.freelancer


def _milestone(place: Place, _: str) -> str:
    return place.stage.milestone


def _handed_over(place: Place, _: str) -> str:
    submitted(place.stage)
    return place.stage.contract


def _claimed_by_the_other(place: Place, side: str) -> str:
    return disputed(place.stage, _other(side), refund_minor=4_000)


def _claimed(place: Place, side: str) -> str:
    return disputed(place.stage, side, refund_minor=4_000)


def _negotiating(place: Place, _: str) -> str:
    return negotiating(place.stage)


def _offered_by_the_other(place: Place, side: str) -> str:
    dispute_id, other = negotiating(place.stage), _other(side)
    with place.stage.on_dispute(_actor(place, other), dispute_id) as (ctx, contract, dispute):
        negotiation.offer(ctx, contract, dispute, other, 4_000, "To end it.", blind=False)
    return dispute_id


def _proposed(place: Place, _: str) -> str:
    stage, dispute_id = place.stage, negotiating(place.stage)
    with stage.on_dispute(stage.client, dispute_id) as (ctx, contract, dispute):
        mediation.ask_mediation(ctx, contract, dispute)
    with stage.on_dispute(stage.staff("Hypatia"), dispute_id) as (ctx, contract, dispute):
        mediation.propose(ctx, contract, dispute, 3_000, "Two thirds are there.")
    return dispute_id


def _proposed_and_agreed_by_the_other(place: Place, side: str) -> str:
    dispute_id, other = _proposed(place, side), _other(side)
    with place.stage.on_dispute(_actor(place, other), dispute_id) as (ctx, contract, dispute):
        negotiation.agree_to(ctx, contract, dispute, dispute.offers[-1].id, other)
    return dispute_id


def _amendment_by(place: Place, side: str) -> str:
    with place.stage.on(_actor(place, side)) as (ctx, contract, milestone):
        same = AmendmentRequest(milestone.id, milestone.title, milestone.amount_minor, None)
        wanted = [same, AmendmentRequest(None, "More", 5_000, None)]
        return amendments.propose(ctx, contract, wanted, "There is more to do.").id


def _amendment_by_the_other(place: Place, side: str) -> str:
    return _amendment_by(place, _other(side))


def _unpaid(place: Place, _: str) -> str:
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


def _on_hold(place: Place, _: str) -> str:
    hold_id = held(place.stage, "outflow")
    place.world.work()
    return hold_id


def _noticed(place: Place, _: str) -> str:
    stage, hold_id = place.stage, held(place.stage, "release", "refund", "outflow")
    line = CaseRequest("escrow", 10_000, "client", stage.milestone)
    with stage.acting(stage.staff("Florence")) as ctx:
        hold = staff_actions.hold(ctx, hold_id)
        case = case_drafts.open_case(ctx, hold, "USD", "Terms, 9", "It was stolen.", [], [line])
        staff_actions.notice(ctx, case.id)
        case_id = case.id
    place.world.work()
    return case_id


# How it is acted on


def _post(path: str, **body: object) -> Act:
    return lambda place, thing: place.ada.post(
        path.format(thing, contract=place.stage.contract), body
    )


def _decide(path: str, **values: str) -> Act:
    def act(place: Place, thing: str) -> None:
        where = "/c/" + path.format(thing, contract=place.stage.contract)
        done = place.client.decide(where, **values)
        assert done.status == 303, done.page.text[:400]

    return act


def _on_dispute(choice: str, **values: str) -> Act:
    return _decide("{contract}/disputes/{0}", choice=choice, **values)


def _newest_offer(place: Place, dispute_id: str) -> str:
    with place.stage.on_dispute(place.stage.system, dispute_id) as (_, _contract, dispute):
        return dispute.offers[-1].id


def _agree_by_api(place: Place, dispute_id: str) -> object:
    offer_id = _newest_offer(place, dispute_id)
    return place.ada.post(f"/v1/disputes/{dispute_id}/proposals/{offer_id}/accept")


def _agree_on_page(place: Place, dispute_id: str) -> None:
    _on_dispute("agree", offer=_newest_offer(place, dispute_id))(place, dispute_id)


def _evidence_on_page(place: Place, dispute_id: str) -> None:
    path = f"/c/{place.stage.contract}/disputes/{dispute_id}"
    form = next(f for f in place.client.get(path).forms if f.action.endswith("/evidence"))
    done = place.client.press(path, form, words="Here is the letter.")
    assert done.status == 303, done.page.text[:400]


def _requirement(place: Place, hold_id: str) -> str:
    with place.stage.acting(place.stage.system) as ctx:
        return ctx.session.get_one(Hold, hold_id).requirements[0].id


def _requirement_by_api(place: Place, hold_id: str) -> object:
    path = f"/v1/holds/{hold_id}/requirements/{_requirement(place, hold_id)}"
    return place.ada.post(path, {"words": "It was me."})


def _by_letter(subject: str, form_of: str, **values: str) -> Act:
    """The freelancer's page of their hold, opened by the letter about it."""

    def act(place: Place, _: str) -> None:
        person, path = with_letter(place.world, subject)
        form = next(f for f in person.get(path).forms if f.action.endswith(form_of))
        done = person.press(path, form, files=None, **values)
        assert done.status == 303, done.page.text[:400]

    return act


_FREELANCER = ("freelancer", "freelancer")
VERBS = {
    "open a dispute": Verb(
        _milestone,
        lambda place, thing: place.ada.post(
            "/v1/disputes",
            {"milestone": thing, "amount": 4_000, "refund": 1_000, "claim": "It is late."},
        ),
        _decide(
            "{contract}/milestones/{0}/dispute", amount="40.00", refund="10.00", claim="It is late."
        ),
    ),
    "agree to the claim": Verb(
        _claimed_by_the_other, _post("/v1/disputes/{0}/accept"), _on_dispute("accept")
    ),
    "answer a claim": Verb(
        _claimed_by_the_other,
        _post("/v1/disputes/{0}/answer", words="It is all there.", refund=2_000),
        _on_dispute("answer", words="It is all there.", refund="20.00"),
    ),
    "withdraw a dispute": Verb(
        _claimed, _post("/v1/disputes/{0}/withdraw"), _on_dispute("withdraw")
    ),
    "make an open offer": Verb(
        _negotiating,
        _post("/v1/disputes/{0}/proposals", refund=5_000, reasons="To end it.", blind=False),
        _on_dispute("offer", refund="50.00", reasons="To end it."),
    ),
    "make a blind offer": Verb(
        _negotiating,
        _post("/v1/disputes/{0}/proposals", refund=5_000, reasons="To end it.", blind=True),
        _on_dispute("offer", refund="50.00", reasons="To end it.", blind="yes"),
    ),
    "make an offer that meets": Verb(
        _offered_by_the_other,
        _post("/v1/disputes/{0}/proposals", refund=4_000, reasons="To end it.", blind=False),
        _on_dispute("offer", refund="40.00", reasons="To end it."),
    ),
    "agree to an offer": Verb(_offered_by_the_other, _agree_by_api, _agree_on_page),
    "ask for mediation": Verb(
        _negotiating, _post("/v1/disputes/{0}/mediation"), _on_dispute("mediation")
    ),
    "agree to the proposal first": Verb(_proposed, _agree_by_api, _agree_on_page),
    "agree to the proposal second": Verb(
        _proposed_and_agreed_by_the_other, _agree_by_api, _agree_on_page
    ),
    "reject the proposal": Verb(_proposed, _post("/v1/disputes/{0}/reject"), _on_dispute("reject")),
    "show evidence": Verb(
        _negotiating,
        _post("/v1/disputes/{0}/evidence", words="Here is the letter."),
        _evidence_on_page,
    ),
    "accept an amendment": Verb(
        _amendment_by_the_other,
        _post("/v1/contracts/{contract}/amendments/{0}/accept"),
        _decide("{contract}/amendments/{0}", choice="yes", full_name="Charles Babbage"),
    ),
    "reject an amendment": Verb(
        _amendment_by_the_other,
        _post("/v1/contracts/{contract}/amendments/{0}/reject"),
        _decide("{contract}/amendments/{0}", choice="no"),
    ),
    "withdraw an amendment": Verb(
        _amendment_by,
        _post("/v1/contracts/{contract}/amendments/{0}/withdraw"),
        _decide("{contract}/amendments/{0}", choice="withdraw"),
    ),
    "cancel an unpaid contract": Verb(
        _unpaid, _post("/v1/contracts/{0}/cancel"), _decide("{0}/cancel")
    ),
    "end a contract whose work was handed over": Verb(
        _handed_over, _post("/v1/contracts/{0}/end"), _decide("{0}/end")
    ),
    "give what a hold asks for": Verb(
        _on_hold,
        _requirement_by_api,
        _by_letter("hold", "/requirement", words="It was me."),
        _FREELANCER,
    ),
    "appeal against a hold": Verb(
        _on_hold,
        _post("/v1/holds/{0}/appeals", statement="It was not me."),
        _by_letter("hold", "/appeal", statement="It was not me."),
        _FREELANCER,
    ),
    "answer a case": Verb(
        _noticed,
        _post("/v1/cases/{0}/answer", words="It is mine."),
        _by_letter("please answer by", "/case", words="It is mine."),
        _FREELANCER,
    ),
}
ENDS_BEFORE_WORK = Verb(
    lambda place, _: place.stage.contract, _post("/v1/contracts/{0}/end"), _decide("{0}/end")
)
"""By design the freelancer gives back what the client asks for."""
