"""After commit, in order: each new journal entry gets its position and a link of the hash chain;
heads are signed daily.

What the chain proves: that no entry was changed, removed or slipped in below a head that someone
kept elsewhere. What it cannot prove: that a whole chain was not rewritten by whoever holds the
database and the signing key, unless a signed head lies outside.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from service.core.context import Context
from service.models import LedgerHead, LedgerSeal

SEQUENCER_LOCK = 0x7365616C
GENESIS = bytes(32)
"""What the first entry hangs on."""
_BATCH = 500
_UNPAIRED = "an entry without seal or a seal without entry"

_CANONICAL = """
    SELECT e.id::text, e.number, e.kind, e.cause, e.contract_id::text, e.actor, e.occurred_at,
        e.posted_on, e.recorded_at, e.effective_on,
           e.description, e.position,
           (SELECT json_agg(json_build_array(p.line_no, d.kind, d.owner, c.kind, c.owner, p.amount,
               p.currency) ORDER BY p.line_no)
              FROM posting p JOIN ledger_account d ON d.id = p.debit_account JOIN ledger_account c
                  ON c.id = p.credit_account
             WHERE p.entry_id = e.id) AS lines
      FROM journal_entry e
"""
_UNPLACED = text(_CANONICAL + " WHERE e.position IS NULL ORDER BY e.number LIMIT :limit")
_PLACED = text(
    _CANONICAL + " WHERE e.position > :after AND e.position <= :upto ORDER BY e.position"
)
_PLACE = text("UPDATE journal_entry SET position = :position WHERE id = CAST(:id AS uuid)")
_WAIT = (
    text("SELECT pg_advisory_lock_shared(:key)"),
    text("SELECT pg_advisory_unlock_shared(:key)"),
)
_ALONE = text("SELECT pg_advisory_xact_lock(:key)")
_PLACED_AT = text("""
    SELECT position FROM ledger_seal WHERE sealed_at <= :as_of ORDER BY sealed_at DESC,
        position DESC LIMIT 1
""")
_HEAD = text("SELECT position, hash FROM ledger_seal ORDER BY position DESC LIMIT 1")
_SIGNED = text("SELECT day FROM ledger_head WHERE day = :day")
_SEALS = text(
    "SELECT position, hash FROM ledger_seal WHERE position > :after AND position <= :upto ORDER "
    "BY position"
)
_SEAL_AT = text("SELECT hash FROM ledger_seal WHERE position = :position")
_UNSEALED = text("""
    SELECT min(e.position) FROM journal_entry e
        WHERE e.position > (SELECT coalesce(max(position), 0) FROM ledger_seal)
