"""JSON as a type: what a parser makes of a text, and what may be written as one."""

from __future__ import annotations

from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]


def whole(value: Json) -> int:
    """A number, or the digits of one, as a form has them.

    Raises TypeError for what is neither, ValueError for other text.
    """
    if isinstance(value, int | float | str):
        return int(value)
    raise TypeError(f"not a number: {value!r}")
