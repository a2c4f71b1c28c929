"""Confiscation cases: what shall be taken, to whom it goes, who agreed, and what was given back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.domain.identity.actors import Actor
from service.domain.states.lifecycle import CASE
from service.domain.states.names import CaseState
from service.models.base import Base, TypeID, one_of

CASE_ACCOUNTS = ("escrow", "available", "pending", "reserve")
CASE_TARGETS = (
    "client",
    "same_contract_refund",
    "same_contract_chargeback",
    "authority",
    "proven_loss",
    "remainder_to_person",
    "forfeit",
)


class Confiscation(Base):
    """Never the platform's by itself: money of a case stays a liability until each line has reached
    its target.
    """

    __tablename__ = "confiscation"
    __table_args__ = (
        one_of("state", CASE.states),
        CheckConstraint(
            "state IN ('drafted', 'dropped') OR answer_until IS NOT NULL",
            name="noticed_with_time_to_answer",
        ),
        Index(
            "confiscation_one_per_hold_idx",
            "hold_id",
            unique=True,
            postgresql_where="state NOT IN ('dropped', 'reversed')",
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("cas"), primary_key=True)
    hold_id: Mapped[str] = mapped_column(TypeID("hld"), ForeignKey("hold.id"))
    freelancer_id: Mapped[str] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    state: Mapped[str]
    currency: Mapped[str]
    clause: Mapped[str]
    facts: Mapped[str]
    evidence: Mapped[list[str]]
    opened_by: Mapped[Actor]
    opened_at: Mapped[datetime]
    noticed_at: Mapped[datetime | None]
    answer_until: Mapped[datetime | None]
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None]
    """When an appeal gave a part of it back."""
    executed_by: Mapped[Actor | None]
    executed_at: Mapped[datetime | None]
    final_at: Mapped[datetime | None]
    """When forfeited money became the platform's."""
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[Actor | None]
    end_reason: Mapped[str | None]

    lines: Mapped[list[CaseLine]] = relationship(
        order_by="CaseLine.number", cascade="all, delete-orphan", lazy="selectin"
    )
    approvals: Mapped[list[CaseApproval]] = relationship(
        order_by="CaseApproval.approved_at", cascade="all, delete-orphan", lazy="selectin"
    )

    @property
    def agreed(self) -> list[Actor]:
        """Who has approved the case with the whole answer read."""
        return [a.approved_by for a in self.approvals if a.answer_read_at == self.answered_at]

    @property
    def edition(self) -> str:
        """Which of its papers is true: another one after each decision."""
        parts = sum(line.restored_parts for line in self.lines)
        return f"{self.state}:{parts}" if self.state == CaseState.EXECUTED and parts else self.state


class CaseLine(Base):
    """One sum from one account to one target: a posting of its own when the case is executed."""

    __tablename__ = "case_line"
    __table_args__ = (
        one_of("account", CASE_ACCOUNTS),
        one_of("target", CASE_TARGETS),
        CheckConstraint(
            "amount_minor > 0 AND restored_minor BETWEEN 0 AND amount_minor", name="amounts"
        ),
        CheckConstraint(
            "account NOT IN ('escrow', 'pending') OR milestone_id IS NOT NULL",
            name="of_a_milestone",
        ),
        CheckConstraint(
            "(target = 'same_contract_chargeback') = (chargeback_id IS NOT NULL)",
            name="of_a_chargeback",
        ),
    )

    case_id: Mapped[str] = mapped_column(
        TypeID("cas"), ForeignKey("confiscation.id"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    milestone_id: Mapped[str | None] = mapped_column(TypeID("mst"), ForeignKey("milestone.id"))
    amount_minor: Mapped[int]
    target: Mapped[str]
    chargeback_id: Mapped[str | None] = mapped_column(
        TypeID("cbk"), ForeignKey("chargeback.id"), index=True
    )
    """Which one it pays for; from `reserve`, out of what that chargeback has set aside."""
    refund_id: Mapped[str | None] = mapped_column(TypeID("ref"), ForeignKey("refund.id"))
    restored_minor: Mapped[int] = mapped_column(default=0)
    restored_parts: Mapped[int] = mapped_column(default=0)
    """By how many decisions."""
    restore_note: Mapped[str | None]


class CaseApproval(Base):
    """One of the two people who agreed.

    PostgreSQL refuses whoever opened the case or its hold, and the same person twice.
    """

    __tablename__ = "case_approval"

    case_id: Mapped[str] = mapped_column(
        TypeID("cas"), ForeignKey("confiscation.id"), primary_key=True
    )
    approved_by: Mapped[Actor] = mapped_column(primary_key=True)
    approved_at: Mapped[datetime] = mapped_column(primary_key=True)
    answer_read_at: Mapped[datetime | None] = mapped_column(server_default=FetchedValue())
    """Of when the answer was that was read; PostgreSQL fills it in."""
