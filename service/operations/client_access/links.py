"""How a client without an account gets in: a link's row, a browser's session, a six-digit code for
what binds.

Signing tokens and cookies is the caller's; here is what the rows decide.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from service.core import events
from service.core.context import Context
from service.domain.errors import CodeRequired, Gone, Invalid, NotFound, TooManyRequests
from service.domain.identity import actors, typeid
from service.domain.identity.actors import Actor
from service.models import ClientLink, ClientSession, CodeChallenge, Contract, SessionGrant, new_id
from service.platform.db import fetch
from service.platform.locks import Lock, alone

SESSION_IDLE = timedelta(hours=2)
SESSION_LONGEST = timedelta(hours=12)
CODE_LIFE = timedelta(minutes=10)
CODE_TRIES = 5
CODES_PER_HOUR = 5
CODES_PER_PERSON_AND_HOUR = 10
"""Over all their contracts; a colleague's link asks for none."""
PAYER = "payer"
_STRENGTH = {"viewer": 0, "pay_only": 1, PAYER: 2}
"""Of links that one browser was opened by, the strongest that lives counts."""
BINDS_FRESH = timedelta(minutes=30)
BINDS_ANY = timedelta(hours=12)
_SEEN_GRAIN = timedelta(minutes=1)


def current_link(ctx: Context, contract: Contract, role: str = "payer") -> ClientLink:
    """The link to put into a mail: the present one while it has two weeks left, otherwise a fresh
    one.
    """
    windows = ctx.policies.windows
    query = (
        select(ClientLink)
        .where(
            ClientLink.contract_id == contract.id,
            ClientLink.client_id == contract.client_id,
            ClientLink.role == role,
            ClientLink.passed_to.is_(None),
        )
        .where(
            ClientLink.revoked_at.is_(None),
            ClientLink.expires_at > ctx.now + timedelta(days=windows.link_days_min),
        )
        .order_by(ClientLink.id.desc())
        .limit(1)
    )
    link = ctx.session.execute(query).scalar_one_or_none()
    if link is None:
        link = ClientLink(
            id=new_id("lnk"),
            contract_id=contract.id,
            client_id=contract.client_id,
            role=role,
            passed_to=None,
            revision=1,
            created_at=ctx.now,
            expires_at=ctx.now + _life(ctx, contract),
            revoked_at=None,
        )
        ctx.session.add(link)
    return link


def _life(ctx: Context, contract: Contract) -> timedelta:
    windows = ctx.policies.windows
    last_due = max((m.due_on for m in contract.milestones if m.due_on), default=date.min)
    until_due = (
        (datetime.combine(last_due, time.min, ctx.now.tzinfo) - ctx.now).days
        if last_due > ctx.now.date()
        else 0
    )
    days = until_due + windows.link_days_after_last_due
    return timedelta(days=min(max(days, windows.link_days_min), windows.link_days_max))


def link_of(session: Session, link_id: str, revision: int) -> ClientLink:
    """The row behind a token, whatever its age. Raises NotFound."""
    link = session.get(ClientLink, link_id)
    if link is None or link.revision != revision:
        raise NotFound("We do not recognise this link.")
    return link


def require_open(ctx: Context, link: ClientLink) -> None:
    """Raises Gone for a link that has expired or was revoked."""
    if link.revoked_at is not None or link.expires_at <= ctx.now:
        raise Gone("This link has ended.")
    if link.client_id != ctx.session.get_one(Contract, link.contract_id).client_id:
        raise Gone("The contract has moved to another address.")


def renew(ctx: Context, link: ClientLink, contract: Contract) -> None:
    """Mail a fresh link to the same address; at most three an hour.

    Nothing tells whether the address is right.
    """
    query = (
        select(func.count())
        .select_from(ClientLink)
        .where(
            ClientLink.contract_id == contract.id,
            ClientLink.created_at > ctx.now - timedelta(hours=1),
        )
    )
    if ctx.session.execute(query).scalar_one() >= 3:
        raise TooManyRequests(
            "A new link was sent already; please look into the mailbox.", {"retry_after": 3600}
        )
    fresh = ClientLink(
        id=new_id("lnk"),
        contract_id=contract.id,
        client_id=link.client_id,
        role=link.role,
        passed_to=link.passed_to,
        revision=1,
        created_at=ctx.now,
        expires_at=ctx.now + _life(ctx, contract),
        revoked_at=None,
    )
    ctx.session.add(fresh)
    events.record(ctx, "link.renewed", contract, public=False, link=fresh.id)


def address_of(link: ClientLink, contract: Contract) -> str:
    """Whose mailbox a link belongs to: the client's, or the colleague's to whom it was passed
    on.
    """
    return link.passed_to or contract.client.email


@dataclass(frozen=True)
class Visitor:
    """A browser with a session, looking at one contract."""

    session_id: str
    client_id: str
    contract_id: str
    link_id: str
    role: str
    verified_at: datetime | None

    @property
    def actor(self) -> Actor:
        return (
            actors.client(self.client_id) if self.role == PAYER else actors.colleague(self.link_id)
        )

    def verified_within(self, now: datetime, span: timedelta) -> bool:
        return self.verified_at is not None and now - self.verified_at <= span


