"""TypeID 0.3: a prefix that says what it is, `_`, and 26 characters of Crockford base32 over a
UUID.
"""

from __future__ import annotations

import re
from enum import StrEnum
from uuid import UUID

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUE = {letter: value for value, letter in enumerate(_ALPHABET)}
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_SHIFTS = range(120, -1, -10)
_SHAPE = re.compile(r"[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}")


class ObjectKind(StrEnum):
    """What an id is of, by its prefix. Rows and callers keep ids: none of these is ever renamed."""

    ACCOUNTANT_LINK = "acl"
    AMENDMENT = "amd"
    APPEAL = "apl"
    CASE = "cas"
    CHARGEBACK = "cbk"
    CHANGE_REQUEST = "chr"
    CLIENT = "cli"
    CODE_CHALLENGE = "cod"
    CERTIFICATE = "crt"
    CONTRACT = "ctr"
    DISPUTE_OFFER = "dof"
    DISPUTE = "dsp"
    EMAIL_CHANGE = "emc"
    EVIDENCE = "evd"
    EVENT = "evt"
    EXPORT = "exp"
    EXPLANATION = "xpl"
    FILE = "fil"
    FILING = "flg"
    FLOAT_MOVEMENT = "flt"
    FREELANCER = "frl"
    FX_RATE = "fxr"
    HOLD = "hld"
    INVOICE = "inv"
    JOURNAL_ENTRY = "jnl"
    KEY = "key"
    KEY_REQUEST = "krq"
    CLIENT_LINK = "lnk"
    MESSAGE = "msg"
    MILESTONE = "mst"
    OFFER_PAUSE = "ofp"
    PAYMENT = "pay"
    PRE_CHECK = "pck"
    PAYOUT = "pyo"
    REFUND = "ref"
    REQUIREMENT = "req"
    RELEASE = "rls"
    REFUND_REQUEST = "rrq"
    CLIENT_SESSION = "ses"
    STAFF_MEMBER = "stf"
    STAFF_SESSION = "sts"
    SUBMISSION = "sub"
    SUSPENSION = "sus"
    TAX_SCOPE = "tsc"
    TASK = "tsk"
    TAX_DUE = "txd"
    TAX_IDENTITY = "txi"


def kind_of(typeid: str) -> ObjectKind:
    """What an id of ours is of. Raises ValueError for any other text."""
    if not _SHAPE.fullmatch(typeid):
        raise ValueError(f"not a TypeID: {typeid[:40]!r}")
    return ObjectKind(typeid[:3])


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


def is_typeid(text: object, *prefixes: str) -> bool:
    """Whether a text that somebody sent is an id of one of these kinds."""
    return isinstance(text, str) and text[:3] in prefixes and _SHAPE.fullmatch(text) is not None
