"""Who did it, and what an id is of: types in code, the same text in rows for ever."""

from __future__ import annotations

import pytest

from service.domain.identity import actors, typeid
from service.domain.identity.actors import PSP, SYSTEM, Actor, ActorKind
from service.domain.identity.typeid import ObjectKind
from service.models import Base, TypeID, new_id

FREELANCER_ID, KEY_ID = "frl_01m82jfcv7et69qsget0gz6yqr", "key_01m82jfcv7et69qsget0gz6yqr"
LINK_ID = "lnk_01m82jfcv7et69qsget0gz6yqr"
STORED = {
    "system": SYSTEM,
    "psp": PSP,
    f"freelancer:{FREELANCER_ID}": actors.freelancer(FREELANCER_ID),
    "client:cli_01m82jfcv7et69qsget0gz6yqr": actors.client("cli_01m82jfcv7et69qsget0gz6yqr"),
    f"colleague:{LINK_ID}": actors.colleague(LINK_ID),
    f"platform:{KEY_ID}": actors.platform(KEY_ID),
    f"staff:{KEY_ID}": actors.staff(KEY_ID),
    "staff:cli": actors.staff("cli"),
}


@pytest.mark.parametrize("stored", STORED)
def test_a_row_keeps_the_text_and_gives_the_same_actor_back(stored: str) -> None:
    assert str(STORED[stored]) == stored
    assert Actor.parse(stored) == STORED[stored]
    assert hash(Actor.parse(stored)) == hash(STORED[stored])


def test_every_kind_is_among_the_examples() -> None:
    assert {actor.kind for actor in STORED.values()} == set(ActorKind)


@pytest.mark.parametrize(
    "text", ["", "cli", "job:7", "system:1", "freelancer", "freelancer:", "Client:cli_x", " system"]
)
def test_a_text_that_no_actor_writes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"actor|ActorKind"):
        Actor.parse(text)


def test_a_sign_of_life_is_what_is_done_for_either_person() -> None:
    assert {a.kind for a in STORED.values() if a.for_a_party} == {
        ActorKind.FREELANCER,
        ActorKind.CLIENT,
        ActorKind.COLLEAGUE,
        ActorKind.PLATFORM,
    }
    assert actors.platform(KEY_ID).role is ActorKind.FREELANCER, (
        "a marketplace's key acts for the freelancer"
    )
    assert actors.colleague(LINK_ID).role is ActorKind.CLIENT, "a colleague acts for the client"


def test_every_table_s_ids_are_of_a_known_kind() -> None:
    columns = [
        c
        for table in Base.metadata.tables.values()
        for c in table.columns
        if isinstance(c.type, TypeID)
    ]
    assert {c.type.prefix for c in columns if c.primary_key} | {"req"} == set(ObjectKind), (
        "each kind has its table, each table its kind"
    )
    for kind in ObjectKind:
        assert typeid.kind_of(new_id(kind)) is kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "frl",
        "frl_",
        "xyz_01m82jfcv7et69qsget0gz6yqr",
        "frl_01m82jfcv7et69qsget0gz6yq",
        "frl_01m82jfcv7et69qsget0gz6yqrx",
    ],
)
def test_what_is_no_id_of_ours_has_no_kind(text: str) -> None:
    with pytest.raises(ValueError, match=r"TypeID|ObjectKind"):
        typeid.kind_of(text)
    assert not typeid.is_typeid(text, *ObjectKind)
