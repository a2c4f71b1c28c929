"""How staff come into the console: browser sessions of a staff key, and links that open one once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.domain.actors import Actor
from service.models.base import Base, TypeID


class StaffSession(Base):
    """A browser that acts for a staff key. `proved_at`: when it last showed the key, or a fresh link."""

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
