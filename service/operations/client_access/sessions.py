"""A browser that a link has let in: what it may open, for how long, and how it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.core.context import Context
from service.domain.errors import Gone, Invalid
from service.domain.identity import actors, typeid
from service.domain.identity.actors import Actor
from service.models import ClientLink, SessionGrant
from service.operations.client_access import links
from service.platform.db import fetch
from service.shared import form_keys, link_sessions
from service.shared.link_sessions import CLIENT

BINDS_FRESH = timedelta(minutes=30)


BINDS_ANY = timedelta(hours=12)


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


def open_session(ctx: Context, link: ClientLink, cookie: str, user_agent: str) -> str:
    """Let a browser in by a link; returns the cookie's new value, or the old one when it is this
    client's live session.
    """
    arrival = link_sessions.come_in(ctx, CLIENT, link.client_id, cookie, user_agent)
    ctx.session.flush()
    grant = ctx.session.get(SessionGrant, (arrival.session.id, link.contract_id))
    if grant is None:
        ctx.session.add(
            SessionGrant(
                session_id=arrival.session.id,
                contract_id=link.contract_id,
                link_id=link.id,
                role=link.role,
                verified_at=None,
            )
        )
    else:
        _come_by(grant, link, good=_still_good(ctx, grant))
    return arrival.cookie


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


_VISITOR = """
    SELECT s.id, s.client_id, s.created_at, s.last_seen_at, g.contract_id, g.link_id, g.role,
        g.verified_at
      FROM client_session s JOIN session_grant g ON g.session_id = s.id JOIN client_link l
          ON l.id = g.link_id
      JOIN contract c ON c.id = g.contract_id AND c.client_id = l.client_id
     WHERE s.digest = %s AND g.contract_id = %s AND s.closed_at IS NULL AND l.revoked_at IS NULL
"""


def visitor(ctx: Context, cookie: str, contract_uuid: object) -> Visitor | None:
    """Who looks at this contract with this cookie; None without a live session that was opened by
    one of its links.
    """
    found = fetch(ctx.session, _VISITOR, (link_sessions.digest(cookie), contract_uuid))
    if not found or not link_sessions.look(ctx, CLIENT, cookie, found[0]):
        return None
    row = found[0]
    return Visitor(
        session_id=typeid.encode("ses", row.id),
        client_id=typeid.encode("cli", row.client_id),
        contract_id=typeid.encode("ctr", row.contract_id),
        link_id=typeid.encode("lnk", row.link_id),
        role=row.role,
        verified_at=row.verified_at,
    )


def use_form(ctx: Context, key: str, location: str) -> bool:
    """Use up a form's one-time key.

    Returns False when it was used before: Back, or a double click.
    """
    if not 20 <= len(key) <= 64:
        raise Invalid.one("form_key", "form_key", "The form is not complete; open the page again.")
    return form_keys.use(ctx, key, location)
