"""Holds, what they did, what a person is asked for, and suspensions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.domain.identity.actors import Actor
from service.domain.states.lifecycle import APPEAL, HOLD
from service.domain.states.restrictions import SUBJECTS
from service.models.base import Base, TypeID, one_of

LEVELS = ("restricted", "blocked")
DISCLOSURES = ("full", "restricted")


class Hold(Base):
    """A freeze: an overlay on a person, contract, milestone, payment or payout, never a state of
    it.

    `subject_id` is the bare UUID: the ledger's gates are found by it. `freelancer_id` is whose
    concern it is, if anybody's.
    """

    __tablename__ = "hold"
    __table_args__ = (
        one_of("state", HOLD.states),
        one_of("subject_kind", tuple(SUBJECTS)),
        one_of("disclosure", DISCLOSURES),
        CheckConstraint("jsonb_array_length(scopes) > 0", name="stops_something"),
        CheckConstraint(
            "amount_minor IS NULL OR (amount_minor > 0 AND currency IS NOT NULL AND subject_kind "
            "= 'freelancer')",
            name="amount_of_a_person",
        ),
        CheckConstraint("confirmed_by IS DISTINCT FROM opened_by", name="confirmed_by_another"),
        CheckConstraint("NOT automated OR rule_id IS NOT NULL", name="rule_named"),
        Index(
            "hold_in_force_idx",
            "subject_id",
            postgresql_where="state IN ('active', 'in_review', 'converted')",
        ),
        Index("hold_by_freelancer_idx", "freelancer_id", "id"),
    )

    id: Mapped[str] = mapped_column(TypeID("hld"), primary_key=True)
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID] = mapped_column(PgUUID(as_uuid=True))
    freelancer_id: Mapped[str | None] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    state: Mapped[str]
    scopes: Mapped[list[str]]
    amount_minor: Mapped[int | None]
    currency: Mapped[str | None]
    reason_code: Mapped[str]
    clause: Mapped[str]
    facts: Mapped[str]
    """What it relies on, as the person reads it."""
    internal_note: Mapped[str]
    disclosure: Mapped[str]
    automated: Mapped[bool]
    rule_id: Mapped[str | None]
    opened_by: Mapped[Actor]
    confirm_by: Mapped[datetime | None]
    """When it ends by itself unless a second person confirms it."""
    confirmed_by: Mapped[Actor | None]
    renewals: Mapped[int] = mapped_column(default=0)
    renewed_by: Mapped[Actor | None]
    starts_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    review_due_at: Mapped[datetime]
    appeal_until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[Actor | None]
    end_reason: Mapped[str | None]

    effects: Mapped[list[HoldEffect]] = relationship(
        order_by="HoldEffect.number", cascade="all, delete-orphan", lazy="selectin"
    )
    requirements: Mapped[list[Requirement]] = relationship(
        order_by="Requirement.number", cascade="all, delete-orphan", lazy="selectin"
    )


class HoldEffect(Base):
    """What was under way when the hold landed, and what became of it."""

    __tablename__ = "hold_effect"

    hold_id: Mapped[str] = mapped_column(TypeID("hld"), ForeignKey("hold.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    object_id: Mapped[str]
    what: Mapped[str]
    outcome: Mapped[str]
    at: Mapped[datetime]


class Requirement(Base):
    """Something the person can do about it, by a date."""

    __tablename__ = "requirement"
    __table_args__ = (
        one_of("state", ("open", "given", "accepted", "refused")),
        UniqueConstraint("id"),
    )

    hold_id: Mapped[str] = mapped_column(TypeID("hld"), ForeignKey("hold.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(TypeID("req"))
    kind: Mapped[str]
    state: Mapped[str]
    due_at: Mapped[datetime]
    answer: Mapped[str | None]
    file_ids: Mapped[list[str]] = mapped_column(default=list)
    answered_at: Mapped[datetime | None]


class Appeal(Base):
    """A person asks somebody else to decide again.

    One at a time, and once more with something new.
    """

    __tablename__ = "appeal"
    __table_args__ = (
        one_of("state", APPEAL.states),
        Index(
            "appeal_one_open_idx",
            "hold_id",
            unique=True,
            postgresql_where="state IN ('submitted', 'in_review')",
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("apl"), primary_key=True)
    hold_id: Mapped[str] = mapped_column(TypeID("hld"), ForeignKey("hold.id"))
    freelancer_id: Mapped[str | None] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    state: Mapped[str]
    statement: Mapped[str]
    file_ids: Mapped[list[str]] = mapped_column(default=list)
    filed_at: Mapped[datetime]
    first_answer_by: Mapped[datetime]
    decide_by: Mapped[datetime]
    reviewed_by: Mapped[Actor | None]
    reasons: Mapped[str | None]
    decided_at: Mapped[datetime | None]


class Suspension(Base):
    """A status of a person; what it stops is the one hold that it made."""

    __tablename__ = "suspension"
    __table_args__ = (
        one_of("level", LEVELS),
        one_of("person_kind", ("freelancer", "client")),
        Index(
            "suspension_one_at_a_time_idx",
            "person_id",
            unique=True,
            postgresql_where="ended_at IS NULL",
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("sus"), primary_key=True)
    person_kind: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(PgUUID(as_uuid=True))
    level: Mapped[str]
    hold_id: Mapped[str] = mapped_column(TypeID("hld"), ForeignKey("hold.id"))
    started_by: Mapped[Actor]
    started_at: Mapped[datetime]
    until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[Actor | None]
    end_reason: Mapped[str | None]
