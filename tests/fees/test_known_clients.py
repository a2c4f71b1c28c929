"""Knowing one's client is welcome and asked about openly; paying oneself is refused by name before
money moves.
"""

from __future__ import annotations

import pytest

from tests.journey import contract_body
from tests.world import World


@pytest.mark.parametrize("relation", ["existing_client", "acquaintance", "family"])
def test_known_people_are_welcome(world: World, relation: str) -> None:
    ada = world.program()
    before = ada.call("GET", "/v1/contracts").text
    answer = ada.post(
        "/v1/pre-checks", {"client": {"email": "charles@babbage.example"}, "relationship": relation}
    )
    assert (answer["allowed"], answer["findings"][0]["code"]) == (True, "welcome")
    assert ada.call("GET", "/v1/contracts").text == before, "no consequence"
    assert ada.get(f"/v1/pre-checks/{answer['id']}") == answer, "can be cited later"
    assert world.program("mary").call("GET", f"/v1/pre-checks/{answer['id']}").status == 404
    made = ada.post("/v1/contracts", contract_body(relationship=relation))
    assert made["relationship"] == relation


@pytest.mark.parametrize(
    ("email", "relation", "code"),
    [
        ("ada@lovelace.example", "existing_client", "own_address"),
        ("ADA@Lovelace.Example ", "existing_client", "own_address"),
        ("ada+invoices@lovelace.example", "existing_client", "own_mailbox"),
        ("charles@babbage.example", "employer_or_own_company", "own_company"),
    ],
)
def test_paying_oneself_is_refused_by_name(
    world: World, email: str, relation: str, code: str
) -> None:
    ada, email = world.program(), email.strip()
    answer = ada.post("/v1/pre-checks", {"client": {"email": email}, "relationship": relation})
    assert (answer["allowed"], [f["code"] for f in answer["findings"]]) == (False, [code])
    refused = ada.call("POST", "/v1/contracts", contract_body(email, relationship=relation))
    assert (refused.status, refused.json()["errors"][0]["code"]) == (422, code)
    assert world.sql("SELECT count(*) AS n FROM contract")[0].n == 0


def test_a_free_text_is_no_relationship(world: World) -> None:
    refused = world.program().call(
        "POST", "/v1/contracts", contract_body(relationship="We met at a lecture.")
    )
    assert refused.status == 422
