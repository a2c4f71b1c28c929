"""`make bench`: the service against the same SQL run by pgbench, on the same server, in interleaved
rounds of one run. Only ratios count.

The load comes from this process over real HTTP with 16 connections, on the same cores as the server
and PostgreSQL, so every microsecond of the generator is taken from the service.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
from psycopg.types.json import Jsonb
from rich.console import Console
from rich.table import Table

from benchmarks.chaos import Demo, free_port
from service import ledger
from service.app import create_runtime
from service.domain.identity import typeid
from service.domain.money.causes import Cause
from service.domain.money.chart import EntryType
from service.gateways.stripe import sign
from service.ledger import Entry, Line, accounts
from service.models import new_id
from service.platform import clock, config
from service.platform.db.embedded import EmbeddedServer
from service.platform.db.programs import binaries
from service.policies import NORMAL
from service.policies.quotes import Pair, QuoteRequest, quote
from tests.journey import contract_body

ROUNDS, SECONDS, CONNECTIONS = 5, 1.2, 16
CONTRACTS_HTTP, CONTRACTS_PGBENCH = 3_000, 12_000
SETTLE_SECONDS = 120


class Stage:
    """A running demo, filled with submitted milestones by its owner, and pgbench beside it."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-", dir="/var/tmp"))
        folder.chmod(0o755)
        self.demo = Demo(free_port(), folder / "world")
        server = EmbeddedServer(folder / "world")
        self.owner, self.app_url = server.url(owner=True), server.url()
        self.pgbench = str(binaries() / "pgbench")
        self.folder = folder
        secrets = json.loads((folder / "world" / "secrets.json").read_text())
        self.secret = secrets["HOLDFAST_STRIPE_WEBHOOK_SECRETS"]
        environment = secrets | {"HOLDFAST_MODE": "sandbox", "HOLDFAST_DATABASE_URL": self.app_url}
        self.runtime = create_runtime(config.load(environment), lambda _: True)[0]
        with psycopg.connect(
            self.owner, options="-c search_path=hf", autocommit=True
        ) as connection:
            connection.execute((Path(__file__).parent / "stage.sql").read_text())
            connection.execute(
                "SELECT bench.fill(%s, %s)",
                (CONTRACTS_HTTP + CONTRACTS_PGBENCH, Jsonb(self._promise())),
            )
            connection.execute("ANALYZE")
        self.cookie = "bench-cookie-0123456789"
        with psycopg.connect(self.owner, options="-c search_path=hf") as connection:
            connection.execute("SELECT bench.session(%s, %s)", (self.cookie, CONTRACTS_HTTP))
            rows = connection.execute(
                "SELECT contract, milestone FROM bench.work WHERE number <= %s ORDER BY number",
                (CONTRACTS_HTTP,),
            ).fetchall()
            session = connection.execute(
                "SELECT id FROM client_session WHERE user_agent = 'bench'"
            ).fetchone()
        assert session is not None
        self.session = typeid.encode("ses", session[0])
        self.work: Iterator[tuple[str, str]] = iter(
            [(typeid.encode("ctr", c), typeid.encode("mst", m)) for c, m in rows]
        )
        self._lock = threading.Lock()

    def _promise(self) -> dict[str, Any]:
        """The quote that every staged contract was accepted with."""
        policies, on = self.runtime.policies, date(2026, 11, 22)
        pair = Pair(*(policies.schedule_for(kind, on, "USD") for kind in ("direct", NORMAL)))
        return quote(policies, pair, QuoteRequest("direct", "USD", [10_000], "platform", on))

    def next_work(self) -> tuple[str, str]:
        with self._lock:
            return next(self.work)

    def settle(self) -> None:
        """Wait until the worker has done what the last measurement left behind: it would be charged
        to the next one.
        """
        with psycopg.connect(
            self.owner, options="-c search_path=hf", autocommit=True
        ) as connection:
            end = time.perf_counter() + SETTLE_SECONDS
            while connection.execute(
                "SELECT EXISTS (SELECT FROM job WHERE state = 'waiting' AND due_at <= (SELECT "
                f"{clock.NOW} FROM installation))"
            ).fetchone() == (True,):
                assert time.perf_counter() < end, "the worker does not come to an end"
                time.sleep(0.2)

    def close(self) -> None:
        self.demo.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Load:
    """Requests over 16 kept-alive connections for a while; every answer must have the expected
    status.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.latencies: list[float] = []

    def run(
        self,
        make: Callable[[], tuple[str, str, bytes | None, dict[str, str]]],
        expected: int,
        connections: int = CONNECTIONS,
    ) -> float:
        counts, latencies, wrong = [0] * connections, [[] for _ in range(connections)], []  # type: ignore[var-annotated]
        end = time.perf_counter() + SECONDS

        def one(i: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.stage.demo.port)
            while time.perf_counter() < end and not wrong:
                method, path, body, headers = make()
                began = time.perf_counter()
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != expected:
                    wrong.append((answer.status, content[:300]))
                    return
                latencies[i].append(time.perf_counter() - began)
                counts[i] += 1
            connection.close()

        began = time.perf_counter()
        threads = [threading.Thread(target=one, args=(i,)) for i in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong, wrong[0]
        self.latencies = sorted(x for part in latencies for x in part)
        return sum(counts) / (time.perf_counter() - began)


def pgbench(stage: Stage, script: str, clients: int) -> float:
    """Transactions per second of a script as the application's role."""
    path = stage.folder / "script.sql"
    path.write_text(script)
    # The address carries the socket and the password; pgbench takes it as a connection string.
    environment = os.environ | {"PGOPTIONS": "-c search_path=hf,bench"}
    command = [
        stage.pgbench,
        "-n",
        "-c",
        str(clients),
        "-j",
        "2",
        "-T",
        str(max(1, round(SECONDS))),
        "-f",
        str(path),
        stage.app_url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert "failed transactions: 0 " in done.stdout, done.stdout + done.stderr
    return float(found[1])


def measures(stage: Stage) -> dict[str, tuple[Callable[[], float], Callable[[], float], float]]:
    """name -> (what we measure, what it is divided by, the goal)."""
    load = Load(stage)
    key = {
        "Authorization": f"Bearer {stage.demo.info['freelancer_key']}",
        "Content-Type": "application/json",
    }
    body = json.dumps(contract_body()).encode()
    form = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"hf_client={stage.cookie}",
        "Sec-Fetch-Site": "same-origin",
    }
    tokens = stage.runtime.tokens

    def approve() -> tuple[str, str, bytes, dict[str, str]]:
        contract, milestone = stage.next_work()
        token = tokens.sign("form", {"s": stage.session, "k": uuid.uuid4().hex})
        return (
            "POST",
            f"/c/{contract}/milestones/{milestone}/approve",
            urlencode({"form_token": token, "amount_minor": "10000"}).encode(),
            form,
        )

    def create() -> tuple[str, str, bytes, dict[str, str]]:
        return "POST", "/v1/contracts", body, key | {"Idempotency-Key": uuid.uuid4().hex}

    def replay() -> tuple[str, str, bytes, dict[str, str]]:
        return (
            "POST",
            "/v1/contracts",
            body,
            key | {"Idempotency-Key": replay_key[threading.get_ident() % 64]},
        )

    replay_key = [uuid.uuid4().hex for _ in range(64)]
    connection = http.client.HTTPConnection("127.0.0.1", stage.demo.port)
    for one in replay_key:
        connection.request("POST", "/v1/contracts", body, key | {"Idempotency-Key": one})
        last = json.loads(connection.getresponse().read())

    def webhook() -> tuple[str, str, bytes, dict[str, str]]:
        event = {
            "id": f"evt_{uuid.uuid4().hex}",
            "object": "event",
            "type": "invoice.paid",
            "livemode": False,
            "data": {"object": {"id": "in_1"}},
        }
        raw = json.dumps(event).encode()
        return (
            "POST",
            "/stripe/webhooks",
            raw,
            {
                "Stripe-Signature": sign(raw, stage.secret, int(time.time())),
                "Content-Type": "application/json",
            },
        )

    def ping() -> float:
        return load.run(lambda: ("GET", "/healthz", None, {}), 200)

    release_times: list[float] = []

    def released() -> float:
        rate = load.run(approve, 303)
        release_times.append(
            load.latencies[int(len(load.latencies) * 0.99)] / statistics.median(load.latencies)
        )
        return rate

    return {
        "client approves = release over HTTP ÷ pgbench, the same SQL": (
            released,
            lambda: pgbench(stage, "SELECT bench.release();", CONNECTIONS),
            0.25,
        ),
        "ledger.post, one process ÷ pgbench, the same SQL": (
            lambda: posts(stage),
            lambda: pgbench(stage, "SELECT bench.post();", 1),
            0.6,
        ),
        "create a contract over HTTP ÷ pgbench, the same rows": (
            lambda: load.run(create, 201),
            lambda: pgbench(stage, "SELECT bench.create_contract();", CONNECTIONS),
            0.15,
        ),
        "webhook intake ÷ ping": (lambda: load.run(webhook, 200), ping, 0.4),
        "read one contract ÷ ping": (
            lambda: load.run(lambda: ("GET", f"/v1/contracts/{last['id']}", None, key), 200),
            ping,
            0.45,
        ),
        "a page of 50 contracts ÷ ping": (
            lambda: load.run(lambda: ("GET", "/v1/contracts?limit=50", None, key), 200),
            ping,
            0.15,
        ),
        "replay of a used key ÷ first call": (
            lambda: load.run(replay, 201, 4),
            lambda: load.run(create, 201, 4),
            1.0,
        ),
        "p99 ÷ p50 of release (lower is better)": (lambda: release_times[-1], lambda: 1.0, 3.0),
    }


