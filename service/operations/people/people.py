"""Freelancers and the keys that act for them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.core import events
from service.core.context import Context
from service.domain.errors import Invalid, NotFound, Unauthenticated
from service.domain.identity import actors, address, names, typeid
from service.domain.identity.actors import Actor
from service.domain.identity.names import NameKind
from service.domain.identity.permissions import ROLE_PERMISSIONS, key_prefix
from service.models import ApiKey, Freelancer, new_id
from service.models.people.people import ROLES
from service.platform import clock
from service.platform.db import fetch

_LAST_USED_GRAIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Principal:
    """Who calls with a key."""

    key_id: str
    role: str
    freelancer_id: str | None
    staff_id: str | None
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        """As it is written beside every fact: people act as themselves, a marketplace by its
        key.
        """
        if self.freelancer_id:
            return actors.freelancer(self.freelancer_id)
        return actors.staff(self.staff_id) if self.staff_id else actors.platform(self.key_id)


def create_freelancer(
    ctx: Context, *, external_ref: str, email: str, display_name: str, country: str
) -> Freelancer:
    """Enter a freelancer of the marketplace. Raises Invalid when `external_ref` is taken."""
    names.check("/display_name", display_name, NameKind.PERSON, ctx.policies.platform_name)
    # Two calls at once: the unique index lets one through, the other waits here and then finds it.
    ctx.session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:ref, 1))"), {"ref": external_ref}
    )
    if ctx.session.execute(
        select(Freelancer.id).where(Freelancer.external_ref == external_ref)
    ).first():
        raise Invalid.one(
            "/external_ref", "taken", "A freelancer with this external_ref exists already."
        )
    made = Freelancer(
        id=new_id("frl"),
        external_ref=external_ref,
        email=address.normal(email),
        display_name=display_name,
        country=country,
        created_at=ctx.now,
    )
    ctx.session.add(made)
    events.record(ctx, "freelancer.created", made, external_ref=external_ref)
    return made


def find_freelancer(session: Session, freelancer_id: str) -> Freelancer:
    """Raises NotFound."""
    found = (
        session.get(Freelancer, freelancer_id) if typeid.is_typeid(freelancer_id, "frl") else None
    )
    if found is None:
        raise NotFound("There is no such freelancer.")
    return found


def issue_key(
    ctx: Context,
    role: str,
    mode: str,
    freelancer_id: str | None = None,
    scopes: list[str] | None = None,
    expires_at: datetime | None = None,
    name: str | None = None,
    staff_id: str | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its secret, which is shown this once and stored only as a digest.

    PostgreSQL lets nobody but the owner of its tables make a key that is not a freelancer's;
    `staff_id`: whose a key of staff is. Raises Invalid on a scope the role lacks.
    """
    allowed = ROLE_PERMISSIONS[role]
    beyond = sorted(set(scopes or ()) - set(allowed))
    if beyond:
        raise Invalid.one(
            "/scopes", "unknown_scope", f"A {role} key cannot have {', '.join(beyond)}."
        )
    secret = new_secret(mode)
    key = ApiKey(
        id=new_id("key"),
        digest=digest_of(secret),
        hint=secret[-4:],
        name=name,
        role=role,
        freelancer_id=freelancer_id,
        staff_id=staff_id,
        scopes=sorted(scopes or allowed),
        created_at=ctx.now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    ctx.session.add(key)
    events.record(ctx, "key.issued", key, public=False, role=role)
    return key, secret


def new_secret(mode: str) -> str:
    """What a caller will show: 256 random bits, and the mode that it is good in."""
    return f"{key_prefix(mode)}{secrets.token_urlsafe(32)}"


ROLES_OF_THE_MARKETPLACE = ("freelancer", "platform")
"""Whose keys a marketplace's key sees and ends: its own side's, never staff's."""


def revoke_key(ctx: Context, key_id: str, roles: tuple[str, ...] = ROLES) -> ApiKey:
    """From this commit on the key opens nothing.

    Revoking twice is the same. Raises NotFound for a key of other roles too.
    """
    query = select(ApiKey).where(ApiKey.id == key_id, ApiKey.role.in_(roles))
    key = (
        ctx.session.execute(query).scalar_one_or_none() if typeid.is_typeid(key_id, "key") else None
    )
    if key is None:
        raise NotFound("There is no such key.")
    if key.revoked_at is None:
        key.revoked_at = ctx.now
        events.record(ctx, "key.revoked", key, public=False)
    return key


def list_keys(
    session: Session, freelancer_id: str | None, roles: tuple[str, ...] = ROLES
) -> list[ApiKey]:
    """Keys of one freelancer, or of everybody in these roles, newest first; never their secrets.

    At most 100.
    """
    query = select(ApiKey).where(ApiKey.role.in_(roles)).order_by(ApiKey.id.desc()).limit(100)
    if freelancer_id:
        query = query.where(ApiKey.freelancer_id == freelancer_id)
    return list(session.execute(query).scalars())


_AUTHENTICATE = f"""
    SELECT {clock.NOW} AS now, mode, k.id, k.role, k.freelancer_id, k.staff_id, k.scopes, k.digest,
        k.expires_at, k.revoked_at, k.last_used_at,
           m.ended_at
      FROM installation LEFT JOIN api_key k ON k.digest = %s LEFT JOIN staff_member m
          ON m.id = k.staff_id
"""
_USED = text("UPDATE api_key SET last_used_at = :now WHERE digest = :digest")


def authenticate(session: Session, secret: str) -> tuple[Principal, datetime]:
    """Who a key belongs to, and the service's present instant: every call begins with both, so it
    is one statement.

    Raises Unauthenticated for a key that is unknown, expired, revoked, of the other mode or of
    somebody who has left, without saying which.
    """
    digest = digest_of(secret)
    # Straight to the driver: every call asks this first.
    row = fetch(session, _AUTHENTICATE, (digest,))[0]
    now = row.now.astimezone(UTC)
    over = row.revoked_at or (row.expires_at and row.expires_at <= now) or row.ended_at
    if (
        row.id is None
        or over
        or not hmac.compare_digest(row.digest, digest)
        or not secret.startswith(key_prefix(row.mode))
    ):
        raise Unauthenticated("The API key is not valid.")
    if row.last_used_at is None or now - row.last_used_at > _LAST_USED_GRAIN:
        session.execute(_USED, {"now": now, "digest": digest})
    whose = typeid.encode("frl", row.freelancer_id) if row.freelancer_id else None
    person = typeid.encode("stf", row.staff_id) if row.staff_id else None
    allowed = frozenset(row.scopes).intersection(ROLE_PERMISSIONS[row.role])
    return Principal(typeid.encode("key", row.id), row.role, whose, person, allowed), now


def digest_of(secret: str) -> str:
    # The secret has 256 random bits: a plain hash is enough, nothing can be guessed from it.
    return hashlib.sha256(secret.encode()).hexdigest()
