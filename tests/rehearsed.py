"""Journeys that many tests begin with are driven once a process; later worlds go on from a copy of
where the first one stood.

A copy is the database itself, so nothing is stood in for: every row was written by the service on
the way. It is taken only for a world in which nothing has happened yet and whose policies are as
they were made; its clock goes on from that instant.
"""

from __future__ import annotations

import copy
import functools
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tests import servers
from tests.journey import Person, WsgiHttp

if TYPE_CHECKING:
    from tests.world import World

F = TypeVar("F", bound=Callable[..., Any])
_LEAST = 2
"""How often a journey is asked for before its end is kept."""


@dataclass(frozen=True)
class Stand:
    """The end of a journey: a database that nobody uses, its instant, what the journey gave
    back.
    """

    database: str
    now: str
    contract: dict[str, Any]
    client: Person | None


_kept: dict[str, Stand] = {}
_asked: Counter[str] = Counter()


def forms_of(policies: Any) -> tuple[int, ...]:
    """Which objects policies consist of: a test that puts another one in has policies of its
    own.
    """
    own = [getattr(policies, one.name) for one in fields(policies)]
    return tuple(
        id(inner)
        for value in own
        for inner in (value, *(vars(value).values() if is_dataclass(value) else ()))
    )


def rehearsed(drive: F) -> F:
    """A journey of `World`, a method that gives (contract, client) or the contract: see this
    module.
    """

    @functools.wraps(drive)
    def journey(world: World, **more: Any) -> Any:
        if not world.untouched():
            return drive(world, **more)
        key = f"{drive.__name__} {sorted(more.items())} {world.likeness}"
        _asked[key] += 1
        if key in _kept:
            result = _go_on(world, _kept[key])
        else:
            result = drive(world, **more)
            if _asked[key] >= _LEAST:
                _kept[key] = _keep(world, result)
        # Neither way leaves a connection behind by which one could see that something has happened.
        world.touch()
        return result

    return journey  # type: ignore[return-value]


def _keep(world: World, result: Any) -> Stand:
    contract, client = result if isinstance(result, tuple) else (result, None)
    now, name = world.sandbox.now(), f"stand_{uuid.uuid4().hex[:12]}"
    world.db.dispose()
    servers.create(name, world.database)
    return Stand(name, now, copy.deepcopy(contract), _moved(client, world) if client else None)


def _go_on(world: World, stand: Stand) -> Any:
    world.db.dispose()
    servers.drop(world.database)
    servers.create(world.database, stand.database)
    servers.set_clock(world.database, stand.now)
    contract = copy.deepcopy(stand.contract)
    return (contract, _moved(stand.client, world)) if stand.client else contract


def _moved(client: Person, world: World) -> Person:
    """The same browser, with its cookies, before another world."""
    there = world.client(client.email)
    assert isinstance(there.http, WsgiHttp)
    assert isinstance(client.http, WsgiHttp)
    there.http.cookies = dict(client.http.cookies)
    there.contract_id, there.seen = client.contract_id, set(client.seen)
    return there
