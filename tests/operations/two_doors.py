"""Verbs that both the API and a page have: what each is done to, and how by either door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.models import Hold
from tests.console import with_letter
from tests.operations.stands import (
    Arrange,
    Place,
    amendment_by,
    amendment_by_the_other,
    being_negotiated,
    claimed,
    claimed_by_the_other,
    handed_over,
    milestone,
    noticed,
    offered_by_the_other,
    on_hold,
    proposed,
    proposed_and_agreed_by_the_other,
    unpaid,
)

Act = Callable[[Place, str], object]


@dataclass(frozen=True)
class Verb:
    arrange: Arrange
    api: Act
    page: Act
    by: tuple[str, str] = ("freelancer", "client")
    """Who acts by the API, and who on the page."""


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
        milestone,
        lambda place, thing: place.ada.post(
            "/v1/disputes",
            {"milestone": thing, "amount": 4_000, "refund": 1_000, "claim": "It is late."},
        ),
        _decide(
            "{contract}/milestones/{0}/dispute", amount="40.00", refund="10.00", claim="It is late."
        ),
    ),
    "agree to the claim": Verb(
        claimed_by_the_other, _post("/v1/disputes/{0}/accept"), _on_dispute("accept")
    ),
    "answer a claim": Verb(
        claimed_by_the_other,
        _post("/v1/disputes/{0}/answer", words="It is all there.", refund=2_000),
        _on_dispute("answer", words="It is all there.", refund="20.00"),
    ),
    "withdraw a dispute": Verb(
        claimed, _post("/v1/disputes/{0}/withdraw"), _on_dispute("withdraw")
    ),
    "make an open offer": Verb(
        being_negotiated,
        _post("/v1/disputes/{0}/proposals", refund=5_000, reasons="To end it.", blind=False),
        _on_dispute("offer", refund="50.00", reasons="To end it."),
    ),
    "make a blind offer": Verb(
        being_negotiated,
        _post("/v1/disputes/{0}/proposals", refund=5_000, reasons="To end it.", blind=True),
        _on_dispute("offer", refund="50.00", reasons="To end it.", blind="yes"),
    ),
    "make an offer that meets": Verb(
        offered_by_the_other,
        _post("/v1/disputes/{0}/proposals", refund=4_000, reasons="To end it.", blind=False),
        _on_dispute("offer", refund="40.00", reasons="To end it."),
    ),
    "agree to an offer": Verb(offered_by_the_other, _agree_by_api, _agree_on_page),
    "ask for mediation": Verb(
        being_negotiated, _post("/v1/disputes/{0}/mediation"), _on_dispute("mediation")
    ),
    "agree to the proposal first": Verb(proposed, _agree_by_api, _agree_on_page),
    "agree to the proposal second": Verb(
        proposed_and_agreed_by_the_other, _agree_by_api, _agree_on_page
    ),
    "reject the proposal": Verb(proposed, _post("/v1/disputes/{0}/reject"), _on_dispute("reject")),
    "show evidence": Verb(
        being_negotiated,
        _post("/v1/disputes/{0}/evidence", words="Here is the letter."),
        _evidence_on_page,
    ),
    "accept an amendment": Verb(
        amendment_by_the_other,
        _post("/v1/contracts/{contract}/amendments/{0}/accept"),
        _decide("{contract}/amendments/{0}", choice="yes", full_name="Charles Babbage"),
    ),
    "reject an amendment": Verb(
        amendment_by_the_other,
        _post("/v1/contracts/{contract}/amendments/{0}/reject"),
        _decide("{contract}/amendments/{0}", choice="no"),
    ),
    "withdraw an amendment": Verb(
        amendment_by,
        _post("/v1/contracts/{contract}/amendments/{0}/withdraw"),
        _decide("{contract}/amendments/{0}", choice="withdraw"),
    ),
    "cancel an unpaid contract": Verb(
        unpaid, _post("/v1/contracts/{0}/cancel"), _decide("{0}/cancel")
    ),
    "end a contract whose work was handed over": Verb(
        handed_over, _post("/v1/contracts/{0}/end"), _decide("{0}/end")
    ),
    "give what a hold asks for": Verb(
        on_hold,
        _requirement_by_api,
        _by_letter("hold", "/requirement", words="It was me."),
        _FREELANCER,
    ),
    "appeal against a hold": Verb(
        on_hold,
        _post("/v1/holds/{0}/appeals", statement="It was not me."),
        _by_letter("hold", "/appeal", statement="It was not me."),
        _FREELANCER,
    ),
    "answer a case": Verb(
        noticed,
        _post("/v1/cases/{0}/answer", words="It is mine."),
        _by_letter("please answer by", "/case", words="It is mine."),
        _FREELANCER,
    ),
}
ENDS_BEFORE_WORK = Verb(
    lambda place, _: place.stage.contract, _post("/v1/contracts/{0}/end"), _decide("{0}/end")
)
"""By design the freelancer gives back what the client asks for."""
