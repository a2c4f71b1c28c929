"""What was given is the same for ever: each paper is given, everything else changes, and it is
given again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service import documents
from tests.finance.golden import look_again
from tests.journey import Person, contract_body
from tests.safety.test_holds import freeze
from tests.states.test_chargebacks import contest
from tests.world import World

DETAILS = {"company": "Engine Ltd", "address": "1 Dorset St", "purchase_order": "PO-77"}


def paid(world: World) -> tuple[dict[str, Any], Person]:
    """Accepted as a company with an address and an order number; one milestone released, one
    held.
    """
    ada = world.program()
    contract = ada.post(
        "/v1/contracts",
        contract_body(milestones=[("First", 30_000), ("Second", 40_000), ("Third", 5_000)]),
    )
    ada.post(f"/v1/contracts/{contract['id']}/send")
    client = world.client()
    client.open()
    assert client.accept(**DETAILS).status == 303
    world.work()
    client.pay([m["id"] for m in contract["milestones"][:2]])
    world.work()
    ada.post(f"/v1/milestones/{contract['milestones'][0]['id']}/submissions", {"note": "Done."})
    world.work()
    assert client.approve(contract["milestones"][0]["id"]).status == 303
    world.work()
    return world.read(contract), client


def receipt_path(client: Person, contract: dict[str, Any]) -> str:
    links = client.get(f"/c/{contract['id']}/receipts").links
    return next(link for link in links if "/receipts/pay_" in link)


def given(world: World, client: Person, contract: dict[str, Any]) -> dict[str, bytes]:
    """Every paper of this contract that anybody can ask for: by its name, its bytes."""
    ada, out = world.program(), {}
    receipt = receipt_path(client, contract)
    for language in ("en", "de", "es"):
        out[f"receipt {language}"] = client.http.request(
            "GET", f"{receipt}.pdf?language={language}"
        ).raw
    for invoice in ada.get(f"/v1/invoices?contract={contract['id']}")["data"]:
        for form, path in invoice["files"].items():
            reply = ada.call("GET", path)
            if reply.status == 200:
                out[f"{invoice['number']} {form}"] = reply.raw
    return out


def agree_to_an_amendment(world: World, client: Person, contract: dict[str, Any]) -> None:
    """Another third milestone; accepted with a code, without new details."""
    ada = world.program()
    kept = [
        {"id": m["id"], "title": m["title"], "amount": m["amount"]} for m in contract["milestones"]
    ]
    wanted = [*kept[:2], kept[2] | {"title": "Something else", "amount": 7_000}]
    amendment = ada.post(
        f"/v1/contracts/{contract['id']}/amendments", {"note": "A change.", "milestones": wanted}
    )
    world.work()
    path = f"/c/{contract['id']}/amendments/{amendment['id']}"
    reply = client.decide(path, full_name="Charles Babbage", choice="yes")
    assert reply.status == 303, reply.page.text[:400]
    world.work()
    assert world.read(contract)["milestones"][2]["title"] == "Something else"


def everything_changes(
    world: World,
    client: Person,
    contract: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """An amendment, another name, a rest that became a milestone, a refund, a hold, a chargeback,
    another template.
    """
    agree_to_an_amendment(world, client, contract)
    world.sql_owner(
        "UPDATE freelancer SET display_name = 'A. A. Lovelace' WHERE external_ref = 'ada'"
    )
    second = contract["milestones"][1]["id"]
    world.program().post(f"/v1/milestones/{second}/submissions", {"note": "Half of it."})
    world.work()
    look_again(client)
    client.code(f"/c/{contract['id']}")
    world.program().post(
        f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", {"amount": 1_000}
    )
    world.work()
    freeze(world, contract["id"], scopes=["amend"])
    contest(world, amount=2_000)
    for source in Path(documents.__file__).parent.glob("*.typ"):
        (tmp_path / source.name).write_text(
            source.read_text().replace("9pt", "12pt").replace("10pt", "13pt")
        )
    monkeypatch.setattr(documents, "_FOLDER", tmp_path)
    world.advance("9d")


def test_no_paper_turns(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    contract, client = paid(world)
    before = given(world, client, contract)
    assert len(before) >= 5
    everything_changes(world, client, contract, monkeypatch, tmp_path)
    look_again(client)
    after = given(world, client, contract)
    assert {name: after[name] == data for name, data in before.items()} == dict.fromkeys(
        before, True
    )
    assert set(after) > set(before), "what came later has papers of its own"


def test_a_receipt_says_what_was_so_when_it_was_paid(world: World) -> None:
    """Also one that nobody has asked for yet: the details and lines are those of the payment, not
    of the amendment.
    """
    contract, client = paid(world)
    agree_to_an_amendment(world, client, contract)
    world.sql_owner(
        "UPDATE freelancer SET display_name = 'A. A. Lovelace' WHERE external_ref = 'ada'"
    )
    page = client.get(receipt_path(client, contract)).text
    for words in (
        "Engine Ltd",
        "1 Dorset St",
        "PO-77",
        "Ada Lovelace",
        "1. First",
        "2. Second",
        "700.00",
    ):
        assert words in page, words
    assert "Something else" not in page


def test_a_receipt_after_an_amendment_names_the_company(world: World) -> None:
    """Later papers too: an amendment is not a change of who is billed."""
    contract, client = paid(world)
    agree_to_an_amendment(world, client, contract)
    look_again(client)
    client.code(f"/c/{contract['id']}")
    client.pay([contract["milestones"][2]["id"]])
    world.work()
    newest = [
        link
        for link in client.get(f"/c/{contract['id']}/receipts").links
        if "/receipts/pay_" in link
    ][-1]
    page = client.get(newest).text
    assert all(
        words in page for words in ("Engine Ltd", "1 Dorset St", "PO-77", "3. Something else")
    )
