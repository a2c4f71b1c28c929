"""Limits on calls: by address, by key, and by what was not let in; shared by all processes, and
others are served meanwhile.
"""

from __future__ import annotations

import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from limits.storage import MemoryStorage

from service.app import create_app_from
from service.http import guard
from service.platform.rate_limit import Limits, PostgresStorage
from tests.journey import WsgiHttp
from tests.world import World

OTHER = "198.51.100.7"


def limited(
    world: World, *, address: int = 0, key: int = 0, failures: int = 0, storage: Any = None
) -> Flask:
    """One process more over the same database, with these quotas of a minute."""
    app = create_app_from(world.runtime, None)
    store = storage or PostgresStorage(world.db)
    app.extensions["limits"] = Limits.of(store, per_address=address, per_key=key, failures=failures)
    return app


def ask(app: Flask, key: str = "", address: str = "192.0.2.1", path: str = "/v1/me") -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return app.test_client().get(path, headers=headers, environ_overrides={"REMOTE_ADDR": address})


def test_one_caller_cannot_take_everything(world: World) -> None:
    app = limited(world, key=5)
    ada, mary = world.keys["ada"], world.keys["mary"]
    answers = [ask(app, ada) for _ in range(7)]
    assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
    assert answers[0].headers["ratelimit-policy"] == '"minute";q=5;w=60'
    assert answers[0].headers["ratelimit"].startswith('"minute";r=4;t=')
    refused = answers[-1]
    said = refused.headers["ratelimit"].partition(";t=")[2]
    assert refused.headers["retry-after"] == said, "both headers name the same moment"
    assert refused.headers["ratelimit"].startswith('"minute";r=0;t=')
    assert refused.json["code"] == "too_many_requests"
    assert ask(app, mary).status_code == 200, "each key has its own"
    assert ask(app, path="/healthz").status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "Basic", "bearer", ""])
def test_a_new_key_in_each_call_is_no_new_caller(world: World, scheme: str) -> None:
    app = limited(world, key=1_000, failures=10)
    found = []
    for _ in range(15):
        headers = {"Authorization": f"{scheme} {secrets.token_urlsafe(20)}".strip()}
        found.append(app.test_client().get("/v1/me", headers=headers).status_code)
    assert found == [401] * 10 + [429] * 5
    assert ask(app, world.keys["ada"], "127.0.0.1").status_code == 429, (
        "what comes from there waits, whoever it is"
    )
    assert ask(app, world.keys["ada"], OTHER).status_code == 200, "others are served meanwhile"


def test_an_address_has_a_limit_of_its_own(world: World) -> None:
    """Whatever keys it shows, and without any: pages too."""
    app = limited(world, address=6, key=100)
    shown = [
        world.keys["ada"],
        world.keys["mary"],
        "",
        world.keys["ada"],
        "",
        world.keys["platform"],
        "",
        world.keys["mary"],
    ]
    found = [ask(app, key, path="/v1/me" if key else "/transparency").status_code for key in shown]
    assert found == [200] * 6 + [429] * 2
    page = ask(app, path="/transparency")
    assert (page.status_code, "Retry-After" in page.headers, "text/html" in page.content_type) == (
        429,
        True,
        True,
    )
    assert ask(app, world.keys["ada"], OTHER).status_code == 200


def test_all_processes_count_together_and_memory_of_each_does_not(world: World) -> None:
    """Four processes, one caller, a quota of 40: 40 calls and no more.

    The control: with a memory each, 160.
    """

    def let_in(storage: Any) -> int:
        apps = [limited(world, key=40, storage=storage() if storage else None) for _ in range(4)]
        return sum(ask(apps[i % 4], world.keys["ada"]).status_code == 200 for i in range(200))

    assert let_in(MemoryStorage) == 160
    assert 36 <= let_in(None) <= 40


def test_no_race_lets_more_in(world: World) -> None:
    apps = [limited(world, key=30) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        found = Counter(
            pool.map(lambda i: ask(apps[i % 4], world.keys["mary"]).status_code, range(120))
        )
    assert found[200] <= 30, found
    assert found[200] >= 24, found
    assert set(found) == {200, 429}


def test_a_flood_costs_the_database_little(world: World) -> None:
    """A caller that is refused is refused without a statement, and a quota is taken in
    twentieths.
    """
    app = limited(world, key=200)
    calls = sum(ask(app, world.keys["ada"]).status_code == 200 for _ in range(400))
    assert calls == 200
    (kept,) = world.sql("SELECT sum(calls) AS calls, count(*) AS windows FROM rate_window")
    assert (kept.calls, kept.windows <= 2) == (200, True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("unknown", "unknown", True),
    ],
)
def test_an_ipv6_host_is_one_caller(one: str, other: str, same: bool) -> None:
    assert (guard.network(one) == guard.network(other)) is same


def test_the_proxy_s_word_counts_only_where_a_proxy_is(world: World) -> None:
    """X-Forwarded-For of a stranger gives no fresh limit."""
    app = limited(world, address=3)
    found = [
        app.test_client()
        .get("/transparency", headers={"X-Forwarded-For": f"203.0.113.{i}"})
        .status_code
        for i in range(5)
    ]
    assert found == [200] * 3 + [429] * 2


def test_the_application_counts_and_cannot_forget(world: World) -> None:
    """Its role may take from a window and look at one; not write the table itself."""
    assert WsgiHttp(world.app).request("GET", "/transparency").status == 200
    for statement in (
        "DELETE FROM rate_window",
        "UPDATE rate_window SET calls = 0",
        "INSERT INTO rate_window VALUES ('x', now(), 1)",
    ):
        with pytest.raises(Exception, match="permission denied"):
            world.sql(statement)
