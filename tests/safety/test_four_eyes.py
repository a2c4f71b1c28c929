"""Four eyes are two people: whoever has two keys, of one role or of two, is one person wherever a
second one is asked for.
"""

from __future__ import annotations

from typing import Any

import pytest

from service.models import Base
from service.models.base import ActorText
from tests.journey import Reply
from tests.safety.test_cases import carried_out, drafted, line, money_everywhere, step
from tests.safety.test_holds import freeze
from tests.states.test_disputes import client_page, proposed
from tests.world import STAFF, World


def second_key(world: World, who: str, role: str) -> str:
    """Another key of somebody who has one: by the name that tests use."""
    name = f"{who} as {role}"
    world.keys[name] = world.staff_key(role, STAFF[who][1])
    return name


def said(reply: Reply) -> tuple[int, str]:
    return reply.status, str(reply.json().get("code", ""))


def by(world: World, who: str, path: str, body: Any = None) -> tuple[int, str]:
    return said(world.program(who).call("POST", path, body or {}))


REFUSED = (403, "forbidden")


def test_a_hold_is_confirmed_and_renewed_by_another_person(world: World) -> None:
    mine = second_key(world, "safety", "approver")
    path = f"/v1/staff/holds/{freeze(world, world.ada_id)['id']}"
    assert by(world, mine, f"{path}/confirm") == REFUSED
    assert by(world, mine, f"{path}/renew", {"days": 30}) == REFUSED
    assert by(world, "approver", f"{path}/confirm")[0] == 200
    assert (
        by(world, second_key(world, "approver", "reviewer"), f"{path}/renew", {"days": 30})
        == REFUSED
    )
    assert by(world, "reviewer", f"{path}/renew", {"days": 30})[0] == 200


def test_a_case_is_approved_by_two_people(world: World) -> None:
    held, _ = money_everywhere(world)
    _, case = drafted(world, [line("escrow", 10_000, "client", held)])
    step(world, "safety", case, "notice")
    path = f"/v1/staff/confiscations/{case['id']}/approve"
    assert by(world, second_key(world, "safety", "approver"), path) == REFUSED, "who opened it"
    assert by(world, "approver2", path)[0] == 200
    assert by(world, second_key(world, "approver2", "approver"), path) == REFUSED, "a second key"
    assert by(world, second_key(world, "approver2", "reviewer"), path) == REFUSED, "of another role"
    assert (
        world.program("safety").get(f"/v1/staff/confiscations/{case['id']}")["state"] != "approved"
    )
    assert by(world, "reviewer", path)[0] == 200


def test_a_case_is_given_back_and_an_appeal_decided_by_others(world: World) -> None:
    held, _ = money_everywhere(world)
    case = carried_out(world, [line("escrow", 10_000, "authority", held)])
    back = {"reason": "It was wrong.", "at_platform_cost": False}
    path = f"/v1/staff/confiscations/{case['id']}/restore"
    assert by(world, second_key(world, "safety", "approver"), path, back) == REFUSED
    hold = world.program("safety").get("/v1/staff/holds")["data"][0]["id"]
    filed = world.program().post(f"/v1/holds/{hold}/appeals", {"statement": "Here they are."})
    decide = f"/v1/staff/appeals/{filed['id']}/decide"
    upheld = {"outcome": "upheld", "reasons": "They are forged."}
    for who in ("safety", "approver", "approver2", "reviewer"):
        assert by(world, second_key(world, who, "reviewer"), decide, upheld) == REFUSED, who
    world.keys["another"] = world.staff_key("reviewer", "Emilie du Chatelet")
    assert by(world, "another", decide, upheld)[0] == 200
    assert by(world, "another", path, back)[0] == 200


def test_a_mediator_does_not_decide(world: World) -> None:
    contract, client, address = proposed(world)
    assert client.decide(client_page(contract, address), choice="reject").status == 303
    path = f"/v1/staff/disputes/{address.rpartition('/')[2]}/decision"
    ruling = {"refund": 4_000, "reasons": "Two of five parts."}
    assert by(world, second_key(world, "safety", "reviewer"), path, ruling) == REFUSED
    assert by(world, "reviewer", path, ruling)[0] == 200


def test_the_platform_s_money_moves_by_two_people(world: World) -> None:
    asked = {"currency": "USD", "amount": 100, "direction": "in", "reference": "Bank transfer 42"}
    movement = world.program("finance").post("/v1/staff/operating-float", asked)
    path = f"/v1/staff/operating-float/{movement['id']}/approve"
    assert by(world, second_key(world, "finance", "approver"), path) == REFUSED
    assert by(world, "approver", path)[0] == 200


def test_a_month_is_closed_by_two_people(world: World) -> None:
    month = world.sandbox.now()[:7]
    world.released_contract(milestones=[("Work", 10_000)])
    world.advance("40d")
    path = f"/v1/periods/{month}/close"
    assert by(world, "finance", path)[0] == 202
    assert by(world, second_key(world, "finance", "approver"), path) == REFUSED
    assert by(world, "approver", path)[0] == 200


def test_what_is_stored_is_the_person(world: World) -> None:
    """Whichever key was used, and what stands beside the fact is what a colleague reads as a
    name.
    """
    first = freeze(world, world.ada_id)
    world.keys["safety"] = world.keys[second_key(world, "safety", "safety")]
    second = freeze(world, world.mary_id)
    stored = {row.opened_by for row in world.sql("SELECT opened_by FROM hold")}
    people = {
        f"staff:{m['id']}"
        for m in world.program("admin").get("/v1/staff/members")["data"]
        if m["name"] == STAFF["safety"][1]
    }
    assert stored == people
    assert len(people) == 1
    assert {first["opened_by"], second["opened_by"]} == people


ONE_PERSON = {
    "event": "the history: one who did it",
    "finance_export": "asked for by one",
    "staff_member": "made by the owner's command line, or as key_request says",
    "tax_due": "paid by one",
    "tax_filing": "prepared by one, handed in outside",
    "tax_scope": "recorded by one, with whose opinion it was",
    "staff_link": "made by the owner's command line",
    "suspension": "its hold is what a second person confirms",
    "email_change": "the client's old address may object for seven days",
    "file": "uploaded by one",
    "payment": "who went to pay: their own money",
    "offer_pause": "looked at by one: it stops new offers and no money",
    "release": "the client's or a timer's",
}
TWO_PEOPLE = {
    "float_movement",
    "period_close",
    "psp_explanation",
    "hold",
    "appeal",
    "confiscation",
    "key_request",
    "case_approval",
    "dispute",
}


def test_every_table_that_names_people_has_been_thought_of() -> None:
    """A new table with a person in it is either among those with four eyes, or says why one pair is
    enough.
    """
    naming = {
        t.name
        for t in Base.metadata.sorted_tables
        if any(isinstance(c.type, ActorText) for c in t.columns)
    }
    assert naming == TWO_PEOPLE | set(ONE_PERSON)
    assert not TWO_PEOPLE & set(ONE_PERSON)


@pytest.mark.parametrize("table", sorted(TWO_PEOPLE))
def test_postgresql_compares_people_in_each_of_them(world: World, table: str) -> None:
    comparing = (
        "SELECT p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE "
        "t.tgrelid = CAST(:name AS regclass)"
    )
    found = [row.prosrc for row in world.sql(comparing, name=f"hf.{table}")]
    assert any("person_of" in source for source in found), table
