"""What counts and what does not: feedback, and answers to "may I use this for this client?"."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.models.base import Base, TypeID


class Feedback(Base):
    """What one side says of a closed contract.

    The kind is part of the key: the database itself has no row for a direct one.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        ForeignKeyConstraint(["contract_id", "contract_kind"], ["contract.id", "contract.kind"]),
        CheckConstraint("contract_kind <> 'direct'", name="never_on_a_direct_contract"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        Index("feedback_by_freelancer_idx", "freelancer_id", "contract_id"),
    )

    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), primary_key=True)
    contract_kind: Mapped[str]
    freelancer_id: Mapped[str] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    rating: Mapped[int]
    words: Mapped[str]
    given_at: Mapped[datetime]


class PreCheck(Base):
    """An answer that can be cited later: what was asked, what was said, and by which policies."""

    __tablename__ = "pre_check"

    id: Mapped[str] = mapped_column(TypeID("pck"), primary_key=True)
    freelancer_id: Mapped[str] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    client_email: Mapped[str]
    relation: Mapped[str]
    kind: Mapped[str]
    allowed: Mapped[bool]
    findings: Mapped[list[dict[str, object]]]
    policy_version: Mapped[str]
    asked_at: Mapped[datetime]
