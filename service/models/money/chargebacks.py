"""When the client's bank takes a payment back: the chargeback, exactly which money it locks,
Stripe's early warnings.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.domain.identity.actors import Actor
from service.domain.states.lifecycle import CHARGEBACK
from service.models.base import Base, TypeID, one_of


class Chargeback(Base):
    """A bank's dispute of one charge.

    `protected`: the freelancer met the evidence checklist, so the platform bears a loss.
    """

    __tablename__ = "chargeback"
    __table_args__ = (
        one_of("state", CHARGEBACK.states),
        CheckConstraint("amount_minor > 0 AND fee_minor >= 0", name="amounts"),
        Index("chargeback_by_payment_idx", "payment_id"),
    )

    id: Mapped[str] = mapped_column(TypeID("cbk"), primary_key=True)
    payment_id: Mapped[str] = mapped_column(TypeID("pay"), ForeignKey("payment.id"))
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    stripe_dispute_id: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    stripe_status: Mapped[str]
    reason: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    fee_minor: Mapped[int]
    locked: Mapped[bool]
    round: Mapped[int] = mapped_column(default=1)
    """Counts how often the bank has pulled the money: once more when it takes a won case up again.
    """
    protected: Mapped[bool | None]
    evidence_due_at: Mapped[datetime | None]
    submit_by: Mapped[datetime | None]
    pack_file_id: Mapped[str | None] = mapped_column(TypeID("fil"), ForeignKey("file.id"))
    stripe_file_id: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    lines: Mapped[list[ChargebackLine]] = relationship(
        order_by="ChargebackLine.number", lazy="selectin", cascade="all, delete-orphan"
    )

    @property
    def found(self) -> list[ChargebackLine]:
        """Where the money was when the bank pulled it this time."""
        return [line for line in self.lines if line.round == self.round]


class ChargebackLine(Base):
    """A part of the charged-back amount and where it was found: still in escrow, released but here,
    paid out, or only the platform's to bear.

    `cleared`: a confiscation case has paid for it, whatever the bank decides.
    """

    __tablename__ = "chargeback_line"
    __table_args__ = (
        one_of(
            "place",
            ("escrow", "unclaimed", "pending", "available", "paid_out", "platform", "cleared"),
        ),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    chargeback_id: Mapped[str] = mapped_column(
        TypeID("cbk"), ForeignKey("chargeback.id"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    round: Mapped[int]
    place: Mapped[str]
    milestone_id: Mapped[str | None] = mapped_column(TypeID("mst"), ForeignKey("milestone.id"))
    amount_minor: Mapped[int]
    milestone_was: Mapped[str | None]
    review_left_seconds: Mapped[int | None]


class FraudWarning(Base):
    """Stripe's early fraud warning about a charge: often a chargeback follows."""

    __tablename__ = "fraud_warning"

    stripe_id: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[str] = mapped_column(TypeID("pay"), ForeignKey("payment.id"))
    fraud_type: Mapped[str]
    actionable: Mapped[bool]
    seen_at: Mapped[datetime]


class FloatMovement(Base):
    """The platform's own money put in or taken out, asked by one person and approved by another."""

    __tablename__ = "float_movement"
    __table_args__ = (
        one_of("direction", ("in", "out")),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("approved_by IS NULL OR approved_by <> asked_by", name="two_people"),
    )

    id: Mapped[str] = mapped_column(TypeID("flt"), primary_key=True)
    currency: Mapped[str]
    amount_minor: Mapped[int]
    direction: Mapped[str]
    reference: Mapped[str]
    asked_by: Mapped[Actor]
    asked_at: Mapped[datetime]
    approved_by: Mapped[Actor | None]
    approved_at: Mapped[datetime | None]
