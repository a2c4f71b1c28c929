"""What was given, sent, agreed, approved or signed: no role changes it, whatever the code
believes.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.database.test_attacks import APP, OWNER, attack, connect
from tests.databases import clone
from tests.safety.test_cases import CASE, line
from tests.safety.test_holds import freeze
from tests.world import World

OPEN = {
    "certificate": {"superseded_by", "revoked_at", "revoked_reason"},
    "finance_export": {"state", "rows_done", "problem", "manifest", "finished_at"},
    "message": {"state", "sent_at", "bounced_at"},
    "release": {"taken_minor", "matured_at"},
    "confiscation": {
        "changed_at",
        *("state", "noticed_at", "answer_until", "answer", "answered_at", "executed_by"),
        *("executed_at", "final_at", "ended_at", "ended_by", "end_reason"),
    },
    "case_line": {"refund_id", "restored_parts", "restored_minor", "restore_note"},
    "amendment": {"state", "answered_at"},
}
"""The columns that may still change; everything else is what somebody has in their hands."""


@pytest.fixture(scope="module")
def given() -> Iterator[World]:
    """One of each: a certificate, an export, letters, a release, an amendment, a case that was
    noticed.
    """
    with clone() as world:
        contract, _ = world.released_contract(milestones=[("Work", 10_000), ("More", 20_000)])
        ada = world.program()
        day = world.sandbox.now()[:10]
        month = day[:7]
        ada.post("/v1/certificates", {"period": f"{day}..{day}"})
        world.program("finance").post("/v1/exports", {"name": "general_journal", "period": month})
        kept = [
            {"id": m["id"], "title": m["title"], "amount": m["amount"]}
            for m in contract["milestones"]
        ]
        wanted = {"note": "One more.", "milestones": [*kept, {"title": "Third", "amount": 5_000}]}
        ada.post(f"/v1/contracts/{contract['id']}/amendments", wanted)
        hold = freeze(world, world.ada_id, scopes=["outflow"])
        world.program("approver").post(f"/v1/staff/holds/{hold['id']}/confirm")
        body = CASE | {
            "hold": hold["id"],
            "lines": [line("pending", 1_000, "proven_loss", contract)],
        }
        case = world.program("safety").post("/v1/staff/confiscations", body)
        world.program("safety").post(f"/v1/staff/confiscations/{case['id']}/notice")
        world.work()
        world.advance("2d")
        yield world


def columns(world: World, table: str) -> dict[str, str]:
    found = world.sql(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'hf' "
        "AND table_name = :table",
        table=table,
    )
    return {row.column_name: row.data_type for row in found}


_OTHER = {
    "uuid": "gen_random_uuid()",
    "text": "'other'",
    "bigint": "{0} + 1",
    "integer": "coalesce({0}, 0) + 1",
    "date": "{0} + 1",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 day'",
    "jsonb": "'[\"other\"]'",
    "bytea": "'\\x00'",
    "boolean": "NOT {0}",
}


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("table", sorted(OPEN))
def test_no_column_of_it_is_changed(given: World, table: str, role: str) -> None:
    """Every column but the few that say what became of it; by hand as the application and as the
    owner.
    """
    assert given.sql(f"SELECT count(*) AS n FROM {table}")[0].n, "there is one to change"
    fixed = {name: kind for name, kind in columns(given, table).items() if name not in OPEN[table]}
    assert len(fixed) >= 4
    for name, kind in fixed.items():
        statement = f"UPDATE {table} SET {name} = {_OTHER[kind].format(name)}"
        assert attack(given, role, statement)[0] == "42501", (table, name)
    for verb in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        assert attack(given, role, verb)[0] == "42501", verb


ATTACKS = {
    "the manifest of an export that is ready": (
        "UPDATE finance_export SET manifest = '{}'",
        "42501",
        "",
    ),
    "an export that is made again": ("UPDATE finance_export SET state = 'queued'", "42501", ""),
    "a line more after the notice": (
        (
            "INSERT INTO case_line (case_id, number, account, amount_minor, target, restored_minor) "
            "SELECT case_id, 9, 'available', 1, 'authority', 0 FROM case_line"
        ),
        "23514",
        "case_drafted",
    ),
    "the title that both agreed to": (
        "UPDATE contract SET title = 'Something else'",
        "23514",
        "terms_fixed",
    ),
    "a head of a day that has not been": (
        (
            "INSERT INTO ledger_head SELECT day + 400, position, hash, signature, public_key, "
            "signed_at FROM ledger_head LIMIT 1"
        ),
        "23514",
        "head_of_the_chain",
    ),
    "a head that nobody signed": (
        (
            "INSERT INTO ledger_head SELECT day - 1, position, hash, decode(repeat('00', 64), "
            "'hex'), public_key, signed_at FROM ledger_head LIMIT 1"
        ),
        "23514",
        "head_of_the_chain",
    ),
    "a head of another chain": (
        (
            "INSERT INTO ledger_head SELECT day - 1, position, decode(repeat('11', 32), 'hex'), "
            "signature, public_key, signed_at FROM ledger_head LIMIT 1"
        ),
        "23514",
        "head_of_the_chain",
    ),
    "work that is still to be done": (
        "DELETE FROM job WHERE state = 'waiting'",
        "23514",
        "only_done_go",
    ),
}


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("what", sorted(ATTACKS))
def test_it_is_refused(given: World, what: str, role: str) -> None:
    statement, state, constraint = ATTACKS[what]
    assert attack(given, role, statement) == (state, constraint)


def test_the_control_is_accepted(given: World) -> None:
    """What may still be said of them can be said: the refusals above are not a broken statement."""
    with connect(given, APP) as connection:
        for table, column in (
            ("certificate", "revoked_at"),
            ("message", "bounced_at"),
            ("case_line", "restore_note"),
        ):
            connection.execute(f"SELECT {column} FROM {table} FOR UPDATE")
        connection.execute(
            "UPDATE certificate SET revoked_at = now(), revoked_reason = 'A mistake.'"
        )
        connection.execute("UPDATE message SET state = 'bounced', bounced_at = now()")
        connection.rollback()
