"""What is released never changes: revisions by their hashes, and databases of another shape are
refused.
"""

from __future__ import annotations

import os

import psycopg
import pytest

from service.platform.db import make_engine, migrate, schema
from tests.releases.restoring import restored
from tests.world import World


def owner_url(name: str) -> str:
    return os.environ["TEST_OWNER_URL"].format(name)


@pytest.mark.parametrize("release", sorted(schema.released()))
def test_the_files_of_a_release_are_as_they_were(release: str) -> None:
    """A change of the schema is a revision of its own; whoever edits a released one sees it
    here.
    """
    known, here = schema.released()[release], schema.files()
    assert known["files"], "a release names its files"
    assert {name: here.get(name) for name in known["files"]} == known["files"]


def test_a_revision_imports_no_code_of_the_service() -> None:
    for path in (schema.FOLDER / "versions").glob("*.py"):
        lines = path.read_text().splitlines()
        assert not [
            line for line in lines if line.startswith(("from service", "import service"))
        ], path.name


def test_every_object_is_replayed() -> None:
    """A file that nobody replays would be right on a fresh database and missing on an upgraded
    one.
    """
    assert {path.stem for path in (schema.FOLDER / "objects").glob("*.sql")} == set(schema.OBJECTS)


def test_a_database_from_before_the_release_is_refused(world: World) -> None:
    """It says 0002 like a released one, but has other tables: nothing is changed, and a sentence
    says what to do.
    """
    with restored("0.1.0") as name:
        with psycopg.connect(owner_url(name), options="-c search_path=hf") as connection:
            connection.execute("ALTER TABLE withholding DROP COLUMN legal_ref")
        with pytest.raises(migrate.MigrationRefused, match="begin with an empty database"):
            migrate.upgrade(owner_url(name), "sandbox")
        with make_engine(owner_url(name), role=None, pooled=False).connect() as connection:
            assert (migrate.current(connection), schema.state_of(connection)) == ("0002", None)


def test_a_newer_database_is_refused(world: World) -> None:
    world.sql_owner("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(migrate.MigrationRefused, match="newer than this code"):
        migrate.upgrade(world.settings.owner_url, "sandbox")


def test_ready_only_with_the_schema_of_this_code(world: World) -> None:
    """By number, and by the hash of every file; a newer schema is fine when it says that this code
    works on it.
    """
    ada = world.program()
    assert ada.call("GET", "/readyz").status == 200
    world.sql_owner(
        'UPDATE schema_release SET files = files || \'{"objects/ledger.sql": "another"}\''
    )
    reply = ada.call("GET", "/readyz")
    assert (reply.status, "objects/ledger.sql" in reply.text) == (503, True)
    migrate.upgrade(world.settings.owner_url, "sandbox")
    assert ada.call("GET", "/readyz").status == 200
    world.sql_owner("UPDATE alembic_version SET version_num = '9999'")
    assert ada.call("GET", "/readyz").status == 200, "expanded, and made to work from here"
    world.sql_owner("UPDATE schema_release SET works_from = '9998'")
    assert ada.call("GET", "/readyz").status == 503


def test_the_other_mode_is_refused_and_nothing_changes() -> None:
    with restored("0.1.0") as name:
        with pytest.raises(migrate.ModeMismatch):
            migrate.upgrade(owner_url(name), "live")
        with make_engine(owner_url(name), role=None, pooled=False).connect() as connection:
            assert migrate.current(connection) == "0002", "all of it is one transaction"
