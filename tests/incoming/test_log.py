"""What the log keeps of an exception: its kind, its place, the database's names; never a value that
somebody sent.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import replace
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from service.platform import logs
from service.platform.db import fetch
from tests.incoming.nasty import MARK
from tests.world import World


def not_a_uuid(session: Session) -> Any:
    return session.execute(text("SELECT CAST(:given AS uuid)"), {"given": MARK})


def by_the_driver(session: Session) -> Any:
    return fetch(session, "SELECT %s::date", (MARK,))


def not_unique(session: Session) -> Any:
    """Its DETAIL repeats the key."""
    insert = text(
        "INSERT INTO form_key (key, location, used_at) VALUES (:given, '/', now()), (:given, "
        "'/', now())"
    )
    return session.execute(insert, {"given": f"{MARK}-{'x' * 20}"})


def no_character(session: Session) -> Any:
    return session.execute(text("SELECT :given || ''"), {"given": f"{MARK}\x00"})


CAUSES: list[tuple[Callable[[Session], Any], str]] = [
    (not_a_uuid, "sqlstate=22P02"),
    (by_the_driver, "sqlstate=22007"),
    (not_unique, "sqlstate=23505 table=form_key constraint=form_key_pkey"),
    (no_character, "DataError"),
    (lambda _: int(MARK), "ValueError"),
    (lambda _: {}[MARK], "KeyError"),
    (lambda _: f"{MARK}\ud800".encode(), "UnicodeEncodeError"),
]


@pytest.mark.parametrize(("cause", "kept"), CAUSES, ids=lambda v: getattr(v, "__name__", None))
def test_an_exception_is_told_without_its_data(
    world: World, cause: Callable[[Session], Any], kept: str
) -> None:
    written = io.StringIO()
    with redirect_stderr(written):
        logs.configure(replace(world.settings, log_level="INFO"))
        try:
            try:
                with world.db.transaction() as session:
                    cause(session)
            except Exception as error:
                raise RuntimeError(f"while {MARK} was read") from error
        except RuntimeError:
            structlog.get_logger().exception("request.failed")
    assert MARK not in written.getvalue()
    assert kept in written.getvalue()
    assert "RuntimeError" in written.getvalue()
    assert "test_log.py" in written.getvalue(), "where it happened"


def test_the_driver_s_wrapper_hides_what_was_sent(world: World) -> None:
    """Whoever prints such an error without us prints no parameters."""
    with pytest.raises(Exception, match="hide_parameters=True"), world.db.transaction() as session:
        no_character(session)
