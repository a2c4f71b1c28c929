"""What a hold can stop: scopes, the ledger's gates behind them, and what a suspended person may
still do.

One table for statements of reasons, pages, error messages and the matrix in the documents. Freezing
never changes a state; it is laid over it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SCOPES = {
    "login": "changing anything through the API, except giving money back, disputes, and "
    "answering us",
    "contract_create": "new contracts and offers",
    "accept": "accepting an offer",
    "inflow": "payments into protection",
    "release": "releases to the freelancer",
    "refund": "refunds to the client",
    "outflow": "payouts to the freelancer's bank",
    "amend": "changes of an accepted contract",
}
FOR_CLIENTS = {
    "accept": "agreeing to an offer",
    "inflow": "paying into protection",
    "release": "approving work and releasing money",
    "refund": "refunds to you",
    "amend": "agreeing to changes of the contract",
}
"""The same in the words of a client, without what is none of their doing."""
GATES = ("release", "refund", "outflow")
"""The scopes that the ledger itself enforces, under the lock of each account."""

SUBJECTS = {
    "freelancer": "frl",
    "client": "cli",
    "contract": "ctr",
    "milestone": "mst",
    "payment": "pay",
    "payout": "pyo",
}
_OF_AN_AGREEMENT = ("accept", "inflow", "release", "refund", "amend")
STOPPABLE = {
    "freelancer": tuple(SCOPES),
    "client": _OF_AN_AGREEMENT,
    "contract": _OF_AN_AGREEMENT,
    "milestone": ("inflow", "release", "refund"),
    "payment": ("release", "refund"),
    "payout": ("outflow",),
}
"""What a hold can stop at all, by its subject. Money that was released is the freelancer's and no
contract's any more: only a hold of the person, or of one payout, stops a payout.
"""


def stops(subject_kind: str, scopes: Iterable[str]) -> list[str]:
    """Of the scopes of a hold those that stop something, in the order in which people read them."""
    chosen = set(scopes) & set(STOPPABLE[subject_kind])
    return [scope for scope in SCOPES if scope in chosen]


LEVELS = {
    ("freelancer", "restricted"): ("contract_create", "accept", "inflow", "outflow"),
    ("freelancer", "blocked"): (
        "login",
        "contract_create",
        "accept",
        "inflow",
        "release",
        "outflow",
        "amend",
    ),
    ("client", "restricted"): ("accept", "inflow"),
    ("client", "blocked"): ("accept", "inflow", "release", "amend"),
}
"""What a suspension of a person holds, by level."""


@dataclass(frozen=True)
class Restriction:
    """One line of the matrix: what somebody does, the scope that stops it, and whose holds of that
    scope are looked at.
    """

    name: str
    scope: str | None
    looks_at: tuple[str, ...]
    when_on_hold: str


BOTH = ("freelancer", "client")
MATRIX = (
    Restriction("create or send a contract", "contract_create", ("freelancer",), "refused"),
    Restriction("accept an offer", "accept", BOTH, "refused"),
    Restriction(
        "fund a milestone", "inflow", BOTH, "refused; money that is on its way arrives and is held"
    ),
    Restriction("submit work", "login", ("freelancer",), "refused for a blocked freelancer"),
    Restriction("approve or release", "release", BOTH, "refused"),
    Restriction("auto-release", "release", BOTH, "waits; after 14 days a person decides"),
    Restriction("refund to the client", "refund", BOTH, "waits"),
    Restriction("mature", "outflow", ("freelancer",), "waits"),
    Restriction(
        "payout",
        "outflow",
        ("freelancer",),
        "taken down as held, and sent when the last hold is lifted",
    ),
    Restriction("amend", "amend", BOTH, "refused"),
    Restriction("dispute", None, BOTH, "always possible"),
)
"""Which scope stops which action.

A suspension's level gives the scopes, so the two tables together are the matrix.
"""


def outcome(rule: Restriction, person: str, level: str) -> str:
    """What happens to an action while a person is suspended at a level."""
    stopped = rule.scope in LEVELS[(person, level)] and person in rule.looks_at
    return rule.when_on_hold if stopped else "goes on"
