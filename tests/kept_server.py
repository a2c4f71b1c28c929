"""The tests' PostgreSQL: made once for a state of the code, then begun from a copy of its folder.

Making it (a cluster, every migration, the people) takes some seconds, which whoever runs one test
again and again would wait for each time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from service.platform.db import migrate
from service.platform.db.embedded import EmbeddedServer
from service.sandbox import store
from tests.databases import PEOPLE, make_people
from tests.servers import set_clock

ROOT = Path(__file__).resolve().parents[1]
KEPT = Path("/var/tmp")
_PEOPLE_FILE = "people.json"


def begin(folder: Path, start: str) -> EmbeddedServer:
    """A running server in `folder`, whose addresses the environment names; every world begins at
    `start`.
    """
    kept = KEPT / f"holdfast-kept-{os.getuid()}-{_state_of_the_code()}"
    known = _copied(kept, folder)
    server = EmbeddedServer(folder, durable=False)
    server.start()
    os.environ |= {
        "TEST_OWNER_URL": server.url("{}", owner=True),
        "TEST_APP_URL": server.url("{}"),
    }
    if known:
        os.environ["TEST_PEOPLE"] = (folder / _PEOPLE_FILE).read_text()
    else:
        _make(server, start)
        server.stop()
        (folder / _PEOPLE_FILE).write_text(os.environ["TEST_PEOPLE"])
        _keep(folder, kept)
        server.start()
    # A minute later, so that nobody was made after the instant at which a test begins.
    set_clock(PEOPLE, (datetime.fromisoformat(start) + timedelta(minutes=1)).isoformat())
    return server


def _copied(kept: Path, folder: Path) -> bool:
    """False where nothing is kept, or another run has taken it away in the middle of the copy."""
    if not kept.is_dir():
        return False
    whole = subprocess.run(["cp", "-a", str(kept), str(folder)], check=False).returncode == 0
    if not whole:
        shutil.rmtree(folder, ignore_errors=True)
    return whole


def _make(server: EmbeddedServer, start: str) -> None:
    server.create_app_role()
    server.create_database("template_holdfast")
    owner = server.url("template_holdfast", owner=True)
    migrate.upgrade(owner, "sandbox")
    store.install(owner)
    make_people(start)


def _keep(folder: Path, kept: Path) -> None:
    """Only the newest state of the code is kept; two runs at once may both want to be it."""
    half = KEPT / f"half-of-{kept.name}-{os.getpid()}"
    subprocess.run(["cp", "-a", str(folder), str(half)], check=True)
    try:
        half.rename(kept)
    except OSError:
        shutil.rmtree(half, ignore_errors=True)
    for other in KEPT.glob(f"holdfast-kept-{os.getuid()}-*"):
        if other != kept:
            shutil.rmtree(other, ignore_errors=True)


def _state_of_the_code() -> str:
    """Changes with every file that could have a part in what is kept."""
    sources = sorted(
        path
        for part in ("service", "migrations", "requirements", "tests")
        for path in (ROOT / part).rglob("*")
        if path.suffix in (".py", ".sql", ".yaml", ".json", ".txt")
        and path.parent.name != "__pycache__"
    )
    digest = hashlib.sha256()
    for path in sources:
        if path.is_relative_to(ROOT / "tests") and path.parent != ROOT / "tests":
            continue
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]
