"""A colleague pays by the link that was passed on to them: facts name them, and what became of
their money reaches them.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from service.core import repository
from service.models import Chargeback
from service.operations.disputes import evidence_pack
from tests.journey import Person, path_of
from tests.pages.test_proof import contest
from tests.world import World

ONE = [("Work", 10_000)]
EMAIL = "accounts@babbage.example"


def passed_on(world: World) -> tuple[dict[str, Any], Person, Person]:
    """An accepted contract, its client, and a colleague who may pay."""
    contract, client = world.accepted_contract(milestones=ONE)
    assert (
        client.decide(
            f"/c/{contract['id']}/people", choice="pass_on", email=EMAIL, role="pay_only"
        ).status
        == 303
    )
    world.work()
    colleague = world.client(EMAIL)
    colleague.open("passed a contract")
    return contract, client, colleague


def subjects(world: World, to: str) -> list[str]:
    world.work()
    return [letter["subject"] for letter in world.sandbox.mail(to)]


def payers(world: World) -> list[str]:
    return [row.payer for row in world.sql("SELECT payer FROM payment ORDER BY id")]


def their_link(world: World) -> str:
    return str(
        world.sql(
            "SELECT typeid_text('lnk', id) AS id FROM client_link WHERE passed_to IS NOT NULL"
        )[0].id
    )


def test_a_payment_names_the_colleague_to_staff_and_tells_the_freelancer_no_link(
    world: World,
) -> None:
    contract, _, colleague = passed_on(world)
    colleague.pay()
    world.work()
    payment = f"colleague:{their_link(world)}"
    assert payers(world) == [payment]
    for program, told in ((world.program(), "colleague"), (world.program("admin"), payment)):
        actors = {
            e["actor"]
            for e in program.get(f"/v1/events?contract={contract['id']}&limit=100")["data"]
            if e["type"] == "payment.created"
        }
        assert actors == {told}
    world.check_books()


def test_stripe_and_the_letter_with_the_receipt_know_who_paid(world: World) -> None:
    contract, client, colleague = passed_on(world)
    colleague.pay()
    sessions = [o for o in world.sandbox.dump()["objects"] if o["object"] == "checkout.session"]
    assert [one["customer_email"] for one in sessions] == [EMAIL]
    assert (
        subjects(world, EMAIL)[0]
        == subjects(world, client.email)[0]
        == "Payment received: USD 100.00"
    )
    fresh = world.client(EMAIL)
    fresh.open("Payment received")
    assert "USD\u00a0100.00" in fresh.get(f"/c/{contract['id']}/receipts").text
    assert fresh.http.request("GET", f"/c/{contract['id']}/end").status == 403, (
        "a colleague's link, not the client's"
    )


def test_who_goes_on_with_an_open_payment_is_the_payer(world: World) -> None:
    _, client, colleague = passed_on(world)
    client.start_payment()
    assert payers(world)[0].startswith("client:")
    colleague.pay()
    assert payers(world) == [f"colleague:{their_link(world)}"]
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="fixed"):
        world.sql_owner("UPDATE payment SET payer = 'client:somebody'")


def test_a_client_who_pays_is_told_alone(world: World) -> None:
    _, client, _ = passed_on(world)
    client.pay()
    assert "Payment received: USD 100.00" in subjects(world, client.email)
    assert all("Payment received" not in subject for subject in subjects(world, EMAIL))
    assert payers(world)[0].startswith("client:")


def test_a_refund_is_told_to_the_one_whose_card_it_goes_back_to(world: World) -> None:
    contract, client, colleague = passed_on(world)
    colleague.pay()
    world.work()
    milestone = contract["milestones"][0]["id"]
    assert (
        world.program()
        .call("POST", f"/v1/milestones/{milestone}/refunds", {"amount": 4_000})
        .status
        == 201
    )
    for who in (EMAIL, client.email):
        assert subjects(world, who)[0] == "USD 40.00 was sent back to you"


def test_a_refund_that_fails_is_told_to_them_too(world: World) -> None:
    contract, _, colleague = passed_on(world)
    colleague.pay(card="4000 0000 0000 5126")
    world.work()
    milestone = contract["milestones"][0]["id"]
    assert (
        world.program()
        .call("POST", f"/v1/milestones/{milestone}/refunds", {"amount": 4_000})
        .status
        == 201
    )
    world.work()
    world.advance("2d")
    assert "Your refund of USD 40.00 did not arrive" in subjects(world, EMAIL)


def test_money_in_the_wrong_place_is_told_to_them(world: World) -> None:
    contract, _, colleague = passed_on(world)
    away = path_of(colleague.start_payment().headers["location"])
    form = colleague.get(away).forms[0]
    world.program().post(f"/v1/contracts/{contract['id']}/cancel")
    colleague.press(away, form, number="4242 4242 4242 4242")
    assert "Your payment is being returned: USD 100.00" in subjects(world, EMAIL)
    world.check_books()


def test_a_debit_that_comes_back_is_told_to_them(world: World) -> None:
    object.__setattr__(world.runtime.policies, "bank_debit", True)
    _, _, colleague = passed_on(world)
    away = path_of(colleague.start_payment(method="us_bank_account").headers["location"])
    colleague.press(away, colleague.get(away).forms[0], bank_account="000222222227")
    world.work()
    world.advance("5d")
    fresh = world.client(EMAIL)
    fresh.open("did not arrive")
    assert fresh.start_payment().status == 303


def test_a_bank_is_told_who_paid_and_who_decided(world: World) -> None:
    """Evidence says nothing of a cardholder that was somebody else: the client agreed and decided,
    a colleague paid.
    """
    contract, client, colleague = passed_on(world)
    colleague.pay()
    world.program().post(
        f"/v1/milestones/{contract['milestones'][0]['id']}/submissions", {"note": "It is done."}
    )
    world.work()
    assert client.approve(contract["milestones"][0]["id"]).status == 303
    contest(world)
    with world.runtime.context("test") as ctx:
        chargeback = ctx.session.query(Chargeback).one()
        found, payment = repository.payment(ctx.session, chargeback.payment_id)
        values = evidence_pack.values_of(ctx.session, found, payment, chargeback, "Holdfast")
    assert (
        dict(values["dispute"])["Paid by"]
        == f"{EMAIL}, a colleague to whom the client passed the contract on"
    )
    assert values["summary"].startswith("A colleague of Charles Babbage paid USD 100.00")
    assert dict(values["releases"][0])["By"] == "the client, with a code from their mailbox"
    assert "cardholder" not in evidence_pack.text_of(values)
    assert [letter[0] for letter in values["letters"] if letter[0].endswith("colleague")] == [
        "payment received colleague"
    ]
