"""Two people are two people: who stands behind an actor, whichever of their keys was used."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.context import Context
from service.domain.identity import actors, typeid
from service.domain.identity.actors import Actor, ActorKind
from service.domain.identity.typeid import ObjectKind
from service.models import ApiKey

MARKETPLACE = Actor(ActorKind.PLATFORM, "marketplace")
"""Every key of the marketplace is the same party."""


def person_of(session: Session, actor: Actor) -> Actor:
    """The person of staff behind a key that facts of before name; whoever is no key is themselves.

    `person_of` in `migrations/objects/people.sql` says the same to PostgreSQL, which refuses what
    this overlooks.
    """
    if not typeid.is_typeid(actor.id, ObjectKind.KEY):
        return actor
    row = session.execute(select(ApiKey.staff_id).where(ApiKey.id == actor.id)).one_or_none()
    if row is None:
        return actor
    return actors.staff(row.staff_id) if row.staff_id else MARKETPLACE


def is_one_of(ctx: Context, *others: Actor | None) -> bool:
    """Whether the person who acts is one of these."""
    return among(ctx.session, ctx.actor, *others)


def among(session: Session, actor: Actor, *others: Actor | None) -> bool:
    """Whether two names mean one person: of `actor`, and of any of the others who is named."""
    who = person_of(session, actor)
    return any(who == person_of(session, other) for other in others if other is not None)


def asking(session: Session, actor: Actor) -> Callable[..., bool]:
    """`among` for a page about one colleague."""
    return lambda *others: among(session, actor, *others)
