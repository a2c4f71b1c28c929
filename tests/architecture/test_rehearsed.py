"""Journeys that go on from a copy: the same rows as those that were driven, and never over
somebody's story.
"""

from __future__ import annotations

import pytest

from service.policies import FOLDER
from tests.databases import clone
from tests.world import World

WORK = [("A part that no other test has", 12_345)]


def money(world: World) -> dict[str, int]:
    return world.trial_balance()


def test_the_third_world_stands_where_the_first_one_was_driven_to() -> None:
    found = []
    for _ in range(3):
        with clone() as world:
            contract, client = world.funded_contract(milestones=WORK)
            assert client.get(f"/c/{contract['id']}").text.count("A part that no other test has")
            found.append((contract["state"], contract["milestones"][0]["state"], money(world)))
            world.check_books()
    assert found == [found[0]] * 3
    assert found[0][:2] == ("active", "funded")


def test_a_second_journey_in_one_world_leaves_the_first_one_alone() -> None:
    for _ in range(3):
        with clone() as world:
            first, _ = world.funded_contract(milestones=WORK)
            second = world.sent_contract(milestones=WORK)
            assert first["id"] != second["id"]
            assert world.read(first)["milestones"][0]["state"] == "funded"


@pytest.mark.parametrize("touch", ["sql", "call", "owner", "policies"])
def test_what_was_done_before_is_not_taken_away(touch: str) -> None:
    """After any of these the journey is driven, in the world as it is."""
    for _ in range(3):
        with clone() as world:
            assert world.untouched()
            if touch == "sql":
                world.sql("SELECT 1")
            elif touch == "call":
                world.program().get("/v1/me")
            elif touch == "owner":
                world.sql_owner("CREATE TABLE mine (a int)")
            else:
                object.__setattr__(world.runtime.policies, "bank_debit", True)
            assert not world.untouched()
            contract, _ = world.accepted_contract(milestones=WORK)
            assert world.read(contract)["state"] == "accepted"
            if touch == "owner":
                assert world.sql_owner_value("SELECT count(*) FROM mine") == 0


def test_settings_make_another_journey() -> None:
    """Twice each, so that the second of a kind is a copy: of the same kind, and of no other."""
    usual = (FOLDER / "fees.yaml").read_text()
    dearer, fees = usual.replace('rate: "0.05"', 'rate: "0.06"'), []
    for text in (usual, dearer, usual, dearer, usual, dearer):
        with clone(fees=text) as world:
            fees.append(world.sent_contract(milestones=WORK)["fee_quote"]["net"])
    assert len(set(fees)) == 2
    assert fees == [fees[0], fees[1]] * 3
