"""Who may open a contract beside the client's own link: a colleague it was passed on to, and the
client at a new address.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from service.core import events, queue, repository, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import Invalid, NotFound, StateConflict, TooManyRequests
from service.domain.identity.typeid import ObjectKind
from service.domain.states.job_types import JobType
from service.escrow.states import touch
from service.models import ClientLink, ClientSession, Contract, EmailChange, SessionGrant, new_id
from service.operations.client_access import links
from service.shared import clients, link_sessions, outreach
from service.shared.outreach import EmailKind

COLLEAGUE_ROLES = ("pay_only", "viewer")
PASSED_ON_PER_HOUR = 5
REISSUED_PER_HOUR = 3
_LIFE = timedelta(days=30)


def pass_on(ctx: Context, contract: Contract, email: str, role: str) -> ClientLink:
    """Give a colleague a link of their own: to pay, or only to look; never to decide.

    Raises Invalid, TooManyRequests.
    """
    if role not in COLLEAGUE_ROLES:
        raise Invalid.one("role", "unknown_role", "Choose what your colleague may do.")
    if (
        links.made_within_the_hour(ctx, contract, ClientLink.passed_to.is_not(None))
        >= PASSED_ON_PER_HOUR
    ):
        raise TooManyRequests(
            "The link was passed on five times within the hour; please wait.", {"retry_after": 3600}
        )
    outreach.count(ctx, contract, EmailKind.PASSED_ON, email)
    link = links.make(ctx, contract, role, lasts=_LIFE, passed_to=email)
    events.record(ctx, "link.passed_on", contract, public=False, link=link.id, role=role)
    return link


def reissue(ctx: Context, contract: Contract, *, revoke_old: bool) -> ClientLink:
    """Mail the client a fresh link at the freelancer's wish, at most three an hour; older ones end
    only when that is asked for.
    """
    own = ClientLink.passed_to.is_(None)
    if links.made_within_the_hour(ctx, contract, own) >= REISSUED_PER_HOUR:
        raise TooManyRequests("A new link was sent already.", {"retry_after": 3600})
    outreach.count(ctx, contract, EmailKind.LINK)
    if revoke_old:
        _revoke_all(ctx, contract, own)
    link = links.make(ctx, contract, links.PAYER, lasts=_LIFE)
    events.record(ctx, "link.renewed", contract, public=False, link=link.id)
    return link


def _revoke_all(ctx: Context, contract: Contract, *which: ColumnElement[bool]) -> None:
    old = update(ClientLink).where(
        ClientLink.contract_id == contract.id, ClientLink.revoked_at.is_(None), *which
    )
    ctx.session.execute(old.values(revoked_at=ctx.now))


def passed_on(session: Session, contract: Contract) -> list[ClientLink]:
    """Links that colleagues hold, newest first."""
    query = select(ClientLink).where(
        ClientLink.contract_id == contract.id,
        ClientLink.passed_to.is_not(None),
        ClientLink.revoked_at.is_(None),
    )
    return list(session.execute(query.order_by(ClientLink.id.desc()).limit(100)).scalars())


def revoke(ctx: Context, contract: Contract, link_id: str) -> None:
    """From this commit on that link, and every browser that came in by it, sees nothing.

    Raises NotFound.
    """
    missing, whose = "There is no such link.", ClientLink.contract_id
    link: ClientLink = repository.owned(
        ctx.session,
        ClientLink,
        ObjectKind.CLIENT_LINK,
        link_id,
        owner=contract.id,
        missing=missing,
        whose=whose,
    )
    if link_sessions.revoke(ctx, link):
        events.record(ctx, "link.revoked", contract, public=False, link=link.id)


def change_email(ctx: Context, contract: Contract, new_email: str) -> None:
    """The client moves the contract to another mailbox of theirs; the caller has proved the present
    one by a code.

    Old links and sessions end, the new address gets a link, the old one is told. Raises Invalid.
    """
    address = clients.normalised(new_email)
    before = contract.client.email
    if address == before:
        raise Invalid.one("email", "same_address", "This is the present address.")
    if address == clients.normalised(contract.freelancer.email):
        raise Invalid.one("email", "own_address", "A contract needs two people.")
    outreach.count(ctx, contract, EmailKind.MOVED, address)
    client, alias = clients.find_or_make(ctx, contract.freelancer_id, address)
    _revoke_all(ctx, contract)
    granted = select(SessionGrant.session_id).where(SessionGrant.contract_id == contract.id)
    ctx.session.execute(
        update(ClientSession)
        .where(ClientSession.id.in_(granted), ClientSession.client_id == contract.client_id)
        .values(closed_at=ctx.now)
    )
    contract.client_id, contract.client_alias_id, contract.client = client.id, alias.id, client
    events.record(ctx, "contract.client_email_changed", contract, old_address=before)
    touch(ctx, contract)


def ask_email_change(ctx: Context, contract: Contract, new_email: str) -> EmailChange:
    """The mailbox is lost: staff start the change, the old address has seven days to object,
    nothing binds meanwhile. Raises StateConflict.
    """
    if pending_change(ctx.session, contract.id) is not None:
        raise StateConflict(
            "A change is under way already.",
            {"current_state": contract.state, "allowed_actions": []},
        )
    change = EmailChange(
        id=new_id("emc"),
        contract_id=contract.id,
        new_email=clients.normalised(new_email),
        asked_by=ctx.actor,
        asked_at=ctx.now,
        takes_effect_at=ctx.now + timedelta(days=ctx.policies.windows.email_change_days),
        ended_at=None,
    )
    ctx.session.add(change)
    events.record(
        ctx,
        "contract.email_change_asked",
        contract,
        takes_effect_at=change.takes_effect_at.isoformat(),
    )
    queue.enqueue(ctx, JobType.EMAIL_CHANGE_DUE, change.id, change.takes_effect_at)
    return change


def object_to_change(ctx: Context, contract: Contract) -> None:
    """From the old address: that was not me. Raises NotFound when nothing is pending."""
    change = pending_change(ctx.session, contract.id)
    if change is None:
        raise NotFound("No change is under way.")
    change.ended_at = ctx.now
    events.record(ctx, "contract.email_change_stopped", contract)
    staff_tasks.open_task(
        ctx, TaskType.EMAIL_CHANGE_STOPPED, contract.id, asked_by=str(change.asked_by)
    )


def take_effect(ctx: Context, contract: Contract, change: EmailChange) -> bool:
    """Seven days without an objection. Returns False when it was stopped."""
    if change.ended_at is not None or change.takes_effect_at > ctx.now:
        return False
    change.ended_at = ctx.now
    change_email(ctx, contract, change.new_email)
    return True


def pending_change(session: Session, contract_id: str) -> EmailChange | None:
    return session.execute(
        select(EmailChange).where(
            EmailChange.contract_id == contract_id, EmailChange.ended_at.is_(None)
        )
    ).scalar_one_or_none()


def find_change(session: Session, change_id: str) -> EmailChange:
    return session.get_one(EmailChange, change_id)
