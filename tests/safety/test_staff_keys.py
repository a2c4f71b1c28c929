"""Keys of staff and of the marketplace: asked for by one person and made by another; what a
marketplace's key may touch.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.console import colleague
from tests.journey import Program, WsgiHttp
from tests.safety.test_four_eyes import second_key
from tests.safety.test_holds import freeze
from tests.world import STAFF, World

NEW = {"role": "safety", "name": "Mary Seacole", "email": "mary@seacole.example"}
REQUESTS = "/v1/staff/key-requests"


def asked(world: World, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = world.program("admin").post(REQUESTS, NEW | more)
    return found


def approve(world: World, who: str, request: dict[str, Any]) -> Any:
    return world.program(who).call("POST", f"{REQUESTS}/{request['id']}/approve", {})


def test_two_people_make_a_key(world: World) -> None:
    request = asked(world)
    assert (request["approved_by"], request["key"]) == (None, None)
    made = approve(world, "approver", request)
    assert made.status == 200, made.text
    body = made.json()
    me = Program(WsgiHttp(world.app), body["secret"]).get("/v1/me")
    assert me["role"] == "safety"
    assert body["approved_by"] != body["asked_by"]
    again = approve(world, "approver2", request)
    assert (again.status, "secret" in again.json()) == (409, False)
    people = {m["name"]: m for m in world.program("approver").get("/v1/staff/members")["data"]}
    assert people["Mary Seacole"]["roles"] == ["safety"]
    facts = [
        e.type
        for e in world.sql(
            "SELECT type FROM event WHERE type LIKE 'key.%' ORDER BY number DESC LIMIT 2"
        )
    ]
    assert facts == ["key.issued", "key.asked"]


def test_one_person_makes_none(world: World) -> None:
    """Not with the same key, not with a second one, whatever role it has."""
    request = asked(world)
    for who in (
        "admin",
        second_key(world, "admin", "admin"),
        second_key(world, "admin", "approver"),
    ):
        reply = approve(world, who, request)
        assert (reply.status, reply.json()["code"]) == (403, "forbidden"), who
        assert "secret" not in reply.json()
    assert (
        world.sql("SELECT count(*) AS n FROM key_request WHERE approved_at IS NOT NULL")[0].n == 0
    )
    assert world.sql("SELECT count(*) AS n FROM staff_member WHERE name = 'Mary Seacole'")[0].n == 0


def test_somebody_gets_a_second_role_and_stays_one_person(world: World) -> None:
    safety = next(
        m
        for m in world.program("admin").get("/v1/staff/members")["data"]
        if m["name"] == STAFF["safety"][1]
    )
    request = world.program("admin").post(REQUESTS, {"role": "approver", "staff": safety["id"]})
    secret = approve(world, "approver", request).json()["secret"]
    hold = freeze(world, world.ada_id)
    reply = Program(WsgiHttp(world.app), secret).call(
        "POST", f"/v1/staff/holds/{hold['id']}/confirm", {}
    )
    assert reply.status == 403, "the same person"
    mine = [
        m["roles"]
        for m in world.program("admin").get("/v1/staff/members")["data"]
        if m["id"] == safety["id"]
    ]
    assert mine == [["safety", "approver"]]


def test_a_marketplace_s_key_too(world: World) -> None:
    request = world.program("admin").post(REQUESTS, {"role": "platform", "name": "The second shop"})
    secret = approve(world, "approver", request).json()["secret"]
    assert Program(WsgiHttp(world.app), secret).get("/v1/me")["role"] == "platform"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"role": "freelancer", "name": "X", "email": "x@x.example"}, "/role"),
        ({"role": "safety"}, "/staff"),
        ({"role": "safety", "name": "X"}, "/email"),
        ({"role": "platform", "name": "X", "email": "x@x.example"}, "/email"),
        (
            {"role": "safety", "name": "X", "email": "florence.nightingale@holdfast.example"},
            "/email",
        ),
        ({"role": "safety", "staff": "stf_nobody"}, "/staff"),
        ({"role": "safety", "name": " ", "email": "x@x.example"}, "/name"),
    ],
)
def test_what_is_asked_for_wrongly(world: World, body: dict[str, Any], pointer: str) -> None:
    reply = world.program("admin").call("POST", REQUESTS, body)
    assert reply.status == 422, reply.text
    assert pointer in [e["pointer"] for e in reply.json()["errors"]]
    assert world.sql("SELECT count(*) AS n FROM key_request")[0].n == 0


def test_a_secret_is_in_no_row_and_no_replay(world: World) -> None:
    request = asked(world)
    path, key = f"{REQUESTS}/{request['id']}/approve", "the-same-key-of-the-call"
    first = world.program("approver").call("POST", path, {}, key=key)
    again = world.program("approver").call("POST", path, {}, key=key)
    assert (again.status, again.headers["idempotent-replayed"], "secret" in again.json()) == (
        200,
        "true",
        False,
    )
    secret = first.json()["secret"]
    for row in world.sql(
        "SELECT to_jsonb(e)::text AS one FROM event e UNION ALL SELECT to_jsonb(k)::text FROM "
        "key_request k"
    ):
        assert secret not in row.one
        assert world.keys["approver"] not in row.one


def test_whoever_has_left_is_out_everywhere(world: World) -> None:
    desk = colleague(world, "safety")
    other = second_key(world, "safety", "approver")
    person = next(
        m
        for m in world.program("admin").get("/v1/staff/members")["data"]
        if m["name"] == STAFF["safety"][1]
    )
    left = world.program("admin").post(f"/v1/staff/members/{person['id']}/end")
    assert left["ended_at"]
    assert world.program("safety").call("GET", "/v1/me").status == 401
    assert world.program(other).call("GET", "/v1/me").status == 401
    assert desk.http.request("GET", "/staff").status == 303
    assert (
        desk.press(
            "/staff/enter", desk.get("/staff/enter").forms[0], key=world.keys["safety"]
        ).status
        == 401
    )
    request = world.program("admin").call(
        "POST", REQUESTS, {"role": "safety", "staff": person["id"]}
    )
    reply = approve(world, "approver", request.json()) if request.status == 201 else request
    assert reply.status in (403, 409), "and gets no new key"


def test_a_marketplace_s_key_touches_no_key_of_staff(world: World) -> None:
    platform, admin = world.program("platform"), world.program("admin")
    staff_roles = {role for role, _ in STAFF.values()} - {"platform"}
    assert {k["role"] for k in admin.get("/v1/keys")["data"]} >= staff_roles
    assert {k["role"] for k in platform.get("/v1/keys")["data"]} == {"freelancer", "platform"}
    for key in admin.get("/v1/keys")["data"]:
        if key["role"] in staff_roles:
            reply = platform.call("DELETE", f"/v1/keys/{key['id']}")
            unknown = platform.call("DELETE", "/v1/keys/key_01m82jfcv7et69qsget0gz6yqr")
            assert (reply.status, reply.json()["detail"]) == (404, unknown.json()["detail"])
    assert world.sql("SELECT count(*) AS n FROM api_key WHERE revoked_at IS NOT NULL")[0].n == 0
    own = next(k for k in platform.get("/v1/keys")["data"] if k["role"] == "freelancer")
    assert platform.call("DELETE", f"/v1/keys/{own['id']}").status == 200


@pytest.mark.parametrize("who", ["platform", "admin"])
def test_nobody_makes_a_key_for_a_blocked_freelancer(world: World, who: str) -> None:
    blocked = {
        "person": world.ada_id,
        "level": "blocked",
        "reason_code": "terms",
        "clause": "Terms 7.2",
        "facts": "Two names, one person.",
    }
    world.program("safety").post("/v1/staff/suspensions", blocked)
    before = world.sql("SELECT count(*) AS n FROM api_key")[0].n
    reply = world.program(who).call("POST", "/v1/keys", {"freelancer": world.ada_id})
    assert (reply.status, reply.json()["code"]) == (403, "on_hold")
    assert world.sql("SELECT count(*) AS n FROM api_key")[0].n == before
    assert world.program(who).call("POST", "/v1/keys", {"freelancer": world.mary_id}).status == 201
