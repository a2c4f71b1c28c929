"""Keys and scopes, other people's ids, idempotency, versions, cursors, problems, health."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.domain.errors import catalogue
from service.platform.db import migrate
from tests.databases import clone
from tests.journey import Program, WsgiHttp, contract_body
from tests.world import World


def test_me(world: World) -> None:
    me = world.program().get("/v1/me")
    assert me["role"] == "freelancer"
    assert me["freelancer"] == {"id": world.ada_id}
    assert me["mode"] == "sandbox"
    assert "contracts:write" in me["scopes"]
    assert me["now"].endswith("Z")


@pytest.mark.parametrize(
    "header", [None, "", "Basic abc", "Bearer", "Bearer hf_test_wrong", "bearer " + "x" * 2_000]
)
def test_without_a_good_key(world: World, header: str | None) -> None:
    answer = WsgiHttp(world.app).request(
        "GET", "/v1/me", headers={"Authorization": header} if header is not None else {}
    )
    assert (answer.status, answer.json()["code"]) == (401, "unauthenticated")
    assert "www-authenticate" in answer.headers


def test_a_revoked_key_opens_nothing(world: World) -> None:
    platform = world.program("platform")
    made = platform.post("/v1/keys", {"freelancer": world.ada_id})
    key = Program(WsgiHttp(world.app), made["secret"])
    assert key.get("/v1/me")["freelancer"]["id"] == world.ada_id
    platform.call("DELETE", f"/v1/keys/{made['id']}")
    assert key.call("GET", "/v1/me").status == 401
    listed = platform.get(f"/v1/keys?freelancer={world.ada_id}")
    assert made["secret"] not in str(listed)


def test_secrets_are_stored_as_digests(world: World) -> None:
    rows = world.sql("SELECT to_jsonb(k)::text AS row FROM api_key k")
    assert not any(secret in r.row for r in rows for secret in world.keys.values())


def every_route(world: World) -> list[tuple[str, str]]:
    spec = world.app.extensions["openapi"]()
    return [
        (method.upper(), path)
        for path, operations in spec["paths"].items()
        for method in operations
        if method in ("get", "post", "patch", "delete")
    ]


def test_every_route_with_another_s_id_is_not_found(world: World) -> None:
    """Generated from the API's own description: Mary may not even learn that Ada's objects
    exist.
    """
    contract, _ = world.funded_contract()
    world.onboarded()
    ids = {
        "contract_id": contract["id"],
        "milestone_id": contract["milestones"][0]["id"],
        "freelancer_id": world.ada_id,
    }
    mary, seen = world.program("mary"), 0
    for method, path in every_route(world):
        if not any(f"{{{name}}}" in path for name in ids):
            continue
        if path.startswith("/v1/staff/"):
            continue  # a freelancer's key has no scope there at all: the test below
        seen += 1
        operation = world.app.extensions["openapi"]()["paths"][path][method.lower()]
        examples = {p["name"]: p["example"] for p in operation["parameters"] if p["in"] == "path"}
        answer = mary.send(method, path.format(**examples | ids), operation)
        assert (answer.status, answer.json()["code"]) == (404, "not_found"), (
            f"{method} {path}: {answer.text}"
        )
    assert seen >= 10
    assert mary.get("/v1/contracts")["data"] == []
    assert [e["type"] for e in mary.get("/v1/events")["data"]] == ["freelancer.created"], (
        "her own, and nothing of Ada's"
    )


def test_every_route_without_its_scope_is_forbidden(world: World) -> None:
    """A key with one scope that no other route wants gets 403 everywhere else, before anything is
    looked up.
    """
    made = world.program("platform").post(
        "/v1/keys", {"freelancer": world.ada_id, "scopes": ["webhooks:write"]}
    )
    key = Program(WsgiHttp(world.app), made["secret"])
    for method, path in every_route(world):
        if path == "/v1/me":
            continue
        address = path.replace("{", "").replace("}", "")
        query = "?currency=USD&amount=500" if path == "/v1/fee-quote" else ""
        answer = key.send(
            method,
            address + query,
            world.app.extensions["openapi"]()["paths"][path][method.lower()],
        )
        assert (answer.status, answer.json()["code"]) == (403, "missing_scope"), (
            f"{method} {path}: {answer.text}"
        )


def test_idempotency(world: World) -> None:
    ada, key = world.program(), "key-number-0000001"
    first = ada.call("POST", "/v1/contracts", contract_body(), key=key)
    again = ada.call("POST", "/v1/contracts", contract_body(), key=key)
    assert (first.status, again.status) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["etag"] == first.headers["etag"]
    other = ada.call("POST", "/v1/contracts", contract_body(title="Another"), key=key)
    assert (other.status, other.json()["code"]) == (422, "idempotency_key_reused")
    assert world.sql("SELECT count(*) AS n FROM contract")[0].n == 1
    mary = world.program("mary").call("POST", "/v1/contracts", contract_body(), key=key)
    assert mary.status == 201, "another caller's key is another key"
    elsewhere = ada.call("POST", f"/v1/contracts/{first.json()['id']}/send", {}, key=key)
    assert elsewhere.status == 200, "another path is another key"


@pytest.mark.parametrize(
    "key", ["", "short", "x" * 129, "with space in the middle", "ümlaut-is-not-printable-ascii"]
)
def test_a_missing_or_odd_key(world: World, key: str) -> None:
    headers = {
        "Authorization": f"Bearer {world.keys['ada']}",
        "Content-Type": "application/json",
        "Idempotency-Key": key.encode().decode("latin-1"),
    }
    answer = WsgiHttp(world.app).request(
        "POST", "/v1/contracts", body=json.dumps(contract_body()).encode(), headers=headers
    )
    assert (answer.status, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert world.sql("SELECT count(*) AS n FROM contract")[0].n == 0


def test_a_refusal_is_replayed_too(world: World) -> None:
    ada, contract = world.program(), world.sent_contract()
    key = "withdraw-twice-0001"
    ada.call("POST", f"/v1/contracts/{contract['id']}/withdraw", {}, key="withdraw-once-00001")
    first = ada.call("POST", f"/v1/contracts/{contract['id']}/withdraw", {}, key=key)
    again = ada.call("POST", f"/v1/contracts/{contract['id']}/withdraw", {}, key=key)
    assert (first.status, again.status) == (409, 409)
    assert again.json()["code"] == "state_conflict"
    assert again.json()["current_state"] == "withdrawn"
    assert again.headers["idempotent-replayed"] == "true"


def test_a_replay_shows_no_secret(world: World) -> None:
    platform, body = world.program("platform"), {"freelancer": world.ada_id}
    first = platform.call("POST", "/v1/keys", body, key="make-a-key-00000001")
    again = platform.call("POST", "/v1/keys", body, key="make-a-key-00000001")
    assert "secret" in first.json()
    assert "secret" not in again.json()
    assert first.json()["secret"].encode() not in b"".join(
        bytes(r.answer) for r in world.sql("SELECT answer FROM idempotency_record")
    )


def test_versions_of_an_edit(world: World) -> None:
    ada = world.program()
    made = ada.call("POST", "/v1/contracts", contract_body())
    path, tag = f"/v1/contracts/{made.json()['id']}", made.headers["etag"]
    assert ada.call("PATCH", path, contract_body(title="New")).json()["code"] == "if_match_required"
    edited = ada.call(
        "PATCH",
        path,
        contract_body(title="New", milestones=[("Only", 70_000)]),
        headers={"If-Match": tag},
    )
    assert edited.status == 200, edited.text
    assert (edited.json()["title"], edited.json()["total"]) == ("New", 70_000)
    stale = ada.call("PATCH", path, contract_body(title="Newer"), headers={"If-Match": tag})
    assert (stale.status, stale.json()["code"]) == (412, "stale_version")
    ada.post(f"{path}/send")
    ada.post(f"{path}/withdraw")
    late = ada.call(
        "PATCH", path, contract_body(), headers={"If-Match": ada.call("GET", path).headers["etag"]}
    )
    assert (late.status, late.json()["code"]) == (409, "state_conflict")


def test_pages_of_a_list(world: World) -> None:
    ada = world.program()
    made = [ada.post("/v1/contracts", contract_body(title=f"Number {n}"))["id"] for n in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = ada.get(f"/v1/contracts?limit=2{cursor}")
        seen += [c["id"] for c in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]
    stolen = ada.call(
        "GET", f"/v1/payouts?cursor={ada.get('/v1/contracts?limit=2')['next_cursor']}"
    )
    assert stolen.status == 422, "a cursor belongs to its list"


def test_search_by_reference(world: World) -> None:
    ada = world.program()
    ada.post("/v1/contracts", contract_body(metadata={"external_ref": "PO-1"}))
    wanted = ada.post("/v1/contracts", contract_body(metadata={"external_ref": "PO-2"}))
    assert [c["id"] for c in ada.get("/v1/contracts?external_ref=PO-2")["data"]] == [wanted["id"]]


def test_the_event_feed_is_ordered_and_gap_free(world: World) -> None:
    contract, _ = world.released_contract()
    world.work()
    found = world.program().get(f"/v1/events?limit=100&contract={contract['id']}")["data"]
    assert [e["sequence"] for e in found] == list(range(1, len(found) + 1))
    types = [e["type"] for e in found]
    assert types[:3] == ["contract.created", "contract.sent", "contract.opened"]
    assert {
        "contract.accepted",
        "milestone.funded",
        "milestone.submitted",
        "milestone.approved",
        "milestone.released",
    } <= set(types)
    assert not {"code.requested", "link.renewed"} & set(types), (
        "what is between the client and the door stays there"
    )
    assert all(e["metrics"] == {"job_success": "excluded", "feedback": "excluded"} for e in found)


def test_feedback_is_refused_by_name(world: World) -> None:
    contract, _ = world.released_contract()
    answer = world.program().call("POST", f"/v1/contracts/{contract['id']}/feedback", {})
    assert (answer.status, answer.json()["code"]) == (409, "feedback_not_accepted")


def test_the_fee_quote(world: World) -> None:
    quote = world.program().get("/v1/fee-quote?currency=USD&amount=120000")
    assert (quote["fee"], quote["rate"], quote["net"], quote["schedule"]) == (
        6_000,
        "0.05",
        114_000,
        "direct/2024-04-22",
    )
    assert {kind: c["fee"] for kind, c in quote["comparison"].items()} == {
        "direct": 6_000,
        "byoc": 8_400,
        "marketplace": 12_000,
    }


def test_where_the_money_is_adds_up(world: World) -> None:
    contract, client = world.submitted_contract()
    assert client.approve(contract["milestones"][0]["id"], "400.00").status == 303
    money = world.program().get(f"/v1/contracts/{contract['id']}/money")
    assert sum(p["amount"] for p in money["places"]) == money["paid"] == 433_383
    first = [p for p in money["places"] if p["milestone"] == contract["milestones"][0]["id"]]
    assert {p["where"]: p["amount"] for p in first} == {
        "escrow": 80_000,
        "pending": 38_000,
        "fee": 2_000,
    }


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_every_problem_has_a_page(world_app: Any, code: str) -> None:
    answer = WsgiHttp(world_app).request("GET", f"/problems/{code}")
    assert answer.status == 200
    assert code in answer.text


@pytest.fixture(scope="module")
def world_app() -> Any:
    with clone() as made:
        yield made.app


def test_health(world: World) -> None:
    http = WsgiHttp(world.app)
    assert http.request("GET", "/healthz").json() == {"status": "ok"}
    ready = http.request("GET", "/readyz").json()
    assert (ready["status"], ready["migration"]) == ("ready", migrate.head())
    assert "holdfast_jobs_dead 0.0" in http.request("GET", "/metrics").text


def test_safe_headers_everywhere(world: World) -> None:
    for path in ("/", "/docs", "/v1/me", "/nothing", "/problems/not_found", "/_sandbox/mailbox"):
        headers = WsgiHttp(world.app).request("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "unsafe-inline" not in headers["content-security-policy"] or path.startswith(
            "/_sandbox"
        ), path
        assert headers["referrer-policy"] in ("same-origin", "no-referrer"), path


def test_every_example_fits_its_shape(world: World) -> None:
    """The bodies that the description shows are accepted by the shapes that the views use."""
    spec = world.app.extensions["openapi"]()
    seen = 0
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if method not in ("post", "patch"):
                continue
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content and content["example"]:
                seen += 1
                answer = world.program("finance").send(
                    method.upper(), path.replace("{", "").replace("}", ""), operation
                )
                assert answer.status in (201, 202, 403, 404), f"{method} {path}: {answer.text}"
    assert seen >= 15
    without = [
        p
        for p, ops in spec["paths"].items()
        for m, o in ops.items()
        # Read and not taken out: the document is the same object for every world of the process.
        if m == "get"
        and "example"
        not in next(iter(o["responses"]["200"].get("content", {"": {"example": 1}}).values()))
    ]
    assert not without, without
