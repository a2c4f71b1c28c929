"""A freelancer lets their accountant read: figures only, until a day, and every look is written
down.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, repository
from service.core.context import Context
from service.core.repository import EVERYONE, Owner
from service.domain.errors import Gone, Invalid
from service.domain.identity import names
from service.domain.identity.names import NameKind
from service.models import AccountantLink, AccountantVisit, new_id
from service.shared import link_sessions

MOST_DAYS, MOST_LINKS, MOST_VISITS = 366, 20, 200


def give(ctx: Context, freelancer_id: str, name: str, days: int) -> AccountantLink:
    """Raises Invalid beyond a year, or when twenty are open."""
    repository.freelancer(ctx.session, freelancer_id, lock=True)
    if not 1 <= days <= MOST_DAYS:
        raise Invalid.one("/days", "days", f"From 1 to {MOST_DAYS} days.")
    names.check("/name", name, NameKind.PERSON, ctx.policies.platform_name)
    if (
        len(
            [
                one
                for one in listed(ctx.session, freelancer_id)
                if link_sessions.is_open(one, ctx.now)
            ]
        )
        >= MOST_LINKS
    ):
        raise Invalid.one(
            "/name", "too_many", f"At most {MOST_LINKS} links are open at once; end one first."
        )
    made = AccountantLink(
        id=new_id("acl"),
        freelancer_id=freelancer_id,
        name=name,
        made_at=ctx.now,
        expires_at=ctx.now + timedelta(days=days),
        revoked_at=None,
    )
    ctx.session.add(made)
    events.record(ctx, "accountant_link.given", made, public=False, name=name)
    return made


def listed(session: Session, freelancer_id: str) -> list[AccountantLink]:
    """Newest first, at most 100."""
    query = (
        select(AccountantLink)
        .where(AccountantLink.freelancer_id == freelancer_id)
        .order_by(AccountantLink.id.desc())
        .limit(100)
    )
    return list(session.execute(query).scalars())


def find(session: Session, link_id: str, *, owner: Owner) -> AccountantLink:
    """Raises NotFound."""
    found: AccountantLink = repository.owned(
        session, AccountantLink, "acl", link_id, owner=owner, missing="There is no such link."
    )
    return found


def end(ctx: Context, link: AccountantLink) -> None:
    """It opens nothing any more, also in browsers that are inside."""
    if link_sessions.revoke(ctx, link):
        events.record(ctx, "accountant_link.ended", link, public=False)


def require_open(ctx: Context, link_id: str) -> AccountantLink:
    """Raises Gone once it is over."""
    link = find(ctx.session, link_id, owner=EVERYONE)
    if not link_sessions.is_open(link, ctx.now):
        raise Gone("This link is over. Ask the person who gave it to you for a new one.")
    return link


def visits(session: Session, link_id: str) -> list[AccountantVisit]:
    """Newest first, at most 200."""
    query = (
        select(AccountantVisit)
        .where(AccountantVisit.link_id == link_id)
        .order_by(AccountantVisit.id.desc())
        .limit(MOST_VISITS)
    )
    return list(session.execute(query).scalars())