""")


def _link(previous: bytes, row: Any) -> bytes:
    """SHA-256 over the previous hash and the entry's canonical bytes (bytes, not text: encodings
    must not matter).
    """
    fields = [
        row.id,
        row.number,
        row.kind,
        row.cause,
        row.contract_id,
        row.actor,
        row.occurred_at.isoformat(),
        row.posted_on.isoformat(),
        row.recorded_at.isoformat(),
        row.effective_on.isoformat(),
        row.description,
        row.lines,
    ]
    return hashlib.sha256(
        previous + json.dumps(fields, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    ).digest()


def seal_new(ctx: Context) -> int:
    """Place and seal what has become visible.

    The caller holds the sequencer's lock. Returns how many entries.
    """
    rows = ctx.session.execute(_UNPLACED, {"limit": _BATCH}).all()
    if not rows:
        return 0
    head = ctx.session.execute(_HEAD).one_or_none()
    position, previous = (head.position, bytes(head.hash)) if head else (0, GENESIS)
    for row in rows:
        position += 1
        previous = _link(previous, row)
        ctx.session.execute(_PLACE, {"position": position, "id": row.id})
        ctx.session.add(LedgerSeal(position=position, hash=previous, sealed_at=ctx.now))
    return len(rows)


def seal_all(ctx: Context) -> int:
    """Place and seal everything that is committed, after whoever seals at the moment.

    Returns how many entries.
    """
    ctx.session.execute(_ALONE, {"key": SEQUENCER_LOCK})
    sealed = 0
    while batch := seal_new(ctx):
        ctx.session.flush()
        sealed += batch
    return sealed


def await_sequencer(connection: Session | Connection) -> None:
    """Wait until whoever seals at the moment has committed.

    A sequencer reads the clock when it has its lock: who waits here and asks then for what was
    sealed until an instant that is past misses nothing that will ever be sealed at or before it.
    """
    for statement in _WAIT:
        connection.execute(statement, {"key": SEQUENCER_LOCK})


def position_at(session: Session, as_of: datetime) -> int:
    """The newest position that was sealed at or before an instant: what was known then. 0 before
    the first one.
    """
    return session.execute(_PLACED_AT, {"as_of": as_of}).scalar_one_or_none() or 0


def sign_head(ctx: Context, day: date, signing_key_hex: str) -> bool:
    """Sign the chain's head for a day, once.

    Returns False when there is nothing to sign or it is signed.
    """
    head = ctx.session.execute(_HEAD).one_or_none()
    if head is None or ctx.session.execute(_SIGNED, {"day": day}).one_or_none():
        return False
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(signing_key_hex))
    signature = key.sign(f"{day.isoformat()}:{head.position}:".encode() + bytes(head.hash))
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    ctx.session.add(
        LedgerHead(
            day=day,
            position=head.position,
            hash=bytes(head.hash),
            signature=signature,
            public_key=public,
            signed_at=ctx.now,
        )
    )
    return True


@dataclass(frozen=True)
class Head:
    """A position of the chain and the hash there; position 0 is before the first entry."""

    position: int
    hash: bytes


@dataclass(frozen=True)
class ChainCheck:
    """Up to where the chain is proved, over how many entries, and the first link that does not
    fit.
    """

    position: int
    hash: bytes
    compared: int
    broken: list[dict[str, Any]] = field(default_factory=list)


def head(session: Session) -> Head:
    """The newest link."""
    row = session.execute(_HEAD).one_or_none()
    return Head(row.position, bytes(row.hash)) if row else Head(0, GENESIS)


def check_chain(session: Session, begin: Head | None = None, most: int | None = None) -> ChainCheck:
    """Recompute every link behind `begin` (the first when none is said), at most so many.

    `begin` itself has to be in the chain still: what stands below it hangs on its hash.
    """
    begin = begin or Head(0, GENESIS)
    at = begin
    if (
        at.position
        and session.execute(_SEAL_AT, {"position": at.position}).scalar_one_or_none() != at.hash
    ):
        lost = "the head that was proved last is not in the chain"
        return ChainCheck(at.position, at.hash, 0, [{"position": at.position, "entry": lost}])
    # The sequencer goes on meanwhile: entries and seals are read as far as both were when this
    # began.
    end = head(session).position
    upto = end if most is None else min(end, begin.position + most)
    while at.position < upto:
        at, broken = _check_batch(session, at, min(upto, at.position + _BATCH))
        if broken:
            return ChainCheck(at.position, at.hash, at.position - begin.position, broken)
    unsealed = session.execute(_UNSEALED).scalar_one_or_none() if upto == end else None
    broken = [{"position": unsealed, "entry": _UNPAIRED}] if unsealed else []
    return ChainCheck(at.position, at.hash, at.position - begin.position, broken)


def _check_batch(session: Session, behind: Head, upto: int) -> tuple[Head, list[dict[str, Any]]]:
    """The last link that fits, and the first one that does not."""
    after, previous = behind.position, behind.hash
    given = {"after": after, "upto": upto}
    entries, seals = session.execute(_PLACED, given).all(), session.execute(_SEALS, given).all()
    for entry, seal in zip(entries, seals, strict=False):
        link = _link(previous, entry)
        if (
            entry.position != after + 1
            or seal.position != entry.position
            or bytes(seal.hash) != link
        ):
            return Head(after, previous), [{"position": entry.position, "entry": entry.id}]
        after, previous = entry.position, link
    missing = [{"position": after + 1, "entry": _UNPAIRED}] if after != upto else []
    return Head(after, previous), missing
