"""A person's events say no more than their statement and their own objects: every event type, for
every reader.
"""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.domain.identity import actors
from service.domain.identity.actors import Actor
from service.domain.states import feed
from service.domain.states.feed import FEED, PRIVATE, Reader
from service.domain.states.lifecycle import MACHINES
from service.models import Client, Contract, Event, Hold, new_id
from service.operations.people import event_reads
from tests.console import with_letter
from tests.world import World

WORDS, REASON = "MARKER-words-of-staff", "MARKER-sanctions"
SUSPECT = {
    "subject": "",
    "scopes": ["outflow", "release"],
    "reason_code": "sanctions",
    "clause": "Terms 9",
    "facts": WORDS,
    "disclosure": "restricted",
    "internal_note": WORDS,
}


def _written() -> set[str]:
    """Every fact that the code writes, by the lifecycle tables and by `events.record`."""
    found = {move.fact for machine in MACHINES.values() for move in machine.moves}
    for path in (Path(__file__).resolve().parents[2] / "service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "record"
                and ast.unparse(node.func.value) == "events"
            ):
                found |= {
                    leaf.value
                    for leaf in ast.walk(node.args[1])
                    if isinstance(leaf, ast.Constant) and "." in str(leaf.value)
                }
    return found | {"chargeback.inquiry_opened"}  # chosen in a variable


def test_every_event_is_decided() -> None:
    """In the feed with its projection, or private: a new event that is neither fails here, and is
    told to nobody meanwhile.
    """
    assert _written() - set(FEED) - PRIVATE == set()
    assert set(FEED) & PRIVATE == set()
    assert set(FEED) | PRIVATE <= _written()


def _planted(
    world: World, fact: str, actor: Actor, hold: str, contract: str | None, client: str
) -> Event:
    everything = sorted(
        {
            key
            for projection in FEED.values()
            for key in projection.shown | projection.to_platform | projection.when_told
        }
    )
    data: dict[str, Any] = dict.fromkeys(everything, "fine") | {
        "reason": REASON if fact.startswith("hold.") else "fine",
        "internal_note": WORDS,
        "reasons": WORDS,
    }
    data |= {
        "about": client,
        "by": "fine",
        "key": "key_01hzzzzzzzzzzzzzzzzzzzzzzz",
        "client": client,
        "facts": WORDS,
        "end_reason": WORDS,
        "old_address": WORDS,
    }
    return Event(
        id=new_id("evt"),
        type=fact,
        public=True,
        object_id=hold,
        contract_id=contract,
        contract_kind="direct",
        freelancer_id=world.ada_id,
        from_state=None,
        to_state=None,
        data=data,
        actor=actor,
        request_id="req",
        policy_version="dc-1",
        occurred_at=datetime.now(UTC),
        position=None,
    )


@pytest.mark.parametrize("disclosure", ["restricted", "full"])
def test_every_event_for_every_reader(world: World, disclosure: str) -> None:
    contract_id = world.sent_contract()["id"]
    suspect = SUSPECT | {"subject": world.ada_id, "disclosure": disclosure}
    hold = world.program("safety").post("/v1/staff/holds", suspect)["id"]
    with world.runtime.context("system") as ctx:
        client = ctx.session.get_one(Contract, contract_id).client_id
        alias = ctx.session.get_one(Contract, contract_id).client_alias_id
        assert client != alias
        assert ctx.session.get_one(Hold, hold).disclosure == disclosure
        assert ctx.session.get_one(Client, client)
        someone = [
            actors.client(client),
            actors.staff(new_id("key")),
            actors.platform(new_id("key")),
            actors.SYSTEM,
            actors.freelancer(world.ada_id),
        ]
        for fact in FEED:
            for actor in someone:
                event = _planted(world, fact, actor, hold, contract_id, client)
                seen = {
                    reader: event_reads._seen(ctx.session, reader, [event])[0] for reader in Reader
                }
                for reader in (Reader.FREELANCER, Reader.PLATFORM):
                    told = json.dumps(seen[reader].data) + seen[reader].actor
                    assert WORDS not in told, (fact, reader)
                    assert client not in told, (fact, reader)
                    assert (REASON in told) == (fact == "hold.placed" and disclosure == "full"), (
                        fact,
                        reader,
                    )
                    assert (
                        "key_" not in told.replace(str(actor), "")
                        if reader is Reader.PLATFORM and actor.kind == "platform"
                        else "key_" not in told
                    )
                    if actor.kind == "client":
                        assert seen[reader].actor == f"client:{alias}"
                assert WORDS in json.dumps(seen[Reader.STAFF].data), "staff read what was written"
                assert seen[Reader.STAFF].actor == str(actor)


def test_a_hold_whose_reason_must_not_be_told(world: World) -> None:
    """From placing to lifting: the feed, the timeline, the statement and the letters of the person
    and the marketplace are silent.
    """
    contract, _ = world.funded_contract()
    safety, ada = world.program("safety"), world.program()
    until = (datetime.fromisoformat(world.sandbox.now()) + timedelta(days=20)).isoformat()
    hold = safety.post("/v1/staff/holds", SUSPECT | {"subject": world.ada_id, "expires_at": until})[
        "id"
    ]
    world.program("approver").post(f"/v1/staff/holds/{hold}/confirm")
    world.program("approver2").post(f"/v1/staff/holds/{hold}/renew", {"days": 30})
    person, page = with_letter(world, "on hold")
    before = person.get(page).text
    safety.post(f"/v1/staff/holds/{hold}/lift", {"reason": WORDS})
    world.work()
    told = [
        json.dumps(world.program(who).get(path))
        for who in ("ada", "platform")
        for path in (
            "/v1/events?limit=100",
            f"/v1/contracts/{contract['id']}/timeline?limit=100",
            "/v1/events?limit=100&type=hold.placed",
        )
    ]
    told += [
        before,
        person.get(page).text,
        json.dumps(ada.get(f"/v1/holds/{hold}")),
        json.dumps(world.sandbox.mail("ada@lovelace.example")),
        json.dumps(world.sandbox.mail("charles@babbage.example")),
    ]
    with world.runtime.context("system") as ctx:
        client = ctx.session.get_one(Contract, contract["id"]).client_id
    for text in told:
        assert "sanctions" not in text
        assert WORDS not in text
        assert "staff:" not in text
        assert client not in text
    types = {e["type"] for e in ada.get("/v1/events?limit=100")["data"]}
    assert {"hold.placed", "hold.renewed", "hold.lifted"} <= types, (
        "that it is there and that it ended is theirs to know"
    )
    seen = json.dumps(safety.get("/v1/events?limit=100&type=hold.placed"))
    assert "sanctions" in seen
    assert "staff:stf_" in seen


def test_a_client_is_known_by_the_alias_alone(world: World) -> None:
    """Wherever a freelancer reads who did something: the feed, the timeline, files."""
    contract, _ = world.released_contract()
    ada = world.program()
    with world.runtime.context("system") as ctx:
        row = ctx.session.get_one(Contract, contract["id"])
        client, alias = row.client_id, row.client_alias_id
    events = ada.get("/v1/events?limit=100")["data"]
    assert f"client:{alias}" in {e["actor"] for e in events}
    assert feed.actor_for(Reader.FREELANCER, actors.client(client), None) == "client"
    for path in (
        "/v1/events?limit=100",
        f"/v1/contracts/{contract['id']}",
        f"/v1/contracts/{contract['id']}/timeline?limit=100",
        "/v1/contracts?limit=10",
    ):
        assert client not in json.dumps(ada.get(path)), path
