"""No secret and nothing personal leaves by a log, whatever it is called and wherever it stands: a
table of values over every way out.
"""

from __future__ import annotations

import base64
import json
import logging

import pytest
import structlog
from sqlalchemy.exc import DBAPIError

from service.models import Contract
from service.platform import logs
from service.platform.logs import Scrubber, secrets_of
from tests.journey import contract_body
from tests.world import World, make_settings

SETTINGS = make_settings(
    "postgresql://holdfast_app:pass-of-the-database@db.internal:5432/holdfast",
    owner_url="postgresql://owner:pass-of-the-owner@db.internal/holdfast",
    mail_url="smtps://mailer:pass-of-the-mail@mail.internal",
    stripe_key="sk_test_51Habcdefghijklmnop",
)
SIGNING = "07" * 32
SECRETS = {
    "our key": "hf_test_abcDEF123-_x",
    "live key": "hf_live_abcDEF123456",
    "Stripe key": "sk_test_51Habcdef",
    "restricted key": "rk_live_51Habcdef",
    "publishable key": "pk_live_51Habcdef",
    "webhook secret": "whsec_abcdef123",
    "payment secret": "pi_3Nabc_secret_xyz987",
    "customer": "cus_NffrFeUfNV2Hib",
    "link": "/l/eyJsIjoibG5rXzAx.abc-DEFghi",
    "notice link": "/f/ImhsZF8wMWhsZF8wMWhsZCI.abc-DEFghi",
    "accountant link": "/a/ImFjbF8wMWFjbF8wMSI.abc-DEFghi",
    "token": "eyJzIjoic2VzXzAxIiwiayI6IngifQ.wEqLk0d9mS1f7XhqYtqzqk0d9mS1f7XhqYtqzqk0d9m",
    "bearer": "Bearer abcdefgh",
    "basic": "Basic YWRhOnNlY3JldA==",
    "e-mail": "ada@lovelace.example",
    "tagged e-mail": "ada.l+tag@mail.lovelace.example",
    "card": "4242 4242 4242 4242",
    "card 2": "4242424242424242",
    "card 3": "4000-0566-5566-5556",
    "IBAN": "DE89370400440532013000",
    "IBAN in groups": "GB82 WEST 1234 5698 7654 32",
    "IBAN in small letters": "fr1420041010050500013m02606",
    "tax number": "123-45-6789",
    "code": "code 929993",
    "code 2": "Your code: 929993",
    "IP": "203.0.113.77",
    "IPv6": "2001:db8::8a2e:370:7334",
    "full IPv6": "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
    "server password": "postgresql://u:hunter22@h/db",
    "password": "password=hunter22",
    "json": '"secret": "hunter22"',
    "private key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
    "setting": SIGNING,
    "setting in capitals": "1F" * 32,
    "setting as bytes": base64.b64encode(bytes.fromhex(SIGNING)).decode(),
    "setting in hex": b"mail-secret".hex(),
    "setting in Base64": base64.b64encode(SETTINGS.secret_keys[0].encode()).decode(),
    "key of links": SETTINGS.secret_keys[0],
    "password of the database": "pass-of-the-database",
    "its password": "pass-of-the-owner",
    "password of the mail": "pass-of-the-mail",
}
KEPT = [
    "evt_01m8hprks0ekx91awx91bpdm5g",
    "job.failed",
    "2026-11-28 18:25:33.999",
    "USD 1,200.00",
    "rate_limited",
    "frl_01m8hprks0ekx91awx91bpdm5g",
    'File "/srv/holdfast/service/app.py", line 917, in full_dispatch_request',
    "0.2.0",
    "key_01m8hprks0ekx91awx91bpdm5g",
    "attempts 12",
]


