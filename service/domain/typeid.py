"""TypeID 0.3: a prefix that says what it is, `_`, and 26 characters of Crockford base32 over a UUID."""

from __future__ import annotations

import re
from uuid import UUID

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUE = {letter: value for value, letter in enumerate(_ALPHABET)}
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_SHIFTS = range(120, -1, -10)
_SHAPE = re.compile(r"[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}")


def encode(prefix: str, uuid: UUID) -> str:
    return _encode(prefix, uuid.int)


def encode_text(prefix: str, uuid: str) -> str:
    """Of a UUID as PostgreSQL writes it, without an object in between: exports have millions."""
    return _encode(prefix, int(uuid.replace("-", ""), 16))


def _encode(prefix: str, number: int) -> str:
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def decode(typeid: str) -> UUID:
    """The UUID inside. Raises ValueError when the text is no TypeID of ours."""
    if not _SHAPE.fullmatch(typeid):
        raise ValueError(f"not a TypeID: {typeid[:40]!r}")
    number = 0
    for letter in typeid[4:]:
        number = number << 5 | _VALUE[letter]
    return UUID(int=number)


def is_typeid(text: object, prefix: str) -> bool:
    return isinstance(text, str) and text.startswith(prefix + "_") and _SHAPE.fullmatch(text) is not None


def prefix_of(typeid: str) -> str:
    """What an id of ours says it is. Raises ValueError when the text is no TypeID."""
    if not _SHAPE.fullmatch(typeid):
        raise ValueError(f"not a TypeID: {typeid[:40]!r}")
    return typeid[:3]
