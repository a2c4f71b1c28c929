"""What binds says when the mailbox was proved: the instant at which the code was typed, half an
hour before the click or not.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from service.core import repository
from service.models import Chargeback
from service.operations.disputes import evidence_pack
from tests.journey import Person
from tests.states.test_chargebacks import contest
from tests.world import World

WORK = [("Work", 10_000), ("More", 20_000)]
LATE = timedelta(minutes=29)


def typed_at(world: World) -> Any:
    return world.sql("SELECT max(used_at) AS at FROM code_challenge")[0].at


def newest_acceptance(world: World) -> Any:
    return world.sql("SELECT * FROM acceptance ORDER BY accepted_at DESC LIMIT 1")[0]


def accept(world: World) -> Any:
    contract = world.sent_contract(milestones=WORK)
    client = world.client()
    client.open()
    path = f"/c/{contract['id']}/accept"
    page = client.through_code(path)
    world.advance("29m")
    check = client.press(path, page.forms[0], full_name="Charles Babbage", agree="yes")
    return client.press(path, check.page.forms[0])


def _answer(
    world: World, contract: dict[str, Any], client: Person, proposed: dict[str, Any]
) -> Any:
    path = f"/c/{contract['id']}/amendments/{proposed['id']}"
    world.advance("13h")
    client.open()
    page = client.through_code(path)
    world.advance("29m")
    yes = next(form for form in page.forms if form.method == "post")
    return client.press(path, yes, full_name="Charles Babbage", choice="yes")


def amend(world: World) -> Any:
    contract, client = world.funded_contract(milestones=WORK, everything=False)
    kept = [
        {"id": m["id"], "title": m["title"], "amount": m["amount"]} for m in contract["milestones"]
    ]
    body = {
        "milestones": [*kept, {"title": "A third part", "amount": 5_000}],
        "note": "There is more to do.",
    }
    return _answer(
        world,
        contract,
        client,
        world.program().post(f"/v1/contracts/{contract['id']}/amendments", body),
    )


def convert(world: World) -> Any:
    contract, client = world.funded_contract(milestones=WORK, everything=False)
    proposed = world.program("platform").post(
        f"/v1/contracts/{contract['id']}/conversions", {"kind": "marketplace"}
    )
    return _answer(world, contract, client, proposed)


@pytest.mark.parametrize("bind", [accept, amend, convert])
def test_an_agreement_keeps_the_instant_of_the_code(world: World, bind: Any) -> None:
    assert bind(world).status == 303
    kept = newest_acceptance(world)
    assert kept.code_verified_at == typed_at(world)
    assert kept.accepted_at - kept.code_verified_at >= LATE
    assert (kept.full_name, kept.email, kept.ip_address) == (
        "Charles Babbage",
        "charles@babbage.example",
        "unknown",
    )


def approve(client: Person, contract: dict[str, Any]) -> Any:
    return client.approve(contract["milestones"][0]["id"])


def end(client: Person, contract: dict[str, Any]) -> Any:
    return client.decide(f"/c/{contract['id']}/end", reason="The engine will not be built.")


def dispute(client: Person, contract: dict[str, Any]) -> Any:
    path = f"/c/{contract['id']}/milestones/{contract['milestones'][0]['id']}/dispute"
    return client.decide(
        path, amount="50.00", wanted="50.00", claim="Two of the figures are not legible."
    )


@pytest.mark.parametrize("decision", [approve, end, dispute])
def test_every_decision_keeps_it_beside_itself(world: World, decision: Any) -> None:
    contract, client = world.submitted_contract(milestones=WORK)
    world.advance("13h")
    client.open()
    client.through_code(f"/c/{contract['id']}/end")
    world.advance("29m")
    before = world.sql("SELECT count(*) AS n FROM event WHERE type = 'code.relied_on'")[0].n
    assert decision(client, contract).status == 303
    found = world.sql(
        "SELECT data, occurred_at, public FROM event WHERE type = 'code.relied_on' ORDER BY number"
    )[before:]
    assert [row.public for row in found] == [False]
    assert found[0].data["code_verified_at"] == typed_at(world).isoformat()
    assert found[0].occurred_at - typed_at(world) >= LATE


def test_the_bank_reads_when_each_release_was_decided_and_by_whom(world: World) -> None:
    """One milestone approved with a code, one released by the end of its window: one release is the
    client's.
    """
    contract, client = world.submitted_contract(milestones=WORK)
    path = f"/c/{contract['id']}/milestones/{contract['milestones'][0]['id']}/review"
    world.advance("13h")
    client.open()
    client.through_code(path)
    world.advance("29m")
    assert client.approve(contract["milestones"][0]["id"]).status == 303
    proved = typed_at(world)
    world.program().post(
        f"/v1/milestones/{contract['milestones'][1]['id']}/submissions", {"note": "It is done."}
    )
    world.work()
    world.advance("40d")
    assert [m["state"] for m in world.read(contract)["milestones"]] == ["released", "released"]
    contest(world)
    with world.runtime.context("test") as ctx:
        chargeback = ctx.session.query(Chargeback).one()
        found, payment = repository.payment(ctx.session, chargeback.payment_id)
        values = evidence_pack.values_of(ctx.session, found, payment, chargeback, "Holdfast")
        text = evidence_pack.text_of(values)
    by_client, by_itself = (dict(release) for release in values["releases"])
    assert by_client["Mailbox proved by code"] == f"{proved:%Y-%m-%d %H:%M:%S} UTC"
    assert by_client["From address"] == "unknown"
    assert (by_itself["By"], "Mailbox proved by code" in by_itself) == ("system", False)
    assert "Releases by the client: 1." in text
