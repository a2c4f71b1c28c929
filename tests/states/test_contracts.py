"""Contracts from draft to their end: every move and every time-out, through the API, the pages and
the clock.
"""

from __future__ import annotations

import pytest

from service.core import events, repository
from service.domain.identity.actors import Actor, ActorKind
from tests.journey import contract_body
from tests.world import World

row = pytest.mark.row
ONE = [("Work", 10_000)]


def subjects(world: World, to: str = "charles@babbage.example") -> list[str]:
    world.work()
    return [m["subject"] for m in world.sandbox.mail(to)]


@row("C1")
def test_a_draft_is_forgotten_after_ninety_days(world: World) -> None:
    ada = world.program()
    draft, kept = ada.post("/v1/contracts", contract_body()), world.sent_contract()
    world.advance("89d")
    assert ada.get(f"/v1/contracts/{draft['id']}")["state"] == "draft"
    world.advance("3d")
    assert ada.call("GET", f"/v1/contracts/{draft['id']}").status == 404
    assert world.read(kept)["state"] == "expired", "what was sent stays on record"


@row("C2", "C8")
def test_an_offer_is_reminded_of_and_ends(world: World) -> None:
    contract = world.sent_contract()
    world.advance("26d")
    assert sum("Reminder" in s for s in subjects(world)) == 4
    world.advance("5d")
    assert world.read(contract)["state"] == "expired"
    assert any("has ended" in s for s in subjects(world))


@row("C3")
def test_a_new_version_after_sending(world: World) -> None:
    ada, contract = world.program(), world.sent_contract()
    path = f"/v1/contracts/{contract['id']}"
    world.advance("20d")
    for number in range(2, 5):
        tag = ada.call("GET", path).headers["etag"]
        edited = ada.call(
            "PATCH",
            path,
            contract_body(milestones=[("Work", 10_000 * number)]),
            headers={"If-Match": tag},
        )
        assert (edited.status, edited.json()["state"], edited.json()["text_version"]) == (
            200,
            "sent",
            number,
        ), edited.text
        assert edited.json()["fee_quote"]["fee"] == 500 * number, "quoted anew"
    again = ada.call(
        "PATCH", path, contract_body(), headers={"If-Match": ada.call("GET", path).headers["etag"]}
    )
    assert (again.status, again.json()["allowed_actions"]) == (409, ["withdraw"])
    versions = ada.get(f"{path}/versions")["data"]
    assert [v["previous_sha256"] for v in versions[1:]] == [v["sha256"] for v in versions[:-1]], (
        "a chain of hashes"
    )
    assert versions[-1]["differences"] == [
        {"what": "milestone 1 amount", "before": 30_000, "after": 40_000}
    ]
    assert "USD 300.00 becomes USD 400.00" in world.client().letter("changed the contract")["text"]
    world.advance("29d")
    assert world.read(contract)["state"] == "sent", "the offer's clock started anew"


@row("C3", "C9")
def test_the_version_that_was_shown_is_the_one_that_binds(world: World) -> None:
    ada, contract = world.program(), world.sent_contract()
    client = world.client()
    client.open()
    page = client.through_code(f"/c/{contract['id']}/accept")
    path = f"/v1/contracts/{contract['id']}"
    ada.call(
        "PATCH",
        path,
        contract_body(milestones=[("Dearer", 900_000)]),
        headers={"If-Match": ada.call("GET", path).headers["etag"]},
    )
    check = client.press(
        f"/c/{contract['id']}/accept", page.forms[0], full_name="Charles Babbage", agree="yes"
    )
    form = check.page.forms[0]
    stale = client.press(f"/c/{contract['id']}/accept", form, text_version="1")
    assert stale.status == 412
    assert world.read(contract)["state"] == "sent"


@row("C4", "C5")
@pytest.mark.parametrize("answer", ["revise", "refuse", "silence"])
def test_the_client_asks_for_a_change(world: World, answer: str) -> None:
    ada, contract = world.program(), world.sent_contract()
    client = world.client()
    client.open()
    assert (
        client.decide(
            f"/c/{contract['id']}/change", topic=["price", "dates"], words="Half of it, please."
        ).status
        == 303
    )
    assert world.read(contract)["state"] == "change_requested"
    world.work()
    assert "Half of it" in next(
        m["text"]
        for m in world.sandbox.mail("ada@lovelace.example")
        if "asks you to change" in m["subject"]
    )
    path = f"/v1/contracts/{contract['id']}"
    if answer == "revise":
        tag = ada.call("GET", path).headers["etag"]
        assert (
            ada.call("PATCH", path, contract_body(milestones=ONE), headers={"If-Match": tag}).status
            == 200
        )
    elif answer == "refuse":
        ada.post(f"{path}/refuse-change", {"reason": "It is a fair price."})
    else:
        world.advance("13d")
        assert world.read(contract)["state"] == "change_requested"
        world.advance("2d")
    assert world.read(contract)["state"] == "sent"
    client.open()
    assert client.accept().status == 303
    assert world.read(contract)["state"] == "accepted"


