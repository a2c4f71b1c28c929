"""What a process makes when it is first asked for, asked for by several threads at once."""

from __future__ import annotations

import os
import time
from functools import cache

import pytest

from service.app import create_app
from service.cli.admin import specification
from service.gateways.stripe.transport import Connection
from service.platform.db import Database
from service.platform.once import Once
from tests.faults.test_payments import at_once
from tests.journey import WsgiHttp
from tests.world import World

ASKERS = 6


class Slow:
    """Makes a list in steps, as the API's description is made: who looks too early sees half of
    it.
    """

    def __init__(self) -> None:
        self.parts = [1, 2, 3]
        self.made = 0
        self.all: list[int] = []

    def __call__(self) -> list[int]:
        self.made += 1
        while self.parts:
            time.sleep(0.01)
            self.all.append(self.parts.pop(0))
        return list(self.all)


def test_control_a_cache_lets_two_threads_make_it() -> None:
    """The library's cache fails here: somebody is given a part, and a part may stay for the life of
    the process.
    """
    slow = Slow()
    cached = cache(slow)
    found = at_once(ASKERS, lambda _: cached())
    assert slow.made > 1
    assert any(one != [1, 2, 3] for one in found)


def test_one_thread_makes_it_and_the_others_wait() -> None:
    slow = Slow()
    once = Once(slow)
    assert at_once(ASKERS, lambda _: once.get()) == [[1, 2, 3]] * ASKERS
    assert slow.made == 1


def test_what_could_not_be_made_is_tried_again() -> None:
    tries = iter([ValueError("not yet"), None])

    def make() -> str:
        problem = next(tries)
        if problem is not None:
            raise problem
        return "made"

    once = Once(make)
    with pytest.raises(ValueError, match="not yet"):
        once.get()
    assert once.get() == "made"


def test_a_forked_process_makes_its_own() -> None:
    once = Once(os.getpid)
    assert once.get() == os.getpid()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, str(once.get() == os.getpid()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 10) == b"True"


def test_the_description_is_whole_for_everybody_who_asks_first(world: World) -> None:
    whole = specification()["paths"].keys()
    for _ in range(3):
        http = WsgiHttp(create_app(world.settings))
        answers = at_once(ASKERS, lambda _, http=http: http.request("GET", "/openapi.json").json())  # type: ignore[misc]
        assert all(answer["paths"].keys() == whole for answer in answers)


def test_one_pool_and_one_client_for_all_threads(world: World) -> None:
    database = Database(world.settings.database_url)
    assert len({id(engine) for engine in at_once(ASKERS, lambda _: database.engine)}) == 1
    stripe = Connection("sk_test_none", ("none",), live=False)
    assert len({id(client) for client in at_once(ASKERS, lambda _: stripe._client)}) == 1
    database.dispose()
