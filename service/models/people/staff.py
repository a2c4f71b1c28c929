"""How staff come into the console: browser sessions of a staff key, and links that open one
once.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.domain.identity.actors import Actor
from service.models.base import Base, TypeID, one_of


class StaffMember(Base):
    """A person of staff.

    Keys and browsers belong to them, and what they did bears their id, whichever key they used.
    """

    __tablename__ = "staff_member"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="has_name"),
        Index("staff_member_email_key", "email", unique=True),
    )

    id: Mapped[str] = mapped_column(TypeID("stf"), primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None]
    """Normalised; unknown of people whose keys are older than this table."""
    roles: Mapped[list[str]]
    """What keys of theirs may be for."""
    created_by: Mapped[Actor]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """From this instant on none of their keys and browsers opens anything."""


class KeyRequest(Base):
    """A key of staff or of the marketplace that one person asked for: another one has to approve
    it.
    """

    __tablename__ = "key_request"
    __table_args__ = (
        one_of("role", ("platform", "finance", "safety", "approver", "reviewer", "admin")),
        CheckConstraint(
            "num_nulls(approved_by, approved_at, key_id) IN (0, 3)", name="approved_whole"
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("krq"), primary_key=True)
    role: Mapped[str]
    staff_id: Mapped[str | None] = mapped_column(TypeID("stf"), ForeignKey("staff_member.id"))
    """For somebody who is there already; else `name` and `email` make a person when it is approved.
    """
    name: Mapped[str]
    email: Mapped[str | None]
    asked_by: Mapped[Actor]
    asked_at: Mapped[datetime]
    approved_by: Mapped[Actor | None]
    approved_at: Mapped[datetime | None]
    key_id: Mapped[str | None] = mapped_column(TypeID("key"), ForeignKey("api_key.id"))


class StaffSession(Base):
    """A browser that acts for a staff key.

    `proved_at`: when it last showed the key, or a fresh link.
    """

    __tablename__ = "staff_session"
    __table_args__ = (Index("staff_session_by_key_idx", "key_id"),)

    id: Mapped[str] = mapped_column(TypeID("sts"), primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    key_id: Mapped[str] = mapped_column(TypeID("key"), ForeignKey("api_key.id"))
    user_agent: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    proved_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class StaffLink(Base):
    """Opens the console once, within fifteen minutes; stored as a digest."""

    __tablename__ = "staff_link"

    digest: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(TypeID("key"), ForeignKey("api_key.id"))
    created_by: Mapped[Actor]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
