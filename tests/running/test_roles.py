"""Superuser, owner and log-in are three roles: as `compose.yaml` makes them, and what `doctor` says
where they are not.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
import yaml

from service.platform.db import migrate
from service.platform.db.embedded import EmbeddedServer
from service.platform.db.programs import binaries
from service.sandbox import store
from tests.world import SECRET, make_settings

HOUSE = Path(__file__).resolve().parents[2]
OWNER_PASSWORD, LOGIN_PASSWORD = "the owner's", "the log-in's"


@dataclass(frozen=True)
class Server:
    """A server of its own, with the roles of deploy/roles.sql, migrated by its owner."""

    socket: str
    superuser: str

    def url(self, login: str, password: str = "") -> str:
        return f"postgresql://{login}:{quote(password)}@/holdfast?host={self.socket}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path("/var/tmp") / f"holdfast-roles-{uuid.uuid4().hex[:8]}"
    made = EmbeddedServer(folder, durable=False)
    made.start()
    try:
        superuser = made.url(owner=True)
        with psycopg.connect(made.url("postgres", owner=True), autocommit=True) as connection:
            connection.execute("CREATE DATABASE holdfast")
        passwords = {
            "HOLDFAST_OWNER_PASSWORD": OWNER_PASSWORD,
            "HOLDFAST_LOGIN_PASSWORD": LOGIN_PASSWORD,
        }
        command = [
            str(binaries() / "psql"),
            "--no-psqlrc",
            "--set",
            "ON_ERROR_STOP=1",
            "--file",
            str(HOUSE / "deploy/roles.sql"),
            superuser,
        ]
        subprocess.run(command, env=os.environ | passwords, check=True, capture_output=True)
        found = Server(superuser.rpartition("host=")[2], superuser)
        done = run(
            found,
            found.url("holdfast_login", LOGIN_PASSWORD),
            "migrate",
            owner=found.url("holdfast_owner", OWNER_PASSWORD),
        )
        assert done.returncode == 0, done.stderr
        yield found
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def run(
    server: Server, url: str, *arguments: str, owner: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """A command as an operator runs it: settings from the environment, nothing else."""
    settings = make_settings(url)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HOUSE),
        "HOLDFAST_MODE": "sandbox",
        "HOLDFAST_DATABASE_URL": url,
        "HOLDFAST_SECRET_KEYS": settings.secret_keys[0],
        "HOLDFAST_SIGNING_KEY": settings.signing_key,
        "HOLDFAST_STRIPE_WEBHOOK_SECRETS": SECRET,
    } | ({"HOLDFAST_OWNER_URL": owner} if owner else {})
    command = [sys.executable, "-m", "service.cli", *arguments]
    return subprocess.run(
        command, env=environment | more, capture_output=True, text=True, check=False, timeout=120
    )


def doctor(server: Server, url: str) -> dict[str, Any]:
    done = run(server, url, "doctor", "--json")
    assert "Traceback" not in done.stderr, done.stderr[-800:]
    return {row["check"]: row for row in json.loads(done.stdout)}


def test_the_log_in_that_compose_makes_is_right(server: Server) -> None:
    assert (
        doctor(server, server.url("holdfast_login", LOGIN_PASSWORD))["rights of the application"][
            "result"
        ]
        == "ok"
    )


def test_a_bigger_role_is_not(server: Server) -> None:
    """As `compose.yaml` was: the superuser, with a setting that `SET ROLE NONE` undoes; and the
    owner; and who may become it.
    """
    with psycopg.connect(server.superuser, autocommit=True) as connection:
        connection.execute(
            "CREATE ROLE climber LOGIN PASSWORD 'x' IN ROLE holdfast_app, holdfast_owner"
        )
        connection.execute("GRANT holdfast_app TO holdfast_owner")
        connection.execute("GRANT CONNECT ON DATABASE holdfast TO climber")
    for url, words in (
        (server.superuser, "is a superuser"),
        (server.url("holdfast_owner", OWNER_PASSWORD), "owns tables"),
        (server.url("climber", "x"), "may become holdfast_owner"),
    ):
        found = doctor(server, url)["rights of the application"]
        assert found["result"] == "look", url
        assert words in found["what to do"], found


def test_the_log_in_can_become_nothing(server: Server) -> None:
    with psycopg.connect(
        server.url("holdfast_login", LOGIN_PASSWORD),
        options="-c search_path=hf -c role=holdfast_app",
    ) as connection:
        connection.execute("SET ROLE NONE")
        assert connection.execute("SELECT current_user").fetchone() == ("holdfast_login",)
        for statement in (
            "DELETE FROM posting",
            "SET ROLE holdfast_owner",
            "SET ROLE postgres",
            "UPDATE installation SET mode = 'live'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()


@pytest.mark.parametrize(
    ("command", "login", "password", "words"),
    [
        ("worker", "holdfast_login", "wrong", "password authentication failed"),
        ("serve", "holdfast_login", "wrong", "password authentication failed"),
        ("doctor", "holdfast_login", "wrong", "password authentication failed"),
        ("jobs", "nobody_here", "x", "password authentication failed"),
        ("jobs", "stranger", "x", "permission denied to set role"),
        ("jobs", "sleeper", "x", "is not permitted to log in"),
    ],
)
def test_a_refusal_is_told_as_what_it_is(
    server: Server, command: str, login: str, password: str, words: str
) -> None:
    with psycopg.connect(server.superuser, autocommit=True) as connection:
        for made in (
            "CREATE ROLE stranger LOGIN PASSWORD 'x'",
            "CREATE ROLE sleeper NOLOGIN PASSWORD 'x'",
        ):
            with contextlib.suppress(psycopg.errors.DuplicateObject):
                connection.execute(made)
        connection.execute("GRANT CONNECT ON DATABASE holdfast TO stranger, sleeper")
    done = run(server, server.url(login, password), command)
    assert (done.returncode, done.stdout) == (5, ""), (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert words in done.stderr
    assert "did not answer in time" not in done.stderr


def test_an_unknown_database_too(server: Server) -> None:
    done = run(
        server,
        server.url("holdfast_login", LOGIN_PASSWORD).replace("/holdfast?", "/nothing?"),
        "jobs",
    )
    assert done.returncode == 5
    assert 'database "nothing" does not exist' in done.stderr


def test_keys_of_staff_need_the_owner(server: Server) -> None:
    login, owner = (
        server.url("holdfast_login", LOGIN_PASSWORD),
        server.url("holdfast_owner", OWNER_PASSWORD),
    )
    add = ("staff", "add", "Grace Hopper", "safety", "--email", "grace@hopper.example")
    without = run(server, login, *add)
    assert (without.returncode, "HOLDFAST_OWNER_URL is required" in without.stderr) == (2, True)
    not_owner = run(server, login, *add, owner=login)
    assert not_owner.returncode != 0
    assert "hf_test_" not in not_owner.stdout
    first = run(server, login, *add, owner=owner)
    assert first.stdout.startswith("hf_test_"), first.stderr
    second = run(
        server,
        login,
        "staff",
        "add",
        "Grace Hopper",
        "approver",
        "--email",
        "GRACE@hopper.example",
        owner=owner,
    )
    assert second.stdout.startswith("hf_test_"), second.stderr
    everybody = json.loads(run(server, login, "staff", "list", "--json").stdout)
    assert len({row["person"] for row in everybody}) == 1
    assert sorted(row["role"] for row in everybody) == ["approver", "safety"]
    clash = run(
        server,
        login,
        "staff",
        "add",
        "Alan Turing",
        "safety",
        "--email",
        "grace@hopper.example",
        owner=owner,
    )
    assert (clash.returncode, "address of Grace Hopper" in clash.stderr) == (1, True)
    assert run(
        server, login, "keys", "create", "platform", "--name", "The marketplace", owner=owner
    ).stdout.startswith("hf_test_")
    person = everybody[0]["person"]
    assert "has left" in run(server, login, "staff", "end", person, owner=owner).stdout
    assert json.loads(run(server, login, "staff", "list", "--json").stdout) == []


def test_the_embedded_server_has_three_roles_too() -> None:
    """As the demo makes its world; a world whose schema the superuser owns, as before, stays
    its.
    """
    folder = Path("/var/tmp") / f"holdfast-three-{uuid.uuid4().hex[:8]}"
    made = EmbeddedServer(folder, durable=False)
    made.start()
    try:
        made.create_app_role()
        made.create_database()
        made.create_database("older")
        migrate.upgrade(made.owner_url(), "sandbox")
        store.install(made.owner_url())
        migrate.upgrade(made.url("older", owner=True), "sandbox")
        with psycopg.connect(made.owner_url()) as connection:
            who = connection.execute(
                "SELECT session_user, rolsuper FROM pg_roles WHERE rolname = session_user"
            ).fetchone()
            owners = connection.execute(
                "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'hf'"
            ).fetchall()
        assert who == ("holdfast_owner", False)
        assert owners == [("holdfast_owner",)]
        assert made.owner_url("older") == made.url("older", owner=True)
        found = doctor(Server("", ""), made.url())["rights of the application"]
        assert found["result"] == "ok", found
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_compose_names_three_roles() -> None:
    parts = yaml.safe_load((HOUSE / "compose.yaml").read_text())["services"]
    assert parts["web"]["environment"]["HOLDFAST_DATABASE_URL"].startswith(
        "postgresql://holdfast_login:"
    )
    assert parts["migrate"]["environment"]["HOLDFAST_OWNER_URL"].startswith(
        "postgresql://holdfast_owner:"
    )
    for name in ("web", "worker"):
        assert "HOLDFAST_OWNER_URL" not in parts[name]["environment"]
    assert "POSTGRES_USER" not in parts["db"]["environment"], "the superuser keeps its own name"
