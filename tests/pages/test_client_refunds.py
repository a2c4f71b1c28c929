"""The client asks for money back on their pages: what is offered is what the operation takes."""

from __future__ import annotations

from typing import Any

from service.domain.money.money import plain
from tests.states.test_chargebacks import charge
from tests.world import World

AMOUNT = [("Engine", 100_000)]


def _page(contract: dict[str, Any]) -> str:
    return f"/c/{contract['id']}/milestones/{contract['milestones'][0]['id']}"


def _requests(world: World) -> list[tuple[int, str]]:
    rows = world.sql("SELECT amount_minor, state FROM refund_request ORDER BY id")
    return [(row.amount_minor, row.state) for row in rows]


def test_the_rest_is_asked_for_in_place_of_a_part(world: World) -> None:
    """Who asked for 200.00 and now approves 600.00 may ask for all of the other 400.00."""
    contract, client = world.submitted_contract(milestones=AMOUNT)
    client.open("sent you a contract")
    at = _page(contract)
    asked = client.decide(f"{at}/refund", amount="200.00", reason="Half is missing.")
    assert asked.status == 303, asked.page.text[:400]
    assert _requests(world) == [(20_000, "open")]
    page = client.get(f"{at}/review")
    check = client.press(
        f"{at}/review", page.forms[0], choice="part", amount="600.00", rest="refund"
    )
    done = client.press(f"{at}/review", check.page.forms[0])
    assert done.status == 303, done.page.text[:400]
    assert _requests(world) == [(20_000, "withdrawn"), (40_000, "open")]
    world.check_books()


def test_no_more_is_offered_than_can_go_back(world: World) -> None:
    """After a release and a refund past the service, the page offers what Stripe has left of the
    payment; a request for it is taken, and one for more is refused on the page."""
    contract, client = world.released_contract(milestones=AMOUNT)
    at = _page(contract)
    world.sandbox.post(f"charges/{charge(world)}/refund", {"amount": 40_000})
    world.work()
    page = client.through_code(f"{at}/refund")
    assert plain(60_000, "USD") in page.text.replace("\xa0", " ")
    assert plain(100_000, "USD") not in page.text.replace("\xa0", " ")
    refused = client.decide(f"{at}/refund", amount="600.01", reason="It broke.")
    assert refused.status == 422
    assert client.decide(f"{at}/refund", amount="", reason="It broke.").status == 303
    assert _requests(world) == [(60_000, "open")]
