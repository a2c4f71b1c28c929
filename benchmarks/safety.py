"""docs/safety.md: what a hold stops, the suspension matrix, reasons, rules and clocks, from the
tables that the service runs on.
"""

from __future__ import annotations

from service import policies
from service.domain.states.restrictions import GATES, LEVELS, MATRIX, SCOPES, outcome
from tests.world import make_settings


def page() -> str:
    """The whole page."""
    loaded = policies.load(make_settings("x"))
    w = loaded.windows
    out = [
        "# Freeze, suspend, confiscate, appeal",
        "",
        "Generated from `service/domain/states/restrictions.py` and `service/policies`.",
        "",
        (
            "A hold is laid over a person, contract, milestone, payment or payout; it never changes "
            "a state. One call, one transaction: from its commit no debit"
        ),
        (
            "passes the gates it closes, whoever asks and whatever was under way, and accounts that "
            "are opened later are born with them. Lifting one hold lifts that one."
        ),
        "",
        "## What a hold can stop",
        "",
        "| scope | what it stops | enforced |",
        "|---|---|---|",
        *(
            f"| `{name}` | {words} | "
            f"{'in the ledger, under the lock of each account' if name in GATES else 'before anything is written'} |"
            for name, words in SCOPES.items()
        ),
        "",
        "## A suspended person",
        "",
        (
            "A suspension makes one hold with the scopes of its level, and nothing else. Every cell "
            "is a test (`tests/safety/test_matrix.py`)."
        ),
        "",
        "| what happens | " + " | ".join(f"{person} {level}" for person, level in LEVELS) + " |",
        "|---|" + "---|" * len(LEVELS),
        *(
            f"| {rule.name} | "
            + " | ".join(outcome(rule, person, level) for person, level in LEVELS)
            + " |"
            for rule in MATRIX
        ),
        "",
        (
            "Reading, statements, disputes, giving money back, ending a contract, answering and "
            "appealing stay possible at every level."
        ),
        "",
        "## Reasons",
        "",
        "| code | what the person reads | default scopes | lasts | asked for |",
        "|---|---|---|---|---|",
        *(
            f"| `{r.code}` | {r.text} | {', '.join(r.scopes)} | "
            f"{f'{r.days} days' if r.days else 'until it is lifted'} | "
            f"{', '.join(r.requires) or 'nothing'} |"
            for r in loaded.reasons.values()
        ),
        "",
        "## Rules",
        "",
        (
            "A rule may only hold, and does not look at what another rule did. `GET "
            "/v1/staff/rules/{name}/report` tries it on the past."
        ),
        "",
        "| rule | on | what it holds | scopes | what the person reads |",
        "|---|---|---|---|---|",
        *(
            f"| `{r.name}` | {'yes' if r.enabled else 'no'} | {r.holds} | {', '.join(r.scopes)} "
            f"| {r.fact} |"
            for r in loaded.rules.values()
        ),
        "",
        "## Clocks",
        "",
        "| what | how long |",
        "|---|---|",
        f"| a rule's hold without a person | {w.rule_hold_hours} hours |",
        f"| a person's hold without a second person | {w.confirm_hours} hours |",
        (
            f"| a hold, renewed by another person, without a legal ground | {w.hold_days_renewed}, "
            f"then {w.hold_days_max} days at most |"
        ),
        f"| first look at a hold or an appeal | {w.first_answer_business_days} business days |",
        f"| decision about an appeal | {w.appeal_final_days} days; then releases go on |",
        f"| time for an appeal | {w.appeal_days} days, {w.appeals_max} per hold |",
        (
            f"| time to answer a case | {w.case_answer_days} days; {w.case_fast_hours} hours by "
            "court order or for a stolen card |"
        ),
        f"| a release that waits for a hold | {w.release_pause_days} days, then a person decides |",
        "",
        "## Confiscation",
        "",
        (
            "Only as a case over a hold: sums, clause and evidence are sent to the person, who has "
            "time to answer; two people who opened neither the hold nor"
        ),
        (
            "the case agree (PostgreSQL refuses anybody else); the preview lists every posting that "
            "execution makes. Unreleased money goes back to the client, then refunds"
        ),
        (
            "of the same contract, proven losses, an authority's order; the remainder is the "
            "person's. `forfeit` is off without a recorded legal basis and waits for the end of"
        ),
        (
            "the time for an appeal. A reversal gives back what is still ours, line by line, each "
            "with where it went or why it could not."
        ),
    ]
    return "\n".join(out) + "\n"
