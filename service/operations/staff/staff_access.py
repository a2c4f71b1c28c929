"""How people of staff come into the console: with a key of theirs, or by a link that works once.

Actions about money need a proof of the last minutes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events
from service.core.context import Context
from service.domain.errors import Gone, NotFound, Unauthenticated
from service.domain.identity import actors, typeid
from service.domain.identity.actors import Actor
from service.domain.identity.permissions import ROLE_PERMISSIONS, key_prefix
from service.models import (
    STAFF_ROLES,
    ApiKey,
    Installation,
    StaffLink,
    StaffMember,
)
from service.platform.db import fetch
from service.shared import link_sessions
from service.shared.link_sessions import STAFF

LINK_LIFE = timedelta(minutes=15)
PROOF_LASTS = timedelta(minutes=5)


@dataclass(frozen=True)
class Colleague:
    """Whoever looks at the console: a person of staff, in a browser that one of their keys
    opened.
    """

    session_id: str
    key_id: str
    staff_id: str
    name: str
    role: str
    scopes: frozenset[str]
    proved_at: datetime

    @property
    def actor(self) -> Actor:
        return actors.staff(self.staff_id)

    def proved(self, now: datetime) -> bool:
        return now - self.proved_at <= PROOF_LASTS


def make_link(ctx: Context, key_id: str) -> str:
    """A token that opens the console once within fifteen minutes, for whoever gets it.

    Raises NotFound for a key that is not of staff.
    """
    key = _usable(ctx, ctx.session.get(ApiKey, key_id) if typeid.is_typeid(key_id, "key") else None)
    if key is None:
        raise NotFound("There is no such key of a person of staff.")
    token = secrets.token_urlsafe(32)
    ctx.session.add(
        StaffLink(
            digest=link_sessions.digest(token),
            key_id=key.id,
            created_by=ctx.actor,
            created_at=ctx.now,
            expires_at=ctx.now + LINK_LIFE,
            used_at=None,
        )
    )
    events.record(ctx, "staff.link_made", key, public=False)
    return token


def by_link(ctx: Context, token: str) -> ApiKey:
    """Use up a link. Raises Gone for one that is unknown, old or used, without saying which."""
    link = ctx.session.execute(
        select(StaffLink).where(StaffLink.digest == link_sessions.digest(token)).with_for_update()
    ).scalar_one_or_none()
    key = _usable(ctx, ctx.session.get(ApiKey, link.key_id)) if link else None
    if link is None or key is None or link.used_at or link.expires_at <= ctx.now:
        raise Gone("This link has been used, or its fifteen minutes are over.")
    link.used_at = ctx.now
    return key


def by_secret(ctx: Context, secret: str) -> ApiKey:
    """The staff key that was typed.

    Raises Unauthenticated for anything else, a key of the other mode among it.
    """
    mode = ctx.session.execute(select(Installation.mode)).scalar_one()
    key = _usable(
        ctx,
        ctx.session.execute(
            select(ApiKey).where(ApiKey.digest == link_sessions.digest(secret.strip()))
        ).scalar_one_or_none(),
    )
    if key is None or not secret.strip().startswith(key_prefix(mode)):
        raise Unauthenticated("This key opens nothing here.")
    return key


def _usable(ctx: Context, key: ApiKey | None) -> ApiKey | None:
    if key is None or key.role not in STAFF_ROLES or not link_sessions.is_open(key, ctx.now):
        return None
    return key if ctx.session.get_one(StaffMember, key.staff_id).ended_at is None else None


def enter(ctx: Context, key: ApiKey, cookie: str, user_agent: str) -> str:
    """The browser has proved whose it is; returns the cookie's value, the old one when it is this
    person's live session already.
    """
    arrival = link_sessions.come_in(ctx, STAFF, key.id, cookie, user_agent)
    arrival.session.proved_at = ctx.now
    events.record(ctx, "staff.entered" if arrival.fresh else "staff.proved", key, public=False)
    return arrival.cookie


_SESSION = """
    SELECT s.id, s.key_id, s.created_at, s.last_seen_at, s.proved_at, m.id AS staff_id, m.name,
        k.role, k.scopes, k.expires_at
      FROM staff_session s JOIN api_key k ON k.id = s.key_id JOIN staff_member m
          ON m.id = k.staff_id
     WHERE s.digest = %s AND s.closed_at IS NULL AND k.revoked_at IS NULL AND m.ended_at IS NULL
"""


def colleague(ctx: Context, cookie: str) -> Colleague | None:
    """Who looks at the console with this cookie; None without a live session.

    A revoked key closes its sessions at once, and whoever has left closes all of theirs.
    """
    found = fetch(ctx.session, _SESSION, (link_sessions.digest(cookie),)) if cookie else []
    if not found or (found[0].expires_at is not None and found[0].expires_at <= ctx.now):
        return None
    row = found[0]
    if not link_sessions.look(ctx, STAFF, cookie, row):
        return None
    return Colleague(
        session_id=typeid.encode("sts", row.id),
        key_id=typeid.encode("key", row.key_id),
        staff_id=typeid.encode("stf", row.staff_id),
        name=row.name,
        role=row.role,
        scopes=frozenset(row.scopes).intersection(ROLE_PERMISSIONS[row.role]),
        proved_at=row.proved_at,
    )


@dataclass(frozen=True)
class WayIn:
    """One way in: a key of a person of staff."""

    key_id: str
    staff_id: str
    name: str
    email: str | None
    role: str
    hint: str


def staff(session: Session) -> list[WayIn]:
    """Everybody who may come in, by each of their keys; at most 200."""
    query = (
        select(ApiKey, StaffMember)
        .join(StaffMember, ApiKey.staff_id == StaffMember.id)
        .where(ApiKey.revoked_at.is_(None), StaffMember.ended_at.is_(None))
        .order_by(ApiKey.role, ApiKey.id)
        .limit(200)
    )
    return [WayIn(k.id, m.id, m.name, m.email, k.role, k.hint) for k, m in session.execute(query)]


def names(session: Session) -> dict[Actor, str]:
    """What the actors of staff and platforms are called, by the actor as facts name it; at most 500
    of each.

    Facts of before people were rows name a key.
    """
    people = session.execute(
        select(StaffMember.id, StaffMember.name).order_by(StaffMember.id.desc()).limit(500)
    )
    found = {actors.staff(one): name for one, name in people}
    keys = (
        select(ApiKey.id, ApiKey.role, ApiKey.name, ApiKey.hint, StaffMember.name)
        .outerjoin(StaffMember, ApiKey.staff_id == StaffMember.id)
        .where(ApiKey.role != "freelancer")
        .order_by(ApiKey.id.desc())
        .limit(500)
    )
    for key, role, name, hint, person in session.execute(keys):
        found[actors.staff(key)] = person or name or f"{role} …{hint}"
    return found
