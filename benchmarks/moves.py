"""`docs/moves.md`: every move of every machine with a test that drives it, from what the last `make
test` really did.

Each test's world leaves the moves that its event log holds in `build/moves`. `--check` fails when a
move was not seen.
"""

from __future__ import annotations

import sys
from pathlib import Path

from service.domain.states.lifecycle import MACHINES
from service.domain.states.timeouts import TIMEOUTS

SEEN, PAGE = Path("build/moves"), Path("docs/moves.md")
LATER = {
    "payment cancel": "only somebody at Stripe cancels a payment under way; no test card does",
    "refund require_action": "only Stripe says so, for bank transfers; walked, and rolled back, "
    "in tests/machine/test_schedules.py",
    "refund cancel": "only somebody at Stripe cancels a refund; taken in as one that failed",
}
"""Moves (`object event`) that nothing can bring about yet, and why."""


def seen() -> dict[tuple[str, str, str], str]:
    """(fact, from, to) -> the first test, by name, that brought it about."""
    found: dict[tuple[str, str, str], str] = {}
    for path in sorted(SEEN.glob("*.txt")):
        for line in path.read_text().splitlines():
            fact, source, target, test = line.split("|")
            key = (fact, source, target)
            found[key] = min(test, found.get(key, test))
    return found


def rows(tests: dict[tuple[str, str, str], str]) -> tuple[list[str], list[str]]:
    """(the table's rows, moves that no test made).

    A move from several states is one move; the row names those it was made from.
    """
    table, missing = [], []
    for machine in MACHINES.values():
        for move in machine.moves:
            made = {
                source: tests[key]
                for source in move.sources
                if (key := (move.fact, source, move.target)) in tests
            }
            name = f"{machine.name} {move.event}"
            if not made and name not in LATER:
                missing.append(name)
            sources = ", ".join(
                f"**{source}**" if source in made else source for source in move.sources
            )
            test = min(made.values(), default="")
            shown = (
                f"[{test.partition('::')[2]}](../{test.partition('::')[0]})"
                if test
                else LATER.get(name, "")
            )
            table.append(
                f"| {machine.name} | {sources} | {move.event} | {move.target} | "
                f"{', '.join(sorted(move.actors))} | {shown} |"
            )
    return table, missing


def page(table: list[str]) -> str:
    """The moves, and what happens by itself."""
    out = [
        "# Every move and its test",
        "",
        (
            "Generated from the event logs of a run of `make test`: in bold, the states from which "
            "tests made the move."
        ),
        "",
    ]
    out += [
        "| object | from | event | to | who | driven by |",
        "|---|---|---|---|---|---|",
        *table,
        "",
    ]
    out += [
        "## What happens by itself",
        "",
        "| row | object | in | policy | then |",
        "|---|---|---|---|---|",
    ]
    out += [
        f"| {t.code} | {t.machine} | {', '.join(t.states)} | `{t.window}` | {t.then} |"
        for t in TIMEOUTS
    ]
    return "\n".join(out) + "\n"


def main() -> None:
    """Write the page, or with --check say which moves the tests did not make."""
    table, missing = rows(seen())
    if "--check" not in sys.argv:
        PAGE.write_text(page(table))
    print(
        f"{len(table) - len(missing)} of {len(table)} moves were made by tests or wait for their "
        "issue"
    )
    if missing:
        raise SystemExit("no test made: " + "; ".join(missing))


if __name__ == "__main__":
    main()
