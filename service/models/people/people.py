"""Who takes part: freelancers, clients, the names freelancers know clients by, and API keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.models.base import Base, TypeID, one_of

STAFF_ROLES = ("finance", "safety", "approver", "reviewer", "admin")
ROLES = ("freelancer", "platform", *STAFF_ROLES)
_STAFF_ROLES = ", ".join(f"'{role}'" for role in STAFF_ROLES)


class Freelancer(Base):
    """Someone of the marketplace who makes contracts here; `external_ref` is the marketplace's own
    id.
    """

    __tablename__ = "freelancer"

    id: Mapped[str] = mapped_column(TypeID("frl"), primary_key=True)
    external_ref: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    display_name: Mapped[str]
    country: Mapped[str]
    created_at: Mapped[datetime]


class Client(Base):
    """One per normalised e-mail on the whole platform; never an account, never shown to freelancers
    as such.
    """

    __tablename__ = "client"

    id: Mapped[str] = mapped_column(TypeID("cli"), primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class ClientAlias(Base):
    """The id under which one freelancer knows a client, so that nobody learns whether the client
    was here before.
    """

    __tablename__ = "client_alias"
    __table_args__ = (UniqueConstraint("freelancer_id", "client_id"),)

    id: Mapped[str] = mapped_column(TypeID("cli"), primary_key=True)
    freelancer_id: Mapped[str] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    client_id: Mapped[str] = mapped_column(TypeID("cli"), ForeignKey("client.id"))


class ApiKey(Base):
    """A credential, stored as the SHA-256 of a 256-bit secret that is shown once."""

    __tablename__ = "api_key"
    __table_args__ = (
        one_of("role", ROLES),
        CheckConstraint(
            "(role = 'freelancer') = (freelancer_id IS NOT NULL)",
            name="freelancer_key_has_freelancer",
        ),
        CheckConstraint(
            f"(role IN ({_STAFF_ROLES})) = (staff_id IS NOT NULL)",
            name="staff_key_has_person",
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("key"), primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    hint: Mapped[str]
    name: Mapped[str | None]
    """What it is for: of a marketplace's key; a key of staff says whose it is by `staff_id`."""
    role: Mapped[str]
    freelancer_id: Mapped[str | None] = mapped_column(
        TypeID("frl"), ForeignKey("freelancer.id"), index=True
    )
    staff_id: Mapped[str | None] = mapped_column(
        TypeID("stf"),
        ForeignKey("staff_member.id"),
        index=True,
    )
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
