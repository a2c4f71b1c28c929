"""The ledger's typed door: nobody takes a cause apart, guesses an owner, or says debit and credit
elsewhere.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from service.domain.money.chart import ACCOUNTS, ENTRIES, REVERSALS, EntryType
from service.ledger import accounts, entries

HOUSE = Path(__file__).resolve().parents[2]
SERVICE = HOUSE / "service"

_TAKEN_APART = re.compile(
    r"typeid_uuid|split_part\s*\(|\bcause\s+(NOT\s+)?LIKE\b|\.cause\s*(=|<>|~)(?!\s*\w+\.cause\b)|left\(\s*\w*\.?cause|substr\(\s*\w*\.?cause",
    re.IGNORECASE,
)


def statements() -> list[Path]:
    """All SQL that runs: of exports, replaceable objects, and inside Python."""
    found = [
        *SERVICE.rglob("*.sql"),
        *(HOUSE / "migrations" / "objects").glob("*.sql"),
        *SERVICE.rglob("*.py"),
    ]
    # What speaks to processes of 0.1, and the right to call it.
    return [path for path in found if path.name not in ("released_0_1.sql", "rights.sql")]


def test_no_cause_is_taken_apart() -> None:
    wrong = {
        f"{path.relative_to(HOUSE)}:{number}: {line.strip()[:90]}"
        for path in statements()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _TAKEN_APART.search(line) and "Refund.cause == cause" not in line
    }
    assert wrong == set()


def test_the_pattern_would_see_it() -> None:
    """The control: each of the ways in which it was done until 0.1."""
    for line in (
        "JOIN journal_entry e ON typeid_uuid(e.cause) = r.id",
        "e.cause = split_part(i.cause, '/', 1)",
        "WHERE j.cause LIKE 'cas_%'",
        "left(cause, 30)",
    ):
        assert _TAKEN_APART.search(line)


def test_only_the_builders_say_debit_and_credit() -> None:
    """`Entry(` and `Line(` of the ledger are called in `ledger/entries` and nowhere else."""
    callers = set()
    for path in SERVICE.rglob("*.py"):
        names = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if names & {"Entry", "Line"}:
            callers.add(str(path.relative_to(SERVICE).parent))
    assert callers == {"ledger/entries"}


def test_every_type_of_entry_has_its_builder() -> None:
    source = "".join(path.read_text() for path in Path(entries.__file__).parent.glob("*.py"))
    unbuilt = {entry for entry in EntryType if f"EntryType.{entry.name}" not in source}
    assert unbuilt == {EntryType.WRITE_OFF}, "reserved in the chart, posted by nobody yet"


def test_every_account_of_somebody_has_its_builder() -> None:
    source = Path(accounts.__file__).read_text()
    assert all(f"AccountCode.{code.name}" in source for code in ACCOUNTS)
    for code, known in ACCOUNTS.items():
        assert all(
            f"AccountCode.{code.name}, Owner(OwnerType.{owner.name}" in source
            for owner in known.owners
        ), code


def test_a_reversal_is_its_entry_turned_round() -> None:
    for turned, of in REVERSALS.items():
        assert {(credit, debit) for debit, credit in ENTRIES[of].lines} == set(
            ENTRIES[turned].lines
        ), turned
