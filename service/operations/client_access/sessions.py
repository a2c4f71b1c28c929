"""A browser that a link has let in: what it may open, for how long, and how it leaves."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text, update

from service.core.context import Context
from service.domain.errors import Gone, Invalid
from service.domain.identity import actors, typeid
from service.domain.identity.actors import Actor
from service.models import ClientLink, ClientSession, SessionGrant, new_id
from service.operations.client_access import links
from service.platform.db import fetch

SESSION_IDLE = timedelta(hours=2)


SESSION_LONGEST = timedelta(hours=12)


BINDS_FRESH = timedelta(minutes=30)


BINDS_ANY = timedelta(hours=12)


_SEEN_GRAIN = timedelta(minutes=1)


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
            actors.client(self.client_id)
            if self.role == links.PAYER
            else actors.colleague(self.link_id)
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
    if good and links.STRENGTH[link.role] < links.STRENGTH[grant.role]:
        return
    if not good or (grant.role, link.role) != (links.PAYER, links.PAYER):
        grant.verified_at = None
    grant.link_id, grant.role = link.id, link.role


def _still_good(ctx: Context, grant: SessionGrant) -> bool:
    link = ctx.session.get_one(ClientLink, grant.link_id)
    try:
        links.require_open(ctx, link)
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
