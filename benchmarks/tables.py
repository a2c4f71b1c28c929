"""The documents' tables, generated from the code: states, chart, mails, fault matrix, settings.

`--check` fails when one is stale.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import fields
from pathlib import Path

from benchmarks import books, permissions, promises, safety
from benchmarks.asvs import asvs
from service import policies
from service.domain.money.chart import ACCOUNTS, ENTRIES
from service.domain.states.feed import FEED
from service.domain.states.lifecycle import MACHINES, Machine
from service.domain.states.notifications import NOTICES
from service.domain.states.senders import VOICES
from service.platform.config import Settings
from service.worker.emails.email_parts import pattern
from tests.world import make_settings

DOCS = Path("docs")
NOT_TESTED: dict[str, str] = {}
"""Rows of the matrix that no test proves yet, and why."""
ROWS = (
    [f"PAY-{n:02}" for n in range(1, 26)]
    + [f"REL-{n:02}" for n in range(1, 17)]
    + [f"REF-{n:02}" for n in range(1, 13)]
    + [f"CUR-{n:02}" for n in range(1, 10)]
    + [f"FRZ-{n:02}" for n in range(1, 8)]
)


def states() -> str:
    """Every machine with its moves."""
    out = [
        "# States",
        "",
        (
            "Generated from `service/domain/states/lifecycle.py`. PostgreSQL refuses every hop that "
            "is not here."
        ),
        "",
    ]
    for machine in MACHINES.values():
        out += [
            f"## {machine.name.replace('_', ' ').capitalize()}",
            "",
            f"States: {', '.join(machine.states)}. Final: {', '.join(sorted(machine.final))}.",
            "",
        ]
        out += ["```mermaid", "stateDiagram-v2", *_arrows(machine), "```", ""]
        out += ["| from | event | to | who | fact |", "|---|---|---|---|---|"]
        out += [
            f"| {', '.join(m.sources)} | {m.event} | {m.target} | {', '.join(sorted(m.actors))} "
            f"| `{m.fact}` |"
            for m in machine.moves
        ]
        out += [""]
    return "\n".join(out)


def _arrows(machine: Machine) -> list[str]:
    """The machine as a diagram: one arrow per pair of states, with the events on it."""
    events: dict[tuple[str, str], list[str]] = {}
    for move in machine.moves:
        for source in move.sources:
            events.setdefault((source, move.target), []).append(move.event)
    out = [f"    [*] --> {machine.states[0]}"]
    out += [
        f"    {source} --> {target}: {', '.join(names)}"
        for (source, target), names in events.items()
    ]
    return out + [f"    {state} --> [*]" for state in machine.states if state in machine.final]


def chart() -> str:
    """Accounts and entries."""
    out = [
        "# Chart of accounts",
        "",
        "Generated from `service/domain/money/chart.py`.",
        "",
        "| account | per | side | bounded | what it is |",
        "|---|---|---|---|---|",
    ]
    out += [
        f"| {a.name} | {a.per} | {a.side} | {'yes' if a.bounded else 'no'} | {a.meaning} |"
        for a in ACCOUNTS.values()
    ]
    out += [
        "",
        "Always, per currency: psp_trust = "
        + " + ".join(a.name for a in ACCOUNTS.values() if a.trust_side < 0)
        + ".",
        "",
    ]
    out += [
        "| entry | passes the gate | lines (debit → credit) | what happened |",
        "|---|---|---|---|",
    ]
    out += [
        f"| {e.name} | {e.gate} | {'; '.join(f'{d} → {c}' for d, c in e.lines)} | {e.meaning} |"
        for e in ENTRIES.values()
    ]
    return "\n".join(out) + "\n"


def mails() -> str:
    """Who gets which letter when."""
    out = [
        "# Letters",
        "",
        (
            "Generated from `service/domain/states/notifications.py`, `service/domain/states/senders.py` "
            "and the templates in `service/worker/emails/templates`."
        ),
        "",
        (
            "What people wrote stands in a box with its author's name; addresses in it, and in names "
            "and titles, are taken apart so that no"
        ),
        "mail program makes a link of them. A letter has as many links as it has buttons.",
        "",
        "| when | who | subject | in whose name, and where a reply goes | links |",
        "|---|---|---|---|---|",
    ]
    for fact, targets in NOTICES.items():
        for audience, template in targets:
            subject = (
                (Path("service/worker/emails/templates") / f"{template}.txt")
                .read_text()
                .split("\n", 1)[0]
            )
            shown = re.sub(r"[{][{%].*?[%}][}]", "…", subject)
            out.append(
                f"| `{fact}` | {audience} | {shown} | {VOICES[template].value} | "
                f"{pattern(template).buttons} |"
            )
    return "\n".join(out + _limits()) + "\n"


def _limits() -> list[str]:
    """How many letters may be caused: policy data."""
    w = policies.load(make_settings("x")).windows
    return [
        "",
        "## How many letters",
        "",
        (
            "Counted in PostgreSQL over all processes, by the service's clock: offers, new versions, "
            "reminders, links, amendments, links that are passed"
        ),
        "on or moved. Beyond them: 429 `outreach_limited` with `Retry-After`, and nothing is sent.",
        "",
        "| | within an hour | within a day |",
        "|---|---|---|",
        f"| of one freelancer | {w.letters_per_hour} | {w.letters_per_day} |",
        (
            f"| to one mailbox, whoever writes | {w.letters_to_mailbox_per_hour} | "
            f"{w.letters_to_mailbox_per_day} |"
        ),
        "",
        (
            "Whoever presses “I do not know this person” pauses the sender's new offers (403 "
            "`offers_paused`) until a person of staff lifts or keeps it."
        ),
    ]


def events() -> str:
    """What the feed tells whom."""
    out = [
        "# Events",
        "",
        (
            "Generated from `service/domain/states/feed.py`. What is not here is told to nobody "
            "outside. Staff read all of an event's data; others the keys of"
        ),
        (
            "their column besides `object`, `from` and `to`. For them a person of staff is `staff`, "
            "a client the freelancer's own alias."
        ),
        "",
        (
            "| event | freelancer and marketplace | marketplace alone | only when the hold's reason "
            "may be told |"
        ),
        "|---|---|---|---|",
    ]
    for name, told in FEED.items():
        columns = (
            " ".join(f"`{key}`" for key in sorted(keys))
            for keys in (told.shown, told.to_platform, told.when_told)
        )
        out.append(f"| `{name}` | {' | '.join(columns)} |")
    return "\n".join(out) + "\n"


def marked() -> dict[str, list[str]]:
    """Row of the matrix -> the tests that are marked with it."""
    found: dict[str, list[str]] = {}
    for path in sorted(Path("tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Call)
                and isinstance(node.value.func, ast.Call)
            ):
                mark = node.value.func  # TestCase = pytest.mark.fault("…")(…)
                if (
                    isinstance(mark.func, ast.Attribute)
                    and mark.func.attr == "fault"
                    and isinstance(mark.args[0], ast.Constant)
                ):
                    found.setdefault(str(mark.args[0].value), []).append(
                        f"[{ast.unparse(node.targets[0])}](../{path})"
                    )
            if isinstance(node, ast.FunctionDef):
                for mark in node.decorator_list:
                    if (
                        isinstance(mark, ast.Call)
                        and getattr(mark.func, "id", "") == "fault"
                        and isinstance(mark.args[0], ast.Constant)
                    ):
                        found.setdefault(str(mark.args[0].value), []).append(
                            f"[{node.name}](../{path})"
                        )
    return found


def faults() -> str:
    """The fault matrix; a row with neither test nor reason fails."""
    tests = marked()
    missing = [row for row in ROWS if row not in tests and row not in NOT_TESTED]
    if missing:
        raise SystemExit(f"fault rows without a test or a reason: {', '.join(missing)}")
    out = [
        "# Fault matrix",
        "",
        "Generated from the marks on the tests.",
        "",
        "| row | proved by |",
        "|---|---|",
    ]
    out += [f"| {row} | {', '.join(tests.get(row, [])) or NOT_TESTED[row]} |" for row in ROWS]
    return "\n".join(out) + "\n"


def environment() -> str:
    """`.env.example`: every setting with its default."""
    out = [
        (
            "# Every setting. NAME_FILE instead of NAME reads the value from a file. Unknown "
            "HOLDFAST_ names stop the start."
        )
    ]
    for field in fields(Settings):
        default = (
            field.default
            if isinstance(field.default, str | int | bool)
            else ",".join(field.default)
            if isinstance(field.default, tuple)
            else ""
        )
        out.append(
            f"{'' if field.name in ('mode', 'database_url') else '# '}HOLDFAST_{field.name.upper()}={default}"
        )
    return "\n".join(out) + "\n"


PAGES = {
    "states.md": states,
    "chart.md": chart,
    "mails.md": mails,
    "events.md": events,
    "faults.md": faults,
    "fees.md": promises.fees,
    "metrics.md": promises.metrics,
    "safety.md": safety.page,
    "finance.md": books.page,
    "asvs.md": asvs,
    "permissions.md": permissions.page,
    "../.env.example": environment,
}


def main() -> None:
    """Write the pages, or with --check say which are stale."""
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        if "--check" in sys.argv:
            stale += [name] if not path.exists() or path.read_text() != text else []
        else:
            path.write_text(text)
    if stale:
        raise SystemExit(f"stale: {', '.join(stale)}; run: .venv/bin/python -m benchmarks.tables")


if __name__ == "__main__":
    main()