def open_session(ctx: Context, link: ClientLink, cookie: str | None, user_agent: str) -> str:
    """Let a browser in by a link; returns the cookie's new value, or the old one when it is this
    client's live session.
    """
    session = _live_session(ctx, cookie)
    if session is None or session.client_id != link.client_id:
        cookie = secrets.token_urlsafe(32)
        session = ClientSession(
            id=new_id("ses"),
            digest=_digest(cookie),
            client_id=link.client_id,
            user_agent=user_agent[:200],
            created_at=ctx.now,
            last_seen_at=ctx.now,
            closed_at=None,
        )
        ctx.session.add(session)
        ctx.session.flush()
    grant = ctx.session.get(SessionGrant, (session.id, link.contract_id))
    if grant is None:
        ctx.session.add(
            SessionGrant(
                session_id=session.id,
                contract_id=link.contract_id,
                link_id=link.id,
                role=link.role,
                verified_at=None,
            )
        )
    else:
        _come_by(grant, link, good=_still_good(ctx, grant))
    assert cookie is not None
    return cookie


def _come_by(grant: SessionGrant, link: ClientLink, *, good: bool) -> None:
    """The browser goes on with this link, unless it came by a stronger one that opens still
    (`good`).

    What it proved counts on only where both are the client's own and the old one has not ended.
    """
    if good and _STRENGTH[link.role] < _STRENGTH[grant.role]:
        return
    if not good or (grant.role, link.role) != (PAYER, PAYER):
        grant.verified_at = None
    grant.link_id, grant.role = link.id, link.role


def _still_good(ctx: Context, grant: SessionGrant) -> bool:
    link = ctx.session.get_one(ClientLink, grant.link_id)
    try:
        require_open(ctx, link)
    except Gone:
        return False
    return True


def _live_session(ctx: Context, cookie: str | None) -> ClientSession | None:
    if not cookie:
        return None
    found = ctx.session.execute(
        select(ClientSession).where(ClientSession.digest == _digest(cookie))
    ).scalar_one_or_none()
    if (
        found is None
        or found.closed_at
        or ctx.now - found.last_seen_at > SESSION_IDLE
        or ctx.now - found.created_at > SESSION_LONGEST
    ):
        return None
    return found


_VISITOR = """
    SELECT s.id, s.client_id, s.created_at, s.last_seen_at, g.contract_id, g.link_id, g.role,
        g.verified_at
      FROM client_session s JOIN session_grant g ON g.session_id = s.id JOIN client_link l
          ON l.id = g.link_id
      JOIN contract c ON c.id = g.contract_id AND c.client_id = l.client_id
     WHERE s.digest = %s AND g.contract_id = %s AND s.closed_at IS NULL AND l.revoked_at IS NULL
"""
_SEEN = text("UPDATE client_session SET last_seen_at = :now WHERE digest = :digest")


def visitor(ctx: Context, cookie: str, contract_uuid: object) -> Visitor | None:
    """Who looks at this contract with this cookie; None without a live session that was opened by
    one of its links.
    """
    digest = _digest(cookie)
    found = fetch(ctx.session, _VISITOR, (digest, contract_uuid))
    row = found[0] if found else None
    if (
        row is None
        or ctx.now - row.last_seen_at > SESSION_IDLE
        or ctx.now - row.created_at > SESSION_LONGEST
    ):
        return None
    if ctx.now - row.last_seen_at > _SEEN_GRAIN:
        ctx.session.execute(_SEEN, {"now": ctx.now, "digest": digest})
    return Visitor(
        session_id=typeid.encode("ses", row.id),
        client_id=typeid.encode("cli", row.client_id),
        contract_id=typeid.encode("ctr", row.contract_id),
        link_id=typeid.encode("lnk", row.link_id),
        role=row.role,
        verified_at=row.verified_at,
    )


def sign_out(ctx: Context, cookie: str) -> None:
    """Close the session of this browser, for every contract that it has open.

    A cookie of nobody's changes nothing.
    """
    mine = update(ClientSession).where(
        ClientSession.digest == _digest(cookie), ClientSession.closed_at.is_(None)
    )
    ctx.session.execute(mine.values(closed_at=ctx.now))


def close_sessions(ctx: Context, client_id: str) -> None:
    """Close access on all devices."""
    mine = update(ClientSession).where(
        ClientSession.client_id == client_id, ClientSession.closed_at.is_(None)
    )
    ctx.session.execute(mine.values(closed_at=ctx.now))


def ask_code(ctx: Context, who: Visitor, contract: Contract) -> CodeChallenge:
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


def verify_code(ctx: Context, who: Visitor, server_keys: tuple[str, ...], typed: str) -> int | None:
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


def use_form(ctx: Context, key: str, location: str) -> bool:
    """Use up a form's one-time key.

    Returns False when it was used before: Back, or a double click.
    """
    if not 20 <= len(key) <= 64:
        raise Invalid.one("form_key", "form_key", "The form is not complete; open the page again.")
    statement = (
        "INSERT INTO form_key (key, location, used_at) VALUES (%s, %s, %s) ON CONFLICT "
        "DO NOTHING RETURNING key"
    )
    return bool(fetch(ctx.session, statement, (key, location, ctx.now)))


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
