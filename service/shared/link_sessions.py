"""A browser that came by a link: let in, known again, let go. One way for everybody who has no
password here: a client, a freelancer with a notice, an accountant, a person of staff.

A link opens nothing by itself: POST makes a session, and at every look the caller asks again what
the session may open (the link's row, the hold, the key), so what ends there ends every browser.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Literal, Protocol, TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute

from service.core.context import Context
from service.models import (
    AccountantLink,
    AccountantVisit,
    ApiKey,
    ClientLink,
    ClientSession,
    StaffSession,
    new_id,
)
from service.platform.tokens import BadToken, Tokens
from service.shared import form_keys

_SEEN_GRAIN = timedelta(minutes=1)
_LONGEST_BROWSER, _LONGEST_VISIT = 200, 100

Row = TypeVar("Row", ClientSession, StaffSession)


@dataclass(frozen=True)
class Purpose:
    """What those who come by a link do not share.

    `longest` counts from the coming in, and is how long the browser keeps the cookie. `same_site`:
    Lax where a page is come back to from elsewhere (Stripe, a mailbox).
    """

    cookie: str
    longest: timedelta
    same_site: Literal["Lax", "Strict"]


@dataclass(frozen=True)
class RowPurpose(Purpose, Generic[Row]):
    """Its sessions are rows: a random cookie, kept as a digest; over after `idle` without a look.

    The visits: when it was looked last, to the minute.
    """

    idle: timedelta
    table: type[Row]
    prefix: str
    subject: InstrumentedAttribute[str]
    """The column that says whose session it is."""


@dataclass(frozen=True)
class SignedPurpose(Purpose):
    """Its session is the cookie alone, signed by us: nothing is kept before it is signed out.

    `token` is the purpose of the link's token, `session` of the cookie's, `subject` the name in it
    of what it opens. `visits`: the table that gets a row for every look.
    """

    token: str
    session: str
    subject: str
    visits: type[AccountantVisit] | None = None


CLIENT = RowPurpose(
    cookie="hf_client",
    longest=timedelta(hours=12),
    same_site="Lax",
    idle=timedelta(hours=2),
    table=ClientSession,
    prefix="ses",
    subject=ClientSession.client_id,
)
STAFF = RowPurpose(
    cookie="hf_staff",
    longest=timedelta(hours=12),
    same_site="Strict",
    idle=timedelta(hours=1),
    table=StaffSession,
    prefix="sts",
    subject=StaffSession.key_id,
)
NOTICE = SignedPurpose(
    cookie="hf_notice",
    longest=timedelta(hours=2),
    same_site="Lax",
    token="notice",  # noqa: S106
    session="notice_session",
    subject="h",
)
ACCOUNTANT = SignedPurpose(
    cookie="hf_accountant",
    longest=timedelta(hours=2),
    same_site="Lax",
    token="accountant",  # noqa: S106
    session="accountant_session",
    subject="l",
    visits=AccountantVisit,
)


def is_open(link: ClientLink | AccountantLink | ApiKey, now: datetime) -> bool:
    """Neither revoked nor past its time."""
    return link.revoked_at is None and (link.expires_at is None or link.expires_at > now)


def revoke(ctx: Context, link: ClientLink | AccountantLink) -> bool:
    """From this commit on it opens nothing, also in browsers that are inside.

    Returns False for one that was revoked before.
    """
    if link.revoked_at is not None:
        return False
    link.revoked_at = ctx.now
    return True


def digest(secret: str) -> str:
    """What is kept of a cookie or a link that opens once: SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Arrival(Generic[Row]):
    """A browser that has just come in: its cookie's value, and whether that is a new one."""

    cookie: str
    session: Row
    fresh: bool


def come_in(
    ctx: Context, purpose: RowPurpose[Row], subject: str, cookie: str, user_agent: str
) -> Arrival[Row]:
    """Let a browser in. It goes on with its live session where that is the same subject's; any
    other that its cookie had open is closed, for the browser forgets it.

    A fresh session is not flushed: the caller may have more to say of it.
    """
    known = _live(ctx, purpose, cookie) if cookie else None
    if known is not None and getattr(known, purpose.subject.key) == subject:
        known.last_seen_at = ctx.now
        return Arrival(cookie, known, fresh=False)
    close(ctx, purpose, cookie)
    value = secrets.token_urlsafe(32)
    made = purpose.table(
        id=new_id(purpose.prefix),
        digest=digest(value),
        user_agent=user_agent[:_LONGEST_BROWSER],
        created_at=ctx.now,
        last_seen_at=ctx.now,
        closed_at=None,
        **{purpose.subject.key: subject},
    )
    ctx.session.add(made)
    return Arrival(value, made, fresh=True)


