"""What PostgreSQL itself refuses about people of staff: a second pair of eyes that is the first
one, and keys out of nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from service.domain.identity.permissions import ROLE_PERMISSIONS
from tests.database.test_attacks import APP, OWNER, attack, connect
from tests.databases import clone
from tests.safety.test_cases import carried_out, drafted, line, money_everywhere, step
from tests.safety.test_holds import freeze
from tests.states.test_disputes import proposed
from tests.world import STAFF, World

SAME = "t.{0}"
OTHER_KEY = (
    "(SELECT 'staff:' || typeid_text('key', k.id) FROM api_key k WHERE k.staff_id = "
    "typeid_uuid(substr(t.{0}, 7))"
    " AND k.name IS NULL ORDER BY k.id DESC LIMIT 1)"
)
PAIRS = {
    ("hold", "opened_by"): "UPDATE hold t SET confirmed_by = {0} WHERE t.confirmed_by IS NULL",
    (
        "hold",
        "confirmed_by",
    ): "UPDATE hold t SET renewed_by = {0}, renewals = 1 WHERE t.confirmed_by IS NOT NULL",
    (
        "float_movement",
        "asked_by",
    ): "UPDATE float_movement t SET approved_by = {0}, approved_at = now()",
    ("period_close", "asked_by"): "UPDATE period_close t SET closed_by = {0}, closed_at = now()",
    (
        "psp_explanation",
        "asked_by",
    ): "UPDATE psp_explanation t SET outcome = 'approved', decided_by = {0}, decided_at = now()",
    ("dispute", "mediator"): "UPDATE dispute t SET decider = {0} WHERE t.mediator IS NOT NULL",
    (
        "confiscation",
        "executed_by",
    ): "UPDATE confiscation t SET state = 'reversed', ended_by = {0} WHERE t.executed_by IS NOT "
    "NULL",
    (
        "key_request",
        "asked_by",
    ): "UPDATE key_request t SET approved_by = {0}, approved_at = now(), key_id = (SELECT id "
    "FROM api_key LIMIT 1)",
}
"""Who did it first, by table and column, and how the same person would be written down as the
second one.
"""
SETS_UP = {
    "period_close": "INSERT INTO period_close (month, last_day, asked_by, asked_at, checks, "
    "export_ids)"
    " VALUES ('2020-01', '2020-01-31', '{0}', now(), '[]', '[]')",
    "psp_explanation": "INSERT INTO psp_explanation (id, source, currency, our_minor, psp_minor, "
    "since, reason, asked_by, asked_at)"
    " VALUES (gen_random_uuid(), 'txn_1', 'USD', 1, 2, now(), 'A fee that was never told.', "
    "'{0}', now())",
}


@pytest.fixture(scope="module")
def staffed() -> Iterator[World]:
    """One of everything that two people have to do, half done; and a second key for each of the
    people.
    """
    with clone() as world:
        held, paid = money_everywhere(world)
        carried_out(world, [line("escrow", 10_000, "authority", held)])
        hold = world.program("safety").get("/v1/staff/holds")["data"][0]["id"]
        world.program().post(f"/v1/holds/{hold}/appeals", {"statement": "Here they are."})
        proposed(world)
        freeze(world, world.mary_id)
        asked = {
            "currency": "USD",
            "amount": 100,
            "direction": "in",
            "reference": "Bank transfer 42",
        }
        world.program("finance").post("/v1/staff/operating-float", asked)
        world.program("admin").post(
            "/v1/staff/key-requests",
            {"role": "safety", "name": "Mary Seacole", "email": "mary@seacole.example"},
        )
        _, case = drafted(world, [line("available", 1_000, "proven_loss", paid)])
        step(world, "safety", case, "notice")
        step(world, "approver2", case, "approve")
        for role, name in STAFF.values():
            if role != "platform":
                world.staff_key(role, name)
        finance = world.sql(
            "SELECT 'staff:' || typeid_text('stf', staff_id) AS who FROM api_key WHERE role = "
            "'finance' LIMIT 1"
        )[0].who
        for statement in SETS_UP.values():
            world.sql_owner(statement.format(finance))
        yield world


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("as_who", [SAME, OTHER_KEY], ids=["the person", "their other key"])
@pytest.mark.parametrize("pair", sorted(PAIRS), ids="-".join)
def test_one_person_is_not_two(
    staffed: World, pair: tuple[str, str], as_who: str, role: str
) -> None:
    statement = PAIRS[pair].format(as_who.format(pair[1]))
    # The application may not even say who approved a key.
    never = pair[0] == "key_request" and role == APP
    assert attack(staffed, role, statement) == (
        ("42501", "") if never else ("23514", "another_person")
    )


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("column", ["opened_by", "confirmed_by"])
def test_who_decided_about_a_hold_does_not_decide_about_its_appeal(
    staffed: World, column: str, role: str
) -> None:
    for who in (SAME, OTHER_KEY):
        said = who.format(column)
        statement = f"UPDATE appeal a SET reviewed_by = {said} FROM hold t WHERE t.id = a.hold_id"
        assert attack(staffed, role, statement) == ("23514", "another_person")


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("as_who", [SAME, OTHER_KEY], ids=["the person", "their other key"])
def test_one_person_approves_a_case_once(staffed: World, as_who: str, role: str) -> None:
    open_case = "(SELECT id FROM confiscation WHERE state = 'noticed')"
    for table, column, where in (
        ("confiscation", "opened_by", f"t.id = {open_case}"),
        ("case_approval", "approved_by", f"t.case_id = {open_case}"),
    ):
        statement = (
            "INSERT INTO case_approval (case_id, approved_by, approved_at) SELECT "
            f"{open_case}, {as_who.format(column)}, now() FROM {table} t WHERE {where}"
        )
        found = attack(staffed, role, statement)
        assert found in {("23514", "case_two_people"), ("23505", "case_approval_pkey")}, (
            table,
            found,
        )


def test_two_keys_of_one_person_make_no_two_approvals(staffed: World) -> None:
    """Rows that an older release wrote, one for each key: counted as people they are one."""
    with connect(staffed, OWNER) as connection:
        connection.execute("ALTER TABLE case_approval DISABLE TRIGGER case_two_people")
        connection.execute(
            "INSERT INTO case_approval (case_id, approved_by, approved_at) SELECT t.case_id, "
            + OTHER_KEY.format("approved_by")
            + ", now() FROM case_approval t JOIN confiscation c ON c.id = t.case_id WHERE "
            "c.state = 'noticed'"
        )
        with pytest.raises(psycopg.errors.CheckViolation) as refused:
            connection.execute("UPDATE confiscation SET state = 'approved' WHERE state = 'noticed'")
        connection.rollback()
    assert refused.value.diag.constraint_name == "case_two_people"


def test_facts_that_name_a_key_are_its_person_s(staffed: World) -> None:
    """As 0.1 wrote them: opened by a key; the person of that key cannot confirm it, by whichever
    name.
    """
    with connect(staffed, OWNER) as connection:
        key = connection.execute(
            "SELECT 'staff:' || typeid_text('key', id), staff_id FROM api_key WHERE role = "
            "'safety' LIMIT 1"
        ).fetchone()
        assert key
        connection.execute(
            "INSERT INTO hold SELECT (jsonb_populate_record(h, jsonb_build_object('id', "
            "gen_random_uuid(), 'opened_by', %s::text,"
            " 'facts', 'as 0.1 wrote it'))).* FROM hold h WHERE h.confirmed_by IS NULL LIMIT 1",
            (key[0],),
        )
    statement = (
        f"UPDATE hold SET confirmed_by = 'staff:' || typeid_text('stf', '{key[1]}') "
        "WHERE facts = 'as 0.1 wrote it'"
    )
    assert attack(staffed, APP, statement) == ("23514", "another_person")


NOBODY = {
    "a renewal": "UPDATE hold SET renewals = renewals + 1, renewed_by = NULL",
    "a restored case": "UPDATE confiscation SET state = 'reversed', ended_by = NULL WHERE state "
    "= 'executed'",
    "an appeal": "UPDATE appeal SET state = 'decision_reversed', reviewed_by = NULL",
}


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("what", sorted(NOBODY))
def test_nobody_does_what_another_person_has_to(staffed: World, what: str, role: str) -> None:
    assert attack(staffed, role, NOBODY[what]) == ("23514", "somebody")


TWICE = {
    "who confirmed a hold": "UPDATE hold SET confirmed_by = 'staff:cli' WHERE confirmed_by IS "
    "NOT NULL",
    "who mediated": "UPDATE dispute SET mediator = 'staff:cli' WHERE mediator IS NOT NULL",
    "who executed a case": "UPDATE confiscation SET executed_by = 'staff:cli' WHERE executed_by "
    "IS NOT NULL",
    "who asked for the platform's money": "UPDATE float_movement SET asked_by = 'staff:cli'",
    "how much of it": "UPDATE float_movement SET amount_minor = 1000000",
    "who asked for a month": "UPDATE period_close SET asked_by = 'staff:cli'",
    "who asked for a key": "UPDATE key_request SET asked_by = 'staff:cli'",
    "for which role": "UPDATE key_request SET role = 'admin'",
    "whose a key is": "UPDATE api_key SET staff_id = (SELECT id FROM staff_member LIMIT 1) WHERE "
    "role = 'safety'",
    "what a key may do": "UPDATE api_key SET scopes = '[\"safety:act\"]'",
    "a role of a key": "UPDATE api_key SET role = 'platform' WHERE role = 'admin'",
    "what a key is known by": "UPDATE api_key SET digest = md5(random()::text)",
    "a key that is gone": "DELETE FROM api_key",
    "a person who is gone": "DELETE FROM staff_member",
    "a person of another name": "UPDATE staff_member SET name = 'Nobody'",
    "a request that is gone": "DELETE FROM key_request",
}


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("what", sorted(TWICE))
def test_what_was_said_stays(staffed: World, what: str, role: str) -> None:
    assert attack(staffed, role, TWICE[what])[0] == "42501"


def test_a_key_that_was_revoked_stays_revoked(staffed: World) -> None:
    with connect(staffed, APP) as connection:
        connection.execute(
            "UPDATE api_key SET revoked_at = now() WHERE id = (SELECT max(id::text)::uuid FROM "
            "api_key WHERE role = 'reviewer')"
        )
    assert (
        attack(staffed, APP, "UPDATE api_key SET revoked_at = NULL WHERE revoked_at IS NOT NULL")[0]
        == "42501"
    )


_KEY = (
    "INSERT INTO api_key (id, digest, hint, role, staff_id, freelancer_id, scopes, "
    "created_at) SELECT gen_random_uuid(), md5(random()::text), 'x', {0}, now()"
)
_MEMBER = "(SELECT id FROM staff_member WHERE roles ? 'approver' LIMIT 1)"
_ADA = "(SELECT id FROM freelancer LIMIT 1)"
MINTED = {
    "a key of staff": (_KEY.format(f"'approver', {_MEMBER}, NULL, '[]'::jsonb"), "42501"),
    "a key of the marketplace": (_KEY.format("'platform', NULL, NULL, '[]'::jsonb"), "42501"),
    "a freelancer's with rights of staff": (
        _KEY.format(f"'freelancer', NULL, {_ADA}, '[\"safety:approve\"]'::jsonb"),
        "23514",
    ),
    "a person": (
        (
            "INSERT INTO staff_member (id, name, roles, created_by, created_at) VALUES "
            "(gen_random_uuid(), 'X', '[]', 'system', now())"
        ),
        "42501",
    ),
    "a role of a person": ("UPDATE staff_member SET roles = roles || '[\"admin\"]'", "42501"),
    "a request": (
        (
            "INSERT INTO key_request (id, role, name, asked_by, asked_at) VALUES (gen_random_uuid(), "
            "'admin', 'X', 'staff:cli', now())"
        ),
        "42501",
    ),
    "an approval": (
        "UPDATE key_request SET approved_by = 'staff:cli', approved_at = now()",
        "42501",
    ),
    "a link into the console": (
        (
            "INSERT INTO staff_link SELECT 'x', id, 'staff:cli', now(), now() + interval '1 hour', "
            "NULL FROM api_key WHERE role = 'admin' LIMIT 1"
        ),
        "42501",
    ),
    "a request without a secret": (
        "SELECT key_ask(gen_random_uuid(), 'guessed', 'admin', NULL, 'X', 'x@x.example')",
        "42501",
    ),
    "a request by a digest": (
        (
            "SELECT key_ask(gen_random_uuid(), (SELECT digest FROM api_key WHERE role = 'admin' "
            "LIMIT 1), 'admin', NULL, 'X', 'x@x.example')"
        ),
        "42501",
    ),
    "an approval without a secret": (
        (
            "SELECT key_approve((SELECT id FROM key_request LIMIT 1), 'guessed', gen_random_uuid(), "
            "gen_random_uuid(), 'x', 'x')"
        ),
        "42501",
    ),
    "whom a secret belongs to": ("SELECT person_with('guessed', 'staff:write')", "42501"),
}


@pytest.mark.parametrize("what", sorted(MINTED))
def test_the_application_mints_nothing(staffed: World, what: str) -> None:
    statement, state = MINTED[what]
    assert attack(staffed, APP, statement)[0] == state


def test_the_control_is_accepted(staffed: World) -> None:
    """A freelancer's key is the application's to make; another person's name is accepted: the
    refusals are not broken statements.
    """
    with connect(staffed, APP) as connection:
        connection.execute(
            _KEY.format(f"'freelancer', NULL, {_ADA}, '[\"contracts:read\"]'::jsonb")
        )
        connection.execute("UPDATE hold SET confirmed_by = 'staff:cli' WHERE confirmed_by IS NULL")
        connection.execute(
            "UPDATE float_movement SET approved_by = 'staff:cli', approved_at = now()"
        )
        connection.rollback()
    with connect(staffed, OWNER) as connection:
        connection.execute(_KEY.format(f"'approver', {_MEMBER}, NULL, '[]'::jsonb"))
        connection.rollback()


def test_a_person_has_keys_of_their_roles_only(staffed: World) -> None:
    statement = _KEY.format(
        "'admin', (SELECT id FROM staff_member WHERE NOT roles ? 'admin' LIMIT 1), NULL, "
        "'[]'::jsonb"
    )
    assert attack(staffed, OWNER, statement) == ("23514", "key_within_person")


@pytest.mark.parametrize("role", sorted(ROLE_PERMISSIONS))
def test_both_tables_of_permissions_are_one(staffed: World, role: str) -> None:
    found = staffed.sql("SELECT role_permissions(:role) AS allowed", role=role)[0].allowed
    assert sorted(found) == sorted(ROLE_PERMISSIONS[role])
