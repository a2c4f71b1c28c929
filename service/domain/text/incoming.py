"""What text may come in at all, whichever way it comes.

Text that somebody typed is stored, shown to other people, sent to them and printed. What a
database cannot keep, what nobody can see, and what moves its neighbours about is refused, never
mended: a mended text is not what was written.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from service.domain.text.texts import code_point

LONGEST_NAME = 200
"""Characters in the name of a field, in the name of a file as it comes, in a part of an address."""

_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BREAKS = frozenset("\n\t\u2028\u2029")
_ANNOTATIONS = frozenset("\ufff9\ufffa\ufffb")
_CODE = re.compile("[0-9]([ -]?[0-9]){5}")
_MOST_DIGITS = 40
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")
_DIGITS = re.compile("[0-9]+")
_PRINTABLE_ASCII = re.compile("[\x20-\x7e]*")


class Fault(StrEnum):
    """Why a text is not taken: the code of the refusal."""

    CONTROL = "control_character"
    BROKEN = "broken_character"
    UNKNOWN = "unknown_character"
    DIRECTION = "direction_character"
    LINES = "line_break"
    LENGTH = "too_long"


SENTENCES = {
    Fault.CONTROL: "Control characters are not allowed.",
    Fault.BROKEN: "This text has half a character in it.",
    Fault.UNKNOWN: "This text has something in it that is no character.",
    Fault.DIRECTION: "Direction-changing characters are not allowed.",
    Fault.LINES: "This is one line; line breaks are not allowed.",
    Fault.LENGTH: "This is too long.",
}


@dataclass(frozen=True)
class TextFault:
    """One text that is not taken. `where`: the way to it; a name at fault itself is left out."""

    where: tuple[str, ...]
    fault: Fault


SEVERAL_LINES: Final = frozenset(
    [
        "claim",
        "evidence",
        "facts",
        "internal_note",
        "note",
        "reason",
        "reasons",
        "statement",
        "what",
        "words",
    ]
)
"""Fields of forms in which a person writes more than a line: every text area, and no other field.
"""


def fault(text: str, *, lines: bool = False) -> Fault | None:
    """What is wrong with a text, or None. `lines`: it may have several (LF, CR LF, tab)."""
    if text.isascii() and text.isprintable():
        return None
    for character in text.replace("\r\n", "\n"):
        found = _fault_of(character)
        if found and not (lines and found is Fault.LINES):
            return found
    return None


def _fault_of(character: str) -> Fault | None:
    if character in _BREAKS:
        return Fault.LINES
    if character in _DIRECTIONS:
        return Fault.DIRECTION
    if character in _ANNOTATIONS:
        return Fault.UNKNOWN
    category = unicodedata.category(character)
    if category == "Cc":
        return Fault.CONTROL
    if category == "Cs":
        return Fault.BROKEN
    return Fault.UNKNOWN if category == "Cn" and not _may_come(ord(character)) else None


def _may_come(point: int) -> bool:
    """Reserved for pictures and for Han: newer versions of Unicode fill these, with names too."""
    no_character = point & 0xFFFE == 0xFFFE
    return not no_character and (0x1F000 <= point <= 0x1FFFF or 0x20000 <= point <= 0x3FFFF)


def faults(value: Any, where: tuple[str, ...] = ()) -> Iterator[TextFault]:
    """Every text in a body that is not taken, names included. Texts may have lines here."""
    if isinstance(value, str):
        wrong = fault(value, lines=True)
        if wrong:
            yield TextFault(where, wrong)
    elif isinstance(value, dict):
        for name, inner in value.items():
            wrong = name_fault(name)
            yield from [TextFault(where, wrong)] if wrong else faults(inner, (*where, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from faults(inner, (*where, str(number)))


def name_fault(name: str) -> Fault | None:
    """What is wrong with the name of a field, of a file, or with a part of an address, or None."""
    return fault(name) or (Fault.LENGTH if len(name) > LONGEST_NAME else None)


def is_digits(text: str) -> bool:
    """Whether a text is digits 0 to 9 only. Python's `isdigit` and `int` read every script's."""
    return _DIGITS.fullmatch(text) is not None


def code_of(typed: str) -> str | None:
    """The six digits that somebody typed, spaces or dashes between them or not; else None."""
    bare = typed.strip()
    return re.sub("[ -]", "", bare) if _CODE.fullmatch(bare) else None


def is_header_text(text: str) -> bool:
    """Whether a header holds printable ASCII only: every header that decides something does."""
    return _PRINTABLE_ASCII.fullmatch(text) is not None


def keepable(value: Any) -> Any:
    """What somebody signed, as the database can keep it: other characters by number, `[U+0000]`.

    For what must not be refused, because it comes once and is a hint only.
    """
    if isinstance(value, str):
        return _UNKEEPABLE.sub(lambda found: code_point(found[0]), value)
    if isinstance(value, dict):
        return {keepable(name): keepable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [keepable(inner) for inner in value]
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)


def whole_number(text: str) -> int | str:
    """A number of JSON; one that no field of anybody's holds stays the text that it is."""
    return int(text) if len(text) <= _MOST_DIGITS else text
