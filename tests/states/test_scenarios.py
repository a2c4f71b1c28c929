"""The sandbox's scenarios: each that ships runs to its end, leaves right books, and is the same
each time with the same seed.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.sandbox.panel.scenarios import known
from tests.databases import clone
from tests.states.test_milestones import ONE
from tests.world import World


@pytest.mark.parametrize("name", sorted(known()))
def test_every_scenario_leaves_right_books(world: World, name: str) -> None:
    world.submitted_contract(milestones=ONE)
    done = world.sandbox.post("scenarios", {"name": name})
    assert all(step["status"] in (200, 201) for step in done), done
    world.check_books()


def outcome() -> list[Any]:
    with clone() as made:
        made.funded_contract(milestones=ONE)
        made.sandbox.post(
            "scenarios",
            {
                "seed": 7,
                "steps": [["disputes", {"charge": "$charge"}], ["clock", {"advance": "1d"}]],
            },
        )
        return [
            (o["object"], o["id"])
            for o in made.sandbox.dump()["objects"]
            if o["object"] in ("dispute", "charge", "file")
        ]


def test_the_same_seed_gives_the_same_ids() -> None:
    assert outcome() == outcome()


def test_what_is_no_scenario_is_refused(world: World) -> None:
    for body in (
        {"name": "nothing"},
        {"steps": []},
        {"steps": [["scenarios", {}]]},
        {"steps": ["clock"]},
    ):
        answer = world.sandbox.http.request(
            "POST",
            "/_sandbox/scenarios",
            body=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status in (404, 422), answer.text
