"""Bad input gets a problem with code, field and a sentence; nothing is written, nothing leaks."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from tests.databases import clone
from tests.journey import Reply, WsgiHttp, contract_body
from tests.world import World

HUGE = "x" * 1_000_000


def changed(path: str, value: Any) -> dict[str, Any]:
    body = json.loads(json.dumps(contract_body()))
    node: Any = body
    parts = path.split("/")
    for part in parts[:-1]:
        node = node[int(part)] if part.isdigit() else node[part]
    last: Any = int(parts[-1]) if parts[-1].isdigit() else parts[-1]
    node[last] = value
    return body


WRONG: list[tuple[str, Any, str]] = [
    *[
        ("milestones/0/amount", value, "/milestones/0/amount")
        for value in (
            10.1,
            1e3,
            "100",
            True,
            None,
            1.0,
            -1,
            0,
            2**53,
            2**63 - 1,
            2**63,
            10**30,
            [1],
            {},
        )
    ],
    *[
        ("currency", value, "/currency")
        for value in ("usd", "US", "XXX", "", 5, None, "USD ", ["USD"], "DOLLAR")
    ],
    ("milestones", [], "/milestones"),
    ("milestones", [{"title": "M", "amount": 500}] * 1_000, "/milestones"),
    ("milestones", [{"title": "M", "amount": 500}] * 51, "/milestones"),
    ("milestones", {"title": "M", "amount": 500}, "/milestones"),
    ("milestones/0/currency", "EUR", "/milestones/0/currency"),
    ("milestones/0/due_on", "tomorrow", "/milestones/0/due_on"),
    *[
        ("title", value, "/title")
        for value in (
            "",
            "   ",
            "x" * 141,
            "a\x00b",
            "a\x07b",
            "a\nb",
            "a\u202eb",
            "a\u2066b",
            5,
            None,
        )
    ],
    *[("description", value, "/description") for value in ("x" * 20_001, "a\x00b", "a\u202eb", 5)],
    *[
        ("client/email", value, "/client/email")
        for value in (
            "",
            "nobody",
            "a@b",
            "a@b\nBcc: c@d.example",
            "a b@c.example",
            "<a@b.example>",
            "a@b.example, c@d.example",
            5,
            "x" * 300 + "@b.example",
        )
    ],
    ("client/email", "ada@lovelace.example", "/client/email"),
    ("client/name", "", "/client/name"),
    ("client/name", "a\r\nb", "/client/name"),
    ("client/country", "USA", "/client/country"),
    ("client", None, "/client"),
    *[("review_period_days", value, "/review_period_days") for value in (2, 31, "14", 14.0, True)],
    ("kind", "gift", "/kind"),
    ("kind", "marketplace", "/kind"),
    ("processing_borne_by", "nobody", "/processing_borne_by"),
    ("processing_borne_by", "client", "/client/country"),
    ("metadata", {"k" * 41: "v"}, "/metadata"),
    ("metadata", {"k": 5}, "/metadata"),
    ("metadata", {f"k{i}": "v" for i in range(51)}, "/metadata"),
    ("surprise", 1, "/surprise"),
    ("freelancer", "frl_01h455vb4pex5vsknk084sn02q", ""),
]


@pytest.fixture(scope="module")
def world() -> Any:
    """One world for the whole table: none of it may write anything."""
    with clone() as made:
        yield made


@pytest.mark.parametrize(("path", "value", "pointer"), WRONG, ids=lambda v: repr(v)[:40])
def test_a_wrong_field(world: World, path: str, value: Any, pointer: str) -> None:
    before = world.sql(
        "SELECT (SELECT count(*) FROM contract) + (SELECT count(*) FROM client) + (SELECT "
        "count(*) FROM event) AS n"
    )[0].n
    answer = world.program().call("POST", "/v1/contracts", changed(path, value))
    problem = answer.json()
    assert answer.status in (422, 403), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] in ("validation_failed", "missing_scope")
    assert problem["request_id"]
    if answer.status == 422:
        assert any(e["pointer"].startswith(pointer) and e["message"] for e in problem["errors"]), (
            problem
        )
    assert "psycopg" not in answer.text
    assert "SELECT" not in answer.text
    assert (
        world.sql(
            "SELECT (SELECT count(*) FROM contract) + (SELECT count(*) FROM client) + (SELECT "
            "count(*) FROM event) AS n"
        )[0].n
        == before
    )


@pytest.mark.parametrize(
    ("raw", "headers", "status", "code"),
    [
        (b"{", {}, 400, "bad_request"),
        (b"", {}, 400, "bad_request"),
        (b"[]", {}, 422, "validation_failed"),
        (b"null", {}, 422, "validation_failed"),
        (b'{"title": "a", "title": "b"}', {}, 400, "bad_request"),
        (b'{"title": NaN}', {}, 400, "bad_request"),
        (b"\xff\xfe", {}, 400, "bad_request"),
        (b"[" * 5_000 + b"]" * 5_000, {}, 422, "validation_failed"),
        (json.dumps({"title": HUGE}).encode(), {}, 413, "body_too_large"),
        (
            b"title=a",
            {"Content-Type": "application/x-www-form-urlencoded"},
            415,
            "unsupported_media_type",
        ),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"{}", {"Holdfast-Version": "1999-01-01"}, 422, "validation_failed"),
        (b"{}", {"Transfer-Encoding": "chunked", "Content-Length": ""}, 411, "length_required"),
    ],
    ids=lambda v: repr(v)[:30],
)
def test_a_wrong_body(
    world: World, raw: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    sent = {
        "Authorization": f"Bearer {world.keys['ada']}",
        "Content-Type": "application/json",
        "Idempotency-Key": "a-key-of-some-length",
    } | headers
    if sent.get("Content-Length") == "":
        answer = chunked(world, raw, {k: v for k, v in sent.items() if k != "Content-Length"})
    else:
        answer = WsgiHttp(world.app).request("POST", "/v1/contracts", body=raw, headers=sent)
    assert (answer.status, answer.json()["code"]) == (status, code), answer.text[:300]


def chunked(world: World, raw: bytes, headers: dict[str, str]) -> Any:
    """A chunked request as the server hands it over: no length, a marker that the stream ends by
    itself.
    """
    environ = EnvironBuilder(
        "/v1/contracts", method="POST", headers=headers, base_url="http://127.0.0.1:8000"
    ).get_environ()
    environ.pop("CONTENT_LENGTH", None)
    environ |= {"wsgi.input": io.BytesIO(raw), "wsgi.input_terminated": True}
    body, status, answered = run_wsgi_app(world.app, environ, buffered=True)
    return Reply(
        int(status.split()[0]), {k.lower(): v for k, v in answered.items()}, b"".join(body).decode()
    )


STEPS = [
    ("KWD", 1_505, "amount_step"),
    ("JPY", 749, "amount_too_small"),
    ("USD", 100_000_000, "amount_too_large"),
    ("KWD", 1_500, None),
    ("JPY", 750, None),
]


@pytest.mark.parametrize(("currency", "amount", "code"), STEPS)
def test_amounts_keep_to_their_currency(
    world: World, currency: str, amount: int, code: str | None
) -> None:
    body = contract_body(milestones=[("M", amount)]) | {"currency": currency}
    answer = world.program().call("POST", "/v1/contracts", body)
    if code is None:
        assert answer.status == 201
    else:
        assert (answer.status, answer.json()["errors"][0]["code"]) == (422, code)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=forged",
        "cursor=" + "x" * 700,
        "surprise=1",
        "state=" + "x" * 31,
    ],
)
def test_a_wrong_query(world: World, query: str) -> None:
    answer = world.program().call("GET", f"/v1/contracts?{query}")
    assert (answer.status, answer.json()["code"]) == (422, "validation_failed")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/nothing",
        "/v1/contracts/ctr_nope",
        "/v1/contracts/mst_01h455vb4pex5vsknk084sn02q",
        "/v1/contracts/%00",
        "/v1/payouts/ctr_x",
    ],
)
def test_what_is_not_there(world: World, path: str) -> None:
    answer = world.program().call("GET", path)
    assert (answer.status, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/payouts", "/v1/balance", "/v1/payout-account"])
@pytest.mark.parametrize("text", ["0", "frl_x", "ctr_01h455vb4pex5vsknk084sn02q", "%5C%C3%98"])
def test_what_is_no_freelancer_s_id(world: World, path: str, text: str) -> None:
    answer = world.program("platform").call("GET", f"{path}?freelancer={text}")
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, "/freelancer")


@pytest.mark.parametrize("text", ["0", "key_x", "frl_01h455vb4pex5vsknk084sn02q"])
def test_what_is_no_key_s_id(world: World, text: str) -> None:
    assert world.program("platform").call("DELETE", f"/v1/keys/{text}").status == 404


def test_a_wrong_method_names_the_right_ones(world: World) -> None:
    answer = world.program().call("DELETE", "/v1/contracts")
    assert (answer.status, answer.json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].replace(" ", "").split(",")) >= {"GET", "POST"}


def test_another_host_is_not_served(world: World) -> None:
    answer = Client(world.app).get("/v1/me", base_url="http://evil.example")
    assert answer.status_code == 404