@row("C6")
def test_the_client_declines(world: World) -> None:
    contract, client = world.sent_contract(), world.client()
    client.open()
    assert client.decide(f"/c/{contract['id']}/decline", reason="price").status == 303
    assert world.read(contract)["state"] == "declined"


@row("C6")
def test_the_client_does_not_know_this_person(world: World) -> None:
    contract, client = world.sent_contract(), world.client()
    client.open()
    path = f"/c/{contract['id']}/unknown"
    assert client.press(path, client.get(path).forms[0]).status == 303, "no code is asked for"
    assert world.read(contract)["state"] == "declined"
    assert "unknown_person" in [
        t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]
    ]
    before = len(subjects(world))
    world.advance("15d")
    assert len(subjects(world)) == before, "letters stop"


@row("C7")
def test_the_freelancer_withdraws_also_while_a_change_is_asked(world: World) -> None:
    contract, client = world.sent_contract(), world.client()
    client.open()
    client.decide(f"/c/{contract['id']}/change", topic=["price"], words="Less.")
    world.program().post(f"/v1/contracts/{contract['id']}/withdraw")
    assert world.read(contract)["state"] == "withdrawn"


@row("C9", "C11")
def test_an_accepted_contract_that_nobody_pays(world: World) -> None:
    contract, _ = world.accepted_contract()
    world.advance("8d")
    assert sum("is not paid yet" in s for s in subjects(world)) == 2
    world.advance("3d")
    assert world.read(contract)["state"] == "cancelled"
    assert {m["state"] for m in world.read(contract)["milestones"]} == {"cancelled"}


@row("C10", "C17")
def test_from_the_first_payment_to_the_last_release(world: World) -> None:
    contract, _ = world.released_contract(milestones=ONE)
    assert world.read(contract)["state"] == "completed"


@row("C12")
@pytest.mark.parametrize("answer", ["yes", "no", "withdraw", "silence"])
def test_an_amendment_by_the_freelancer(world: World, answer: str) -> None:
    contract, client = world.funded_contract(everything=False)
    ada, path = world.program(), f"/v1/contracts/{contract['id']}/amendments"
    first, second, _ = contract["milestones"]
    keep = {
        "id": first["id"],
        "title": first["title"],
        "amount": first["amount"],
        "due_on": "2027-03-01",
    }
    wanted = [
        keep,
        {"id": second["id"], "title": "Mill only", "amount": 50_000},
        {"title": "Store", "amount": 40_000},
    ]
    made = ada.post(path, {"milestones": wanted, "note": "Two parts instead of one."})
    assert made["state"] == "proposed"
    assert ada.call("POST", path, {"milestones": wanted}).status == 409, "one at a time"
    assert ada.call("POST", f"{path}/{made['id']}/accept", {}).status == 403, "not by the proposer"
    page = f"/c/{contract['id']}/amendments/{made['id']}"
    if answer == "yes":
        assert client.decide(page, choice="yes", full_name="Charles Babbage").status == 303
    elif answer == "no":
        assert client.decide(page, choice="no").status == 303
    elif answer == "withdraw":
        ada.post(f"{path}/{made['id']}/withdraw")
    else:
        world.advance("8d")
    found = world.read(contract)
    state = ada.get(path)["data"][0]["state"]
    amounts = [(m["number"], m["amount"], m["state"]) for m in found["milestones"]]
    if answer == "yes":
        assert state == "accepted"
        assert amounts == [
            (1, 120_000, "funded"),
            (2, 50_000, "awaiting_funding"),
            (3, 233_333, "cancelled"),
            (4, 40_000, "planned"),
        ]
        assert found["text_version"] == 2
        assert found["fee_quote"]["schedule"] == contract["fee_quote"]["schedule"], (
            "the promise stays"
        )
        acceptances = world.sql(
            "SELECT text_version, full_name FROM acceptance ORDER BY text_version"
        )
        assert [tuple(a) for a in acceptances] == [(1, "Charles Babbage"), (2, "Charles Babbage")]
        client.pay([found["milestones"][1]["id"], found["milestones"][3]["id"]])
        world.work()
        assert [m["state"] for m in world.read(contract)["milestones"]] == [
            "funded",
            "funded",
            "cancelled",
            "funded",
        ]
    else:
        assert state == {"no": "rejected", "withdraw": "withdrawn", "silence": "expired"}[answer]
        assert [a[1] for a in amounts] == [120_000, 80_050, 233_333]
    world.check_books()


