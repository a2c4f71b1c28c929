"""What others send: a signed event is kept whatever stands in it; what nobody signed is refused,
and neither stops us.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from service.gateways.stripe import sign
from tests.incoming.nasty import VALUES, named, write
from tests.journey import Reply, WsgiHttp
from tests.world import SECRET, World

EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "account": None,
    "created": 1_800_000_000,
    "livemode": False,
    "data": {
        "object": {
            "id": "pi_1",
            "object": "payment_intent",
            "metadata": {"note": "x"},
            "description": "x",
            "amount": 5,
        }
    },
}
PLACES: list[tuple[str, ...]] = [
    ("id",),
    ("type",),
    ("account",),
    ("created",),
    ("livemode",),
    ("data",),
    ("data", "object"),
    ("data", "object", "id"),
    ("data", "object", "metadata"),
    ("data", "object", "metadata", "note"),
    ("data", "object", "description"),
    ("data", "object", "amount"),
]
FREE = {("data", "object", "description"), ("data", "object", "metadata", "note")}
"""Where people's own text stands in an event of Stripe's."""


def event(number: int, place: tuple[str, ...], value: Any) -> bytes:
    body = json.loads(json.dumps(EVENT)) | {"id": f"evt_{number}"}
    node = body
    for part in place[:-1]:
        node = node[part]
    node[place[-1]] = value
    return write(body)


def post(world: World, path: str, body: bytes, **headers: str) -> Reply:
    return WsgiHttp(world.app).request(
        "POST", path, body=body, headers={"Content-Type": "application/json"} | headers
    )


def signed(world: World, body: bytes) -> Reply:
    return post(
        world,
        "/stripe/webhooks",
        body,
        **{"Stripe-Signature": sign(body, SECRET, int(time.time()))},
    )


def test_every_value_in_every_place_of_an_event(world: World) -> None:
    cells, wrong = 0, []
    for place in PLACES:
        for value in VALUES:
            cells += 1
            answer = signed(world, event(cells, place, value))
            if answer.status >= 500 or (place in FREE and answer.status != 200):
                wrong.append(f"{'.'.join(place)} = {named(value)}: {answer.status}")
    print(f"\n{len(PLACES)} places, {cells} cells")
    assert wrong == []
    kept = world.sql("SELECT count(*) AS n FROM stripe_event")[0].n
    assert kept >= len(FREE) * len(VALUES)
    world.work()
    bugs = world.sql(
        "SELECT subject, last_error FROM job WHERE last_error IS NOT NULL AND last_error NOT "
        "LIKE '%: %'"
    )
    assert bugs == []


def test_what_the_database_cannot_keep_is_shown_by_number(world: World) -> None:
    assert signed(world, event(1, ("data", "object", "description"), "a\x00b\ud800")).status == 200
    payload = world.sql("SELECT payload FROM stripe_event")[0].payload
    assert payload["data"]["object"]["description"] == "a[U+0000]b[U+D800]"


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 20_000, b"\xff", b"", b"null", b'{"id": "evt_1"}'],
    ids=lambda b: repr(b[:12]),
)
def test_a_signed_text_that_is_no_event(world: World, body: bytes) -> None:
    assert (
        post(world, "/stripe/webhooks", body, **{"Stripe-Signature": sign_bytes(body)}).status
        == 400
    )
    assert post(world, "/mail/events", body, Authorization="Bearer mail-secret").status in (
        400,
        422,
    )


def sign_bytes(body: bytes) -> str:
    try:
        return sign(body, SECRET, int(time.time()))
    except UnicodeDecodeError:
        return "t=1,v1=0"


@pytest.mark.parametrize(
    "secret", ["", "wrong", "m\u00e4il-secret", "mail-secret\u0661", "\x80" * 20], ids=ascii
)
def test_a_wrong_secret_is_only_wrong(world: World, secret: str) -> None:
    answer = post(
        world, "/mail/events", b"{}", Authorization=f"Bearer {secret}".encode().decode("latin-1")
    )
    assert answer.status in (400, 401)


def test_every_value_in_a_bounce(world: World) -> None:
    for field in ("message_id", "event"):
        for value in VALUES:
            body = write({"message_id": "msg_1", "event": "bounced"} | {field: value})
            answer = post(world, "/mail/events", body, Authorization="Bearer mail-secret")
            assert answer.status < 500, f"{field} = {named(value)}"