def needles(value: str) -> list[str]:
    """What must not be left of a value: all of it, and the part that is the secret."""
    secret = (
        value.removeprefix("Bearer ")
        .removeprefix("Basic ")
        .removeprefix("code ")
        .removeprefix("Your code: ")
    )
    return [
        secret.replace("postgresql://u:", "")
        .replace("@h/db", "")
        .replace("password=", "")
        .replace('"secret": ', "")
        .strip('"')
    ]


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    logs.configure(
        make_settings(
            SETTINGS.database_url,
            **{n: getattr(SETTINGS, n) for n in ("owner_url", "mail_url", "stripe_key")},
            log_level="DEBUG",
        )
    )
    return capsys


@pytest.mark.parametrize("name", SECRETS)
def test_no_way_out(name: str, out: pytest.CaptureFixture[str]) -> None:
    """At every level: in the event, a field, nested, in a list, as a key, as bytes, in an
    exception's text and cause.
    """
    value = SECRETS[name]
    logger = structlog.get_logger()
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(logger, level)(
            f"seen {value} here",
            note=f"a {value}.",
            nested={"deep": [{"deeper": (value, value.encode())}], value: 1},
            what={value},
        )
    try:
        try:
            raise KeyError(value)
        except KeyError as first:
            raise RuntimeError(f"while {value}") from first
    except RuntimeError:
        logger.exception("job.failed", kind="x")
    logging.getLogger("some.library").warning("retrying %s", value)
    try:
        raise OSError(value)
    except OSError:
        logging.getLogger("some.library").exception("failed")
    text = out.readouterr().err
    lines = text.splitlines()
    assert sum(line.startswith("{") for line in lines) == 6
    assert all(json.loads(line)["event"] for line in lines if line.startswith("{"))
    assert "retrying" in text
    assert "RuntimeError" in text
    for needle in needles(value):
        assert needle not in text, text[:2000]
        assert needle.replace("\n", "\\n") not in text


@pytest.mark.parametrize("kept", KEPT)
def test_what_a_log_is_for_stays(kept: str) -> None:
    line = Scrubber(secrets_of(SETTINGS))(
        None,
        "info",
        {"event": kept, "timestamp": "2026-11-28T18:25:33.999199Z", "note": {"inner": kept}},
    )
    assert line == {
        "event": kept,
        "timestamp": "2026-11-28T18:25:33.999199Z",
        "note": {"inner": kept},
    }


def test_addresses_of_callers_by_a_setting() -> None:
    event = {"event": "seen 203.0.113.77 and 2001:db8::1, at 18:25:33"}
    assert Scrubber()(None, "info", dict(event)) == {
        "event": "seen [hidden] and [hidden], at 18:25:33"
    }
    assert Scrubber(addresses=True)(None, "info", dict(event)) == event


def test_every_secret_of_the_settings_is_known() -> None:
    """A setting that is not shown in its own repr is a secret: a new one is scrubbed by itself."""
    known = secrets_of(SETTINGS)
    for secret in (
        *SETTINGS.secret_keys,
        SETTINGS.signing_key,
        *SETTINGS.tax_keys,
        *SETTINGS.stripe_webhook_secrets,
        SETTINGS.stripe_key,
        SETTINGS.mail_events_secret,
    ):
        assert {secret, secret.encode().hex()} <= set(known)
    assert "pass-of-the-database" in known


@pytest.mark.parametrize(
    "worst",
    ["Charles Babbage", "two\nlines)\n[not parameters: 1]\nmore of Charles", "[SQL: x]) Charles"],
)
def test_what_the_database_refused_is_not_repeated(
    world: World, out: pytest.CaptureFixture[str], worst: str
) -> None:
    """PostgreSQL names the row that it refused, SQLAlchemy the parameters: what people wrote stays
    out, the constraint stays in.
    """
    contract = world.program().post("/v1/contracts", contract_body())
    try:
        with world.runtime.context("test") as ctx:
            found = ctx.session.get_one(Contract, contract["id"])
            found.title, found.state = worst, "nowhere"
            ctx.session.flush()
    except DBAPIError:
        structlog.get_logger().exception("request.failed", route="/v1/contracts")
    text = out.readouterr().err
    assert "request.failed" in text
    assert "constraint=" in text, "which rule it was"
    assert "Charles" not in text
    assert "charles@" not in text
