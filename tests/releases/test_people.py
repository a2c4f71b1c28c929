"""Keys of staff that 0.1 made become people: one for each name, one for each key that says none;
old facts name the person.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from service.domain.identity.permissions import ROLE_PERMISSIONS
from service.platform.db import migrate
from tests.releases.restoring import restored

KEYS = [
    # (name, role, revoked)
    ("Rosalind Franklin", "safety", False),
    ("  rosalind   FRANKLIN ", "approver", False),
    ("Rosalind Franklin", "approver", True),
    ("Lise Meitner", "approver", True),
    ("", "reviewer", False),
    (None, "reviewer", False),
    (" ", "finance", False),
    ("A second shop", "platform", False),
]
_OLD = {
    "safety": '["safety:read", "safety:act", "suspensions:write", "disputes:rule", '
    '"contracts:read", "payments:read", "events:read"]',
    "approver": '["safety:read", "safety:approve", "finance:read", "finance:approve", '
    '"disputes:rule"]',
    "reviewer": '["safety:read", "safety:approve", "disputes:rule"]',
    "finance": '["finance:read", "finance:export", "finance:act", "finance:tax", '
    '"contracts:read", "payments:read", "events:read"]',
    "platform": '["contracts:read", "contracts:write", "payments:read", "links:write", '
    '"payouts:write", "disputes:write",'
    ' "webhooks:write", "events:read", "keys:write", "suspensions:write", "sandbox"]',
    "freelancer": '["contracts:read", "contracts:write", "payments:read", "links:write", '
    '"payouts:write", "disputes:write", "webhooks:write", "events:read"]',
}
_INSERT = (
    "INSERT INTO hf.api_key (id, digest, hint, name, role, freelancer_id, scopes, created_at, "
    "revoked_at)"
    " VALUES (gen_random_uuid(), md5(random()::text), 'x8Qf', %s, %s, %s, %s, now() - %s * "
    "interval '1 day', CASE WHEN %s THEN now() END)"
)


@pytest.fixture(scope="module")
def rows() -> Iterator[psycopg.Connection[Any]]:
    with restored("0.1.0") as name:
        owner = os.environ["TEST_OWNER_URL"].format(name)
        with psycopg.connect(owner) as connection:
            ada = connection.execute("SELECT id FROM hf.freelancer LIMIT 1").fetchone()
            assert ada
            for age, (key_name, role, revoked) in enumerate(reversed(KEYS), 1):
                connection.execute(_INSERT, (key_name, role, None, _OLD[role], age, revoked))
            connection.execute(_INSERT, ("all", "freelancer", ada[0], _OLD["freelancer"], 1, False))
            connection.execute(
                _INSERT, ("reads payments", "freelancer", ada[0], '["payments:read"]', 1, False)
            )
        migrate.upgrade(owner, "sandbox")
        with psycopg.connect(owner, options="-c search_path=hf") as connection:
            yield connection


def people(rows: psycopg.Connection[Any], where: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = rows.execute(
        "SELECT m.name, m.roles, m.ended_at IS NOT NULL, count(*) FROM staff_member m JOIN "
        "api_key k ON k.staff_id = m.id"
        f" WHERE {where} GROUP BY m.id ORDER BY m.name"
    ).fetchall()
    return found


def test_one_name_is_one_person(rows: psycopg.Connection[Any]) -> None:
    assert people(rows, "m.name ILIKE 'rosalind franklin'") == [
        ("Rosalind Franklin", ["approver", "safety"], False, 3)
    ]
    assert people(rows, "m.name = 'Lise Meitner'") == [("Lise Meitner", ["approver"], True, 1)], (
        "all keys were revoked: has left"
    )


def test_a_key_without_a_name_is_a_person_of_its_own(rows: psycopg.Connection[Any]) -> None:
    nameless = people(rows, "k.hint = 'x8Qf' AND btrim(coalesce(k.name, '')) = ''")
    assert [(name, count) for name, _, _, count in nameless] == [
        ("finance …x8Qf", 1),
        ("reviewer …x8Qf", 1),
        ("reviewer …x8Qf", 1),
    ]


def test_every_key_of_staff_has_somebody_and_nobody_else_has(rows: psycopg.Connection[Any]) -> None:
    found = rows.execute(
        "SELECT role, staff_id IS NOT NULL, count(*) FROM api_key GROUP BY 1, 2"
    ).fetchall()
    assert {(role, has) for role, has, _ in found} == {
        (role, role not in ("freelancer", "platform")) for role in {r for r, _, _ in found}
    }


def test_facts_of_before_mean_the_person(rows: psycopg.Connection[Any]) -> None:
    keys = rows.execute(
        "SELECT person_of('staff:' || typeid_text('key', k.id)) FROM api_key k JOIN staff_member "
        "m ON m.id = k.staff_id WHERE m.name = 'Rosalind Franklin'"
    ).fetchall()
    assert len(keys) == 3
    assert len(set(keys)) == 1
    shops = rows.execute(
        "SELECT DISTINCT person_of('staff:' || typeid_text('key', id)) FROM api_key WHERE role = "
        "'platform'"
    ).fetchall()
    assert shops == [("platform",)]


@pytest.mark.parametrize(
    "role", ["freelancer", "platform", "finance", "safety", "approver", "reviewer"]
)
def test_a_whole_key_is_whole_still(rows: psycopg.Connection[Any], role: str) -> None:
    """What a role may do now is in every key that had all of it; what is not known any more is cut
    when it is used.
    """
    found = rows.execute(
        "SELECT scopes FROM api_key WHERE role = %s AND hint = 'x8Qf' AND name IS DISTINCT FROM "
        "'reads payments'",
        (role,),
    ).fetchall()
    assert found
    for (scopes,) in found:
        assert set(scopes) >= set(ROLE_PERMISSIONS[role]), role


def test_a_key_that_was_made_to_read_still_only_reads(rows: psycopg.Connection[Any]) -> None:
    found = rows.execute("SELECT scopes FROM api_key WHERE name = 'reads payments'").fetchone()
    assert found
    assert sorted(found[0]) == ["exports:read", "payments:read"]
