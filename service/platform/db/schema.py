"""Which schema a database has: the frozen revisions, the replaceable objects, and whether both are
this code's.

A released revision never changes again: `migrations/released.json` holds the hash of each of its
files. Functions, views, triggers and rights are files that are replayed after every upgrade.
`schema_release` in the database remembers the hash of all of them, so that a process can tell at
its start, and a load balancer at any time, whether both belong together.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TypedDict

from sqlalchemy import Connection, text

FOLDER = Path(__file__).resolve().parents[3] / "migrations"
OBJECTS = (
    "ledger",
    "append_only",
    "lifecycle",
    "holds",
    "guards",
    "given",
    "limits",
    "views",
    "released_0_1",
    "people",
    "rights",
)
"""Replayed in this order: rights last, since they name what the others make."""

WORKS_FROM = "0002"
"""The oldest revision whose code may go on working on this schema: expand now, contract in a later
release.
"""

_PRESENT = text("SELECT to_regclass('hf.schema_release') IS NOT NULL")
_READ = text("SELECT works_from, files FROM hf.schema_release")
_WRITE = text("""
    INSERT INTO hf.schema_release (works_from, files, upgraded_at)
    VALUES (:works_from, CAST(:files AS jsonb), :now)
    ON CONFLICT (singleton) DO UPDATE SET works_from = :works_from, files = CAST(:files AS jsonb),
        upgraded_at = :now
""")
_STRUCTURE = """
    SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'hf'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0
         AND NOT a.attisdropped
       AND c.relname <> 'alembic_version'
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, contype::text, ''
        FROM pg_constraint
     WHERE connamespace = 'hf'::regnamespace AND contype <> 'n'
         AND conrelid::regclass::text NOT LIKE '%alembic_version'
    UNION ALL SELECT 'index', tablename, indexname, '', '' FROM pg_indexes WHERE schemaname = 'hf'
        AND tablename <> 'alembic_version'
    UNION ALL SELECT 'function', proname, pg_get_function_identity_arguments(oid), md5(prosrc), ''
        FROM pg_proc
     WHERE pronamespace = 'hf'::regnamespace
    UNION ALL SELECT 'trigger', c.relname, t.tgname, t.tgtype::text, t.tgenabled::text
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = 'hf'::regnamespace AND NOT t.tgisinternal
    UNION ALL SELECT 'chart', entry_kind, debit_kind, credit_kind, gate FROM hf.chart_line
    UNION ALL SELECT 'hop', machine, source, target, '' FROM hf.lifecycle_hop
"""


@dataclass(frozen=True)
class SchemaState:
    """What a database says of its own schema; `files` by name, each with its SHA-256."""

    works_from: str
    files: dict[str, str]


@cache
def files() -> dict[str, str]:
    """Every file that makes the schema with the SHA-256 of its bytes, by its name under
    `migrations/`.
    """
    found = [*(FOLDER / "versions").glob("*.py"), *(FOLDER / "sql").glob("*.sql")]
    found += [FOLDER / "objects" / f"{name}.sql" for name in OBJECTS]
    return {str(path.relative_to(FOLDER)): digest(path) for path in sorted(found)}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Release(TypedDict):
    """A schema that was released, and is never changed any more."""

    revision: str
    commit: str
    files: dict[str, str]
    fingerprint: str


@cache
def released() -> dict[str, Release]:
    """The frozen releases: by version the revision, its files' hashes and the fingerprint of the
    schema that they make.
    """
    found: dict[str, Release] = json.loads((FOLDER / "released.json").read_text())
    return found


def replay(connection: Connection) -> None:
    """Make every replaceable object anew, in the caller's transaction, and write down what made
    this schema.
    """
    driver = connection.connection.dbapi_connection
    assert driver is not None, "a connection in use has its driver"
    for name in OBJECTS:
        driver.cursor().execute((FOLDER / "objects" / f"{name}.sql").read_text())
    given = {"works_from": WORKS_FROM, "files": json.dumps(files()), "now": datetime.now(UTC)}
    connection.execute(_WRITE, given)


def state_of(connection: Connection) -> SchemaState | None:
    """What the database remembers; None before 0.2, which was the first to write it down."""
    if not connection.execute(_PRESENT).scalar_one():
        return None
    row = connection.execute(_READ).one_or_none()
    return SchemaState(row.works_from, dict(row.files)) if row else None


def differs(connection: Connection) -> list[str]:
    """The files that made this database and are others here, or are missing on one side; empty when
    all are the same.
    """
    state = state_of(connection)
    there, here = (state.files if state else {}), files()
    return sorted(name for name in there.keys() | here.keys() if there.get(name) != here.get(name))


def fingerprint(connection: Connection) -> str:
    """SHA-256 over names, types, constraints, functions, triggers and the chart: the same on every
    PostgreSQL.
    """
    rows = sorted(
        "|".join(row) for row in connection.exec_driver_sql(_STRUCTURE.replace("%", "%%"))
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
