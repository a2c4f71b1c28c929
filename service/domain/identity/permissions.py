"""What a key of each role may do.

A permission that ends in `:read` changes nothing; every other one writes.

`migrations/objects/people.sql` has the same table for PostgreSQL, which refuses a key that has more
than its role.
"""

from __future__ import annotations

from typing import Final

_OF_A_FREELANCER: Final = (
    "certificates:write",
    "contracts:read",
    "contracts:write",
    "disputes:write",
    "events:read",
    "links:write",
    "payments:read",
    "payouts:write",
    "webhooks:write",
)

ROLE_PERMISSIONS: Final[dict[str, tuple[str, ...]]] = {
    "freelancer": (*_OF_A_FREELANCER, "exports:read", "exports:write"),
    "platform": (
        *_OF_A_FREELANCER,
        "keys:read",
        "keys:write",
        "sandbox",
        "suspensions:write",
    ),
    "finance": (
        "certificates:write",
        "contracts:read",
        "events:read",
        "exports:read",
        "exports:write",
        "finance:act",
        "finance:read",
        "finance:tax",
        "payments:read",
        "tax:read",
    ),
    "safety": (
        "contracts:read",
        "disputes:rule",
        "events:read",
        "payments:read",
        "safety:act",
        "safety:read",
        "suspensions:write",
    ),
    "approver": (
        "disputes:rule",
        "finance:approve",
        "finance:read",
        "safety:approve",
        "safety:read",
        "staff:approve",
        "staff:read",
    ),
    "reviewer": ("disputes:rule", "safety:approve", "safety:read"),
    "admin": (
        "contracts:read",
        "events:read",
        "finance:read",
        "keys:read",
        "keys:write",
        "payments:read",
        "safety:read",
        "sandbox",
        "staff:approve",
        "staff:read",
        "staff:write",
    ),
}

KNOWN: Final = frozenset(p for held in ROLE_PERMISSIONS.values() for p in held)


def only_reads(permission: str) -> bool:
    """Whether nothing changes by what it allows."""
    return permission.endswith(":read")


def key_prefix(mode: str) -> str:
    """How every key of a mode begins: a key of the sandbox opens nothing where money is real, and
    the other way round.
    """
    return "hf_live_" if mode == "live" else "hf_test_"