def posts(stage: Stage) -> float:
    """`ledger.post` in a transaction of its own, from one Python thread."""
    with psycopg.connect(stage.owner, options="-c search_path=hf") as connection:
        rows = connection.execute(
            "SELECT milestone, freelancer FROM bench.work ORDER BY number DESC LIMIT 200"
        ).fetchall()
    entry_rows = [(typeid.encode("mst", m), typeid.encode("frl", f)) for m, f in rows]
    count, end = 0, time.perf_counter() + SECONDS
    began = time.perf_counter()
    with stage.runtime.context("bench") as ctx:
        act_now = ctx
    while time.perf_counter() < end:
        milestone, freelancer = entry_rows[count % len(entry_rows)]
        with stage.runtime.db.transaction() as session:
            lines = (Line(accounts.escrow(milestone), accounts.pending(freelancer), 1),)
            ctx = replace(act_now, session=session)
            ledger.post(ctx, Entry(EntryType.RELEASE, Cause(new_id("rls")), "USD", lines, "bench"))
        count += 1
    return count / (time.perf_counter() - began)


def main() -> None:
    """Run everything and print the table; docs/figures.md keeps a run with its machine."""
    # The limit on one caller's calls would be all that is measured.
    os.environ["HOLDFAST_CALLS_PER_MINUTE"] = "0"
    stage = Stage()
    try:
        rows: dict[str, list[tuple[float, float]]] = {}
        found = measures(stage)
        for _ in range(ROUNDS):
            for name, (ours, theirs, _goal) in found.items():
                rows.setdefault(name, []).append((_settled(stage, ours), _settled(stage, theirs)))
    finally:
        stage.close()
    table = Table(
        title=f"Median ratio of {ROUNDS} interleaved rounds, {CONNECTIONS} connections, default "
        "durability",
        title_justify="left",
    )
    for column in ("what", "ours /s", "÷", "ratio", "goal", ""):
        table.add_column(column, justify="left" if column in ("what", "") else "right")
    for name, pairs in rows.items():
        ratio = statistics.median(a / b for a, b in pairs)
        goal = found[name][2]
        lower = "lower is better" in name
        met = ratio <= goal if lower else ratio >= goal
        ours, theirs = (statistics.median(p[i] for p in pairs) for i in (0, 1))
        table.add_row(
            name,
            f"{ours:,.1f}",
            f"{theirs:,.1f}",
            f"{ratio:.2f}",
            f"{goal:.2f}",
            "met" if met else "missed",
        )
    console = Console(width=140)
    console.print(table)
    console.print(
        f"machine: {os.cpu_count()} cores, {_processor()}, Python "
        f"{'.'.join(map(str, __import__('sys').version_info[:3]))}, PostgreSQL 18 (embedded)"
    )


def _settled(stage: Stage, measure: Callable[[], float]) -> float:
    stage.settle()
    return measure()


def _processor() -> str:
    match = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return match[1] if match else "unknown processor"


if __name__ == "__main__":
    main()
