"""A released database, as a fresh one beside the tests' own."""

from __future__ import annotations

import gzip
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from service.platform.db import APP_ROLE
from service.platform.db.programs import binaries
from tests.servers import drop

FOLDER = Path(__file__).parent


@contextmanager
def restored(release: str) -> Iterator[str]:
    """The name of a database with the release's dump in it; dropped afterwards."""
    name = f"r_{uuid.uuid4().hex[:16]}"
    load(os.environ["TEST_OWNER_URL"], name, release)
    try:
        yield name
    finally:
        drop(name)


def load(owner_url: str, name: str, release: str) -> None:
    """Make the database `name` from the dump of a release."""
    with psycopg.connect(owner_url.format("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {APP_ROLE}')
    dump = gzip.decompress((FOLDER / f"{release}.sql.gz").read_bytes())
    command = [
        str(binaries() / "psql"),
        "--quiet",
        "--no-psqlrc",
        "--set",
        "ON_ERROR_STOP=1",
        "--dbname",
        owner_url.format(name),
    ]
    subprocess.run(command, input=dump, check=True, capture_output=True)
