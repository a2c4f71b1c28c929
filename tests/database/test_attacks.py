"""What PostgreSQL itself refuses: the attacks, as the application's role and as the owner of
everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from service.domain.identity import typeid
from tests.booking import POST, entry
from tests.world import Vault

APP, OWNER = "app", "owner"


def connect(world: Vault, role: str) -> psycopg.Connection[Any]:
    url = world.settings.database_url if role == APP else world.settings.owner_url
    return psycopg.connect(url, options="-c search_path=hf")


def attack(world: Vault, role: str, statement: str, **parameters: Any) -> tuple[str, str]:
    """Run a statement and commit; returns (SQLSTATE, constraint) of the refusal.

    Fails when it was accepted.
    """
    with pytest.raises(psycopg.Error) as refused, connect(world, role) as connection:  # noqa: PT012  a deferred rule refuses at commit
        connection.execute(statement, parameters or None)
        connection.commit()
    return refused.value.sqlstate or "", refused.value.diag.constraint_name or ""


def a_release(world: Vault, **more: Any) -> dict[str, Any]:
    escrow = ("escrow", "milestone", typeid.decode(world.known["milestone"]))
    pending = ("pending", "freelancer", typeid.decode(world.known["ada"]))
    return entry("release", [(escrow, pending, 100)]) | more


def post(world: Vault, role: str = APP, **changes: Any) -> tuple[str, str]:
    return attack(world, role, POST, **a_release(world, **changes))


def test_the_control_is_accepted(funded: Vault) -> None:
    """The same call without an attack goes through: the refusals below are not a broken call."""
    with connect(funded, APP) as connection:
        connection.execute(POST, a_release(funded))
        row = connection.execute(
            "SELECT credits - debits FROM ledger_balance b JOIN ledger_account a ON a.id = "
            "b.account_id WHERE a.kind = 'pending'"
        ).fetchone()
    assert row == (100,)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"amounts": [10_001]}, "ledger_balance_not_overdrawn"),
        ({"amounts": [-5]}, "posting_amount_positive"),
        ({"amounts": [0]}, "posting_amount_positive"),
        ({"amounts": []}, "ledger_lines"),
        (
            {"dk": [], "dt": [], "do": [], "ck": [], "ct": [], "co": [], "amounts": []},
            "ledger_lines",
        ),
        ({"dt": []}, "ledger_lines"),
        ({"do": [uuid4()]}, "ledger_owner"),
        ({"dt": ["contract"], "do": [uuid4()]}, "ledger_chart"),
        ({"kind": "gift"}, "ledger_chart"),
        ({"dk": ["pending"], "ck": ["escrow"]}, "ledger_chart"),
        ({"ck": ["platform_fees"], "co": [None]}, "ledger_trust_identity"),
        ({"ck": ["available"]}, "ledger_chart"),
        ({"do": [None]}, "ledger_chart"),
        ({"currency": "JPY"}, "ledger_balance_not_overdrawn"),
        (
            {
                "kind": "fund",
                "dk": ["psp_trust"],
                "do": [None],
                "ck": ["escrow"],
                "ct": ["milestone"],
                "cause": "PAID",
            },
            "journal_entry_kind_cause_key",
        ),
    ],
)
@pytest.mark.parametrize("role", [APP, OWNER])
def test_a_wrong_entry_is_refused(
    funded: Vault, role: str, changes: dict[str, Any], constraint: str
) -> None:
    if changes.get("cause") == "PAID":
        milestone = typeid.decode(funded.known["milestone"])
        cause = funded.sql("SELECT cause_id FROM journal_entry WHERE kind = 'fund'")[0].cause_id
        changes = changes | {"cause": cause, "co": [milestone]}
    assert post(funded, role, **changes) == (
        psycopg.errors.UniqueViolation.sqlstate if "key" in constraint else "23514",
        constraint,
    )


TABLES = ("journal_entry", "posting", "ledger_account", "ledger_seal", "event", "acceptance")
_ROW = {
    "journal_entry": "description = 'other'",
    "posting": "amount = amount + 1",
    "ledger_account": "currency = 'EUR'",
    "ledger_seal": "hash = '\\x00'",
    "event": "type = 'other'",
    "acceptance": "full_name = 'Somebody Else'",
}


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE", "TRUNCATE"])
def test_facts_cannot_be_changed(funded: Vault, role: str, table: str, verb: str) -> None:
    statements = {
        "UPDATE": f"UPDATE {table} SET {_ROW[table]}",
        "DELETE": f"DELETE FROM {table}",
        "TRUNCATE": f"TRUNCATE {table} CASCADE",
    }
    assert attack(funded, role, statements[verb])[0] == "42501"


DIRECT: dict[str, str] = {
    "a posting beside the function": "INSERT INTO posting SELECT entry_id, 99::smallint, "
    "debit_account, credit_account, 1, currency FROM posting "
    "LIMIT 1",
    "an entry beside the function": (
        "INSERT INTO journal_entry (id, kind, cause_type, cause_id, actor, occurred_at, "
        "posted_on, recorded_at, effective_on, description, xid)"
        " VALUES (gen_random_uuid(), 'fund', 'pay', gen_random_uuid(), 'x', now(), current_date, "
        "now(), current_date, 'x', 1)"
    ),
    "an account beside the function": (
        "INSERT INTO ledger_account (kind, owner_type, owner, currency, normal_side, bounded, "
        "opened_at)"
        " VALUES ('escrow', 'milestone', gen_random_uuid(), 'USD', 'credit', true, now())"
    ),
    "a balance set by hand": "UPDATE ledger_balance SET credits = credits + 1000000",
    "a balance row of one's own": "INSERT INTO ledger_balance (account_id, normal_side) SELECT "
    "id, 'credit' FROM ledger_account WHERE kind = 'psp_trust'",
    "balances deleted": "DELETE FROM ledger_balance",
}


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("what", sorted(DIRECT))
def test_no_way_around_the_function(funded: Vault, role: str, what: str) -> None:
    code, constraint = attack(funded, role, DIRECT[what])
    assert (code, constraint) == (
        ("42501", "") if role == APP else ("23514", "ledger_only_by_post")
    )


def test_a_line_cannot_join_a_committed_entry(funded: Vault) -> None:
    """Even by whoever opens the function's own gate: the entry belongs to a transaction that is
    over.
    """
    statement = (
        "SELECT set_config('hf.posting', pg_current_xact_id()::text, true);"
        " INSERT INTO posting SELECT entry_id, 99::smallint, debit_account, credit_account, 1, "
        "currency FROM posting LIMIT 1"
    )
    assert attack(funded, OWNER, statement) == ("23514", "ledger_sealed")


STATES: dict[str, tuple[str, str]] = {
    "charged back by nobody": ("UPDATE milestone SET state = 'settled'", "lifecycle_hop"),
    "a contract that was sent is deleted": ("DELETE FROM contract", "only_drafts_go"),
    "back to planned": ("UPDATE milestone SET state = 'planned'", "lifecycle_hop"),
    "an unknown state": ("UPDATE milestone SET state = 'stolen'", "milestone_state_known"),
    "more released than funded": (
        "UPDATE milestone SET released_minor = funded_minor + 1",
        "milestone_out_within_funded",
    ),
    "more funded than agreed": (
        "UPDATE milestone SET funded_minor = amount_minor + 1",
        "milestone_funded_within_amount",
    ),
    "another price after funding": ("UPDATE milestone SET amount_minor = 1", "terms_fixed"),
    "another currency": ("UPDATE contract SET currency = 'EUR'", "terms_fixed"),
    "another freelancer": (
        (
            "UPDATE contract SET freelancer_id = (SELECT id FROM freelancer WHERE external_ref = "
            "'mary')"
        ),
        "terms_fixed",
    ),
    "another fee after acceptance": ("UPDATE contract SET quote = '{}'", "terms_fixed"),
    "a contract reopened": ("UPDATE contract SET state = 'draft'", "lifecycle_hop"),
    "a payment unpaid": ("UPDATE payment SET state = 'created'", "lifecycle_hop"),
}


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("what", sorted(STATES))
def test_states_and_terms_hold(funded: Vault, role: str, what: str) -> None:
    statement, constraint = STATES[what]
    assert attack(funded, role, statement) == ("23514", constraint)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lifecycle_hop SET target = 'released'",
        "UPDATE chart_line SET gate = 'none'",
        "DELETE FROM release",
        "ALTER TABLE posting DISABLE TRIGGER ALL",
        "DROP TRIGGER sealed ON posting",
        "CREATE TABLE mine (a int)",
        "CREATE TEMP TABLE mine (a int)",
        "SET session_replication_role = replica",
        "SET ROLE postgres",
        "UPDATE installation SET mode = 'live'",
        "SELECT hf.ledger_account_for('escrow', gen_random_uuid(), 'USD', now())",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_the_application_may_not(funded: Vault, statement: str) -> None:
    assert attack(funded, APP, statement)[0] == "42501"


def test_the_application_owns_nothing(funded: Vault) -> None:
    owned = funded.sql(
        "SELECT count(*) AS n FROM pg_class WHERE pg_get_userbyid(relowner) = 'holdfast_app'"
    )[0].n
    assert owned == 0


@pytest.mark.parametrize("gate", ["hold_release"])
def test_a_held_account_pays_nothing(funded: Vault, gate: str) -> None:
    """A hold is read under the lock of the posting; lifting it lets the same call through."""
    with connect(funded, OWNER) as connection:
        connection.execute(f"UPDATE ledger_balance SET {gate} = 1")
    assert post(funded) == ("23514", "ledger_account_held")
    with connect(funded, OWNER) as connection:
        connection.execute(f"UPDATE ledger_balance SET {gate} = 0")
    with pytest.raises(pytest.fail.Exception):
        post(funded)


def test_one_statement_cannot_overdraw_in_two_lines(funded: Vault) -> None:
    escrow, freelancer = (
        typeid.decode(funded.known["milestone"]),
        typeid.decode(funded.known["ada"]),
    )
    two: dict[str, Callable[[], Any] | Any] = {
        "dk": ["escrow"] * 2,
        "dt": ["milestone"] * 2,
        "do": [escrow] * 2,
        "ck": ["pending"] * 2,
        "ct": ["freelancer"] * 2,
        "co": [freelancer] * 2,
        "amounts": [6_000, 6_000],
    }
    assert post(funded, **two) == ("23514", "ledger_balance_not_overdrawn")