def _live(ctx: Context, purpose: RowPurpose[Row], cookie: str) -> Row | None:
    table = purpose.table
    query = select(table).where(table.digest == digest(cookie), table.closed_at.is_(None))
    found = ctx.session.execute(query).scalar_one_or_none()
    return found if found is not None and _lasts(purpose, found, ctx.now) else None


class SessionTimes(Protocol):
    """Of a session's row, however it was read."""

    @property
    def created_at(self) -> datetime: ...
    @property
    def last_seen_at(self) -> datetime: ...


def _lasts(purpose: RowPurpose[Row], row: SessionTimes, now: datetime) -> bool:
    return now - row.last_seen_at <= purpose.idle and now - row.created_at <= purpose.longest


def look(ctx: Context, purpose: RowPurpose[Row], cookie: str, row: SessionTimes) -> bool:
    """Whether the session lasts still, which counts as a look. `row` is one that is not closed.

    Each purpose reads the row with what it opens in one statement of its own, by the cookie's
    digest: a look is on every page's way.
    """
    if not _lasts(purpose, row, ctx.now):
        return False
    if ctx.now - row.last_seen_at > _SEEN_GRAIN:
        ctx.session.execute(
            update(purpose.table)
            .where(purpose.table.digest == digest(cookie))
            .values(last_seen_at=ctx.now)
        )
    return True


def close(ctx: Context, purpose: RowPurpose[Row], cookie: str) -> None:
    """Sign this browser out. A cookie of nobody's changes nothing."""
    if cookie:
        mine = purpose.table.digest == digest(cookie)
        open_still = update(purpose.table).where(mine, purpose.table.closed_at.is_(None))
        ctx.session.execute(open_still.values(closed_at=ctx.now))


def close_all(ctx: Context, purpose: RowPurpose[Row], subject: str) -> None:
    """Sign a subject out of every browser."""
    open_still = update(purpose.table).where(
        purpose.subject == subject, purpose.table.closed_at.is_(None)
    )
    ctx.session.execute(open_still.values(closed_at=ctx.now))


@dataclass(frozen=True)
class Signed:
    """A browser whose cookie we signed, and what it opens."""

    session_id: str
    subject: str


def come_in_signed(
    ctx: Context, purpose: SignedPurpose, tokens: Tokens, subject: str, user_agent: str
) -> str:
    """Let a browser in; returns its cookie's value."""
    _note(ctx, purpose, subject, "opened", user_agent)
    inside = {purpose.subject: subject, "t": ctx.now.isoformat(), "s": secrets.token_urlsafe(18)}
    return tokens.sign(purpose.session, inside)


def look_signed(
    ctx: Context, purpose: SignedPurpose, tokens: Tokens, cookie: str, what: str, user_agent: str
) -> Signed | None:
    """Whose browser this is, with the look written down; None when its time is over, it was signed
    out, or it never came in. What it opens may have ended: the caller asks.
    """
    inside = _read(purpose, tokens, cookie)
    if inside is None or ctx.now - inside[1] > purpose.longest:
        return None
    who = inside[0]
    if form_keys.is_used(ctx, who.session_id):
        return None
    _note(ctx, purpose, who.subject, what, user_agent)
    return who


def close_signed(ctx: Context, purpose: SignedPurpose, tokens: Tokens, cookie: str) -> None:
    """Sign this browser out: a copy of its cookie opens nothing either.

    Its key is used up beside those of forms, which are kept for longer than any session lasts.
    """
    inside = _read(purpose, tokens, cookie)
    if inside is not None:
        form_keys.use(ctx, inside[0].session_id, "/sign-out")


def _read(purpose: SignedPurpose, tokens: Tokens, cookie: str) -> tuple[Signed, datetime] | None:
    try:
        inside = tokens.read(purpose.session, cookie)
    except BadToken:
        return None
    return Signed(inside["s"], inside[purpose.subject]), datetime.fromisoformat(inside["t"])


def _note(ctx: Context, purpose: SignedPurpose, subject: str, what: str, user_agent: str) -> None:
    if purpose.visits is not None:
        seen = purpose.visits(
            link_id=subject,
            what=what[:_LONGEST_VISIT],
            user_agent=user_agent[:_LONGEST_BROWSER],
            at=ctx.now,
        )
        ctx.session.add(seen)
