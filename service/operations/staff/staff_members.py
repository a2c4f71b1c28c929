"""People of staff and their keys: made by the owner of the database, or by two of them; ended by
one.
"""

from __future__ import annotations

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.core import events
from service.core.context import Context
from service.domain.errors import Forbidden, Invalid, NotFound, StateConflict
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.models import ApiKey, KeyRequest, StaffMember, new_id
from service.platform.db import constraint_of


def find(session: Session, staff_id: str) -> StaffMember:
    """Raises NotFound."""
    found = (
        session.get(StaffMember, staff_id)
        if typeid.is_typeid(staff_id, ObjectKind.STAFF_MEMBER)
        else None
    )
    if found is None:
        raise NotFound("There is no such person of staff.")
    return found


def listed(session: Session) -> list[StaffMember]:
    """Everybody, also who has left, newest first; at most 200."""
    return list(
        session.execute(select(StaffMember).order_by(StaffMember.id.desc()).limit(200)).scalars()
    )


def engage(ctx: Context, name: str, email: str | None, role: str) -> StaffMember:
    """The person of this name and address, who may now have keys of `role`: somebody who is there
    already, or a new row.

    For the owner's command line; PostgreSQL refuses it to the application. Two people of one name
    need two addresses. Raises Invalid when the address is somebody else's, StateConflict for a
    person who has left.
    """
    spoken = " ".join(name.split())
    if not spoken:
        raise Invalid.one("/name", "name", "A person has a name.")
    person = _known(ctx.session, spoken, email)
    if person is None:
        person = StaffMember(
            id=new_id("stf"),
            name=spoken,
            email=email,
            roles=[],
            created_by=ctx.actor,
            created_at=ctx.now,
            ended_at=None,
        )
        ctx.session.add(person)
    if person.ended_at is not None:
        raise StateConflict(
            "This person has left.", {"current_state": "ended", "allowed_actions": []}
        )
    if role not in person.roles:
        person.roles = sorted([*person.roles, role])
    person.email = person.email or email
    ctx.session.flush()
    return person


def _known(session: Session, name: str, email: str | None) -> StaffMember | None:
    if email is not None:
        by_email = session.execute(
            select(StaffMember).where(StaffMember.email == email)
        ).scalar_one_or_none()
        if by_email is not None and by_email.name.lower() != name.lower():
            raise Invalid.one("/email", "taken", f"This is the address of {by_email.name}.")
        if by_email is not None:
            return by_email
    # Of one name, and one of them without an address: the same person, as long as nobody says
    # otherwise.
    alike = (
        select(StaffMember)
        .where(func.lower(StaffMember.name) == name.lower())
        .order_by(StaffMember.id)
    )
    found = list(session.execute(alike).scalars())
    return next((one for one in found if email is None or one.email is None), None)


def leave(ctx: Context, person: StaffMember) -> StaffMember:
    """From this commit on no key and no browser of theirs opens anything. Twice is the same."""
    if person.ended_at is None:
        person.ended_at = ctx.now
        events.record(ctx, "staff.left", person, public=False)
    return person


def ask_key(
    ctx: Context, secret: str, role: str, *, staff_id: str | None, name: str, email: str | None
) -> KeyRequest:
    """Somebody with `staff:write` asks for a key; `secret` is their own, which PostgreSQL checks
    itself.

    Raises NotFound for an unknown person, Invalid when the address is taken.
    """
    if staff_id is not None:
        person = find(ctx.session, staff_id)
        name, email = person.name, person.email
    elif (
        email
        and ctx.session.execute(select(StaffMember.id).where(StaffMember.email == email)).first()
    ):
        raise Invalid.one(
            "/email", "taken", "Somebody of staff has this address; name them by `staff`."
        )
    asked = new_id("krq")
    _call(
        ctx,
        "SELECT key_ask(:id, :secret, :role, :staff, :name, :email)",
        id=typeid.decode(asked),
        secret=secret,
        role=role,
        staff=typeid.decode(staff_id) if staff_id else None,
        name=name,
        email=email,
    )
    found = ctx.session.get_one(KeyRequest, asked)
    events.record(ctx, "key.asked", found, public=False, role=role)
    return found


def approve_key(
    ctx: Context, secret: str, request_id: str, fresh: str, digest: str
) -> tuple[KeyRequest, ApiKey]:
    """Another person with `staff:approve` makes it; `fresh` is the new key's secret, `digest` what
    is kept of it.

    Raises NotFound, Forbidden for whoever asked, StateConflict when it is made already.
    """
    known = typeid.is_typeid(request_id, ObjectKind.KEY_REQUEST)
    query = select(KeyRequest).where(KeyRequest.id == request_id)
    asked = ctx.session.execute(query).scalar_one_or_none() if known else None
    if asked is None:
        raise NotFound("There is no such request.")
    if asked.approved_at is not None:
        raise StateConflict(
            "This key was made already.", {"current_state": "approved", "allowed_actions": []}
        )
    key_id = new_id("key")
    _call(
        ctx,
        "SELECT key_approve(:id, :secret, :key, :person, :digest, :hint)",
        id=typeid.decode(request_id),
        secret=secret,
        key=typeid.decode(key_id),
        person=typeid.decode(new_id("stf")),
        digest=digest,
        hint=fresh[-4:],
    )
    ctx.session.refresh(asked)
    key = ctx.session.get_one(ApiKey, key_id)
    events.record(ctx, "key.issued", key, public=False, role=key.role)
    return asked, key


def requests(session: Session) -> list[KeyRequest]:
    """Newest first, at most 100."""
    return list(
        session.execute(select(KeyRequest).order_by(KeyRequest.id.desc()).limit(100)).scalars()
    )


def _call(ctx: Context, statement: str, **given: object) -> None:
    try:
        ctx.session.execute(text(statement), given)
    except DBAPIError as refused:
        if constraint_of(refused) == "another_person":
            raise Forbidden("Another person has to approve it.") from refused
        if constraint_of(refused) in ("key_ask", "key_approve", "key_within_person"):
            raise Forbidden("This key may not do that.") from refused
        # A secret is among them, and errors are logged.
        refused.hide_parameters = True
        raise