@row("C12")
def test_what_is_paid_cannot_be_amended_away(world: World) -> None:
    contract, _ = world.funded_contract(everything=False)
    ada, path = world.program(), f"/v1/contracts/{contract['id']}/amendments"
    first, second, third = (
        {"id": m["id"], "title": m["title"], "amount": m["amount"]} for m in contract["milestones"]
    )
    dearer = ada.call("POST", path, {"milestones": [first | {"amount": 130_000}, second, third]})
    assert (dearer.status, dearer.json()["errors"][0]["code"]) == (422, "paid_already")
    dropped = ada.call("POST", path, {"milestones": [second, third]})
    assert (dropped.status, dropped.json()["errors"][0]["code"]) == (422, "paid_already")
    same = ada.call("POST", path, {"milestones": [first, second, third]})
    assert (same.status, same.json()["errors"][0]["code"]) == (422, "nothing_changed")


@row("C13", "C15", "M12")
def test_the_client_ends_a_contract(world: World) -> None:
    """Paid and not handed over: asked back, silence refunds.

    Handed over: still to be answered. Not paid: cancelled.
    """
    contract, client = world.submitted_contract()
    first, second, third = contract["milestones"]
    assert (
        client.decide(f"/c/{contract['id']}/end", reason="The engine will not be built.").status
        == 303
    )
    assert world.read(contract)["state"] == "closing"
    assert [m["state"] for m in world.read(contract)["milestones"]] == [
        "submitted",
        "refund_requested",
        "refund_requested",
    ]
    assert client.approve(first["id"]).status == 303
    world.advance("8d")
    found = world.read(contract)
    assert ([m["state"] for m in found["milestones"]], found["state"]) == (
        ["released", "refunded", "refunded"],
        "completed",
    )
    assert [m["refunded"] for m in found["milestones"]] == [0, second["amount"], third["amount"]]
    world.check_books()


@row("C14", "C16", "M17")
def test_the_freelancer_ends_a_contract(world: World) -> None:
    contract, _ = world.funded_contract(everything=False)
    world.program().post(f"/v1/contracts/{contract['id']}/end", {"reason": "I am ill."})
    world.work()
    found = world.read(contract)
    assert ([m["state"] for m in found["milestones"]], found["state"]) == (
        ["refunded", "cancelled", "cancelled"],
        "cancelled",
    )
    assert world.trial_balance().get("psp_trust", 0) == 0
    world.check_books()


@row("C18")
def test_nobody_does_anything_for_long(world: World) -> None:
    contract, _ = world.funded_contract(
        milestones=[("Work", 10_000), ("More", 20_000)], everything=False
    )
    world.advance("91d")
    assert world.read(contract)["state"] == "active"
    assert any("Nothing has happened" in s for s in subjects(world))
    world.advance("8d")
    assert any("Nothing has happened" in s for s in subjects(world, "ada@lovelace.example"))
    world.advance("8d")
    found = world.read(contract)
    assert (found["state"], [m["state"] for m in found["milestones"]]) == (
        "cancelled",
        ["refunded", "cancelled"],
    )
    world.check_books()


@row("C18")
def test_a_sign_of_life_wakes_a_dormant_contract(world: World) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    world.advance("95d")
    world.program().post(
        f"/v1/milestones/{contract['milestones'][0]['id']}/submissions", {"note": "At last."}
    )
    world.work()
    world.advance("10d")
    assert world.read(contract)["milestones"][0]["state"] == "submitted"


@row("C18")
@pytest.mark.parametrize("who", ["ada", "platform"])
def test_what_the_marketplace_does_for_a_freelancer_is_a_sign_of_life(
    world: World, who: str
) -> None:
    """An amendment on day 60, by the freelancer's key or the marketplace's: the 90 quiet days begin
    then, not at the payment.
    """
    contract, _ = world.funded_contract(milestones=ONE)
    world.advance("60d")
    kept = [
        {"id": m["id"], "title": m["title"], "amount": m["amount"]} for m in contract["milestones"]
    ]
    more = {
        "milestones": [*kept, {"title": "More", "amount": 5_000}],
        "note": "There is more to do.",
    }
    world.program(who).post(f"/v1/contracts/{contract['id']}/amendments", more)
    world.advance("88d")
    assert not any("Nothing has happened" in s for s in subjects(world)), (
        "148 days after the payment, 88 after the amendment"
    )
    world.advance("3d")
    assert any("Nothing has happened" in s for s in subjects(world))


