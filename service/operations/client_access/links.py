"""The link in a client's email: which one stands, for how long, and whose mailbox it goes to."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from service.core import events
from service.core.context import Context
from service.domain.errors import Gone, NotFound, TooManyRequests
from service.models import ClientLink, Contract, new_id
from service.shared import link_sessions

PAYER = "payer"


STRENGTH = {"viewer": 0, "pay_only": 1, PAYER: 2}
"""Of links that one browser was opened by, the strongest that lives counts."""


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
    return link or make(ctx, contract, role, lasts=_life(ctx, contract))


def make(
    ctx: Context, contract: Contract, role: str, *, lasts: timedelta, passed_to: str | None = None
) -> ClientLink:
    """A fresh link, its email not yet asked for; `passed_to` a colleague, or the client's own."""
    link = ClientLink(
        id=new_id("lnk"),
        contract_id=contract.id,
        client_id=contract.client_id,
        role=role,
        passed_to=passed_to,
        revision=1,
        created_at=ctx.now,
        expires_at=ctx.now + lasts,
        revoked_at=None,
    )
    ctx.session.add(link)
    return link


def made_within_the_hour(ctx: Context, contract: Contract, *which: ColumnElement[bool]) -> int:
    """How many links of a contract, of those that `which` says."""
    query = (
        select(func.count())
        .select_from(ClientLink)
        .where(
            ClientLink.contract_id == contract.id,
            ClientLink.created_at > ctx.now - timedelta(hours=1),
            *which,
        )
    )
    return ctx.session.execute(query).scalar_one()


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
    if not link_sessions.is_open(link, ctx.now):
        raise Gone("This link has ended.")
    if link.client_id != ctx.session.get_one(Contract, link.contract_id).client_id:
        raise Gone("The contract has moved to another address.")


def renew(ctx: Context, link: ClientLink, contract: Contract) -> None:
    """Mail a fresh link to the same address; at most three an hour.

    Nothing tells whether the address is right.
    """
    if made_within_the_hour(ctx, contract) >= 3:
        raise TooManyRequests(
            "A new link was sent already; please look into the mailbox.", {"retry_after": 3600}
        )
    fresh = make(ctx, contract, link.role, lasts=_life(ctx, contract), passed_to=link.passed_to)
    events.record(ctx, "link.renewed", contract, public=False, link=fresh.id)


def address_of(link: ClientLink, contract: Contract) -> str:
    """Whose mailbox a link belongs to: the client's, or the colleague's to whom it was passed
    on.
    """
    return link.passed_to or contract.client.email
