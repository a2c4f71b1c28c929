"""Fresh worlds for tests: each on a database of its own, copied from the template, with the same
people and keys.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tests.servers import create, drop, set_clock
from tests.world import Known, People, World, make_settings

PEOPLE = "template_people"
"""Ada, Mary, and everybody of staff, on an installation in which nothing has happened yet."""


def make_people(start: str) -> None:
    """The template, made once for all workers, which learn of it by the environment. Its clock
    stands at `start`; a live database, which is made of the empty template, has the real time.
    """
    create(PEOPLE, "template_holdfast")
    set_clock(PEOPLE, start)
    made = World(
        make_settings(
            os.environ["TEST_APP_URL"].format(PEOPLE),
            owner_url=os.environ["TEST_OWNER_URL"].format(PEOPLE),
        )
    )
    os.environ["TEST_PEOPLE"] = People(made.keys, made.ada_id, made.mary_id).to_text()
    made.close()


@contextmanager
def clone(template: str = PEOPLE, like: Known | None = None, **settings: Any) -> Iterator[World]:
    """A world on a database of its own; `settings` that differ from the tests' usual ones."""
    like = like or People.from_text(os.environ["TEST_PEOPLE"])
    name = f"t_{uuid.uuid4().hex[:16]}"
    create(name, template)
    made = World(
        make_settings(
            os.environ["TEST_APP_URL"].format(name),
            owner_url=os.environ["TEST_OWNER_URL"].format(name),
            **settings,
        ),
        like,
    )
    try:
        yield made
    finally:
        made.close()
        drop(name)


def copy_of(world: World, **settings: Any) -> AbstractContextManager[World]:
    """A world that goes on from where another one stands, with the same people and keys; the other
    one rests.
    """
    # A database is copied only while nobody is connected to it.
    world.db.dispose()
    return clone(world.database, like=world, **settings)