@row("C18")
@pytest.mark.parametrize("kind", list(ActorKind))
def test_who_can_give_a_sign_of_life(world: World, kind: ActorKind) -> None:
    """Only what is done for one of the two people counts: not staff, not the service, not
    Stripe.
    """
    contract, _ = world.funded_contract(milestones=ONE)
    world.advance("60d")
    actor = Actor(kind) if kind in (ActorKind.SYSTEM, ActorKind.PSP) else Actor(kind, "key_test")
    with world.runtime.context("test", actor) as ctx:
        events.record(
            ctx,
            "contract.opened",
            repository.contract(ctx.session, contract["id"], owner=repository.EVERYONE),
        )
    world.advance("31d")
    alive = not any("Nothing has happened" in s for s in subjects(world))
    assert alive is (kind not in (ActorKind.STAFF, ActorKind.SYSTEM, ActorKind.PSP))


@row("C19")
def test_links_are_renewed_and_revoked_only_by_choice(world: World) -> None:
    contract = world.sent_contract()
    old = world.client()
    old.open()
    ada, path = world.program(), f"/v1/contracts/{contract['id']}/links"
    ada.post(path)
    assert "Notes" in old.get(f"/c/{contract['id']}").text, "the old one still works"
    ada.post(path, {"revoke_old": True})
    world.work()
    assert old.http.request("GET", f"/c/{contract['id']}").status == 403
    fresh = world.client()
    assert "Notes" in fresh.open("new link").text


@row("C19")
def test_a_colleague_pays_and_cannot_decide(world: World) -> None:
    contract, client = world.accepted_contract(milestones=ONE)
    path = f"/c/{contract['id']}/people"
    assert (
        client.decide(
            path, choice="pass_on", email="accounts@babbage.example", role="pay_only"
        ).status
        == 303
    )
    world.work()
    colleague = world.client("accounts@babbage.example")
    colleague.open("passed a contract")
    assert colleague.http.request("GET", f"/c/{contract['id']}/end").status == 403
    colleague.pay()
    world.work()
    assert world.read(contract)["milestones"][0]["state"] == "funded"
    page = client.through_code(path)
    assert client.press(path, page.forms[0], choice="revoke").status == 303
    assert colleague.http.request("GET", f"/c/{contract['id']}").status == 403


@row("C19")
def test_the_client_moves_to_another_address(world: World) -> None:
    contract, client = world.funded_contract(milestones=ONE)
    page = client.through_code(f"/c/{contract['id']}/people")
    form = next(f for f in page.forms if "Move the contract" in f.text)
    assert (
        client.press(
            f"/c/{contract['id']}/people", form, choice="move", email="charles@analytical.example"
        ).status
        == 303
    )
    world.work()
    assert client.http.request("GET", f"/c/{contract['id']}").status == 403, (
        "the old browser is out"
    )
    assert any("moved to another address" in s for s in subjects(world))
    moved = world.client("charles@analytical.example")
    assert "Notes" in moved.open("new link").text
    world.program().post(
        f"/v1/milestones/{contract['milestones'][0]['id']}/submissions", {"note": "Done."}
    )
    world.work()
    assert moved.approve(contract["milestones"][0]["id"]).status == 303
    world.check_books()


@row("C19")
@pytest.mark.parametrize("objects", [True, False])
def test_a_lost_mailbox(world: World, objects: bool) -> None:
    contract, client = world.submitted_contract(milestones=ONE)
    staff = world.program("safety")
    staff.post(
        f"/v1/staff/contracts/{contract['id']}/client-email",
        {"email": "charles@analytical.example"},
    )
    world.work()
    blocked = client.http.request(
        "GET", f"/c/{contract['id']}/milestones/{contract['milestones'][0]['id']}/review"
    )
    assert blocked.status == 409, "nothing binds meanwhile"
    if objects:
        page = client.get(f"/c/{contract['id']}")
        assert (
            client.press(
                f"/c/{contract['id']}", next(f for f in page.forms if "stop it" in f.text)
            ).status
            == 303
        )
    world.advance("8d")
    email = world.read(contract)["client"]["email"]
    assert email == ("charles@babbage.example" if objects else "charles@analytical.example")
