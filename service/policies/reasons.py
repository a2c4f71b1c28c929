"""Reasons for holds, as data: what a person reads, what is frozen by default, for how long, and
what they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.states.restrictions import SCOPES
from service.policies.reading import Row


@dataclass(frozen=True)
class HoldReason:
    """`days` is None for what lasts until it is lifted."""

    code: str
    text: str
    scopes: tuple[str, ...]
    days: int | None
    requires: tuple[str, ...]


def reasons_of(file: Row) -> dict[str, HoldReason]:
    """Every reason by code. Raises PolicyError."""
    rows = file.known(["reasons"]).table("reasons")
    return {code: _reason(code, row) for code, row in rows.items()}


def _reason(code: str, row: Row) -> HoldReason:
    row.known(["text", "scopes", "requires"], ["days", "until_lifted"])
    if not set(row["scopes"]) <= set(SCOPES):
        raise row.refuse(f"scopes are among {', '.join(SCOPES)}")
    days = row.minor("days")
    if bool(row.get("until_lifted")) == (days is not None):
        raise row.refuse("either days or until_lifted: true")
    return HoldReason(code, str(row["text"]), tuple(row["scopes"]), days, tuple(row["requires"]))
