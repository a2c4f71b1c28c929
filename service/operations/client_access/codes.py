"""The code by e-mail that makes a decision the client's own: asked for, tried, used."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from service.core import events
from service.core.context import Context
from service.domain.errors import CodeRequired, NotFound, TooManyRequests
from service.models import ClientSession, CodeChallenge, Contract, SessionGrant, new_id
from service.operations.client_access import sessions
from service.platform.locks import Lock, alone

CODE_LIFE = timedelta(minutes=10)


CODE_TRIES = 5


CODES_PER_HOUR = 5


CODES_PER_PERSON_AND_HOUR = 10
"""Over all their contracts; a colleague's link asks for none."""


def ask_code(ctx: Context, who: sessions.Visitor, contract: Contract) -> CodeChallenge:
    """A fresh code by mail.

    A challenge that is still good and was asked for a moment ago is used again.

    Counted by person, over every browser of theirs: what others asked for this contract before it
    moved does not count. Raises TooManyRequests after five in an hour for one contract, and ten for
    all of theirs.
    """
    alone(ctx.session, Lock.CODE, who.client_id)
    theirs = _challenges_within_the_hour(ctx, who.client_id)
    recent = [one for one in theirs if one.contract_id == contract.id]
    newest = recent[0] if recent else None
    fresh = (
        newest
        and newest.session_id == who.session_id
        and newest.used_at is None
        and newest.tries < CODE_TRIES
    )
    if newest and fresh and ctx.now - newest.created_at < timedelta(seconds=60):
        return newest
    if len(recent) >= CODES_PER_HOUR or len(theirs) >= CODES_PER_PERSON_AND_HOUR:
        raise TooManyRequests(
            "Many codes were sent within the hour; please use the newest, or wait.",
            {"retry_after": 3600},
        )
    challenge = CodeChallenge(
        id=new_id("cod"),
        contract_id=contract.id,
        session_id=who.session_id,
        tries=0,
        created_at=ctx.now,
        expires_at=ctx.now + CODE_LIFE,
        used_at=None,
    )
    ctx.session.add(challenge)
    events.record(ctx, "code.requested", contract, public=False, challenge=challenge.id)
    return challenge


def _challenges_within_the_hour(ctx: Context, client_id: str) -> Sequence[CodeChallenge]:
    """Over every browser of theirs, newest first."""
    query = (
        select(CodeChallenge)
        .join(ClientSession, CodeChallenge.session_id == ClientSession.id)
        .where(
            ClientSession.client_id == client_id,
            CodeChallenge.created_at > ctx.now - timedelta(hours=1),
        )
        .order_by(CodeChallenge.created_at.desc())
    )
    return ctx.session.execute(query).scalars().all()


def code_of(server_key: str, challenge_id: str) -> str:
    """The six digits: an HMAC of the challenge's id, so the code is stored nowhere."""
    digest = hmac.new(
        server_key.encode(), b"code.v1:" + challenge_id.encode(), hashlib.sha256
    ).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06d}"


def verify_code(
    ctx: Context, who: sessions.Visitor, server_keys: tuple[str, ...], typed: str
) -> int | None:
    """Check a typed code, six digits.

    Returns None when it is right, else how many tries are left.

    A wrong try is counted in this transaction, which must commit: so this does not raise. Raises
    CodeRequired when no code is waiting (expired, used up, or never asked for).
    """
    query = (
        select(CodeChallenge)
        .where(
            CodeChallenge.session_id == who.session_id,
            CodeChallenge.contract_id == who.contract_id,
            CodeChallenge.used_at.is_(None),
        )
        .order_by(CodeChallenge.created_at.desc())
        .limit(1)
        .with_for_update()
    )
    challenge = ctx.session.execute(query).scalar_one_or_none()
    if challenge is None or challenge.expires_at <= ctx.now or challenge.tries >= CODE_TRIES:
        raise CodeRequired("This code is no longer good. Ask for a new one.")
    challenge.tries += 1
    right = [hmac.compare_digest(code_of(key, challenge.id), typed) for key in server_keys]
    if not any(right):
        return CODE_TRIES - challenge.tries
    challenge.used_at = ctx.now
    grant = ctx.session.get(SessionGrant, (who.session_id, who.contract_id))
    if grant is None:
        raise NotFound("There is no such session.")
    grant.verified_at = ctx.now
    return None
