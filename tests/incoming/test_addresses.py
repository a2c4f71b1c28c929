"""E-mail addresses: one judge for bodies and forms, one form in which they are kept, and letters to
whatever is stored.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from sqlalchemy import text

from service.domain.identity import address
from service.gateways import GatewayRefused
from service.gateways.mail import Email
from tests.incoming.nasty import TEXTS
from tests.journey import contract_body
from tests.world import World

KEPT = {
    "Ada@Lovelace.Example": "ada@lovelace.example",
    "o'neil+tag@x.example": "o'neil+tag@x.example",
    "ada@b\u00fccher.example": "ada@xn--bcher-kva.example",
    "ada@XN--BCHER-KVA.example": "ada@xn--bcher-kva.example",
    "ada@\u4f8b\u5b50.example": "ada@xn--fsqu00a.example",
    "a@x.test": "a@x.test",
}
REFUSED = [
    "=?utf-8?q?victim=40evil.example=2C?=@x.example",
    "=?utf-8?b?YQ==?=@x.example",
    *(
        "..@x.example",
        ".a@x.example",
        "a.@x.example",
        "a..b@x.example",
        '"a b"@x.example',
        '"a"@x.example',
    ),
    *(
        "a\n@x.example",
        "a@x.example\n",
        "a@x.example\r\nBcc: b@y.example",
        "a@x.example\x00",
        "a\x07@x.example",
        "a@x\u202e.example",
    ),
    *(
        "a@b",
        "a@localhost",
        "a@x.local",
        "a@x.invalid",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a@-x.example",
        "a@x_y.example",
        "a@xn--a.example",
    ),
    *(
        "Ada <a@x.example>",
        "a@x.example, b@y.example",
        "a@x.example;b@y.example",
        "a@b@c.example",
        "a%b@x.example",
        "x!a@x.example",
    ),
    *(
        "\u0669@x.example",
        "\u00fc@x.example",
        "a\uff20x.example",
        "a@\u0669.example",
        "",
        "@",
        "a@",
        "@x.example",
    ),
    *(f"{'a' * 65}@x.example", f"a@{'x.' * 130}example"),
]


@pytest.mark.parametrize(("typed", "kept"), KEPT.items())
def test_one_form(typed: str, kept: str) -> None:
    assert address.read(typed) == kept
    assert address.read(kept) == kept, "reading twice is reading once"


@pytest.mark.parametrize("typed", REFUSED, ids=ascii)
def test_what_is_no_address(world: World, typed: str) -> None:
    """By the API, with the field and a sentence that does not repeat it; nothing is written."""
    answer = world.program().call("POST", "/v1/contracts", contract_body(client=typed))
    assert answer.status == 422
    assert answer.json()["errors"][0]["pointer"] == "/client/email"
    assert not typed.strip("@ ") or typed not in answer.json()["detail"]
    assert world.sql("SELECT count(*) AS n FROM client")[0].n == 0


def test_two_ways_of_writing_it_are_one_client(world: World) -> None:
    ada = world.program()
    made = [
        ada.post("/v1/contracts", contract_body(client=one))
        for one in ("ada.b@B\u00fccher.example", "Ada.B@xn--bcher-kva.example")
    ]
    assert made[0]["client"]["id"] == made[1]["client"]["id"]
    assert made[0]["client"]["email"] == "ada.b@xn--bcher-kva.example"
    mine = ada.call("POST", "/v1/contracts", contract_body(client="ada@LOVELACE.example"))
    assert mine.json()["errors"][0]["code"] == "own_address"


@pytest.mark.parametrize("choice", ["pass_on", "move"])
def test_the_page_reads_it_the_same(world: World, choice: str) -> None:
    contract, client = world.accepted_contract()
    path = f"/c/{contract['id']}/people"
    form = next(f for f in client.through_code(path).forms if ("choice", choice) in f.buttons)
    wrong = client.press(path, form, email=REFUSED[0], choice=choice, role="viewer")
    assert (wrong.status, "e-mail" in wrong.text or "address" in wrong.text) == (422, True)
    form = next(f for f in client.get(path).forms if ("choice", choice) in f.buttons)
    assert (
        client.press(
            path, form, email="Luca@B\u00fccher.example", choice=choice, role="viewer"
        ).status
        == 303
    )
    kept = world.sql(
        "SELECT passed_to AS to FROM client_link WHERE passed_to IS NOT NULL UNION SELECT email "
        "FROM client WHERE email LIKE 'luca%'"
    )
    assert [row.to for row in kept] == ["luca@xn--bcher-kva.example"]


OF_OLD = [
    "=?utf-8?q?victim=40evil.example=2C?=@x.example",
    "..@x.example",
    "\u00fc@x.example",
    "a@x.example\r\nBcc: b@y.example",
]


@pytest.mark.parametrize("stored", OF_OLD, ids=ascii)
def test_a_letter_to_what_an_older_version_took(world: World, stored: str) -> None:
    """It is not sent anywhere and not tried for ever: a person is told, and every other letter goes
    out.
    """
    contract = world.sent_contract()
    with world.db.transaction() as session:
        session.execute(text("UPDATE client SET email = :stored"), {"stored": stored})
    world.program().post(f"/v1/contracts/{contract['id']}/remind")
    world.sent_contract(client="another@babbage.example")
    world.work()
    assert (
        world.sql("SELECT count(*) AS n FROM job WHERE kind = 'mail_send' AND state <> 'done'")[0].n
        == 0
    )
    assert "letter_refused" in {
        task["kind"] for task in world.program("finance").get("/v1/staff/tasks")["data"]
    }
    assert [m["to"] for m in world.sandbox.mail("another@babbage.example")] == [
        "another@babbage.example"
    ]
    assert "evil" not in str(world.sandbox.mail("evil"))


@pytest.mark.parametrize("value", TEXTS, ids=lambda v: ascii(v)[:40])
def test_a_letter_is_well_formed_or_refused(value: str) -> None:
    """Whatever stands in a name, a subject, a text or an address: one recipient, no header that
    nobody wrote.
    """
    for to, name in (("charles@babbage.example", value), (value, "Ada")):
        letter = Email(
            "msg_1",
            to,
            name,
            "holdfast@platform.example",
            value,
            name,
            f"{value}\n",
            f"<p>{value}</p>",
            datetime(2026, 11, 28, tzinfo=UTC),
        )
        try:
            made = message_from_bytes(
                letter.as_mime().as_bytes(policy=policy.SMTP), policy=policy.default
            )
        except GatewayRefused:
            continue
        assert len(made["To"].addresses) == 1
        assert made["To"].addresses[0].addr_spec == address.read(to)
        assert made["Bcc"] is None
        assert {"=?", "\n"}.isdisjoint(str(made["To"]))
