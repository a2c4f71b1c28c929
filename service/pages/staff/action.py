"""What an act of the console is: its questions, and the function that does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from service.core.context import Context


@dataclass(frozen=True)
class Field:
    """One question of a form. `kind`: line, text, choice, checks, day, amount, yes."""

    name: str
    label: str
    kind: str = "line"
    hint: str = ""
    most: int = 200
    options: tuple[tuple[str, str], ...] = ()
    required: bool = True


@dataclass(frozen=True)
class StaffAction:
    """`do` gets the answers by name (text, list of texts, instant or None, minor units or None) and
    returns what it made.
    """

    title: str
    button: str
    do: Callable[[Context, dict[str, Any]], Any]
    fields: tuple[Field, ...] = ()


def currency_of(ctx: Context) -> Field:
    """The question in which currency amounts are; the answers beside it are read in its minor
    units.
    """
    return Field(
        "currency",
        "Currency",
        "choice",
        options=tuple((code, code) for code in ctx.policies.currencies),
    )


def end_of_day(text: str) -> datetime:
    """The last second of a day that a person typed, UTC. Raises ValueError."""
    return datetime.combine(datetime.fromisoformat(text).date(), time(23, 59, 59), UTC)
