"""What Flask costs at least: a route that answers by itself, and routes that ask PostgreSQL one or
two prepared questions by primary key, and do nothing else.

`python -m benchmarks.floor`. Decision 0021 reads the speed goals beside these figures.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
from flask import Flask, Response, request

from benchmarks.bench import ROUNDS, Load
from benchmarks.chaos import free_port
from service.platform.db.embedded import EmbeddedServer

ROUTES = {
    "answers by itself": "/ping",
    "one question": "/one",
    "two questions: who calls, what is asked for": "/two",
}
_KEY = "Bearer floor"
app = Flask(__name__)
_own = threading.local()


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_own, "connection"):
        _own.connection = psycopg.connect(
            os.environ["FLOOR_URL"], autocommit=True, prepare_threshold=1
        )
    found: psycopg.Connection[Any] = _own.connection
    return found


@app.get("/ping")
def ping() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/one")
def one() -> Response:
    row = _connection().execute("SELECT doc::text FROM thing WHERE id = %s", (7,)).fetchone()
    return Response(row[0] if row else "", mimetype="application/json")


@app.get("/two")
def two() -> Response:
    _connection().execute(
        "SELECT id FROM caller WHERE secret = %s", (request.headers.get("Authorization"),)
    ).fetchone()
    row = _connection().execute("SELECT doc FROM thing WHERE id = %s", (7,)).fetchone()
    return Response(json.dumps(row[0] if row else {}), mimetype="application/json")


def _rates(command: list[str], environment: dict[str, str], port: int) -> dict[str, list[float]]:
    """Requests a second of each route, round by round."""
    found: dict[str, list[float]] = {name: [] for name in ROUTES}
    served = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(4)
        load: Any = Load(SimpleNamespace(demo=SimpleNamespace(port=port)))
        for _ in range(ROUNDS):
            for name, path in ROUTES.items():
                found[name].append(
                    load.run(lambda path=path: ("GET", path, None, {"Authorization": _KEY}), 200)
                )
    finally:
        served.terminate()
        served.wait(20)
    return found


def main() -> None:
    """Serve the three with as many workers and threads as the service has, on PostgreSQL of its
    own, and print their rates.
    """
    folder = Path(tempfile.mkdtemp(prefix="holdfast-floor-", dir="/var/tmp"))
    folder.chmod(0o755)
    (folder / "world").mkdir(mode=0o700)
    server, port = EmbeddedServer(folder / "world"), free_port()
    server.start()
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--port",
        str(port),
        "--workers",
        "2",
        "--blocking-threads",
        "3",
        "benchmarks.floor:app",
    ]
    try:
        server.create_app_role()
        server.create_database()
        with psycopg.connect(server.url(owner=True), autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE thing (id int PRIMARY KEY, doc jsonb); CREATE TABLE caller (id "
                "int, secret text PRIMARY KEY)"
            )
            connection.execute(
                "INSERT INTO thing SELECT 7, jsonb_object_agg('field_' || n, repeat('text ', "
                "10)) FROM generate_series(1, 40) n"
            )
            connection.execute("INSERT INTO caller VALUES (1, %s)", (_KEY,))
        rates = _rates(command, os.environ | {"FLOOR_URL": server.url(owner=True)}, port)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    for name, found in rates.items():
        ratio = statistics.median(
            a / b for a, b in zip(found, rates["answers by itself"], strict=True)
        )
        print(f"{statistics.median(found):8,.0f}/s  {ratio:.2f}  {name}")


if __name__ == "__main__":
    main()
