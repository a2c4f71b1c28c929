"""While a web process of the last release answers, the database is upgraded and this release takes
over: no call is lost.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from psycopg.types.json import Jsonb

from benchmarks.chaos import free_port
from service.domain.identity import typeid
from service.ledger.checks import verify
from service.platform.db import Database, migrate, schema
from service.sandbox import store
from tests.journey import contract_body
from tests.releases.restoring import FOLDER, restored
from tests.world import SECRET, make_settings

HOUSE = FOLDER.parents[1]
RELEASE = "0.1.0"
SECONDS = 60


@contextmanager
def served(code: Path, url: str, port: int) -> Iterator[str]:
    """A web process of the code in a folder; ended when the block ends, as an operator ends it."""
    settings = make_settings(url)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(code),
        "HOLDFAST_MODE": "sandbox",
        "HOLDFAST_DATABASE_URL": url,
        "HOLDFAST_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HOLDFAST_SECRET_KEYS": settings.secret_keys[0],
        "HOLDFAST_SIGNING_KEY": settings.signing_key,
        "HOLDFAST_TAX_KEYS": settings.tax_keys[0],
        "HOLDFAST_STRIPE_WEBHOOK_SECRETS": SECRET,
        "HOLDFAST_MAIL_EVENTS_SECRET": settings.mail_events_secret,
        "HOLDFAST_WEB_PORT": str(port),
        "HOLDFAST_WEB_WORKERS": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "serve"], env=environment, cwd=code
    )
    try:
        _until_ready(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _until_ready(base: str) -> None:
    for _ in range(SECONDS * 5):
        try:
            if requests.get(f"{base}/healthz", timeout=2).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise AssertionError(f"{base} does not answer")


def code_of(release: str, folder: Path) -> Path:
    """The service as it was released, out of the history of this repository."""
    commit = schema.released()[release]["commit"]
    made = subprocess.run(
        ["git", "archive", commit, "service", "migrations"],
        cwd=HOUSE,
        capture_output=True,
        check=False,
    )
    if made.returncode:
        words = f"NO HISTORY: {release} is not in this clone, so nothing was upgraded while it ran"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@dataclass
class Caller:
    """Makes contracts and gives money back, one call after the other, each sent again with its own
    key until it is answered.
    """

    key: str
    milestone: str
    bases: list[str]
    stop: threading.Event = field(default_factory=threading.Event)
    contracts: list[str] = field(default_factory=list)
    refunds: list[str] = field(default_factory=list)
    again: int = 0
    wrong: list[str] = field(default_factory=list)

    def run(self, name: str) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            body = contract_body(client=f"client{number}@{name}.example")
            self._call("/v1/contracts", body, f"roll-{name}-contract-{number:06d}", self.contracts)
            body = {"amount": 1, "reason": "A cent back."}
            self._call(
                f"/v1/milestones/{self.milestone}/refunds",
                body,
                f"roll-{name}-refund-{number:06d}",
                self.refunds,
            )

    def _call(self, path: str, body: dict[str, Any], key: str, kept: list[str]) -> None:
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": key}
        for _ in range(40):
            try:
                reply = requests.post(self.bases[-1] + path, json=body, headers=headers, timeout=20)
            except requests.ConnectionError:
                reply = None
            if reply is not None and reply.status_code in (200, 201, 202):
                kept.append(str(reply.json()["id"]))
                return
            if reply is not None and reply.status_code != 503:
                self.wrong.append(f"{path}: {reply.status_code} {reply.text[:300]}")
                return
            self.again += 1
            time.sleep(0.25)
        self.wrong.append(f"{path}: never answered")


def test_no_call_is_lost(tmp_path: Path) -> None:
    """The old process works before, during and after the upgrade, the new one beside it; then the
    old one ends.
    """
    old = code_of(RELEASE, tmp_path)
    with restored(RELEASE) as name:
        url, owner = (os.environ[one].format(name) for one in ("TEST_APP_URL", "TEST_OWNER_URL"))
        key, milestone = _prepared(owner)
        with served(HOUSE, url, free_port()) as new_base:
            with served(old, url, free_port()) as old_base:
                caller = Caller(key, milestone, [old_base])
                threads = [
                    threading.Thread(target=caller.run, args=(n,)) for n in ("north", "south")
                ]
                for thread in threads:
                    thread.start()
                _more(caller, 10)
                migrate.upgrade(owner, "sandbox")
                store.install(owner)
                _more(caller, 10)
                caller.bases.append(new_base)
                _more(caller, 10)
            caller.stop.set()
            for thread in threads:
                thread.join()
        _nothing_is_lost(url, caller)


def _prepared(owner: str) -> tuple[str, str]:
    """A key of Ada's, put in by hand since the code of now does not write to the schema of then,
    and her funded milestone.
    """
    secret = "hf_test_" + "r" * 43
    with psycopg.connect(owner, options="-c search_path=hf") as connection:
        ada = connection.execute("SELECT id FROM freelancer WHERE external_ref = 'ada'").fetchone()
        milestone = connection.execute("SELECT id FROM milestone WHERE title = 'Charts'").fetchone()
        assert ada is not None
        assert milestone is not None
        scopes = Jsonb(["contracts:read", "contracts:write", "links:write", "payments:read"])
        digest = hashlib.sha256(secret.encode()).hexdigest()
        connection.execute(
            "INSERT INTO api_key (id, digest, hint, role, freelancer_id, scopes, created_at)"
            " VALUES (gen_random_uuid(), %s, 'rrrr', 'freelancer', %s, %s, now())",
            (digest, ada[0], scopes),
        )
    return secret, typeid.encode("mst", milestone[0])


def _more(caller: Caller, calls: int) -> None:
    wanted = len(caller.refunds) + calls
    for _ in range(SECONDS * 10):
        if len(caller.refunds) >= wanted or caller.wrong:
            break
        time.sleep(0.1)
    assert not caller.wrong, caller.wrong
    assert len(caller.refunds) >= wanted, "the calls stand still"


def _nothing_is_lost(url: str, caller: Caller) -> None:
    """Everything that was acknowledged is there, once, and the books are right."""
    assert not caller.wrong, caller.wrong
    database = Database(url)
    with database.transaction() as session:
        driver = session.connection()
        contracts = {
            typeid.encode("ctr", row[0])
            for row in driver.exec_driver_sql("SELECT id FROM contract")
        }
        refunded = driver.exec_driver_sql(
            "SELECT r.id, p.amount FROM refund r JOIN journal_entry e ON e.cause_id = r.id AND "
            "e.kind = 'refund_request'"
            " JOIN posting p ON p.entry_id = e.id WHERE r.reason = 'A cent back.'"
        ).fetchall()
        checks = verify(session)
    database.dispose()
    assert set(caller.contracts) <= contracts
    assert sorted(typeid.encode("ref", row[0]) for row in refunded) == sorted(caller.refunds)
    assert {row[1] for row in refunded} == {1}
    assert [check for check in checks if not check.ok] == []
    print(f"{len(caller.contracts) + len(caller.refunds)} calls, {caller.again} sent again, 0 lost")
