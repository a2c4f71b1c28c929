"""The way to the mail server: a certificate that nobody vouches for stops it on every scheme, and
nothing goes in the clear.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from service.domain.identity import typeid
from service.gateways import GatewayRefused, GatewayUnknownOutcome
from service.gateways.mail import Email, SmtpGateway
from service.models import new_id
from service.platform.config import ConfigError, load
from tests.journey import WsgiHttp
from tests.mail.nasty import NASTY
from tests.mail.smtp import MailServer, certificate
from tests.world import World

LETTER = Email(
    message_id="msg_01k",
    to="charles@babbage.example",
    from_name="Ada Lovelace via Holdfast",
    from_address="contracts@holdfast.example",
    reply_to="ada@lovelace.example",
    subject="Your contract",
    text="Words.\n",
    html="<p>Words.</p>",
    date=datetime(2026, 11, 28, tzinfo=UTC),
)
both = pytest.mark.parametrize("scheme", ["smtps", "smtp"])


@both
def test_a_certificate_that_nobody_vouches_for(scheme: str, tmp_path: Path) -> None:
    pem, _ = certificate(tmp_path)
    with MailServer(pem, smtps=scheme == "smtps") as server:
        with pytest.raises(GatewayUnknownOutcome, match="did not take"):
            SmtpGateway(f"{scheme}://mailer:pass-word@127.0.0.1:{server.port}").send(LETTER)
        assert server.letters == []
        assert not any(line.startswith(("AUTH", "MAIL", "RCPT")) for line in server.heard), (
            "not even who we are"
        )


@both
def test_a_private_authority_is_trusted_when_it_is_named(scheme: str, tmp_path: Path) -> None:
    pem, authority = certificate(tmp_path)
    with MailServer(pem, smtps=scheme == "smtps") as server:
        SmtpGateway(f"{scheme}://mailer:pass-word@127.0.0.1:{server.port}", authority).send(LETTER)
        assert len(server.letters) == 1
        assert not any(line.startswith(("AUTH", "MAIL", "RCPT")) for line in server.in_clear)


@both
def test_a_certificate_of_another_server(scheme: str, tmp_path: Path) -> None:
    pem, authority = certificate(tmp_path, "mail.elsewhere.example")
    with MailServer(pem, smtps=scheme == "smtps") as server:
        with pytest.raises(GatewayUnknownOutcome):
            SmtpGateway(f"{scheme}://127.0.0.1:{server.port}", authority).send(LETTER)
        assert server.letters == []


def test_a_server_that_offers_no_encryption(tmp_path: Path) -> None:
    """Somebody on the way may have taken STARTTLS out of the answer: then nothing is sent."""
    pem, authority = certificate(tmp_path)
    with MailServer(pem, smtps=False, offers=("AUTH PLAIN",)) as server:
        with pytest.raises(GatewayUnknownOutcome):
            SmtpGateway(f"smtp://mailer:pass-word@127.0.0.1:{server.port}", authority).send(LETTER)
        assert server.letters == []
        assert [line.split()[0].upper() for line in server.heard][:1] == ["EHLO"]
        assert not any("AUTH" in line for line in server.heard)


def test_a_recipient_who_is_refused(tmp_path: Path) -> None:
    pem, authority = certificate(tmp_path)
    with (
        MailServer(pem, smtps=True, refuses=b"550 no such mailbox") as server,
        pytest.raises(GatewayRefused),
    ):
        SmtpGateway(f"smtps://127.0.0.1:{server.port}", authority).send(LETTER)


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example",
        "smtp+plain://mail.example",
        "mail.example:25",
        "smtp://",
        "smtps:///x",
    ],
)
def test_other_ways_are_no_setting(url: str) -> None:
    with pytest.raises(ConfigError, match="HOLDFAST_MAIL_URL"):
        load(
            {
                "HOLDFAST_MODE": "sandbox",
                "HOLDFAST_DATABASE_URL": "postgresql://x/y",
                "HOLDFAST_MAIL_URL": url,
            }
        )


def test_headers_as_large_receivers_want_them() -> None:
    mime = LETTER.as_mime()
    assert mime["Message-ID"] == "<msg_01k@holdfast.example>"
    assert mime["Date"] == "Sat, 28 Nov 2026 00:00:00 +0000"
    assert mime["Auto-Submitted"] == "auto-generated"
    assert "Precedence" not in mime
    assert "List-Unsubscribe" not in mime
    assert (
        replace(LETTER, unsubscribe="help@holdfast.example").as_mime()["List-Unsubscribe"]
        == "<mailto:help@holdfast.example?subject=unsubscribe>"
    )
    assert [part.get_content_type() for part in mime.iter_parts()] == ["text/plain", "text/html"]


ALLOWED = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Content-Language",
    "Reply-To",
    "Content-Type",
    "MIME-Version",
}


@pytest.mark.parametrize(
    "worst",
    [
        *NASTY,
        "a\nBcc: x@evil.example",
        "a\r\n\r\nbody",
        "x\x85y\u2028z\x0b\x1c",
        "\ud800",
        "=?utf-8?q?Bcc=3A_x=0D=0AX-Evil=3A_1?=",
    ],
)
def test_nothing_that_is_put_in_becomes_a_header(worst: str) -> None:
    letter = replace(LETTER, from_name=worst, subject=worst)
    read = message_from_bytes(letter.as_mime().as_bytes(policy=policy.SMTP), policy=policy.default)
    assert set(read.keys()) <= ALLOWED
    assert len(read.get_all("From")) == 1
    assert [address.addr_spec for address in read["From"].addresses] == [
        "contracts@holdfast.example"
    ]
    assert [address.addr_spec for address in read["To"].addresses] == ["charles@babbage.example"]


@pytest.mark.parametrize(
    "address",
    [
        "=?utf-8?q?victim=40evil.example=2C?=@x.example",
        "a@x.example, b@x.example",
        "a@x.example\r\nBcc: b@x.example",
        "Ada <a@x.example>",
        "",
        "a",
        "a b@x.example",
    ],
)
def test_a_recipient_that_is_not_one_address(address: str) -> None:
    """A definite no: the letter does not fail for ever, and goes to nobody else."""
    with pytest.raises(GatewayRefused):
        replace(LETTER, to=address).as_mime()
    assert "Reply-To" not in replace(LETTER, reply_to=address or "x").as_mime(), (
        "an answer goes to the platform"
    )


def test_bounces_and_complaints(world: World) -> None:
    world.sent_contract()
    http = WsgiHttp(world.app)
    found = world.sql("SELECT id FROM message WHERE template = 'offer'")[0].id
    message = typeid.encode("msg", found)

    def told(
        secret: str, event: str = "bounced", message_id: str = message
    ) -> tuple[int, dict[str, object]]:
        body = f'{{"message_id": "<{message_id}@holdfast.example>", "event": "{event}"}}'.encode()
        reply = http.request(
            "POST",
            "/mail/events",
            body=body,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {secret}"},
        )
        return reply.status, reply.json()

    for wrong in ("mail-secre", "mail-secret2", ""):
        assert told(wrong)[0] == 401
    for unreadable in ("ä", "mail-sécret", "\u0661"):
        assert told(unreadable)[0] in (400, 401)
    assert told("mail-secret", "opened")[0] == 422
    assert told("mail-secret", message_id=new_id("msg")) == (
        200,
        {"received": True, "duplicate": True},
    )
    assert world.sql("SELECT state FROM message WHERE template = 'offer'")[0].state == "sent"
    assert told("mail-secret", "complained") == (200, {"received": True, "duplicate": False})
    assert told("mail-secret", "complained") == (200, {"received": True, "duplicate": True}), (
        "a replay changes nothing"
    )
    assert told("mail-secret") == (200, {"received": True, "duplicate": True})
    assert [t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]].count(
        "mail_complaint"
    ) == 1


def test_old_news_is_no_news(world: World) -> None:
    world.sent_contract()
    message = typeid.encode(
        "msg", world.sql("SELECT id FROM message WHERE template = 'offer'")[0].id
    )
    world.advance("31d")
    body = f'{{"message_id": "{message}", "event": "bounced"}}'.encode()
    reply = WsgiHttp(world.app).request(
        "POST",
        "/mail/events",
        body=body,
        headers={"Content-Type": "application/json", "Authorization": "Bearer mail-secret"},
    )
    assert reply.json() == {"received": True, "duplicate": True}
