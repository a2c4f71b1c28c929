"""Play money and real money are never in one place: the mode is compared at every start, and live
mode knows no sandbox.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from werkzeug.test import Client

from service.app import create_app, create_runtime
from service.cli import cli
from service.operations.people import people
from service.platform import config
from service.platform.config import ConfigError, Settings
from service.platform.db import Database, ModeMismatch
from service.sandbox.app import create_sandbox
from tests.databases import clone
from tests.journey import Program, WsgiHttp
from tests.world import SECRET, World, make_settings

HOUSE = Path(__file__).resolve().parents[2]
LIVE = {
    "mode": "live",
    "public_url": "https://pay.holdfast.example",
    "stripe_key": "sk_live_nothing_is_called",
    "mail_url": "smtp://127.0.0.1:1",
}
_MORE = {"export": ["general_journal"]}
_NEEDS_NO_DATABASE = {"demo", "openapi", "verify", "migrate", "fees"}


def live(database_url: str, **more: Any) -> Settings:
    return make_settings(database_url, **LIVE | more)


@pytest.fixture(scope="module")
def sandboxed() -> Iterator[World]:
    with clone() as world:
        yield world


@pytest.fixture
def lively() -> Iterator[World]:
    """A database that was made for live mode."""
    with clone() as world:
        world.sql_owner("UPDATE installation SET mode = 'live', clock_offset = interval '0'")
        world.db.dispose()
        yield world


def command_lines() -> list[list[str]]:
    """Every command that there is, with arguments that are enough for it to begin."""
    found: list[list[str]] = []

    def walk(group: click.Group, path: list[str]) -> None:
        for name, command in sorted(group.commands.items()):
            if isinstance(command, click.Group):
                walk(command, [*path, name])
            else:
                found.append([*path, name, *_MORE.get(name, _arguments(command))])

    walk(cli, [])
    return [line for line in found if line[0] not in _NEEDS_NO_DATABASE]


def _arguments(command: click.Command) -> Iterator[str]:
    for one in command.params:
        if isinstance(one, click.Argument) and one.required:
            yield _value(one)
        elif isinstance(one, click.Option) and one.required:
            yield from (one.opts[0], _value(one))


def _value(one: click.Parameter) -> str:
    if isinstance(one.type, click.Choice):
        return "platform" if "platform" in one.type.choices else str(one.type.choices[0])
    if isinstance(one.type, click.IntRange):
        return "2025"
    if isinstance(one.type, click.Path):
        return str(HOUSE / "README.md")
    return "Because it is so"


@pytest.mark.parametrize("line", command_lines(), ids=" ".join)
def test_no_command_works_on_a_database_of_the_other_mode(
    sandboxed: World, line: list[str]
) -> None:
    """serve and worker among them: exit 2 with both modes named, before anything is done."""
    settings = live(sandboxed.settings.database_url)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HOUSE),
        "HOLDFAST_MODE": "live",
        "HOLDFAST_DATABASE_URL": settings.database_url,
        "HOLDFAST_OWNER_URL": sandboxed.settings.owner_url,
        "HOLDFAST_PUBLIC_URL": settings.public_url,
        "HOLDFAST_SECRET_KEYS": settings.secret_keys[0],
        "HOLDFAST_SIGNING_KEY": settings.signing_key,
        "HOLDFAST_TAX_KEYS": settings.tax_keys[0],
        "HOLDFAST_STRIPE_KEY": settings.stripe_key,
        "HOLDFAST_STRIPE_WEBHOOK_SECRETS": SECRET,
        "HOLDFAST_MAIL_URL": settings.mail_url,
        "HOLDFAST_MAIL_EVENTS_SECRET": settings.mail_events_secret,
    }
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *line],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, ""), (done.stdout, done.stderr[-600:])
    assert "This database was made for sandbox mode; HOLDFAST_MODE is live" in done.stderr


def test_no_connection_is_opened_to_a_database_of_the_other_mode(lively: World) -> None:
    """Also later, when the database behind an address is another one: the web process refuses each
    call.
    """
    runtime, _ = create_runtime(lively.settings, lambda _: True)
    with (
        pytest.raises(ModeMismatch, match="made for live mode"),
        runtime.db.transaction() as session,
    ):
        session.connection()
    with pytest.raises(ModeMismatch), runtime.db.reading() as session:
        session.connection()
    runtime.db.dispose()
    http = Client(create_app(lively.settings))
    assert http.get("/readyz").status_code == 500
    assert http.get("/staff/enter").status_code == 500
    assert "Florence" not in http.get("/staff/enter").text


def test_a_database_that_is_empty_still_can_be_asked(lively: World) -> None:
    """Before the first migration there is no mode: `doctor` and `/readyz` say that it has to
    run.
    """
    with psycopg.connect(lively.settings.owner_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA hf CASCADE")
    empty = Database(lively.settings.database_url, mode="sandbox")
    with empty.transaction() as session:
        assert session.connection().exec_driver_sql("SELECT 1").scalar_one() == 1
    empty.dispose()


def sandbox_paths(settings: Settings) -> list[tuple[str, str]]:
    """Each method and path of the sandbox's own map."""
    app = create_sandbox(
        Database(settings.database_url), stripe_key="x", public_url="x", pump=lambda _: True
    )
    return [
        (method, re.sub(r"<(int:)?(\w+:)?\w+>", "1", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def test_in_live_mode_nothing_of_the_sandbox_exists(lively: World) -> None:
    app = create_app(live(lively.settings.database_url))
    http, base = Client(app), "https://pay.holdfast.example"
    paths = sandbox_paths(lively.settings)
    assert len(paths) >= 20
    for method, path in paths:
        found = http.open(
            path, method=method, base_url=base, json={"advance": "1d"} if method == "POST" else None
        )
        assert found.status_code in (404, 405), (method, path, found.status_code)
        assert path.startswith("/_sandbox")
    assert not [rule.rule for rule in app.url_map.iter_rules() if "sandbox" in rule.rule]
    entrance = http.get("/staff/enter", base_url=base)
    assert "sandbox" not in entrance.text.lower()
    assert "be anybody" not in entrance.text
    someone = lively.sql_owner_value(
        "SELECT typeid_text('key', id) FROM api_key WHERE role = 'approver' LIMIT 1"
    )
    came = http.post(
        "/staff/enter",
        base_url=base,
        data={"person": someone},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert came.status_code == 404
    assert "Set-Cookie" not in came.headers


def test_in_live_mode_no_test_key_acts(lively: World) -> None:
    """A key that a sandbox made, in rows that were copied: nobody is let in by it, by the API or
    into the console.
    """
    app = create_app(live(lively.settings.database_url))
    for name, key in lively.keys.items():
        assert key.startswith("hf_test_")
        reply = Program(WsgiHttp(app), key).http.request(
            "GET",
            "/v1/me",
            headers={"Authorization": f"Bearer {key}", "Host": "pay.holdfast.example"},
        )
        assert reply.status == 401, name
    http = Client(app)
    for name in ("safety", "admin"):
        came = http.post(
            "/staff/enter",
            base_url="https://pay.holdfast.example",
            data={"key": lively.keys[name]},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert came.status_code == 401, name


def test_in_the_sandbox_no_live_key_acts(sandboxed: World) -> None:
    with sandboxed.runtime.context("test") as ctx:
        _, secret = people.issue_key(ctx, "freelancer", "live", sandboxed.ada_id)
    assert secret.startswith("hf_live_")
    assert Program(WsgiHttp(sandboxed.app), secret).call("GET", "/v1/me").status == 401


def test_the_clock_of_a_live_database_is_not_moved(lively: World) -> None:
    for url in (lively.settings.database_url, lively.settings.owner_url):
        with (
            psycopg.connect(url, options="-c search_path=hf") as connection,
            pytest.raises(psycopg.errors.CheckViolation),
        ):
            connection.execute("UPDATE installation SET clock_offset = interval '1 day'")


GOOD = {
    "HOLDFAST_MODE": "sandbox",
    "HOLDFAST_DATABASE_URL": "postgresql://x@/y",
    "HOLDFAST_SECRET_KEYS": "k" * 40,
    "HOLDFAST_SIGNING_KEY": "0" * 64,
    "HOLDFAST_STRIPE_WEBHOOK_SECRETS": "whsec_a",
}
ANYWHERE, NAMES = (
    {"HOLDFAST_SANDBOX_ANYWHERE": "true"},
    {"HOLDFAST_SANDBOX_HOSTS": "play.holdfast.example"},
)
BEYOND = [
    {"HOLDFAST_WEB_HOST": "0.0.0.0"},
    {"HOLDFAST_WEB_HOST": "::"},
    {"HOLDFAST_PUBLIC_URL": "http://play.holdfast.example"},
]


@pytest.mark.parametrize("beyond", BEYOND, ids=str)
def test_the_sandbox_leaves_this_machine_when_it_is_said_twice(beyond: dict[str, str]) -> None:
    for said in ({}, ANYWHERE, NAMES):
        with pytest.raises(ConfigError, match="has no log-in"):
            config.load(GOOD | beyond | said)
    assert config.load(GOOD | beyond | ANYWHERE | NAMES).knows_host("play.holdfast.example:8000")
    other = {"HOLDFAST_PUBLIC_URL": "http://elsewhere.example"}
    with pytest.raises(ConfigError, match="has no log-in"):
        config.load(GOOD | other | ANYWHERE | NAMES)


def test_names_of_the_sandbox_mean_nothing_in_live_mode() -> None:
    settings = live(
        "postgresql://x@/y", sandbox_hosts=("play.holdfast.example",), sandbox_anywhere=True
    )
    assert not settings.knows_host("play.holdfast.example")
    assert settings.knows_host("pay.holdfast.example")


HOSTS = [
    "rebound.example",
    "rebound.example:8000",
    "127.0.0.1.rebound.example",
    "localhost.rebound.example:8000",
    "",
    "[::1",
    "127.0.0.1@x.example",
    "0.0.0.0:8000",
]
ORIGINS = [
    "http://rebound.example",
    "https://127.0.0.1.rebound.example",
    "null",
    "http://127.0.0.1:9999",
    "file://",
    "http://localhost",
]


@pytest.mark.parametrize("host", HOSTS)
def test_another_name_opens_nothing(sandboxed: World, host: str) -> None:
    """A page elsewhere lets its own name lead to this machine: it reads no mailbox and moves no
    clock.
    """
    before, http = sandboxed.sandbox.now(), Client(sandboxed.app)
    for method, path in [
        *sandbox_paths(sandboxed.settings),
        ("GET", "/staff/enter"),
        ("GET", "/v1/me"),
        ("GET", "/readyz"),
    ]:
        found = http.open(
            path,
            method=method,
            headers={"Host": host},
            json={"advance": "1d"} if method == "POST" else None,
        )
        assert found.status_code in (400, 403, 404), (method, path, found.status_code)
        assert "ada@" not in found.text
    assert sandboxed.sandbox.now()[:16] == before[:16]


@pytest.mark.parametrize("origin", ORIGINS)
def test_another_site_s_page_opens_nothing(sandboxed: World, origin: str) -> None:
    before, http = sandboxed.sandbox.now(), Client(sandboxed.app)
    for method, path in sandbox_paths(sandboxed.settings):
        found = http.open(
            path,
            method=method,
            base_url="http://127.0.0.1:8000",
            headers={"Origin": origin},
            json={"advance": "1d"} if method == "POST" else None,
        )
        assert found.status_code == 403, (method, path)
    assert sandboxed.sandbox.now()[:16] == before[:16]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_browser_says_itself_that_it_is_another_site(sandboxed: World, site: str) -> None:
    http = Client(sandboxed.app)
    for method, path in sandbox_paths(sandboxed.settings):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
        assert (
            http.open(
                path, method=method, base_url="http://127.0.0.1:8000", headers=headers
            ).status_code
            == 403
        ), (method, path)
    looked = http.get(
        "/_sandbox/mailbox",
        base_url="http://127.0.0.1:8000",
        headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"},
    )
    assert looked.status_code == 200, "a link that somebody follows"


def test_what_is_meant_goes_through(sandboxed: World) -> None:
    http = Client(sandboxed.app)
    for base in ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"):
        assert http.get("/_sandbox/mailbox.json", base_url=base).status_code == 200, base
        assert (
            http.post(
                "/_sandbox/clock", base_url=base, json={"advance": "1s"}, headers={"Origin": base}
            ).status_code
            == 200
        ), base
