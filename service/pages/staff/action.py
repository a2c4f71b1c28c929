"""What an action of the console is: its questions, and the function that does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from service.core.context import Context
from service.models import Appeal, Confiscation, Freelancer, Hold, Requirement, Suspension


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
class FormValues:
    """What was answered, by the name of the question: `texts` for lines, texts and choices.

    Days are the last second of the day, amounts minor units above 0; None where nothing was typed.
    """

    texts: dict[str, str] = field(default_factory=dict)
    ticked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    days: dict[str, datetime | None] = field(default_factory=dict)
    amounts: dict[str, int | None] = field(default_factory=dict)
    agreed: dict[str, bool] = field(default_factory=dict)


Outcome = (
    Hold
    | Confiscation
    | Appeal
    | Requirement
    | Freelancer
    | tuple[Suspension, Hold]
    | tuple[Appeal, Hold | None]
)
"""What an action made or changed; of two, the second one is what follows, if anything does."""


@dataclass(frozen=True)
class StaffAction:
    """What a colleague is asked, and what is done with the answers."""

    title: str
    button: str
    do: Callable[[Context, FormValues], Outcome]
    fields: tuple[Field, ...] = ()


ActionFor = Callable[[Context, str], StaffAction]
"""The action for an object: some have questions of their own for each."""

REASON = Field("reason", "Why", most=500, hint="Kept with the hold; the person reads it")


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
